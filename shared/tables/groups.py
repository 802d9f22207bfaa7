"""The groups of a store and their members in Table Storage; group_rows.py describes their rows."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import batched, islice

from shared.rules.groups.group import Group
from shared.rules.groups.member_change import MemberChange
from shared.rules.history import Event
from shared.tables.claims import claim
from shared.tables.errors import Conflict, Stale, TablesError
from shared.tables.group_rows import StoredGroup, group_from, member_rows, name_key, rows_of
from shared.tables.identity_rows import MembershipUpdate, event_row, is_id, membership_update_row
from shared.tables.portions import MOST_ROWS
from shared.tables.record_table import (
    AFTER_ALL,
    Operation,
    RecordTable,
    create,
    delete,
    keyed,
    record_changes,
    upsert,
)
from shared.tables.scim_row import SCIM_COLUMNS, ScimRow, scim_row_from
from shared.threads import in_parallel

ROOM = 90
"""Member rows that may wait for the transaction that confirms the group, which has room for at least so many."""
COUNTED = 1000
"""Groups counted in one round trip."""
READERS = 8
"""Number of point reads that run at once."""


class GroupLookup(StrEnum):
    """What finds a group in one round trip."""

    ID = "id"
    NAME = "displayName"
    EXTERNAL_ID = "externalId"


class NotAllChange(TablesError):
    """Some of the joining people are members already, or some of the leaving ones are not. Nothing was written."""

    def __init__(self, exact: MemberChange) -> None:
        super().__init__("Some of these membership changes are already in place")
        self.exact = exact


@dataclass(frozen=True)
class Begun:
    """A group with its pending change, and the member rows still to be written when it is confirmed."""

    stored: StoredGroup
    rest: tuple[Operation, ...] = ()


class Groups(RecordTable):
    """Reads and writes groups, in the partition of their store. Every method raises TablesBusy."""

    def read(self, store: str, group_id: str) -> StoredGroup | None:
        """Return one group without its members, or None. One round trip."""
        found = self._get(store, f"group:{group_id}") if is_id(group_id) else None
        return group_from(*found) if found else None

    def find(self, store: str, lookup: GroupLookup, value: str) -> list[ScimRow]:
        """Return the groups with this id, name or externalId, as Entra wrote them. One round trip."""
        if lookup is GroupLookup.EXTERNAL_ID:
            start = claim("groupExternalId", value)
            rows = [row for row, _ in self._range(store, start + ":", start + AFTER_ALL, SCIM_COLUMNS)]
        elif lookup is GroupLookup.ID and not is_id(value):
            return []
        else:
            key = f"group:{value}" if lookup is GroupLookup.ID else name_key(value)
            found = self._get(store, key, SCIM_COLUMNS)
            rows = [found[0]] if found else []
        return [scim_row_from(row) for row in rows if "resource" in row]

    def holder_of(self, store: str, display_name: str) -> StoredGroup | None:
        """Return the group that holds the claim on a name, even one that is releasing it. Two round trips."""
        held = self._get(store, name_key(display_name))
        return self.read(store, held[0]["id"]) if held else None

    def owner_of(self, store: str, zoho_id: str) -> str | None:
        """Return the id of the group that owns a group in Zoho One. One round trip."""
        found = self._get(store, claim("zohoGroup", zoho_id))
        return found[0]["id"] if found else None

    def scan(self, store: str, after: str = "", page: int | None = None) -> Iterator[ScimRow]:
        """Return every group of a store after an id, in the order of ids; a page at a time in memory."""
        start = f"group:{after}~" if after else "group:"
        return (scim_row_from(row) for row, _ in self._range(store, start, "group" + AFTER_ALL, SCIM_COLUMNS, page))

    def ids(self, store: str) -> Iterator[str]:
        """Return the ids of all groups of a store, in order. One round trip for a thousand groups."""
        rows = self._range(store, "group:", "group" + AFTER_ALL, ("RowKey",))
        return (row["RowKey"].removeprefix("group:") for row, _ in rows)

    def everything(self, store: str, after: str = "", page: int | None = None) -> Iterator[StoredGroup]:
        """Return every group of a store after an id with all that is known of it; a page at a time in memory."""
        start = f"group:{after}~" if after else "group:"
        return (group_from(row, etag) for row, etag in self._range(store, start, "group" + AFTER_ALL, page=page))

    def count(self, store: str) -> tuple[int, bool]:
        """Return the number of groups up to COUNTED, and whether that is all of them. One round trip."""
        rows = self._range(store, "group:", "group" + AFTER_ALL, ("RowKey",), COUNTED)
        counted = sum(1 for _ in islice(rows, COUNTED))
        return counted, counted < COUNTED

    def members(self, store: str, group_id: str, after: str = "", page: int | None = None) -> Iterator[str]:
        """Return the ids of a group's members after one of them, in order; a thousand, or a page, in one round trip."""
        start = f"member:{group_id}"
        begin = f"{start}:{after}~" if after else start + ":"
        rows = self._range(store, begin, start + AFTER_ALL, ("RowKey", "id"), page)
        return (row["id"] for row, _ in rows)

    def of_person(self, store: str, person: str) -> list[str]:
        """Return the ids of a person's groups. One round trip."""
        if not is_id(person):
            return []
        start = f"memberOf:{person}"
        return [row["id"] for row, _ in self._range(store, start + ":", start + AFTER_ALL, ("RowKey", "id"))]

    def members_among(self, store: str, group_id: str, people: Iterable[str]) -> frozenset[str]:
        """Return which of these people are members. One round trip each, several at once."""
        keys = {f"memberOf:{one}:{group_id}": one for one in people}
        return frozenset(keys[key] for key in self._existing(store, keys))

    def pending(self, store: str) -> list[str]:
        """Return the ids of groups that Zoho One has not confirmed, or that have members left to delete. One round
        trip.
        """
        return [row["id"] for row, _ in self._range(store, "pendingGroup:", "pendingGroup" + AFTER_ALL)]

    def total(self, store: str) -> int:
        """Return the number of groups of a store. One round trip for a thousand."""
        return sum(1 for _ in self._range(store, "group:", "group" + AFTER_ALL, ("RowKey",)))

    def begin(
        self,
        store: str,
        before: StoredGroup | None,
        after: Group,
        rows: MemberChange,
        *,
        sure: bool = False,
        count: Operation | None = None,
    ) -> Begun:
        """Replace a group's row with one that has a pending change, and write the rows of these memberships.

        One round trip for fifty memberships, as long as each is a change: a joining person is not a member yet, a
        leaving one is. ``sure``: each has been looked up, or may be half written; otherwise NotAllChange is raised
        where some are no change. ``count``: the row that counts a deletion, written in the same transaction. Raises
        Stale where another writer changed the group, Conflict where another group has its name.
        """
        existing = self._existing(store, member_rows(after.id, rows.everybody)) if sure else None
        head, rest = self._head(store, before, after), _member_operations(store, after.id, rows, existing)
        head += [count] if count else []
        room, stored = MOST_ROWS - len(head), before
        try:
            while head or len(rest) > ROOM:
                etags = self._transact(head + rest[:room])
                stored = StoredGroup(after, etags[0]) if head else stored
                head, rest, room = [], rest[room:], MOST_ROWS
        except (Stale, Conflict):
            if sure or not rest:
                raise
            exact = self._exact(store, after.id, rows, rest)
            if not head and stored is not None:  # the mark is written: this caller has to correct it
                return self.begin(store, stored, after.with_member_change(exact), exact, sure=True)
            if exact == rows:
                raise  # it was not the members
            raise NotAllChange(exact) from None
        assert stored is not None  # the head has been written
        return Begun(stored, tuple(rest))

    def end(
        self,
        store: str,
        begun: Begun,
        after: Group,
        event: Event | None,
        membership_update: Iterable[MembershipUpdate] = (),
    ) -> StoredGroup:
        """Replace a group's row with one without a pending change, with its history and the rows that ``begin`` left
        over.

        ``membership_update``: people whose account was being written meanwhile. Raises Stale, and Conflict where the
        group in Zoho One belongs to another group.
        """
        head = self._head(store, begun.stored, after, event)
        rest = [*begun.rest, *(upsert(membership_update_row(store, note)) for note in membership_update)]
        while len(head) + len(rest) > MOST_ROWS:
            self._transact(rest[:MOST_ROWS])
            rest = rest[MOST_ROWS:]
        etags = self._transact(head + rest)
        return StoredGroup(after, etags[0])

    def undo(self, store: str, begun: Begun, after: Group, rows: MemberChange, event: Event | None) -> StoredGroup:
        """Restore a group as it was, with these memberships."""
        existing = self._existing(store, member_rows(after.id, rows.everybody))
        back = _member_operations(store, after.id, rows, existing)
        return self.end(store, Begun(begun.stored, tuple(back)), after, event)

    def write(self, store: str, before: StoredGroup | None, after: Group, event: Event | None = None) -> StoredGroup:
        """Replace a group's row; members are untouched. Raises Stale and Conflict."""
        etags = self._transact(self._head(store, before, after, event))
        return StoredGroup(after, etags[0])

    def remove(self, store: str, before: StoredGroup, event: Event) -> None:
        """Delete a group and its claims; its history stays, and a mark until its members are deleted too.

        Raises Stale.
        """
        key = f"pendingGroup:{before.group.id}"
        head = [operation for operation in self._head(store, before, None, event) if operation[1]["RowKey"] != key]
        self._transact(
            [*head, upsert(keyed(store, key, {"id": before.group.id, "reason": "Its members are being deleted."}))]
        )

    def clear_members(self, store: str, group_id: str, most: int) -> bool:
        """Delete up to so many member rows of a group that is gone, and its mark with the last of them.

        Return whether none is left.
        """
        people = list(islice(self.members(store, group_id), most + 1))
        for some in batched(people[:most], MOST_ROWS // 2, strict=False):
            self.forget(store, group_id, some)
        if len(people) > most:
            return False
        self._delete(store, f"pendingGroup:{group_id}")
        return True

    def forget(self, store: str, group_id: str, people: Sequence[str]) -> None:
        """Delete at most fifty memberships of a group that is gone. One round trip, as long as all exist."""
        gone = MemberChange(leaving=tuple(people))
        try:
            self._transact(_member_operations(store, group_id, gone, None))
        except Stale:
            existing = self._existing(store, member_rows(group_id, people))
            if operations := _member_operations(store, group_id, gone, existing):
                self._transact(operations)

    def _exact(self, store: str, group_id: str, rows: MemberChange, unwritten: Sequence[Operation]) -> MemberChange:
        """Return the part of a change that is one, where some of its operations are not written yet."""
        keys = {operation[1]["RowKey"] for operation in unwritten}
        open_ = {one for one in rows.everybody if f"memberOf:{one}:{group_id}" in keys}
        there = self.members_among(store, group_id, open_)
        return MemberChange(
            joining=tuple(one for one in rows.joining if one not in there),
            leaving=tuple(one for one in rows.leaving if one not in open_ or one in there),
        )

    def _head(
        self, store: str, before: StoredGroup | None, after: Group | None, event: Event | None = None
    ) -> list[Operation]:
        """Return the operations on a group's own rows; the first guards the transaction."""
        known = before.group if before else after
        assert known is not None  # one of the two is there
        old, new = rows_of(before.group) if before else {}, rows_of(after) if after else {}
        operations = record_changes(store, f"group:{known.id}", before.etag if before else None, old, new)
        return [*operations, *([create(event_row(store, known.id, event))] if event else [])]

    def _existing(self, store: str, keys: Iterable[str]) -> set[str]:
        """Return which of these rows exist. One round trip each, several at once."""
        keys = list(keys)
        found = in_parallel(lambda key: self._get(store, key, ("RowKey",)), keys, READERS) if keys else []
        return {key for key, row in zip(keys, found, strict=True) if row is not None}


def _member_operations(store: str, group_id: str, change: MemberChange, existing: set[str] | None) -> list[Operation]:
    """Return the operations on membership rows, in the order of ``member_rows``.

    ``existing``: those of the rows that exist. None: exactly the rows of the leaving people exist, or the transaction
    fails.
    """
    joining = set(change.joining)
    operations = list[Operation]()
    for key, row in member_rows(group_id, change.everybody).items():
        person = key.split(":")[1] if key.startswith("memberOf:") else row["id"]
        if person in joining:
            operations.append(create(keyed(store, key, row)) if existing is None else upsert(keyed(store, key, row)))
        elif existing is None or key in existing:
            operations.append(delete(keyed(store, key)))
    return operations
