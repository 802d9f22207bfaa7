"""The identities of a store in Table Storage; shared/tables/identity_rows.py says what their rows are."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import batched, islice

from azure.core import MatchConditions
from azure.data.tables import UpdateMode

from shared.rules.former import Former
from shared.rules.history import Event, EventKind
from shared.rules.identity import Account, DoneBy, Identity
from shared.rules.mail.due import MailDue
from shared.rules.search_terms import search_prefix
from shared.tables.by_time import inverted
from shared.tables.entity_text import gather
from shared.tables.identity_rows import (
    PERSON_COLUMNS,
    AccountRecord,
    Listed,
    Lookup,
    MembershipUpdate,
    Person,
    Row,
    Stored,
    StoredMail,
    StoredMembershipUpdate,
    Waits,
    account_row,
    arrival_key,
    claim,
    counts_as_active,
    event_row,
    former_key,
    former_row,
    is_id,
    mail_row,
    membership_update_row,
    person_from,
    rows_of,
    stored_from,
)
from shared.tables.service import our_errors
from shared.tables.store_rows import AFTER_ALL, Operation, StoreRows, remove_rows
from shared.threads import in_parallel

READERS = 8
"""That read one identity each at the same time: more would only wait for each other in one Python process."""
SEVERAL = 8
"""Fewer are read one by one at once."""
MOST_IN_A_PAGE = 1000
"""https://learn.microsoft.com/rest/api/storageservices/query-timeout-and-pagination"""
_LAST = "~"
"""Sorts behind everything that a text for searching is made of."""
MOST_TEXTS = 5
"""Rows by which one person is found: the words of his name, and his userName."""
GIVEN_UP = "The account became that of another object of this userName in Entra, while this one is in its recycle bin."
SAMPLE = 400
"""People counted, before the rest is estimated."""


