"""The cycles of the stores: which are due, and carrying one out under its store's lease.

One cycle of a store runs at a time, under a lease whose note says where the next one goes on. What is out of time ends
at the next place that is safe, and a new message goes on from there. A cycle whose process ended leaves its run open in
the note: the first tick after the lease's end asks for a cycle, which goes on with that run before anything else. So no
message has to come back for the work to be done, and one that finds the lease held may be thrown away.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from shared.calls import Calls, counted
from shared.logging import logged_with
from shared.rules.run import Run, RunKind, RunState
from shared.rules.schedule import after_start, due, no_cycle, why_halted
from shared.rules.store import Store
from shared.sync.checkpoint import CycleCheckpoint
from shared.sync.cycle import Cycle, CycleParts, Done
from shared.sync.cycle_note import SCHEDULE, CycleNote, CycleRequest, Seals, lease_name, opened, sealed
from shared.sync.progress import SILENT, Progress
from shared.sync.run_record import RunRecord
from shared.tables.asked_cycles import AskedCycles
from shared.tables.by_time import new_id
from shared.tables.cycle_leases import CYCLES
from shared.tables.heartbeat import LASTS, Heartbeat
from shared.tables.leases import Lease, Leases
from shared.tables.runs import Runs
from shared.tables.stores import Stores

BUDGET = timedelta(minutes=8)
"""Length of one message's work. The queue hides a message for ten minutes at a time."""
FULL_EVERY = timedelta(days=1)
LATE = timedelta(minutes=10)
"""Time without a process working on an open run, after which the log says so for an alert."""
DIED = "The process that ran this cycle ended before it; what was left to do is done by a later cycle."

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


@dataclass(frozen=True)
class DueCycles:
    """What a tick finds."""

    requests: list[CycleRequest]
    """The messages that ask for the cycles which are due, interrupted ones among them."""
    interrupted: list[str]
    """Ids of the stores with a run that began and did not end, and that no process works on."""


