"""The groups that Microsoft Graph shows of a store, and what of them is yet to be looked at: rows of table ``entra``.

A row ``group:<group>`` says what a group is called, and whether it is in scope still; its members are rows of
shared/tables/entra_scope.py. Marks say what is to be looked at: ``look:<group>:-`` the group itself, which changed,
``look:<group>:all`` everybody in it, ``look:<group>:<user>`` one membership. They are written by who holds the lease of
the store's cycles, before the place to go on from moves, and taken away when what they led to is done. Provisioning on
demand writes them too: what it read may be older than what a cycle wrote meanwhile, so that a cycle looks after it.

A row ``ending:<list>:<group>`` says that whatever the group grants is to be taken away, and why. The rows of a list
count once the note of the cycles names that list, so that they and the groups that are followed change as one.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import batched, groupby

from azure.data.tables import UpdateMode

from shared.tables.by_time import MOST_DROPPED, drop
from shared.tables.entra_scope import look_key
from shared.tables.portions import MOST_ROWS
from shared.tables.service import our_errors
from shared.tables.store_rows import AFTER_ALL, Operation, StoreRows, remove_rows

_ITSELF, _EVERYBODY = "-", "all"


@dataclass(frozen=True)
class EntraGroup:
    """A group as Graph showed it last."""

    id: str
    name: str
    gone: str | None = None
    """Why it is not in scope any more, a sentence; None while it is."""


@dataclass(frozen=True)
class Look:
    """What is to be looked at of one group."""

    group: str
    whole: bool = False
    """Everybody in it."""
    users: frozenset[str] = frozenset()
    """Whose memberships changed."""
    keys: tuple[str, ...] = field(default=(), repr=False)
    """The marks, to be taken away."""


class EntraGroups(StoreRows):
    """Reads and writes them; groups and users are object ids. Every method raises TablesBusy."""

    def shown(self, store: str, group: str) -> EntraGroup | None:
        """One group, or None where Graph never showed it. One round trip."""
        found = self._get(store, f"group:{group}")
        return _group(found[0]) if found else None

    def all(self, store: str) -> Iterator[EntraGroup]:
        """Every group, those that are gone and yet to be dealt with among them; a page at a time in memory."""
        return (_group(row) for row, _ in self._range(store, "group:", "group" + AFTER_ALL))

    def put(self, store: str, groups: Iterable[EntraGroup], *, look: bool) -> None:
        """Keep groups as Graph shows them, with marks where ``look`` says so. One round trip for fifty."""
        for portion in batched(groups, MOST_ROWS // 2, strict=False):
            operations = [_put(store, f"group:{group.id}", _row(group)) for group in portion]
            if look:
                operations += [_put(store, look_key(group.id, _ITSELF)) for group in portion]
            self._submit(operations)

    def forget(self, store: str, group: str) -> None:
        """A group that is not in scope any more has been dealt with. One round trip."""
        with our_errors():
            self._table.delete_entity({"PartitionKey": store, "RowKey": f"group:{group}"})  # none is no error

    def look_at(self, store: str, groups: Iterable[str]) -> None:
        """Mark these groups, everybody in them included. One round trip for a hundred."""
        for portion in batched(groups, MOST_ROWS, strict=False):
            self._submit([_put(store, look_key(group, _EVERYBODY)) for group in portion])

    def look_at_memberships(self, store: str, user: str, groups: Iterable[str]) -> None:
        """Mark one user's memberships. One round trip for a hundred."""
        for portion in batched(groups, MOST_ROWS, strict=False):
            self._submit([_put(store, look_key(group, user)) for group in portion])

    def look_at_some(self, store: str, group: str, users: Iterable[str]) -> None:
        """Mark a group itself, and these users' memberships of it. One round trip for a hundred."""
        self._submit([_put(store, look_key(group, each)) for each in (_ITSELF, *users)])

    def looks(self, store: str) -> Iterator[Look]:
        """What is to be looked at, group by group. One round trip for a thousand marks."""
        keys = (row["RowKey"] for row, _ in self._range(store, "look:", "look" + AFTER_ALL, ("RowKey",)))
        for group, pending_changes in groupby(keys, key=lambda key: key.split(":")[1]):
            yield _look(group, tuple(pending_changes))

    def done(self, store: str, look: Look) -> None:
        """It was looked at, and what it led to is done. One round trip for a hundred marks."""
        remove_rows(self._table, store, look.keys)

    def write_ending(self, store: str, groups: Mapping[str, str], heartbeat: Callable[[], None]) -> str:
        """Write a list of groups, each with the reason; its name, which is the same for the same groups.

        One round trip for a hundred, and a heartbeat.
        """
        text = "\n".join(f"{group} {why}" for group, why in sorted(groups.items()))
        name = hashlib.sha256(text.encode()).hexdigest()[:16]
        for portion in batched(sorted(groups.items()), MOST_ROWS, strict=False):
            self._submit([_put(store, f"ending:{name}:{group}", {"id": group, "why": why}) for group, why in portion])
            heartbeat()
        return name

    def ending(self, store: str, name: str) -> Iterator[tuple[str, str]]:
        """The groups of a list that are left, each with the reason; a page at a time in memory."""
        rows = self._range(store, f"ending:{name}:", f"ending:{name}" + AFTER_ALL)
        return ((row["id"], row["why"]) for row, _ in rows)

    def ended(self, store: str, name: str, groups: Sequence[str]) -> None:
        """Take groups off a list. One round trip for a hundred."""
        remove_rows(self._table, store, [f"ending:{name}:{group}" for group in groups])

    def drop_endings(self, store: str) -> None:
        """Drop what is left of any list: one that was written when a process died before the note named it."""
        while drop(self._table, store, "ending:", "ending" + AFTER_ALL, MOST_DROPPED) == MOST_DROPPED:
            pass

    def _submit(self, operations: Sequence[Operation]) -> None:
        with our_errors():
            self._table.submit_transaction(operations)


def _look(group: str, keys: tuple[str, ...]) -> Look:
    users = frozenset(key.split(":")[2] for key in keys)
    return Look(group, _EVERYBODY in users, users - {_ITSELF, _EVERYBODY}, keys)


def _group(row: dict[str, str]) -> EntraGroup:
    return EntraGroup(row["id"], row["name"], row.get("gone"))


def _row(group: EntraGroup) -> dict[str, str]:
    return {"id": group.id, "name": group.name} | ({"gone": group.gone} if group.gone else {})


def _put(store: str, key: str, row: dict[str, str] | None = None) -> Operation:
    return "upsert", {"PartitionKey": store, "RowKey": key, **(row or {})}, {"mode": UpdateMode.REPLACE}
