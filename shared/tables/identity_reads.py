"""Reads of identities; identity_rows.py describes their rows."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from shared.rules.former import Former
from shared.rules.history import Event
from shared.rules.identity import Account, DoneBy, Identity, PendingChange
from shared.rules.pending import Managed
from shared.rules.search_terms import search_prefix
from shared.tables.claims import Lookup, claim
from shared.tables.entity_text import gather
from shared.tables.identity_rows import (
    ACCOUNT_COLUMNS,
    AccountRecord,
    Listed,
    Stored,
    Waits,
    counts_as_active,
    is_id,
    managed_from,
    stored_from,
)
from shared.tables.record_table import AFTER_ALL, RecordTable, Row
from shared.tables.scim_row import SCIM_COLUMNS, ScimRow, scim_row_from
from shared.threads import in_parallel

READERS = 8
"""Number of identities read at the same time: more would only wait for each other in one Python process."""
SEVERAL = 8
"""Number of identities below which each is read on its own."""
ROWS_WORTH_A_READ, PARTS_WORTH_A_READ = 2, 16
"""Rows, and parts of rows, whose reading in one page costs the processor as much as one read on its own."""
MOST_IN_A_PAGE = 1000
"""https://learn.microsoft.com/rest/api/storageservices/query-timeout-and-pagination"""
_LAST = "~"
"""A text that sorts after all search texts."""
MOST_TEXTS = 5
"""Rows that find one person: the words of the name, and the userName."""
SAMPLE = 400
"""Number of people counted before the rest is estimated."""


