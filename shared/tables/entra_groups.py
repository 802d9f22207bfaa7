"""The groups that Microsoft Graph shows for a store, and which of them need another look: rows of table ``entra``.

A row ``group:<group>`` holds a group's name, and whether it is still in scope; its members are rows of entra_scope.py.
Marks name what to look at: ``look:<group>:-`` the group itself, which changed, ``look:<group>:all`` all its members,
``look:<group>:<user>`` one membership. The holder of the store's cycle lease writes them before the checkpoint moves,
and deletes them once the resulting changes are done. Provisioning on demand writes them too: what it read may be older
than what a cycle has written meanwhile, so a cycle has to look again.

A row ``ending:<list>:<group>`` says that everything the group grants is to be taken away, and why. The rows of a list
count once the cycles' note names that list, so that they and the set of followed groups change together.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import batched, groupby

from shared.tables.by_time import MOST_DROPPED, drop
from shared.tables.entra_scope import look_key
from shared.tables.portions import MOST_ROWS
from shared.tables.record_table import AFTER_ALL, RecordTable, keyed, remove_rows, upsert

_ITSELF, _EVERYBODY = "-", "all"


@dataclass(frozen=True)
class EntraGroup:
    """A group as Graph last showed it."""

    id: str
    name: str
    gone: str | None = None
    """Why it left the scope, a sentence; None while it is in scope."""


@dataclass(frozen=True)
class Look:
    """What to look at in one group."""

    group: str
    whole: bool = False
    """Whether to look at all its members."""
    users: frozenset[str] = frozenset()
    """Users whose memberships changed."""
    keys: tuple[str, ...] = field(default=(), repr=False)
    """Row keys of the marks, to delete afterwards."""


class EntraGroups(RecordTable):
    """Reads and writes these groups; groups and users are object ids. Every method raises TablesBusy."""

    def shown(self, store: str, group: str) -> EntraGroup | None:
        """Return one group, or None if Graph never showed it. One round trip."""
        found = self._get(store, f"group:{group}")
        return _group(found[0]) if found else None

    def all(self, store: str) -> Iterator[EntraGroup]:
        """Return every group, those included that left the scope and are not dealt with yet; a page at a time in
        memory.
        """
        return (_group(row) for row, _ in self._range(store, "group:", "group" + AFTER_ALL))

    def put(self, store: str, groups: Iterable[EntraGroup], *, look: bool) -> None:
        """Store groups as Graph shows them; ``look`` marks them too. One round trip for fifty."""
        for portion in batched(groups, MOST_ROWS // 2, strict=False):
            operations = [upsert(keyed(store, f"group:{group.id}", _row(group))) for group in portion]
            if look:
                operations += [upsert(keyed(store, look_key(group.id, _ITSELF))) for group in portion]
            self._transact(operations)

    def forget(self, store: str, group: str) -> None:
        """Delete a group that left the scope and has been dealt with. One round trip."""
        self._delete(store, f"group:{group}")

    def look_at(self, store: str, groups: Iterable[str]) -> None:
        """Mark these groups with all their members. One round trip for a hundred."""
        for portion in batched(groups, MOST_ROWS, strict=False):
            self._transact([upsert(keyed(store, look_key(group, _EVERYBODY))) for group in portion])

    def look_at_memberships(self, store: str, user: str, groups: Iterable[str]) -> None:
        """Mark one user's memberships. One round trip for a hundred."""
        for portion in batched(groups, MOST_ROWS, strict=False):
            self._transact([upsert(keyed(store, look_key(group, user))) for group in portion])

    def look_at_some(self, store: str, group: str, users: Iterable[str]) -> None:
        """Mark a group itself, and these users' memberships of it. One round trip for a hundred."""
        self._transact([upsert(keyed(store, look_key(group, each))) for each in (_ITSELF, *users)])

    def looks(self, store: str) -> Iterator[Look]:
        """Return what to look at, group by group. One round trip for a thousand marks."""
        keys = (row["RowKey"] for row, _ in self._range(store, "look:", "look" + AFTER_ALL, ("RowKey",)))
        for group, pending_changes in groupby(keys, key=lambda key: key.split(":")[1]):
            yield _look(group, tuple(pending_changes))

    def done(self, store: str, look: Look) -> None:
        """Delete the marks of a group whose changes are done. One round trip for a hundred marks."""
        remove_rows(self._table, store, look.keys)

    def write_ending(self, store: str, groups: Mapping[str, str], heartbeat: Callable[[], None]) -> str:
        """Write a list of groups, each with the reason; return its name, which is the same for the same groups.

        One round trip and one heartbeat for a hundred.
        """
        text = "\n".join(f"{group} {why}" for group, why in sorted(groups.items()))
        name = hashlib.sha256(text.encode()).hexdigest()[:16]
        for portion in batched(sorted(groups.items()), MOST_ROWS, strict=False):
            rows = [keyed(store, f"ending:{name}:{group}", {"id": group, "why": why}) for group, why in portion]
            self._transact([upsert(row) for row in rows])
            heartbeat()
        return name

    def ending(self, store: str, name: str) -> Iterator[tuple[str, str]]:
        """Return the remaining groups of a list, each with the reason; a page at a time in memory."""
        rows = self._range(store, f"ending:{name}:", f"ending:{name}" + AFTER_ALL)
        return ((row["id"], row["why"]) for row, _ in rows)

    def ended(self, store: str, name: str, groups: Sequence[str]) -> None:
        """Take groups off a list. One round trip for a hundred."""
        remove_rows(self._table, store, [f"ending:{name}:{group}" for group in groups])

    def drop_endings(self, store: str) -> None:
        """Delete what is left of any list: one whose writer died before the note named it."""
        while drop(self._table, store, "ending:", "ending" + AFTER_ALL, MOST_DROPPED) == MOST_DROPPED:
            pass


def _look(group: str, keys: tuple[str, ...]) -> Look:
    users = frozenset(key.split(":")[2] for key in keys)
    return Look(group, _EVERYBODY in users, users - {_ITSELF, _EVERYBODY}, keys)


def _group(row: dict[str, str]) -> EntraGroup:
    return EntraGroup(row["id"], row["name"], row.get("gone"))


def _row(group: EntraGroup) -> dict[str, str]:
    return {"id": group.id, "name": group.name} | ({"gone": group.gone} if group.gone else {})
