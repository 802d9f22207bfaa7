"""A lock on a store against cycles and jobs while its rows are copied, replaced or deleted.

Cycles run under the lease ``cycle:<store>``, jobs under ``errand:<store>:<id>``. A stopped store starts neither, so the
lease is only needed for a short time; a cycle that still runs changes rows.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from shared.tables.asked_cycles import AskedCycles
from shared.tables.heartbeat import LASTS, Heartbeat
from shared.tables.leases import Leases

LEASES = "leases"
"""Name of the table."""
CYCLES = "cycle"
"""Lease kind: one per store, by its id."""
JOBS = "errand"
"""Lease kind: one per job, by the store's id and its own."""


class StillWorking(Exception):
    """A cycle or a job of the store is still under way; the message says what to do."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} of this directory store is still under way. It ends by itself: wait a moment.")


@dataclass(frozen=True)
class CycleLeases:
    """Holds a store's lease in place of a cycle. Its methods raise StillWorking and TablesBusy."""

    leases: Leases
    asked: AskedCycles
    now: Callable[[], datetime]

    @contextmanager
    def kept_out(self, store: str, *, forget: bool) -> Iterator[None]:
        """Keep cycles and jobs off the store within the block.

        ``forget``: delete what cycles left for the next one, so that the next reads everything.
        """
        now = self.now()
        if any(each.is_held(now) for name, each in self.leases.of_kind(JOBS).items() if name.startswith(f"{store}:")):
            raise StillWorking("A job")
        lease = self.leases.acquire(f"{CYCLES}:{store}", LASTS, lambda note: "" if forget else note)
        if lease is None:
            raise StillWorking("A cycle")
        with Heartbeat(self.leases, lease, self.now) as heart:
            try:
                yield
            finally:
                heart.release(lease.note)

    def drop(self, store: str) -> None:
        """Delete everything about the work of a removed store."""
        self.asked.drop_all(store)
        for name, lease in self.leases.of_kind(JOBS).items():
            if name.startswith(f"{store}:"):
                self.leases.remove(lease)
        cycles = self.leases.read(f"{CYCLES}:{store}")
        if cycles is not None:
            self.leases.remove(cycles)
