"""The cycles of the stores: which are due, and carrying one out under its store's lease.

One cycle of a store runs at a time, under a lease whose note says where the next one goes on. What is out of time ends
at the next place that is safe, and a new message goes on from there. A cycle whose process ended leaves its run open in
the note: the first tick after the lease's end asks for a cycle, which goes on with that run before anything else. So no
message has to come back for the work to be done, and one that finds the lease held may be thrown away.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from shared.calls import counted
from shared.logging import logged_with
from shared.rules.run import RunKind
from shared.rules.schedule import after_start, closed, due, why_halted
from shared.rules.store import Store
from shared.sync.cycle import Cycle, CycleParts, Done, Report
from shared.sync.cycle_note import SCHEDULE, CycleNote, CycleRequest, lease_name, opened, sealed
from shared.tables.by_time import new_id
from shared.tables.cycle_leases import CYCLES
from shared.tables.heartbeat import LASTS, Heartbeat
from shared.tables.leases import Lease

LATE = timedelta(minutes=10)
"""A run on which nobody works for so long has to be told to somebody."""

_log = logging.getLogger("bridge.cycle")


class NotNow(Exception):
    """No cycle runs for this request; the message says why."""


@dataclass(frozen=True)
class CycleStanding:
    """How a store's cycles stand."""

    note: CycleNote
    running: bool
    """Whether a process works on one."""
    interrupted: datetime | None
    """Since when no process works on the run that is open; None: there is no such run."""


class Cycles(CycleParts):
    """Runs cycles."""

    def ask(self, store: Store, kind: RunKind, asked_by: str) -> CycleRequest:
        """Write down that somebody wants a cycle, which begins when no other is running. One round trip.

        The message need not reach a worker: a tick finds what was asked for. Raises NotNow where provisioning does not
        run, and TablesBusy.
        """
        if (shut := closed(self.now(), store.schedule)) is not None:
            raise NotNow(shut.reason)
        request = CycleRequest(store=store.id, kind=kind, asked_by=asked_by, id=new_id(self.now()))
        assert request.id is not None
        self.asked.put(store.id, request.id, request.model_dump_json())
        return request

    def due(self) -> list[CycleRequest]:
        """The cycles to ask for at this tick. Three round trips, however many stores there are. Raises TablesBusy."""
        now, leases, asked = self.now(), self.leases.of_kind(CYCLES), self.asked.all()
        found = list[CycleRequest]()
        for store in self.stores.started():
            standing = self._standing(store, leases.get(store.id), now)
            if standing.running or closed(now, store.schedule) is not None:
                continue
            note = standing.note
            if note.open_run is not None:
                if standing.interrupted is not None:
                    found.append((note.request or CycleRequest(store=store.id)).going_on(note.open_run))
                    self._tell_late(store, note.open_run, now - standing.interrupted)
            elif store.id in asked:
                found.append(CycleRequest.model_validate_json(asked[store.id][-1]))
            elif due(now, store.schedule, note.times):
                found.append(CycleRequest(store=store.id))
        return found

    def interrupted(self, stores: Iterable[Store]) -> list[str]:
        """Those of these started stores with a run that nobody works on. One round trip. Raises TablesBusy."""
        now, leases = self.now(), self.leases.of_kind(CYCLES)
        return [store.id for store in stores if self._standing(store, leases.get(store.id), now).interrupted]

    def run(self, request: CycleRequest, report: Report = lambda *_: None) -> Done:
        """Carry out a request, or first what an earlier process left undone of another.

        Raises NotNow, TablesBusy, and LeaseLost where another instance took the store over.
        """
        with counted() as calls:
            store = self.stores.read(request.store)
            if store is None:
                raise NotNow("There is no such directory store")
            if (shut := closed(self.now(), store.schedule)) is not None:
                if request.id is not None:
                    self.asked.drop(store.id, request.id)
                raise NotNow(shut.reason)
            lease = self.leases.acquire(lease_name(store.id), LASTS, partial(self._started, store, request))
            if lease is None:
                raise NotNow("Another cycle of this directory store is running, or none is due")
            note = opened(lease.note, self.seals, store.incarnation)
            run_id, begun = note.open_run, note.request
            assert run_id is not None  # _started has just noted both
            assert begun is not None
            if begun.id is not None and begun.goes_on is None:
                self.asked.drop(store.id, begun.id)
            look = partial(self._why_ended, store.id)
            with logged_with(cycle=run_id), Heartbeat(self.leases, lease, self.now, look) as heart:
                return Cycle(self, store, begun, run_id, heart, note, calls, report).carry_out()

    def standing(self, store: Store) -> CycleStanding:
        """How a store's cycles stand. One round trip."""
        return self._standing(store, self.leases.read(lease_name(store.id)), self.now())

    def _standing(self, store: Store, lease: Lease | None, now: datetime) -> CycleStanding:
        note = opened(lease.note if lease else "", self.seals, store.incarnation)
        running = lease is not None and lease.is_held(now)
        since = note.abandoned_since(lease.ends, now) if lease is not None and not running else None
        return CycleStanding(note, running, since)

    def _started(self, store: Store, request: CycleRequest, before: str) -> str | None:
        """The note to take the lease with, or None where nothing is to be done."""
        note, now = opened(before, self.seals, store.incarnation), self.now()
        if note.open_run is not None:
            return sealed(note.gone_on(note.open_run, request), self.seals)
        if request.goes_on is not None:
            return None  # that run has ended
        if request.id is not None:
            if self.runs.get(store.id, request.id) is not None:
                return None  # its message came twice
        elif request.asked_by == SCHEDULE and not due(now, store.schedule, note.times):
            return None
        note = note.model_copy(update={"last_full": note.last_full or now})
        begun = note.begun(request.id or new_id(now), request, after_start(now, store.schedule, note.times))
        return sealed(begun, self.seals)

    def _why_ended(self, store_id: str) -> str | None:
        """Why a cycle that is running has to end: somebody stopped, paused or deleted the store."""
        store = self.stores.read(store_id)
        return why_halted(self.now(), store.schedule if store else None)

    def _tell_late(self, store: Store, run_id: str, silent: timedelta) -> None:
        """A line for the alert on runs that nobody goes on with."""
        if silent >= LATE:
            _log.error("interrupted store=%s cycle=%s minutes=%d", store.id, run_id, silent.total_seconds() // 60)
