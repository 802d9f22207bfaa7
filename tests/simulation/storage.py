"""Table Storage of a simulated world, and how its calls fail, as its client library tells it."""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from azure.core.exceptions import AzureError, HttpResponseError, ServiceRequestError, ServiceResponseError

from shared.calls import note_call
from tests.simulation.exclusion import Exclusion
from tests.simulation.outside import Fault, Outside
from tests.tables.memory.filters import EVERYTHING
from tests.tables.memory.limits import Key, Refusal
from tests.tables.memory.operations import error_of
from tests.tables.memory.table import Call
from tests.tables.memory.tables import MemoryTables

_STATUS = {Fault.BUSY: 503, Fault.THROTTLED: 429, Fault.BUSY_DONE: 500, Fault.LIE: 502, Fault.LIE_DONE: 502}


class Storage:
    """The medium."""

    timeout = 20.0

    def failure(self, fault: Fault) -> None:
        """Raises what the library raises once its own retries are used up."""
        raise _error(fault)


def _error(fault: Fault) -> AzureError:
    if fault is Fault.UNSENT:
        return ServiceRequestError("not reached")
    if fault not in _STATUS:
        return ServiceResponseError("no answer")
    error = HttpResponseError(fault.value)
    error.status_code = _STATUS[fault]
    return error


class Tables(MemoryTables):
    """The account. ``wrote`` hears of the rows that a call has written, once it has."""

    def __init__(
        self, outside: Outside, wrote: Callable[[str, list[tuple[str, str]]], None], exclusion: Exclusion
    ) -> None:
        super().__init__(outside.schedule.now)
        self._exclusion = exclusion
        self._outside, self._wrote, self._medium = outside, wrote, Storage()
        self.refused: list[tuple[Call, Refusal]] = []
        """Refusals for what no caller can act on."""

    def round_trip[T](self, call: Call, work: Callable[[], T]) -> T:
        """As it is, but as a call that leaves the process."""
        note_call("tables")

        def act() -> T:
            try:
                done = work()
            except Refusal as refusal:
                if refusal.status in (400, 413):
                    self.refused.append((call, refusal))
                raise error_of(refusal, call.operation) from None
            if call.operation not in ("get_entity", "query", "list_tables"):
                if call.table == "leases":
                    self._leased(call)
                self._wrote(call.table, [(key.partition, key.row) for key in call.keys])
            return done

        answer: T = self._outside.call(self._medium, _told(call), act)
        return answer

    def _leased(self, call: Call) -> None:
        for key in call.keys:
            row = self.row(call.table, *key) or {}
            self._exclusion.lease(key.row, "" if row.get("free") else str(row.get("holder", "")))

    def row(self, table: str, partition: str, key: str) -> Mapping[str, Any] | None:
        """A row, for who looks on."""
        rows = self._tables.get(table)
        found = rows.get(Key(partition, key)) if rows else None
        return found.values if found else None

    def everything(self, table: str) -> Iterator[Mapping[str, Any]]:
        """All rows of a table, for who looks on."""
        rows = self._tables.get(table)
        return (row.values for row in rows.found(EVERYTHING, None)) if rows else iter(())


def _told(call: Call) -> str:
    """A call by what it is about, without ids."""
    kinds = frozenset(key.row.partition(":")[0] for key in call.keys if ":" in key.row)
    return _named(call.operation, call.table, kinds)


@lru_cache(maxsize=1000)
def _named(operation: str, table: str, kinds: frozenset[str]) -> str:
    return f"tables {operation.removesuffix('_entity')} {table} {' '.join(sorted(kinds))}".strip()
