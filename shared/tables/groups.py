"""The groups of a store and their members in Table Storage; shared/tables/group_rows.py says what their rows are."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from itertools import batched, islice

from azure.core import MatchConditions
from azure.data.tables import UpdateMode

from shared.calls import in_parallel
from shared.rules.groups.group import Group
from shared.rules.groups.member_change import MemberChange
from shared.rules.history import Event
from shared.tables.errors import Conflict, Stale, TablesError
from shared.tables.group_rows import (
    GROUP_COLUMNS,
    StoredGroup,
    group_from,
    member_rows,
    name_key,
    rows_of,
)
from shared.tables.identity_rows import (
    MembershipUpdate,
    Person,
    Row,
    claim,
    event_row,
    is_id,
    membership_update_row,
    person_from,
)
from shared.tables.portions import MOST_ROWS
from shared.tables.service import our_errors
from shared.tables.store_rows import AFTER_ALL, Operation, StoreRows

ROOM = 90
"""Rows of members that may wait for the transaction in which the group is settled: it has that much room at least."""
COUNTED = 1000
"""Groups that are counted in one round trip."""
READERS = 8
"""Point reads under way at once."""


class GroupLookup(StrEnum):
    """What a group can be found by in one round trip."""

    ID = "id"
    NAME = "displayName"
    EXTERNAL_ID = "externalId"


class NotAllChange(TablesError):
    """Some who were to join are members already, or some who were to leave are none. Nothing was written."""

    def __init__(self, exact: MemberChange) -> None:
        super().__init__("Some of what is said of the members is so already")
        self.exact = exact


@dataclass(frozen=True)
class Begun:
    """A group with its pending mark, and the rows of its members that are still to be written when it is settled."""

    stored: StoredGroup
    rest: tuple[Operation, ...] = ()


class Groups(StoreRows):
    """Reads and writes groups, in the partition of their store. Every method raises TablesBusy."""

    def read(self, store: str, group_id: str) -> StoredGroup | None:
        """One group without its members, or None. One round trip."""
        found = self._get(store, f"group:{group_id}") if is_id(group_id) else None
        return group_from(*found) if found else None

    def find(self, store: str, lookup: GroupLookup, value: str) -> list[Person]:
        """The groups that have this id, name or externalId, as Entra wrote them. One round trip."""
        if lookup is GroupLookup.EXTERNAL_ID:
            start = claim("groupExternalId", value)
            rows = [row for row, _ in self._range(store, start + ":", start + AFTER_ALL, GROUP_COLUMNS)]
        elif lookup is GroupLookup.ID and not is_id(value):
            return []
        else:
            key = f"group:{value}" if lookup is GroupLookup.ID else name_key(value)
            found = self._get(store, key, GROUP_COLUMNS)
            rows = [found[0]] if found else []
        return [person_from(row) for row in rows if "resource" in row]

    def holder_of(self, store: str, display_name: str) -> StoredGroup | None:
        """Which group holds the claim on a name, even one that it is giving up. Two round trips."""
        held = self._get(store, name_key(display_name))
        return self.read(store, held[0]["id"]) if held else None

    def owner_of(self, store: str, zoho_id: str) -> str | None:
        """The id of the group that a group in Zoho One belongs to. One round trip."""
        found = self._get(store, claim("zohoGroup", zoho_id))
        return found[0]["id"] if found else None

    def scan(self, store: str, after: str = "") -> Iterator[Person]:
        """Every group of a store in the order of ids, from behind one of them; a page at a time in memory."""
        start = f"group:{after}~" if after else "group:"
        return (person_from(row) for row, _ in self._range(store, start, "group" + AFTER_ALL, GROUP_COLUMNS))

    def everything(self, store: str, after: str = "", page: int | None = None) -> Iterator[StoredGroup]:
        """Every group of a store with all that is known of it, from behind one of them; a page at a time in memory."""
        start = f"group:{after}~" if after else "group:"
        return (group_from(row, etag) for row, etag in self._range(store, start, "group" + AFTER_ALL, page=page))

    def count(self, store: str) -> tuple[int, bool]:
        """How many groups there are, up to COUNTED, and whether that is all of them. One round trip."""
        rows = self._range(store, "group:", "group" + AFTER_ALL, ("RowKey",), COUNTED)
        counted = sum(1 for _ in islice(rows, COUNTED))
        return counted, counted < COUNTED

    def members(self, store: str, group_id: str, after: str = "", page: int | None = None) -> Iterator[str]:
        """The ids of a group's members in their order, from behind one; a thousand, or a page, in one round trip."""
        start = f"member:{group_id}"
        begin = f"{start}:{after}~" if after else start + ":"
        rows = self._range(store, begin, start + AFTER_ALL, ("RowKey", "id"), page)
        return (row["id"] for row, _ in rows)

    def of_person(self, store: str, person: str) -> list[str]:
        """The ids of the groups that a person is a member of. One round trip."""
        if not is_id(person):
            return []
        start = f"memberOf:{person}"
        return [row["id"] for row, _ in self._range(store, start + ":", start + AFTER_ALL, ("RowKey", "id"))]

    def members_among(self, store: str, group_id: str, people: Iterable[str]) -> frozenset[str]:
        """Which of these people are members: one round trip each, some at once."""
        keys = {f"memberOf:{one}:{group_id}": one for one in people}
        return frozenset(keys[key] for key in self._existing(store, keys))

    def pending(self, store: str) -> list[str]:
        """The ids of the groups that Zoho One has not confirmed, or that have left members behind. One round trip."""
        return [row["id"] for row, _ in self._range(store, "pendingGroup:", "pendingGroup" + AFTER_ALL)]

    def total(self, store: str) -> int:
        """The number of groups of a store. One round trip for a thousand."""
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
        """Put a group with a pending mark in the place of what was read, and write the rows of these memberships.

        One round trip for fifty memberships, as long as each is a change: who joins is no member yet, and who leaves is
        one. ``sure``: each has been looked up, or may be half written; otherwise raises NotAllChange where some are
        none. ``count``: the row that counts a deletion, written in the same transaction. Raises Stale where somebody
        else wrote the group since, Conflict where another has its name.
        """
        existing = self._existing(store, member_rows(after.id, rows.everybody)) if sure else None
        head, rest = self._head(store, before, after), _member_operations(store, after.id, rows, existing)
        head += [count] if count else []
        room, stored = MOST_ROWS - len(head), before
        try:
            while head or len(rest) > ROOM:
                results = self._submit(head + rest[:room])
                stored = StoredGroup(after, str(results[0].get("etag", ""))) if head else stored
                head, rest, room = [], rest[room:], MOST_ROWS
        except (Stale, Conflict):
            if sure or not rest:
                raise
            exact = self._exact(store, after.id, rows, rest)
            if not head and stored is not None:  # the mark is written: it is ours to put right
                return self.begin(store, stored, after.changing(exact), exact, sure=True)
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
        """Put a group in the place of one with a mark, with its history and what its beginning left over.

        ``membership_update``: people whose account was being written meanwhile. Raises Stale, and Conflict where the
        group in Zoho One belongs to another.
        """
        head = self._head(store, begun.stored, after, event)
        rest = [*begun.rest, *(("upsert", membership_update_row(store, note)) for note in membership_update)]
        while len(head) + len(rest) > MOST_ROWS:
            self._submit(rest[:MOST_ROWS])
            rest = rest[MOST_ROWS:]
        results = self._submit(head + rest)
        return StoredGroup(after, str(results[0].get("etag", "")))

    def undo(self, store: str, begun: Begun, after: Group, rows: MemberChange, event: Event | None) -> StoredGroup:
        """Put a group back as it was, with these memberships."""
        existing = self._existing(store, member_rows(after.id, rows.everybody))
        back = _member_operations(store, after.id, rows, existing)
        return self.end(store, Begun(begun.stored, tuple(back)), after, event)

    def write(self, store: str, before: StoredGroup | None, after: Group, event: Event | None = None) -> StoredGroup:
        """Put a group in the place of what was read, without a word about its members. Raises Stale and Conflict."""
        results = self._submit(self._head(store, before, after, event))
        return StoredGroup(after, str(results[0].get("etag", "")))

    def remove(self, store: str, before: StoredGroup, event: Event) -> None:
        """Take a group and its claims away; its history stays, and a mark until its members are cleared away too.

        Raises Stale.
        """
        key = f"pendingGroup:{before.group.id}"
        head = [operation for operation in self._head(store, before, None, event) if operation[1]["RowKey"] != key]
        self._submit([*head, _upsert(store, key, {"id": before.group.id, "reason": "Its members are cleared away."})])

    def clear_members(self, store: str, group_id: str, most: int) -> bool:
        """Take away the rows of up to so many members of a group that is gone, and its mark with the last of them.

        Answers whether none is left.
        """
        people = list(islice(self.members(store, group_id), most + 1))
        for some in batched(people[:most], MOST_ROWS // 2, strict=False):
            self.forget(store, group_id, some)
        if len(people) > most:
            return False
        with suppress(Stale), our_errors():
            self._table.delete_entity({"PartitionKey": store, "RowKey": f"pendingGroup:{group_id}"})
        return True

    def forget(self, store: str, group_id: str, people: Sequence[str]) -> None:
        """Take away memberships, at most fifty, of a group that is gone. One round trip, as long as all are there."""
        gone = MemberChange(leaving=tuple(people))
        try:
            self._submit(_member_operations(store, group_id, gone, None))
        except Stale:
            existing = self._existing(store, member_rows(group_id, people))
            if operations := _member_operations(store, group_id, gone, existing):
                self._submit(operations)

    def _exact(self, store: str, group_id: str, rows: MemberChange, unwritten: Sequence[Operation]) -> MemberChange:
        """What of a change is one, where some of its operations are not written yet."""
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
        """The operations on a group's own rows; the whole hangs on the first."""
        known = before.group if before else after
        assert known is not None  # one of the two is there
        old, new = rows_of(before.group) if before else {}, rows_of(after) if after else {}
        key = f"group:{known.id}"
        operations = [_guarded(store, key, before, new.get(key))]
        for row_key in {**old, **new}:
            if row_key == key or old.get(row_key) == new.get(row_key):
                continue
            if row_key not in new:
                operations.append(("delete", {"PartitionKey": store, "RowKey": row_key}))
            elif row_key in old:
                operations.append(_upsert(store, row_key, new[row_key]))
            else:
                operations.append(("create", {"PartitionKey": store, "RowKey": row_key} | new[row_key]))
        if event is not None:
            operations.append(("create", event_row(store, known.id, event)))
        return operations

    def _submit(self, operations: Sequence[Operation]) -> list[Mapping[str, object]]:
        with our_errors():
            return list(self._table.submit_transaction(operations))

    def _existing(self, store: str, keys: Iterable[str]) -> set[str]:
        """Which of these rows there are: one round trip each, some at once."""
        keys = list(keys)
        found = in_parallel(lambda key: self._get(store, key, ("RowKey",)), keys, READERS) if keys else []
        return {key for key, row in zip(keys, found, strict=True) if row is not None}


def _guarded(store: str, key: str, before: StoredGroup | None, row: Row | None) -> Operation:
    """The write of the group's own row, which the whole transaction hangs on."""
    keys = {"PartitionKey": store, "RowKey": key}
    if before is None:
        return "create", keys | (row or {})
    guard: dict[str, object] = {"etag": before.etag, "match_condition": MatchConditions.IfNotModified}
    if row is None:
        return "delete", keys, guard
    return "update", keys | row, guard | {"mode": UpdateMode.REPLACE}


def _upsert(store: str, key: str, row: Row) -> Operation:
    return "upsert", {"PartitionKey": store, "RowKey": key} | row, {"mode": UpdateMode.REPLACE}


def _member_operations(store: str, group_id: str, change: MemberChange, existing: set[str] | None) -> list[Operation]:
    """The operations on the rows of memberships, in the order of ``member_rows``.

    ``existing``: those of the rows that there are; None: just those of who leaves, or the transaction fails.
    """
    joining = set(change.joining)
    operations = list[Operation]()
    for key, row in member_rows(group_id, change.everybody).items():
        keys = {"PartitionKey": store, "RowKey": key}
        person = key.split(":")[1] if key.startswith("memberOf:") else row["id"]
        if person in joining:
            operations.append(("create", keys | row) if existing is None else _upsert(store, key, row))
        elif existing is None or key in existing:
            operations.append(("delete", keys))
    return operations
