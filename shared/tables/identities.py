"""The identities of a store in Table Storage; identity_rows.py describes their rows."""

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import batched

from shared.rules.history import Event, EventKind
from shared.rules.identity import Account, Identity
from shared.rules.mail.due import MailDue
from shared.tables.account_rows import account_row, former_key, former_row
from shared.tables.by_time import inverted
from shared.tables.claims import claim
from shared.tables.identity_reads import MOST_IN_A_PAGE, IdentityReads
from shared.tables.identity_rows import (
    AccountRecord,
    MembershipUpdate,
    Stored,
    StoredMail,
    StoredMembershipUpdate,
    arrival_key,
    event_row,
    mail_row,
    membership_update_row,
    removed_key,
    rows_of,
)
from shared.tables.record_table import (
    AFTER_ALL,
    Operation,
    Row,
    create,
    keyed,
    record_changes,
    remove_rows,
    update,
    upsert,
)

GIVEN_UP = "The account became that of another object of this userName in Entra, while this one is in its recycle bin."


class Identities(IdentityReads):
    """Reads and writes identities. Every method raises TablesBusy where the account does not answer."""

    def drop_events_before(self, store: str, cutoff: datetime, heartbeat: Callable[[], None] = lambda: None) -> None:
        """Delete events before a time. Reads the keys of all events, a page at a time, with a heartbeat for each.

        After an interruption, the next call deletes the rest.
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
        """Replace an identity as it was read, with its claims and its history, in one transaction.

        ``over``: the record of an account that is adopted from a person who is gone. ``mail``: the mail that is due
        from now on. ``arrived``: others may have waited for the account. ``membership_update``: the person's groups
        have to follow. Raises Stale where another writer changed any of it since, Conflict where a claim belongs to
        another identity.
        """
        more = [upsert(keyed(store, arrival_key(after.id), {"id": after.id}))] if arrived else []
        if mail is not None:
            # In place of a mail that still waits, too: a worker on that one has a stale ETag.
            more.append(upsert(mail_row(store, after.id, mail)))
        if membership_update is not None:
            # The same: a worker on the older update may have seen the former account.
            more.insert(0, upsert(membership_update_row(store, membership_update)))
        etags = self._replace(store, before, rows_of(after), after.id, event, over, more)
        due = StoredMail(after.id, mail, etags[-1]) if mail else None
        return Stored(
            after,
            etags[0],
            due,
            StoredMembershipUpdate(membership_update, etags[-len(more)]) if membership_update else None,
        )

    def write_leaving(
        self, store: str, before: Stored, after: Identity, count: Operation, event: Event | None = None
    ) -> tuple[Stored, str]:
        """Write a person whose account goes, with the row that counts it; return the identity and that row's ETag."""
        etags = self._replace(store, before, rows_of(after), after.id, event, None, [count])
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
        *,
        unverified: bool = False,
    ) -> tuple[StoredMembershipUpdate | None, str]:
        """Delete an identity and its claims; its history stays, and a record of the account left. Raises Stale.

        ``over``: the record of that account from another person who is gone. ``membership_update``: the person's groups
        have to follow; it is returned as stored. ``count``: the operation on the guard's ledger, if it changes too; the
        ledger's ETag is returned, and Conflict raised where another request has created that row. ``unverified``: a
        push deleted the person, whom Graph has reported: the next cycle reads them again.
        """
        former = before.identity.former_of(left) if left else None
        rows = {claim("zoho", left.id): account_row(left, None, former)} if left else {}
        rows |= {former_key(former): former_row(former)} if former else {}
        more: list[Operation] = [count] if count else []
        if (unverified or before.identity.said.unverified) and before.identity.object_id is not None:
            more.append(upsert(keyed(store, removed_key(before.identity.object_id))))
        more += [upsert(membership_update_row(store, membership_update))] if membership_update else []
        etags = self._replace(store, before, rows, before.identity.id, event, over, more)
        return StoredMembershipUpdate(membership_update, etags[-1]) if membership_update else None, etags[
            -len(more)
        ] if count else ""

    def _replace(
        self,
        store: str,
        before: Stored | None,
        new: dict[str, Row],
        identity_id: str,
        event: Event | None,
        over: AccountRecord | None,
        more: Sequence[Operation] = (),
    ) -> list[str]:
        """Return the ETags of all rows written: the identity's own first, those of ``more`` last."""
        old = rows_of(before.identity) if before else {}
        etag = before.etag if before else None
        if over is not None and over.former is not None and over.holder is None:
            old |= {former_key(over.former): former_row(over.former)}
        taken = {key: row for key, row in new.items() if key.startswith("zoho:")} if over is not None else {}
        operations = record_changes(store, f"id:{identity_id}", etag, _without(old, taken), _without(new, taken))
        if over is not None:
            changed = {key: row for key, row in taken.items() if row != old.get(key)}
            operations += [update(keyed(store, key, row), over.etag) for key, row in changed.items()]
            if over.holder is not None:
                operations = _joined(operations, _given_up(store, over.holder, event))
        operations += [create(event_row(store, identity_id, event))] if event else []
        return self._transact([*operations, *more])


def _without(rows: dict[str, Row], others: dict[str, Row]) -> dict[str, Row]:
    return {key: row for key, row in rows.items() if key not in others}


def _given_up(store: str, holder: Stored, event: Event | None) -> list[Operation]:
    """Return the changes to a person in the recycle bin whose account another identity adopts, the account's row
    excepted.
    """
    before, after = holder.identity, holder.identity.without_account()
    kept = {key: row for key, row in rows_of(before).items() if not key.startswith("zoho:")}
    operations = record_changes(store, f"id:{before.id}", holder.etag, kept, rows_of(after))
    if event is not None:
        given_up = Event(at=event.at, kind=EventKind.UNMANAGED, reason=GIVEN_UP)
        operations.append(create(event_row(store, before.id, given_up)))
    return operations


def _joined(operations: Sequence[Operation], others: Sequence[Operation]) -> list[Operation]:
    """Return both, each row once: what the new owner of an account writes replaces what its holder removes.

    A row of both is that of a former account: the new owner may be in the recycle bin too.
    """
    also, written = ({each[1]["RowKey"] for each in some} for some in (others, operations))
    joined = [upsert(each[1]) if each[0] == "create" and each[1]["RowKey"] in also else each for each in operations]
    return [*joined, *(each for each in others if each[1]["RowKey"] not in written)]
