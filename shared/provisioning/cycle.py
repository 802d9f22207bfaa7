"""The cycles of the stores: which are due, and carrying one out under its store's lease.

One cycle of a store runs at a time, under a lease whose note says where the next one goes on. What is out of time ends
at the next place that is safe, and a new message goes on from there.
"""

from functools import partial

from shared.calls import counted
from shared.directory.schedule import after_start, closed, due
from shared.directory.store import Store
from shared.logging import logged_with
from shared.provisioning.cycle_note import KIND, CycleNote, lease_name, opened, sealed
from shared.provisioning.one_cycle import LASTS, SCHEDULE, CycleParts, CycleRequest, Done, OneCycle, Report
from shared.tables.by_time import new_id


class NotNow(Exception):
    """No cycle runs for this request; the message says why."""


class Cycles(CycleParts):
    """Runs cycles."""

    def due(self) -> list[CycleRequest]:
        """The cycles that are due at this tick. Two round trips, however many stores there are. Raises TablesBusy."""
        now, leases = self.now(), self.leases.of_kind(KIND)
        found = []
        for store in self.stores.started():
            lease = leases.get(store.id)
            note = opened(lease.note, self.seals) if lease else CycleNote()
            free = lease is None or not lease.is_held(now)
            if free and due(now, store.schedule, note.times):
                found.append(CycleRequest(store=store.id))
        return found

    def standing(self) -> tuple[int, int]:
        """How many stores are started, and how many of them have an interrupted cycle: it began, did not end, and
        nobody has its lease. Two round trips. Raises TablesBusy."""
        now, leases, stores = self.now(), self.leases.of_kind(KIND), self.stores.started()
        free = (lease for store in stores if (lease := leases.get(store.id)) and not lease.is_held(now))
        return len(stores), sum(1 for lease in free if opened(lease.note, self.seals).open_runs)

    def run(
        self, request: CycleRequest, report: Report = lambda *_: None, *, again: bool = False, last: bool = False
    ) -> Done:
        """Carry out a request. Raises NotNow, TablesBusy, and LeaseLost where another instance took the store over.

        ``again``: its message has come before, and may have begun what it asks for. ``last``: it does not come again.
        """
        with counted() as calls:
            store = self.stores.read(request.store)
            if store is None:
                raise NotNow("There is no such directory store")
            if (shut := closed(self.now(), store.schedule)) is not None:
                raise NotNow(shut.reason)
            run_id = request.goes_on or new_id(self.now())
            turn = partial(self._started, store, request, run_id, again)
            lease = self.leases.acquire(lease_name(store.id), LASTS, turn)
            if lease is None:
                raise NotNow("Another cycle of this directory store is running, or none is due")
            note = opened(lease.note, self.seals)
            with logged_with(cycle=run_id):
                return OneCycle(self, store, request, run_id, lease, note, calls, report, last).carry_out()

    def times(self, store: str) -> CycleNote:
        """What is remembered of a store's cycles. One round trip."""
        lease = self.leases.read(lease_name(store))
        return opened(lease.note, self.seals) if lease else CycleNote()

    def _started(self, store: Store, request: CycleRequest, run_id: str, again: bool, before: str) -> str | None:
        """The note to take the lease with, or None where no cycle is due."""
        note, now = opened(before, self.seals), self.now()
        if request.goes_on is None:
            if request.asked_by == SCHEDULE and not again and not due(now, store.schedule, note.times):
                return None
            note = note.model_copy(update={"times": after_start(now, store.schedule, note.times)})
        open_runs = tuple(dict.fromkeys((*note.open_runs, run_id)))
        return sealed(note.model_copy(update={"last_full": note.last_full or now, "open_runs": open_runs}), self.seals)