class Identities(StoreRows):
    """Reads and writes identities. Every method raises TablesBusy where the account does not answer."""

    def read(self, store: str, identity_id: str) -> Stored | None:
        """One identity, or None. One round trip."""
        found = self._get(store, f"id:{identity_id}") if is_id(identity_id) else None
        return stored_from(*found) if found else None

    def several(self, store: str, ids: Sequence[str]) -> dict[str, Stored]:
        """Those of these identities that are there, by their ids.

        Neighbours, as everybody is in a first sync, come in one round trip for a thousand; others in one for each,
        after one that looked for neighbours.
        """
        found, left = dict[str, Stored](), sorted(ids)
        while len(left) >= SEVERAL:
            most = min(len(left), MOST_IN_A_PAGE)
            page = list(islice(self._range(store, f"id:{left[0]}", "id" + AFTER_ALL, page=most), most))
            wanted = set(left)
            here = [stored_from(row, etag) for row, etag in page if row["id"] in wanted]
            found |= {stored.identity.id: stored for stored in here}
            left = [each for each in left if len(page) == most and each > page[-1][0]["id"]]
            if 2 * len(here) < len(page):
                break
        alone = in_parallel(lambda each: self.read(store, each), left, READERS)
        return found | {stored.identity.id: stored for stored in alone if stored is not None}

    def find(self, store: str, lookup: Lookup, value: str) -> list[Person]:
        """Who has this id, userName, externalId or work address. One round trip."""
        if lookup in (Lookup.EXTERNAL_ID, Lookup.EMAIL):
            start = claim(lookup, value)
            rows = [row for row, _ in self._range(store, start + ":", start + AFTER_ALL, PERSON_COLUMNS)]
        elif lookup is Lookup.USER_NAME:
            # Of those in Entra's recycle bin, who own no name, only where nobody is called so.
            start = claim(lookup, value)
            found = [row for row, _ in self._range(store, start, start + AFTER_ALL, PERSON_COLUMNS)]
            rows = [row for row in found if row["RowKey"] == start and "resource" in row] or found
        elif lookup is Lookup.ID and not is_id(value):
            return []
        else:
            known = self._get(store, f"id:{value}", PERSON_COLUMNS)
            rows = [known[0]] if known else []
        return [person_from(row) for row in rows if "resource" in row]

    def holder_of(self, store: str, user_name: str) -> Stored | None:
        """Who holds the claim on a userName, even one that he is giving up. Two round trips."""
        held = self._get(store, claim(Lookup.USER_NAME, user_name))
        return self.read(store, held[0]["id"]) if held else None

    def find_object(self, store: str, object_id: str) -> Stored | None:
        """Who has this object id in Entra. Two round trips."""
        held = self._get(store, claim("entra", object_id))
        return self.read(store, held[0]["id"]) if held else None

    def object_ids(self, store: str) -> Iterator[str]:
        """The object ids in Entra of everybody whom Graph has named; a page at a time."""
        return (object_id for object_id, _ in self.object_links(store))

    def object_links(self, store: str) -> Iterator[tuple[str, str]]:
        """The object id in Entra of everybody whom Graph has named, each with the identity's id; a page at a time."""
        return ((row["objectId"], row["id"]) for row, _ in self._range(store, "entra:", "entra" + AFTER_ALL))

    def id_of_object(self, store: str, object_id: str) -> str | None:
        """The id of who has this object id in Entra, or None. One round trip."""
        held = self._get(store, claim("entra", object_id))
        return held[0]["id"] if held else None

    def awaiting(self, store: str, manager: Identity) -> list[str]:
        """The ids of those who have this manager. One round trip for each of the manager's two ids."""
        found = list[str]()
        for reference in filter(None, (manager.id, manager.object_id)):
            start = claim("awaits", reference)
            found += [row["id"] for row, _ in self._range(store, start + ":", start + AFTER_ALL)]
        return found

    def with_other_rules(self, store: str, rules: str) -> Iterator[str]:
        """The ids of those whose desired state was computed by other rules. One round trip for a thousand people."""
        rows = self._range(store, "id:", "id" + AFTER_ALL, ("RowKey", "id", "rules"))
        return (row["id"] for row, _ in rows if row.get("rules") != rules)

    def count_active(self, store: str) -> int:
        """How many active accounts the store manages, but for those whose deprovisioning has begun.

        Reads everybody's account, a page at a time.
        """
        columns = [f"{name}{part}" for name in ("account", "pending") for part in ("", *(f"_{i}" for i in range(1, 8)))]
        rows = self._range(store, "id:", "id" + AFTER_ALL, tuple(columns))
        return sum(counts_as_active(row) for row, _ in rows)

    def record_of(self, store: str, zoho_id: str, asks: str) -> AccountRecord | None:
        """What is known of an account in Zoho One, by its id there. One round trip, two where it is another's.

        ``asks``: the identity that the account may become.
        """
        found = self._get(store, claim("zoho", zoho_id))
        if found is None:
            return None
        row, etag = found
        by: DoneBy | None = "bridge" if (told := row.get("deactivatedBy")) == "bridge" else "hand" if told else None
        former = Former.model_validate_json(row["former"]) if "former" in row else None
        record = AccountRecord(row.get("id"), by, etag, former)
        if record.owner is None or record.owner == asks:
            return record
        holder = self.read(store, record.owner)
        former = holder.identity.former if holder else None
        return replace(record, former=former, holder=holder) if former and former.account == zoho_id else record

    def formers(self, store: str) -> Iterator[Former]:
        """The accounts whose people lie in Entra's recycle bin, or are gone; a page at a time."""
        rows = self._range(store, "former:", "former" + AFTER_ALL)
        return (Former.model_validate_json(row["former"]) for row, _ in rows)

    def left_behind(self, store: str) -> Iterator[str]:
        """The accounts in Zoho One, by their ids there, of people who are gone: not managed any longer."""
        return (row["account"] for row, _ in self._range(store, "zoho:", "zoho" + AFTER_ALL) if "id" not in row)

    def scan(self, store: str, after: str = "") -> Iterator[Person]:
        """Everybody in a store in the order of ids, from behind one of them; a page at a time in memory."""
        rows = self._range(store, f"id:{after}~" if after else "id:", "id" + AFTER_ALL, PERSON_COLUMNS)
        return (person_from(row) for row, _ in rows)

    def everybody(self, store: str, after: str = "") -> Iterator[Stored]:
        """Every identity of a store in the order of ids, from behind one of them; a page at a time in memory."""
        rows = self._range(store, f"id:{after}~" if after else "id:", "id" + AFTER_ALL)
        return (stored_from(row, etag) for row, etag in rows)

    def search(self, store: str, typed: str, count: int) -> list[Listed]:
        """The first people, in the order of names, of whom a word of the name or the userName begins so.

        With nothing typed, the first of all. One round trip: a person is in it once for each of his texts.
        """
        prefix = f"name:{search_prefix(typed)}"
        found = dict[str, Listed]()
        for row, _ in islice(self._range(store, prefix, prefix + _LAST, page=MOST_TEXTS * count), MOST_TEXTS * count):
            found.setdefault(row["id"], Listed(row["id"], row["name"], row["userName"], row["active"] == "yes"))
        return sorted(list(found.values())[:count], key=lambda listed: (listed.name.casefold(), listed.user_name))

    def estimate(self, store: str) -> tuple[int, bool]:
        """How many people a store has, and whether that is exact: of more than SAMPLE it is about right.

        Ids are random, so the place of the last one counted tells how many there are, within some 5 %. One round trip.
        """
        rows = islice(self._range(store, "id:", "id" + AFTER_ALL, ("RowKey",), page=SAMPLE), SAMPLE)
        keys = [row["RowKey"] for row, _ in rows]
        if len(keys) < SAMPLE:
            return len(keys), True
        place = int(keys[-1].removeprefix("id:")[:12], 16) / 16**12
        return round(SAMPLE / max(place, 1e-6)), False

    def waiting(self, store: str, count: int) -> list[Waits]:
        """The first people whose last change Zoho One has not confirmed. One round trip."""
        rows = islice(self._range(store, "pending:", "pending:g", page=count), count)  # ids are hexadecimal
        return [Waits(row["id"], row["name"], row["reason"]) for row, _ in rows]

    def history(self, store: str, identity_id: str, most: int | None = None) -> list[Event]:
        """What happened to a person, newest first; also to one who is gone. ``most``: events, or all."""
        rows = islice(self._range(store, f"event:{identity_id}:", f"event:{identity_id}" + AFTER_ALL, page=most), most)
        return [Event.model_validate_json(gather(row, "event")) for row, _ in rows]

    def drop_events_before(self, store: str, cutoff: datetime, heartbeat: Callable[[], None] = lambda: None) -> None:
        """Forget what happened before. Reads the keys of all that is kept, a page at a time, with a heartbeat for each.

        Cut short, the rest is dropped the next time.
        """
        oldest = inverted(cutoff)
        events = (row["RowKey"] for row, _ in self._range(store, "event:", "event" + AFTER_ALL, ("RowKey",)))
        for page in batched(events, MOST_IN_A_PAGE, strict=False):
            remove_rows(self._table, store, [key for key in page if key.rpartition(":")[2] > oldest])
            heartbeat()

    def write(
        self,
        store: str,
        before: Stored | None,
        after: Identity,
        event: Event | None = None,
        over: AccountRecord | None = None,
        mail: MailDue | None = None,
        *,
        arrived: bool = False,
        membership_update: MembershipUpdate | None = None,
    ) -> Stored:
        """Put an identity in the place of what was read, with its claims and its history, in one transaction.

        ``over``: what was known of an account that is taken over from somebody who is gone. ``mail``: what the person
        is due from now on. ``arrived``: others may have waited for the account. ``membership_update``: that the
        person's groups have to follow. Raises Stale where another writer changed any of it since, Conflict where a
        claim belongs to another.
        """
        more = [_marked(store, arrival_key(after.id), after.id)] if arrived else []
        if mail is not None:
            # Also in the place of one that still waits: whoever works on that has lost his ETag.
            more.append(("upsert", mail_row(store, after.id, mail), {"mode": UpdateMode.REPLACE}))
        if membership_update is not None:
            # The same: whoever follows the older note may have seen the account of before.
            more.insert(0, ("upsert", membership_update_row(store, membership_update), {"mode": UpdateMode.REPLACE}))
        etags = self._transact(store, before, rows_of(after), after.id, event, over, more)
        due = StoredMail(after.id, mail, etags[-1]) if mail else None
        return Stored(
            after,
            etags[0],
            due,
            StoredMembershipUpdate(membership_update, etags[-len(more)]) if membership_update else None,
        )

    def write_leaving(self, store: str, before: Stored, after: Identity, count: Operation) -> tuple[Stored, str]:
        """The same for somebody who leaves, with the row that counts him: the identity, and that row's ETag."""
        etags = self._transact(store, before, rows_of(after), after.id, None, None, [count])
        return Stored(after, etags[0]), etags[-1]

    def remove(
        self,
        store: str,
        before: Stored,
        left: Account | None,
        event: Event,
        over: AccountRecord | None = None,
        membership_update: MembershipUpdate | None = None,
        count: Operation | None = None,
    ) -> tuple[StoredMembershipUpdate | None, str]:
        """Take an identity and its claims away; its history stays, and a note of the account left. Raises Stale.

        ``over``: what was known of that account already from somebody else who is gone. ``membership_update``: that the
        person's groups have to follow, which is handed back. ``count``: the guard's ledger, if it changes too; its ETag
        is handed back, and Conflict is raised where another request has made that row.
        """
        former = before.identity.leaves(left) if left else None
        rows = {claim("zoho", left.id): account_row(left, None, former)} if left else {}
        rows |= {former_key(former): former_row(former)} if former else {}
        more: list[Operation] = [count] if count else []
        more += [("upsert", membership_update_row(store, membership_update))] if membership_update else []
        etags = self._transact(store, before, rows, before.identity.id, event, over, more)
        return StoredMembershipUpdate(membership_update, etags[-1]) if membership_update else None, etags[
            -len(more)
        ] if count else ""

    def _transact(
        self,
        store: str,
        before: Stored | None,
        new: dict[str, Row],
        identity_id: str,
        event: Event | None,
        over: AccountRecord | None,
        more: Sequence[Operation] = (),
    ) -> list[str]:
        """The ETags of all rows written: the identity's own first, those of ``more`` last."""
        old = rows_of(before.identity) if before else {}
        if over is not None and over.former is not None and over.holder is None:
            old |= {former_key(over.former): former_row(over.former)}
        operations = _changes(store, f"id:{identity_id}", before, old, new, over)
        if over is not None and over.holder is not None:
            operations = _joined(operations, _given_up(store, over.holder, event))
        if event is not None:
            operations.append(("create", event_row(store, identity_id, event)))
        with our_errors():
            results = self._table.submit_transaction([*operations, *more])
        return [str(result.get("etag", "")) for result in results]