class IdentityReads(RecordTable):
    """Reads identities. Every method raises TablesBusy where the account does not answer."""

    def read(self, store: str, identity_id: str) -> Stored | None:
        """Return one identity, or None. One round trip."""
        found = self._get(store, f"id:{identity_id}") if is_id(identity_id) else None
        return stored_from(*found) if found else None

    def several(self, store: str, ids: Sequence[str]) -> dict[str, Stored]:
        """Return those of these identities that exist, by their ids.

        Identities with neighbouring ids, as in a first sync, come in one round trip for a thousand; others in one each,
        after one that looked for neighbours.
        """
        return {one: stored_from(row, etag) for one, (row, etag) in self._several(store, ids).items()}

    def accounts(self, store: str, ids: Sequence[str]) -> dict[str, Managed[PendingChange, Account]]:
        """Return the accounts of those of these identities that exist, by their ids, with what is pending of them.

        As ``several``, with a part of each row, so that more of them are read for one that is wanted.
        """
        rows = self._several(store, ids, ACCOUNT_COLUMNS, PARTS_WORTH_A_READ)
        return {one: managed_from(row) for one, (row, _) in rows.items()}

    def find(self, store: str, lookup: Lookup, value: str) -> list[ScimRow]:
        """Return the people with this id, userName, externalId or work address. One round trip."""
        if lookup in (Lookup.EXTERNAL_ID, Lookup.EMAIL):
            start = claim(lookup, value)
            rows = [row for row, _ in self._range(store, start + ":", start + AFTER_ALL, SCIM_COLUMNS)]
        elif lookup is Lookup.USER_NAME:
            # People in Entra's recycle bin own no name: they are found only where nobody else has it.
            start = claim(lookup, value)
            found = [row for row, _ in self._range(store, start, start + AFTER_ALL, SCIM_COLUMNS)]
            rows = [row for row in found if row["RowKey"] == start and "resource" in row] or found
        elif lookup is Lookup.ID and not is_id(value):
            return []
        else:
            known = self._get(store, f"id:{value}", SCIM_COLUMNS)
            rows = [known[0]] if known else []
        return [scim_row_from(row) for row in rows if "resource" in row]

    def holder_of(self, store: str, user_name: str) -> Stored | None:
        """Return the identity that holds the claim on a userName, even one that is releasing it. Two round trips."""
        held = self._get(store, claim(Lookup.USER_NAME, user_name))
        return self.read(store, held[0]["id"]) if held else None

    def find_object(self, store: str, object_id: str) -> Stored | None:
        """Return the identity with this object id in Entra. Two round trips."""
        held = self._get(store, claim("entra", object_id))
        return self.read(store, held[0]["id"]) if held else None

    def object_ids(self, store: str) -> Iterator[str]:
        """Return the object ids in Entra of all people that Graph has reported; a page at a time."""
        return (object_id for object_id, _ in self.object_links(store))

    def object_links(self, store: str) -> Iterator[tuple[str, str]]:
        """Return the object id in Entra of all people that Graph has reported, each with the identity's id; a page at a
        time.
        """
        return ((row["objectId"], row["id"]) for row, _ in self._range(store, "entra:", "entra" + AFTER_ALL))

    def id_of_object(self, store: str, object_id: str) -> str | None:
        """Return the id of the identity with this object id in Entra, or None. One round trip."""
        held = self._get(store, claim("entra", object_id))
        return held[0]["id"] if held else None

    def awaiting(self, store: str, manager: Identity) -> list[str]:
        """Return the ids of the people with this manager. One round trip for each of the manager's two ids."""
        found = list[str]()
        for reference in filter(None, (manager.id, manager.object_id)):
            start = claim("awaits", reference)
            found += [row["id"] for row, _ in self._range(store, start + ":", start + AFTER_ALL)]
        return found

    def with_other_rules(self, store: str, rules: str) -> Iterator[str]:
        """Return the ids of people whose desired state was computed by other rules. One round trip for a thousand
        people.
        """
        rows = self._range(store, "id:", "id" + AFTER_ALL, ("RowKey", "id", "rules"))
        return (row["id"] for row, _ in rows if row.get("rules") != rules)

    def count_active(self, store: str) -> int:
        """Return the number of active accounts that the store manages, without those whose deprovisioning has begun.

        Reads everybody's account, a page at a time.
        """
        rows = self._range(store, "id:", "id" + AFTER_ALL, ACCOUNT_COLUMNS)
        return sum(counts_as_active(row) for row, _ in rows)

    def record_of(self, store: str, zoho_id: str, asks: str) -> AccountRecord | None:
        """Return the record of an account in Zoho One by its id there. One round trip, two where it is another
        identity's.

        ``asks``: the identity that may adopt the account.
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

    def owned_accounts(self, store: str) -> Iterator[tuple[str, str]]:
        """Return the accounts in Zoho One that somebody manages, each with the id of the identity; a page at a time."""
        rows = self._range(store, "zoho:", "zoho" + AFTER_ALL, ("RowKey", "account", "id"))
        return ((row["account"], row["id"]) for row, _ in rows if row.get("id"))

    def formers(self, store: str) -> Iterator[Former]:
        """Return the accounts of people who are in Entra's recycle bin or gone; a page at a time."""
        rows = self._range(store, "former:", "former" + AFTER_ALL)
        return (Former.model_validate_json(row["former"]) for row, _ in rows)

    def scan(self, store: str, after: str = "", page: int | None = None) -> Iterator[ScimRow]:
        """Return everybody in a store after an id, in the order of ids; a page at a time in memory."""
        rows = self._range(store, f"id:{after}~" if after else "id:", "id" + AFTER_ALL, SCIM_COLUMNS, page)
        return (scim_row_from(row) for row, _ in rows)

    def ids(self, store: str) -> Iterator[str]:
        """Return the ids of everybody in a store, in order. One round trip for a thousand people."""
        rows = self._range(store, "id:", "id" + AFTER_ALL, ("RowKey",))
        return (row["RowKey"].removeprefix("id:") for row, _ in rows)

    def everybody(self, store: str, after: str = "") -> Iterator[Stored]:
        """Return every identity of a store after an id, in the order of ids; a page at a time in memory."""
        rows = self._range(store, f"id:{after}~" if after else "id:", "id" + AFTER_ALL)
        return (stored_from(row, etag) for row, etag in rows)

    def search(self, store: str, typed: str, count: int) -> list[Listed]:
        """Return the first people, by name, where a word of the name or the userName begins with the text.

        Without a text, the first of all. One round trip: a person is in it once for each search text.
        """
        prefix = f"name:{search_prefix(typed)}"
        found = dict[str, Listed]()
        for row, _ in islice(self._range(store, prefix, prefix + _LAST, page=MOST_TEXTS * count), MOST_TEXTS * count):
            found.setdefault(row["id"], Listed(row["id"], row["name"], row["userName"], row["active"] == "yes"))
        return sorted(list(found.values())[:count], key=lambda listed: (listed.name.casefold(), listed.user_name))

    def estimate(self, store: str) -> tuple[int, bool]:
        """Return the number of people in a store, and whether it is exact: above SAMPLE it is an estimate.

        Ids are random, so the last one counted tells how many there are, within some 5 %. One round trip.
        """
        rows = islice(self._range(store, "id:", "id" + AFTER_ALL, ("RowKey",), page=SAMPLE), SAMPLE)
        keys = [row["RowKey"] for row, _ in rows]
        if len(keys) < SAMPLE:
            return len(keys), True
        place = int(keys[-1].removeprefix("id:")[:12], 16) / 16**12
        return round(SAMPLE / max(place, 1e-6)), False

    def waiting(self, store: str, count: int) -> list[Waits]:
        """Return the first people whose last change Zoho One has not confirmed. One round trip."""
        rows = islice(self._range(store, "pending:", "pending:g", page=count), count)  # ids are hexadecimal
        return [Waits(row["id"], row["name"], row["reason"]) for row, _ in rows]

    def history(self, store: str, identity_id: str, most: int | None = None) -> list[Event]:
        """Return a person's history, newest first, also of one who is gone. ``most``: events, or all."""
        rows = islice(self._range(store, f"event:{identity_id}:", f"event:{identity_id}" + AFTER_ALL, page=most), most)
        return [Event.model_validate_json(gather(row, "event")) for row, _ in rows]

    def _several(
        self, store: str, ids: Sequence[str], select: tuple[str, ...] | None = None, worth: int = ROWS_WORTH_A_READ
    ) -> dict[str, tuple[Row, str]]:
        """Return the rows of those of these identities that exist, by their ids; as of ``several``.

        ``worth``: number of rows read in one page that cost as much as one read on its own.
        """
        found, left = dict[str, tuple[Row, str]](), sorted(ids)
        while len(left) >= SEVERAL:
            most = min(len(left) * worth // 2, MOST_IN_A_PAGE)
            page = list(islice(self._range(store, f"id:{left[0]}", "id" + AFTER_ALL, select, page=most), most))
            wanted = set(left)
            here = {row["id"]: (row, etag) for row, etag in page if row["id"] in wanted}
            found |= here
            left = [each for each in left if len(page) == most and each > page[-1][0]["id"]]
            if worth * len(here) < len(page):
                break
        alone = in_parallel(lambda each: self._get(store, f"id:{each}", select), filter(is_id, left), READERS)
        return found | {row[0]["id"]: row for row in alone if row is not None}
