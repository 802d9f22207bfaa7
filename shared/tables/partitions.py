"""Everything stored of a directory store outside of the table of stores."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from azure.data.tables import TableClient

from shared.tables.asked_cycles import AskedCycles
from shared.tables.by_time import MOST_DROPPED, drop
from shared.tables.cycle_leases import LEASES, CycleLeases
from shared.tables.leases import Leases

_FIRST, _LAST = "!", "~~"
"""Bounds of all row keys: none sorts before the first or after the last."""


@dataclass(frozen=True)
class Partitions:
    """The tables in which a store has a partition of its own, and that of leases, in which rows bear its name."""

    tables: Sequence[TableClient]

    def drop_some(self, store: str, most: int = MOST_DROPPED) -> bool:
        """Delete at most so many of a store's rows; return whether none is left. Raises TablesBusy."""
        return not any(drop(table, store, _FIRST, _LAST, most) for table in self.tables)

    def work(self, now: Callable[[], datetime]) -> CycleLeases:
        """Return the leases of the stores' cycles and jobs. Raises LookupError where their table is not among these."""
        leases = next((table for table in self.tables if table.table_name == LEASES), None)
        if leases is None:
            raise LookupError(LEASES)
        return CycleLeases(Leases(leases, now), AskedCycles(leases), now)