def _changes(
    store: str, key: str, before: Stored | None, old: dict[str, Row], new: dict[str, Row], over: AccountRecord | None
) -> list[Operation]:
    """From the rows that an identity has to those that it should have; its own, by ``key``, comes first."""
    operations: list[Operation] = [_guarded(store, key, before, new.get(key))]
    for row_key in {**old, **new}:
        if row_key == key or old.get(row_key) == new.get(row_key):
            continue
        if over is not None and row_key.startswith("zoho:") and row_key in new:
            operations.append(("update", {"PartitionKey": store, "RowKey": row_key} | new[row_key], _guard(over.etag)))
        else:
            operations.append(_unguarded(store, row_key, row_key in old, new.get(row_key)))
    return operations


def _given_up(store: str, holder: Stored, event: Event | None) -> list[Operation]:
    """What changes of somebody in the recycle bin whose account becomes another's, but for the account's own row."""
    told: list[Operation] = []
    if event is not None:
        given_up = Event(at=event.at, kind=EventKind.LET_GO, reason=GIVEN_UP)
        told.append(("create", event_row(store, holder.identity.id, given_up)))
    before, after = holder.identity, holder.identity.without_account()
    kept = {key: row for key, row in rows_of(before).items() if not key.startswith("zoho:")}
    return [*_changes(store, f"id:{before.id}", holder, kept, rows_of(after), None), *told]


