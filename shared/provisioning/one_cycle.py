"""One cycle of one store, or the part of it that one message carries out: read, plan, guard, apply, record."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import ConfigDict

from shared.calls import Calls
from shared.directory.cycle_plan import Plan, PlannedChange
from shared.directory.group import GroupDrift
from shared.directory.held_plan import CannotBecome
from shared.directory.plan import ChangeKind
from shared.directory.run import Result, Run, RunChange, RunKind, RunState
from shared.directory.schedule import after_end
from shared.directory.store import Store, StoreId
from shared.entra.clients import GraphClients
from shared.entra.errors import GraphError
from shared.model import Model
from shared.provisioning.applying import Applying, Stopped
from shared.provisioning.comparing import Comparing
from shared.provisioning.cycle_note import CycleNote, Seals, sealed
from shared.provisioning.group_applying import GroupApplying
from shared.provisioning.group_comparing import GroupComparing
from shared.provisioning.group_planning import NO_GROUPS, GroupPlanning, PlannedGroups
from shared.provisioning.guarding import PASSED, Guarding, Verdict
from shared.provisioning.planning import Planning
from shared.provisioning.pull import Pull
from shared.provisioning.reading_progress import ReadingProgress
from shared.provisioning.renewal import Renewal
from shared.tables.errands import Errands
from shared.tables.errors import Changed, MappingUnusable, TablesBusy
from shared.tables.identities import Identities
from shared.tables.leases import Lease, LeaseLost, Leases
from shared.tables.pending import PendingMarks
from shared.tables.runs import Runs
from shared.tables.stores import Stores
from shared.zoho.errors import ZohoError

LASTS = timedelta(minutes=5)
"""A lease, from each beat on: longer than a page of Graph's, or a portion of people, with all their patience."""
BUDGET = timedelta(minutes=8)
"""Of one message. The queue hides a message for ten minutes at a time."""
FULL_EVERY = timedelta(days=1)
BEAT = timedelta(seconds=20)
"""Between two renewals of the lease."""
SCHEDULE = "schedule"
DIED = "The process that ran this cycle ended before it; what was left to do is done by a later cycle."
GIVEN_UP = ". The message that asked for this cycle failed again and again, and lies in the queue cycles-poison now."

_log = logging.getLogger("bridge.cycle")

type Report = Callable[[str, int, int], None]
"""Hears what is under way: a step's name, how much of it is done, and of how much; 0 where that is not known."""


class CycleRequest(Model):
    """A message that asks for a cycle."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    store: StoreId
    kind: RunKind = RunKind.CYCLE
    asked_by: str = SCHEDULE
    goes_on: str | None = None
    """The run that ran out of time."""


class OutOfTime(Exception):
    """The message's time is over."""


@dataclass(frozen=True)
class Done:
    """What became of a request."""

    run: Run
    plan: Plan | None = None
    goes_on: CycleRequest | None = None
    """The message that goes on with it, where it ran out of time."""
    verdict: Verdict = PASSED


@dataclass(frozen=True)
class CycleParts:
    """What a cycle is made of."""

    stores: Stores
    leases: Leases
    seals: Seals
    runs: Runs
    errands: Errands
    identities: Identities
    marks: PendingMarks
    graphs: GraphClients
    pull: Pull
    renewal: Renewal
    comparing: Comparing
    planning: Planning
    guarding: Guarding
    applying: Applying
    group_planning: GroupPlanning
    group_comparing: GroupComparing
    group_applying: GroupApplying
    now: Callable[[], datetime]
    budget: timedelta = BUDGET


