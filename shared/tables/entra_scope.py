"""Who is in the scope of a store, and through what: rows of the table ``entra``, in the partition of the store.

Each grant is two rows, so that either question is one range read: ``has:<user>:<group>`` finds what grants a user
scope, and ``of:<group>:<user>`` finds the members of a group. A directly assigned user has a grant of the group ``-``.
A row ``again:<user>`` marks a user whose grants changed and whose scope is still to be checked. Where all users are in
scope, the same rows hold the memberships. A row ``look:<group>:<user>`` is the mark of entra_groups.py.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import batched

from shared.tables.errors import Stale
from shared.tables.portions import MOST_ROWS
from shared.tables.record_table import AFTER_ALL, Operation, RecordTable, delete, keyed, remove_rows, upsert

PAGE = 1000
"""Rows in a page: https://learn.microsoft.com/rest/api/storageservices/query-timeout-and-pagination"""

HIMSELF = "-"
"""The group of directly assigned users."""


class EntraScope(RecordTable):
    """Reads and writes grants; users and groups are object ids. Every method raises TablesBusy."""

    def has(self, store: str, user: str) -> bool:
        """Whether anything grants this user scope. One round trip."""
        return next(self._ends(store, f"has:{user}", most=1), None) is not None

    def everyone(self, store: str, heartbeat: Callable[[], None] = lambda: None) -> set[str]:
        """Return every user in scope; read a page at a time, with a heartbeat for each."""
        found = set[str]()
        for ends in batched(self._ends(store, "has"), PAGE, strict=False):
            found.update(end.partition(":")[0] for end in ends)
            heartbeat()
        return found

    def of(self, store: str, group: str) -> Iterator[str]:
        """Return the stored members of a group; a page at a time in memory."""
        return self._ends(store, f"of:{group}")

    def by_what(self, store: str, user: str) -> Iterator[str]:
        """Return the groups that grant a user scope, HIMSELF among them. One round trip for a thousand."""
        return self._ends(store, f"has:{user}")

    def is_in(self, store: str, group: str, user: str) -> bool:
        """Whether a group grants this user scope. One round trip."""
        return self._get(store, f"of:{group}:{user}") is not None

    def change(
        self,
        store: str,
        group: str,
        added: Collection[str],
        removed: Collection[str],
        *,
        mark: bool,
        look: bool = False,
    ) -> None:
        """Add these users to a group and remove those; nobody is in both.

        A user's rows, the user's mark if ``mark``, and that of the membership if ``look``, change in one transaction.
        Existing rows are written again; a user to remove who is not there is passed over, without a mark.
        """
        changes = [(user, True) for user in sorted(added)] + [(user, False) for user in sorted(removed)]
        for portion in batched(changes, MOST_ROWS // (2 + mark + look), strict=False):
            try:
                self._transact(_changes(store, group, portion, mark=mark, look=look))
            except Stale:
                there = [(user, is_added) for user, is_added in portion if is_added or self.is_in(store, group, user)]
                self._transact(_changes(store, group, there, mark=mark, look=look))

    def mark(self, store: str, users: Sequence[str]) -> None:
        """Mark users to be checked again although their grants did not change."""
        for portion in batched(users, MOST_ROWS, strict=False):
            self._transact([upsert(keyed(store, f"again:{user}")) for user in portion])

    def marked(self, store: str) -> Iterator[str]:
        """Return the marked users; a page at a time in memory."""
        return self._ends(store, "again")

    def unmark(self, store: str, users: Sequence[str]) -> None:
        """Delete the marks of users who were checked."""
        remove_rows(self._table, store, [f"again:{user}" for user in users])

    def _ends(self, store: str, start: str, most: int | None = None) -> Iterator[str]:
        """Return the ends of the keys that begin so. ``most``: rows in a page."""
        rows = self._range(store, f"{start}:", start + AFTER_ALL, ("RowKey",), most)
        return (row["RowKey"].removeprefix(f"{start}:") for row, _ in rows)


def look_key(group: str, user: str) -> str:
    """Return the row key of the mark on a membership."""
    return f"look:{group}:{user}"


def _changes(store: str, group: str, changes: Sequence[tuple[str, bool]], *, mark: bool, look: bool) -> list[Operation]:
    operations = list[Operation]()
    for user, is_added in changes:
        rows = [keyed(store, key) for key in (f"has:{user}:{group}", f"of:{group}:{user}")]
        operations += [upsert(row) if is_added else delete(row) for row in rows]
        marks = [f"again:{user}"] * mark + [look_key(group, user)] * look
        operations += [upsert(keyed(store, key)) for key in marks]
    return operations