@dataclass(frozen=True)
class Cycles:
    """Runs cycles. Every method raises TablesBusy."""

    stores: Stores
    leases: Leases
    asked: AskedCycles
    seals: Seals
    runs: Runs
    parts: CycleParts
    now: Callable[[], datetime]
    budget: timedelta = BUDGET

    def ask(self, store: Store, kind: RunKind, asked_by: str) -> CycleRequest:
        """Write down that an administrator wants a cycle, which begins when no other is running. One round trip.

        The message need not reach a worker: a tick finds what was asked for. Raises NotNow for a stopped or
        paused store.
        """
        if (shut := no_cycle(self.now(), store.schedule)) is not None:
            raise NotNow(shut.reason)
        request = CycleRequest(store=store.id, kind=kind, asked_by=asked_by, id=new_id(self.now()))
        assert request.id is not None
        self.asked.put(store.id, request.id, request.model_dump_json())
        return request

    def due(self, stores: Sequence[Store]) -> DueCycles:
        """The cycles to ask for at this tick, of stores that are started or observe. Two round trips in all."""
        now, leases, asked = self.now(), self.leases.of_kind(CYCLES), self.asked.all()
        found = DueCycles([], [])
        for store in stores:
            standing = self._standing(store, leases.get(store.id), now)
            if standing.interrupted is not None:
                found.interrupted.append(store.id)
            if standing.running or no_cycle(now, store.schedule) is not None:
                continue
            note = standing.note
            if note.open_run is not None:
                if standing.interrupted is not None:
                    request = note.request or CycleRequest(store=store.id)
                    found.requests.append(request.going_on(note.open_run))
                    _tell_late(store, note.open_run, now - standing.interrupted)
            elif store.id in asked:
                found.requests.append(CycleRequest.model_validate_json(asked[store.id][-1]))
            elif due(now, store.schedule, note.times):
                found.requests.append(CycleRequest(store=store.id))
        return found

    def interrupted(self, stores: Sequence[Store]) -> list[str]:
        """Those of these started or observing stores with a run that no process works on. One round trip."""
        now, leases = self.now(), self.leases.of_kind(CYCLES)
        return [store.id for store in stores if self._standing(store, leases.get(store.id), now).interrupted]

    def run(self, request: CycleRequest, progress: Progress = SILENT) -> Done:
        """Carry out a request, or first what an earlier process left undone of another.

        Raises NotNow, and LeaseLost where another instance took the store over.
        """
        with counted() as calls:
            store = self.stores.read(request.store)
            if store is None:
                raise NotNow("There is no such directory store")
            if (shut := no_cycle(self.now(), store.schedule)) is not None:
                if request.id is not None:
                    self.asked.drop(store.id, request.id)
                raise NotNow(shut.reason)
            lease = self.leases.acquire(lease_name(store.id), LASTS, partial(self._started, store, request))
            if lease is None:
                raise NotNow("Another cycle of this directory store is running, or none is due")
            note = opened(lease.note, self.seals, store.incarnation)
            begun, run_id = note.request, note.open_run
            assert begun is not None  # _started has just noted both
            assert run_id is not None
            if begun.id is not None and begun.goes_on is None:
                self.asked.drop(store.id, begun.id)
            look = partial(self._why_ended, store)
            with logged_with(cycle=run_id), Heartbeat(self.leases, lease, self.now, look) as heart:
                return self._cycle(store, begun, note, heart, calls, progress).run()

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

    def _cycle(
        self, store: Store, request: CycleRequest, note: CycleNote, heart: Heartbeat, calls: Calls, progress: Progress
    ) -> Cycle:
        """The cycle that the note has open, as it stands."""
        now = self.now()
        self._close_dead_runs(store, note)
        record = self._record(store, request, note, calls, progress)
        ends = now + self.budget
        checkpoint = CycleCheckpoint(store, self.stores, heart, self.seals, record, note.reopened(), ends, self.now)
        return Cycle(self.parts, store, request, record, checkpoint)

    def _record(
        self, store: Store, request: CycleRequest, note: CycleNote, calls: Calls, progress: Progress
    ) -> RunRecord:
        """The record of the run that the note has open: as an earlier process left it, or a new one."""
        run_id, now = note.open_run, self.now()
        assert run_id is not None  # see run
        earlier = self.runs.get(store.id, run_id) if request.goes_on else None
        if earlier is not None and note.interruptions:
            # The process wrote the results down before the run's own record.
            earlier = earlier.interrupted_with(self.runs.results(store.id, run_id))
        daily = request.kind is RunKind.CYCLE and note.last_full and now - note.last_full >= FULL_EVERY
        kind = RunKind.FULL_CYCLE if daily else request.kind
        new = Run(id=run_id, store=store.id, kind=kind, asked_by=request.asked_by, started=now)
        return RunRecord(self.runs, earlier or new, calls, progress, self.now, earlier is not None)

    def _close_dead_runs(self, store: Store, note: CycleNote) -> None:
        """Runs that an earlier release left open, and that no process goes on with, must not seem to run for ever."""
        for run_id in note.open_runs[:-1]:
            dead = self.runs.get(store.id, run_id)
            if dead is not None and dead.state is RunState.RUNNING:
                self.runs.put(dead.with_error(DIED).finished(RunState.FAILED, self.now()))

    def _why_ended(self, begun: Store) -> str | None:
        """Why a cycle that is running has to end: the store was stopped, paused or deleted since it ``begun``."""
        store = self.stores.read(begun.id)
        return why_halted(self.now(), store.schedule if store else None, observes=begun.schedule.is_observing)


def _tell_late(store: Store, run_id: str, silent: timedelta) -> None:
    """A line for the alert on runs that no process goes on with."""
    if silent >= LATE:
        _log.error("interrupted store=%s cycle=%s minutes=%d", store.id, run_id, silent.total_seconds() // 60)
