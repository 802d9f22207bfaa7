"""Who is in the scope of a store, and by what: rows of the table ``entra``, in the partition of the store.

Each grant is two rows, so that both questions are one range: ``has:<user>:<group>``, by what somebody is in scope, and
``of:<group>:<user>``, whom a group brings in. Who is assigned himself has it of the group ``-``. A row ``again:<user>``
is a mark: his grants changed, and whether he is in scope is yet to be looked at. Where all users are in scope, the same
rows say who is a member of what. A row ``look:<group>:<user>`` is the mark of shared/tables/entra_groups.py.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import batched

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient, UpdateMode

from shared.tables.errors import Stale
from shared.tables.portions import MOST_ROWS
from shared.tables.service import our_errors
from shared.tables.store_rows import remove_rows

PAGE = 1000
"""Rows in a page: https://learn.microsoft.com/rest/api/storageservices/query-timeout-and-pagination"""

HIMSELF = "-"
"""The group of those who are assigned themselves."""

type _Operation = tuple[str, dict[str, str]] | tuple[str, dict[str, str], dict[str, object]]


class EntraScope:
    """Reads and writes grants; users and groups are object ids. Every method raises TablesBusy."""

    def __init__(self, table: TableClient) -> None:
        self._table = table

    def has(self, store: str, user: str) -> bool:
        """Whether anything brings this user into scope. One round trip."""
        return next(self._ends(store, f"has:{user}", most=1), None) is not None

    def everyone(self, store: str, heartbeat: Callable[[], None] = lambda: None) -> set[str]:
        """Every user in scope; read a page at a time, with a heartbeat for each."""
        found = set[str]()
        for ends in batched(self._ends(store, "has"), PAGE, strict=False):
            found.update(end.partition(":")[0] for end in ends)
            heartbeat()
        return found

    def of(self, store: str, group: str) -> Iterator[str]:
        """Whom a group brings in; a page at a time in memory."""
        return self._ends(store, f"of:{group}")

    def by_what(self, store: str, user: str) -> Iterator[str]:
        """The groups that bring a user in, HIMSELF among them. One round trip for a thousand."""
        return self._ends(store, f"has:{user}")

    def is_in(self, store: str, group: str, user: str) -> bool:
        """Whether a group brings this user in. One round trip."""
        with our_errors():
            try:
                self._table.get_entity(store, f"of:{group}:{user}")
            except ResourceNotFoundError:
                return False
        return True

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
        """Let a group bring these users in, and those no longer; nobody is in both.

        A user's rows, his mark where ``mark`` says so, and that of his membership where ``look`` does, change in one
        transaction. What is there already is written again; what is not there to be removed is passed over, without a
        mark.
        """
        changes = [(user, True) for user in sorted(added)] + [(user, False) for user in sorted(removed)]
        for portion in batched(changes, MOST_ROWS // (2 + mark + look), strict=False):
            try:
                self._transact(store, group, portion, mark=mark, look=look)
            except Stale:
                there = [(user, is_added) for user, is_added in portion if is_added or self.is_in(store, group, user)]
                self._transact(store, group, there, mark=mark, look=look)

    def mark(self, store: str, users: Sequence[str]) -> None:
        """Let these be looked at again, though their grants did not change."""
        for portion in batched(users, MOST_ROWS, strict=False):
            with our_errors():
                self._table.submit_transaction([_put(store, f"again:{user}") for user in portion])

    def marked(self, store: str) -> Iterator[str]:
        """Who is to be looked at again; a page at a time in memory."""
        return self._ends(store, "again")

    def unmark(self, store: str, users: Sequence[str]) -> None:
        """They were looked at."""
        remove_rows(self._table, store, [f"again:{user}" for user in users])

    def _transact(self, store: str, group: str, changes: Sequence[tuple[str, bool]], *, mark: bool, look: bool) -> None:
        operations: list[_Operation] = []
        for user, is_added in changes:
            keys = (f"has:{user}:{group}", f"of:{group}:{user}")
            operations += [_put(store, key) if is_added else ("delete", _row(store, key)) for key in keys]
            if mark:
                operations.append(_put(store, f"again:{user}"))
            if look:
                operations.append(_put(store, look_key(group, user)))
        if operations:
            with our_errors():
                self._table.submit_transaction(operations)

    def _ends(self, store: str, start: str, most: int | None = None) -> Iterator[str]:
        """The ends of the keys that begin so; ``;`` sorts right behind ``:``. ``most``: rows in a page."""
        with our_errors():
            for row in self._table.query_entities(
                "PartitionKey eq @store and RowKey ge @start and RowKey lt @end",
                parameters={"store": store, "start": f"{start}:", "end": f"{start};"},
                select=["RowKey"],
                results_per_page=most,
            ):
                yield str(row["RowKey"]).removeprefix(f"{start}:")


def look_key(group: str, user: str) -> str:
    """The row key of the mark that a membership is to be looked at."""
    return f"look:{group}:{user}"


def _row(store: str, key: str) -> dict[str, str]:
    return {"PartitionKey": store, "RowKey": key}


def _put(store: str, key: str) -> _Operation:
    return "upsert", _row(store, key), {"mode": UpdateMode.REPLACE}