def _joined(operations: Sequence[Operation], others: Sequence[Operation]) -> list[Operation]:
    """Both, each row once: what the one who gets an account writes goes before what its holder takes away.

    A row of both is that of a former account: the one who gets it may lie in the recycle bin too.
    """
    also, written = ({each[1]["RowKey"] for each in some} for some in (others, operations))
    joined = list[Operation]()
    for each in operations:
        is_both = each[0] == "create" and each[1]["RowKey"] in also
        joined.append(("upsert", each[1], {"mode": UpdateMode.REPLACE}) if is_both else each)
    return [*joined, *(each for each in others if each[1]["RowKey"] not in written)]


def _guarded(store: str, key: str, before: Stored | None, row: Row | None) -> Operation:
    """The write of the identity's own row, which the whole transaction hangs on."""
    keys = {"PartitionKey": store, "RowKey": key}
    if before is None:
        return "create", keys | (row or {})
    if row is None:
        return "delete", keys, {"etag": before.etag, "match_condition": MatchConditions.IfNotModified}
    return "update", keys | row, _guard(before.etag)


def _marked(store: str, key: str, identity_id: str) -> Operation:
    return "upsert", {"PartitionKey": store, "RowKey": key, "id": identity_id}, {"mode": UpdateMode.REPLACE}


def guarded_row(before: Stored, row: Row) -> Operation:
    """The write of an identity's own row alone, in the place of what was read."""
    return "update", row, _guard(before.etag)


def _guard(etag: str) -> dict[str, object]:
    return {"etag": etag, "match_condition": MatchConditions.IfNotModified, "mode": UpdateMode.REPLACE}


def _unguarded(store: str, key: str, existed: bool, row: Row | None) -> Operation:
    """The write of a row that only changes together with the identity's own."""
    keys = {"PartitionKey": store, "RowKey": key}
    if row is None:
        return "delete", keys
    return ("upsert", keys | row, {"mode": UpdateMode.REPLACE}) if existed else ("create", keys | row)
