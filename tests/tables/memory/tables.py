"""Table Storage in memory: what the bridge uses of azure-data-tables, with the answers and limits of Azure.

tests/tables/test_contract.py holds it against Azurite. It is deterministic: ETags count up, time is what it is given.
Calls are counted (shared/calls.py) and a missing table is TablesBusy, as with the app's own client. What it does not
know of the SDK raises instead of answering something.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import RLock
from typing import Any, Self

from azure.core.exceptions import ResourceExistsError
from azure.core.paging import ItemPaged
from azure.data.tables import TableItem, TableServiceClient

from shared.calls import note_call
from tests.tables.memory.limits import Key, Refusal
from tests.tables.memory.operations import error_of
from tests.tables.memory.rows import Rows
from tests.tables.memory.table import Call, MemoryTable

_NAME = re.compile(r"[a-z][a-z0-9]{2,62}")

type Around = Callable[[Call, Callable[[], Any]], Any]
"""Stands around each round trip: is given the call and what carries it out, and returns or raises what is answered."""


@dataclass(frozen=True)
class Snapshot:
    """Every table as it was, to go back to as often as wanted."""

    tables: Mapping[str, Rows]
    writes: int


class MemoryTables(TableServiceClient):
    """An account without tables. Threads may share it."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC), around: Around | None = None) -> None:
        """``now``: the service's clock, for timestamps. ``around``: where calls are cut, delayed or counted."""
        self.around = around
        self._now = now
        self._tables: dict[str, Rows] = {}
        self._writes = 0
        self._lock = RLock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def close(self) -> None: ...

    def get_table_client(self, table_name: str, **_: Any) -> "MemoryTable":
        """One table, which may be there or not. No round trip."""
        return MemoryTable(self, table_name)

    def create_table(self, table_name: str, **_: Any) -> "MemoryTable":
        if not _NAME.fullmatch(table_name):
            raise ValueError("a table's name has 3 to 63 letters and digits, here in lower case alone")

        def create() -> None:
            if table_name in self._tables:
                raise Refusal(409, "TableAlreadyExists", "The table specified already exists.")
            self._tables[table_name] = Rows()

        self.round_trip(Call("", "create_table", (Key(table_name, ""),)), create)
        return self.get_table_client(table_name)

    def create_table_if_not_exists(self, table_name: str, **_: Any) -> "MemoryTable":
        try:
            return self.create_table(table_name)
        except ResourceExistsError:
            return self.get_table_client(table_name)

    def delete_table(self, table_name: str, **_: Any) -> None:
        """One that is not there is no error. The name is free at once, where Azure takes a minute."""
        call = Call("", "delete_table", (Key(table_name, ""),))
        self.round_trip(call, lambda: self._tables.pop(table_name, None))

    def list_tables(self, **_: Any) -> ItemPaged[TableItem]:
        def page(_: object) -> list[TableItem]:
            return self.round_trip(
                Call("", "list_tables", ()), lambda: [TableItem(name) for name in sorted(self._tables)]
            )

        return ItemPaged(page, lambda items: (None, items))

    def snapshot(self) -> Snapshot:
        """Every table as it is. Costs as many partitions as there are, however many rows."""
        with self._lock:
            return Snapshot({name: rows.copy() for name, rows in self._tables.items()}, self._writes)

    def restore(self, snapshot: Snapshot) -> None:
        """Let every table be as it was; clients stay usable."""
        with self._lock:
            self._tables = {name: rows.copy() for name, rows in snapshot.tables.items()}
            self._writes = snapshot.writes

    def rows(self, table: str) -> Rows:
        """A table's. With the lock held. Raises Refusal where it is missing."""
        try:
            return self._tables[table]
        except KeyError:
            raise Refusal(404, "TableNotFound", "The table specified does not exist.") from None

    def stamp(self) -> tuple[str, datetime]:
        """The ETag and time of a write. With the lock held."""
        self._writes += 1
        return f"W/\"datetime'{self._writes:016d}'\"", self._now()

    def round_trip[T](self, call: Call, work: Callable[[], T]) -> T:
        """Do some work as the service does. Raises what the client raises for a refusal, or what ``around`` raises."""
        note_call("tables")

        def carry_out() -> T:
            try:
                with self._lock:
                    return work()
            except Refusal as refusal:
                raise error_of(refusal, call.operation) from None

        if self.around is None:
            return carry_out()
        answer: T = self.around(call, carry_out)
        return answer