@dataclass
class OneCycle:
    """One cycle, or the part of it that one message carries out."""

    parts: CycleParts
    store: Store
    request: CycleRequest
    run_id: str
    lease: Lease
    note: CycleNote
    calls: Calls
    report: Report
    last: bool
    run: Run = field(init=False)
    plan: Plan | None = None
    verdict: Verdict = PASSED
    kept: bool = False
    """Whether the run's record is in the table."""
    changes: int = 0
    """Of the run whose results are in the table."""
    drifts: dict[str, GroupDrift] = field(default_factory=dict)
    """The groups that somebody changed in Zoho One. What is out of time before them waits for the next full cycle."""
    groups: PlannedGroups = NO_GROUPS
    """Of the plan."""

    def __post_init__(self) -> None:
        now, request = self.parts.now(), self.request
        self.ends, self.beaten, self.clock = now + self.parts.budget, now, time.perf_counter()
        earlier = self.parts.runs.get(self.store.id, request.goes_on) if request.goes_on else None
        daily = request.kind is RunKind.CYCLE and self.note.last_full and now - self.note.last_full >= FULL_EVERY
        kind = RunKind.FULL_CYCLE if daily else request.kind
        new = Run(id=self.run_id, store=self.store.id, kind=kind, asked_by=request.asked_by, started=now)
        self.run = earlier or new
        self.kept = earlier is not None
        self.changes = sum(self.run.results.values())

    def carry_out(self) -> Done:
        """All of it. Only what the tables say is raised: then the message comes again."""
        try:
            self._close_dead_runs()
            self._read()
            self._compare()
            self._plan()
            if not self.verdict.breaches:
                self._apply_all()
        except OutOfTime:
            return self._go_on()
        except (GraphError, ZohoError, MappingUnusable, Stopped, Changed, CannotBecome) as failure:
            self.run = self.run.with_error(str(failure) or "An administrator decided at the same moment")
            return self._end(RunState.FAILED)
        except LeaseLost:
            raise
        except Exception as failure:
            told = (
                str(failure) if isinstance(failure, TablesBusy) else f"A defect of the bridge: {type(failure).__name__}"
            )
            self.run = self.run.with_error(told + (GIVEN_UP if self.last else ""))
            self._end(RunState.FAILED)
            raise
        return self._end(RunState.HELD if self.verdict.breaches else RunState.DONE)

    def _close_dead_runs(self) -> None:
        """A cycle whose process died, or that could not write how it ended, must not seem to run for ever."""
        for run_id in self.note.open_runs:
            dead = self.parts.runs.get(self.store.id, run_id) if run_id != self.run_id else None
            if dead is not None and dead.state is RunState.RUNNING:
                self.parts.runs.put(dead.with_error(DIED).finished(RunState.FAILED, self.parts.now()))
        self.note = self.note.model_copy(update={"open_runs": (self.run_id,)})

    def _read(self) -> None:
        """What Entra says, into what the bridge knows. Nothing is planned unless all of it was read."""
        reading, troubles = self.note.reading, list[str]()
        self.parts.pull.mappings.look_again(self.store.id)
        if self.store.entra is not None:
            self.report("reading Entra", 0, 0)
            graph = self.parts.graphs.of(self.store)
            reading, troubles = self.parts.pull.read(self.store, graph, reading, self._keep, self._beat, self._hold_on)
            self.note = self.note.model_copy(update={"reading": reading})
        reading, more = self.parts.renewal.after_rules(self.store, reading, self._keep, self._beat)
        self.note = self.note.model_copy(update={"reading": reading})
        for trouble in (*troubles, *more):
            self.run = self.run.with_error(trouble)

    def _compare(self) -> None:
        """A full cycle's look at everybody in Zoho One; once in a run."""
        if self.run.kind is not RunKind.FULL_CYCLE or self.run.digest is not None:
            return
        self.report("comparing everybody in Zoho One", 0, 0)
        found = self.parts.comparing.compare(self.store, self._hold_on)
        groups = self.parts.group_comparing.compare(self.store, found.joins, self._hold_on)
        self.drifts = groups.drifts
        drifted, findings = found.drifted + groups.drifted, groups.findings + found.findings
        self.run = self.run.with_findings(drifted, found.unmanaged, findings)
        now, active = self.parts.now(), found.active
        self.parts.applying.leavings.change(self.store.id, lambda recent: recent.counted(active, now))
        self.note = self.note.model_copy(update={"last_full": now})
        self._drop_old_records()

    def _drop_old_records(self) -> None:
        """Once a day, what is older than the store keeps."""
        cutoff = self.parts.now() - timedelta(days=self.store.history_days)
        self.parts.runs.drop_before(self.store.id, cutoff)
        self.parts.errands.drop_before(self.store.id, cutoff)
        self.parts.guarding.held_plans.drop_before(self.store.id, cutoff)
        self.parts.identities.drop_events_before(self.store.id, cutoff)

    def _plan(self) -> None:
        """The plan of people and groups, and what the guard says of it."""
        self.report("planning", 0, 0)
        waiting = self.parts.marks.waiting(self.store.id)
        for trouble in self.parts.renewal.after_arrivals(self.store, waiting) if waiting.arrived else []:
            self.run = self.run.with_error(trouble)
        if waiting.arrived:
            waiting = self.parts.marks.waiting(self.store.id)
        people = self.parts.planning.plan(self.store, waiting.people)
        groups = self.parts.group_planning.plan(self.store, self.drifts, self._hold_on)
        for trouble in groups.troubles:
            self.run = self.run.with_error(trouble)
        self.groups = groups
        self.plan = people.model_copy(update={"groups": groups.changes})
        if self.run.digest is None:
            self.run = self.run.with_plan(self.plan)
        self.verdict = self.parts.guarding.judge(self.store, self.plan, may_be_open=self.note.holds)
        self.note = self.note.model_copy(update={"holds": bool(self.verdict.breaches)})
        for breach in self.verdict.breaches:
            self.run = self.run.with_error(str(breach))
        if self.verdict.breaches:
            left = len(self.plan.changes) + len(self.plan.groups)
            self.run = self.run.with_results({Result.NOT_TRIED: left}, {})

    def _apply_all(self) -> None:
        """The plan's way to Zoho One: people first, once more those whose manager came with it, then the groups."""
        assert self.plan is not None  # it has just been made
        if self.plan.visits:
            self._bring_managers(self._apply(self.plan))
        self._apply_groups(self.plan)
        if self.verdict.plan is not None:
            self.parts.guarding.applied(self.verdict.plan)

    def _bring_managers(self, failed: set[str]) -> None:
        """Who waited for his manager's account has it now. It belongs to what was planned: the guard has seen that."""
        waiting = self.parts.marks.waiting(self.store.id)
        if not waiting.arrived:
            return
        self.parts.renewal.after_arrivals(self.store, waiting)
        people = self.parts.marks.waiting(self.store.id).people
        self._apply(self.parts.planning.plan(self.store, [each for each in people if each not in failed]))

    def _apply(self, plan: Plan) -> set[str]:
        """Take a plan to Zoho One; the ids of those for whom it was not done."""
        self._keep_run()
        results: dict[str, Result] = {}
        of = len(plan.visits)

        def hear(changes: Sequence[RunChange]) -> None:
            results.update((each.change.identity, each.result) for each in changes)
            self.report("applying", len(results), of)
            self._keep_changes(changes)

        self.report("applying", 0, of)
        try:
            self.parts.applying.apply(self.store, plan, hear, self._beat)
        except Stopped:
            self._not_tried(each for each in (*plan.changes, *plan.groups) if each.identity not in results)
            raise
        return {identity for identity, result in results.items() if result is not Result.DONE}

    def _apply_groups(self, plan: Plan) -> None:
        """Take the plan's groups to Zoho One."""
        tried = set[str]()

        def hear(changes: Sequence[RunChange]) -> None:
            tried.update(each.change.identity for each in changes)
            self.report("applying groups", len(tried), len(plan.groups))
            self._keep_changes(changes)

        try:
            self.parts.group_applying.apply(self.store, self.groups, self.drifts, hear, self._beat)
        except Stopped:
            self._not_tried(each for each in plan.groups if each.identity not in tried)
            raise

    def _not_tried(self, changes: Iterable[PlannedChange]) -> None:
        now = self.parts.now()
        self._keep_changes([RunChange(change=each, result=Result.NOT_TRIED, at=now) for each in changes])

    def _keep_changes(self, changes: Sequence[RunChange]) -> None:
        if not changes:
            return
        self._keep_run()
        self.parts.runs.put_changes(self.store.id, self.run.id, self.changes, changes)
        self.changes += len(changes)
        self.run = self.run.with_results(Counter(each.result for each in changes), {})

    def _keep_run(self) -> None:
        """Let the run be seen, once there is something to see."""
        if not self.kept:
            self.kept = True
            self.parts.runs.put(self.run)

    def _keep(self, reading: ReadingProgress) -> None:
        """Store how far the reading came. Raises LeaseLost."""
        self.note = self.note.model_copy(update={"reading": reading})
        self._keep_run()
        self._renew()

    def _beat(self) -> None:
        """At a place where the work may end. Raises OutOfTime, LeaseLost."""
        self._hold_on()
        if self.parts.now() >= self.ends:
            raise OutOfTime

    def _hold_on(self) -> None:
        """Keep the lease, in a step that would have to begin anew and is therefore not ended by the time."""
        if self.parts.now() - self.beaten >= BEAT:
            self._renew()

    def _renew(self) -> None:
        self.beaten = self.parts.now()
        self.lease = self.parts.leases.renew(self.lease, LASTS, sealed(self.note, self.parts.seals))

    def _go_on(self) -> Done:
        """Leave the rest to the next message."""
        self._record()
        self.parts.leases.release(self.lease, sealed(self.note, self.parts.seals))
        request = self.request.model_copy(update={"goes_on": self.run.id, "kind": self.run.kind})
        return Done(self.run, self.plan, request, self.verdict)

    def _end(self, state: RunState) -> Done:
        self.run = self.run.finished(state, self.parts.now())
        times = after_end(self.parts.now(), self.note.times)
        self.note = self.note.model_copy(update={"times": times, "open_runs": ()})
        self._record()
        self._tell()
        self.parts.leases.release(self.lease, sealed(self.note, self.parts.seals))
        return Done(self.run, self.plan, None, self.verdict)

    def _record(self) -> None:
        self.run = self.run.with_results({}, self.calls.taken())
        self.parts.runs.put(self.run)

    def _tell(self) -> None:
        """One line for the log, with numbers and no names."""
        run, planned, results, calls = self.run, self.run.planned, self.run.results, self.run.calls
        _log.info(
            "cycle store=%s cycle=%s kind=%s state=%s seconds=%.1f creates=%d updates=%d deactivations=%d "
            "reactivations=%d deletions=%d groups=%d failed=%d parked=%d graph=%d zoho=%d tables=%d",
            run.store,
            run.id,
            run.kind.value,
            run.state.value,
            time.perf_counter() - self.clock,
            planned.get(ChangeKind.CREATE, 0),
            planned.get(ChangeKind.UPDATE, 0),
            planned.get(ChangeKind.DEACTIVATE, 0),
            planned.get(ChangeKind.REACTIVATE, 0),
            planned.get(ChangeKind.DELETE, 0),
            sum(run.groups.values()),
            results.get(Result.FAILED, 0),
            results.get(Result.PARKED, 0),
            calls.get("graph", 0),
            calls.get("zoho", 0),
            calls.get("tables", 0),
        )
