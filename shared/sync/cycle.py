"""One cycle of one store, or the part of it that one message carries out: read, plan, guard, apply, record."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shared.calls import Calls
from shared.entra.clients import GraphClients
from shared.entra.errors import GraphError
from shared.rules.change import ChangeKind
from shared.rules.groups.group import GroupDrift
from shared.rules.held_plan import CannotBecome
from shared.rules.plan import Plan, PlannedChange
from shared.rules.run import Result, Run, RunChange, RunKind, RunState
from shared.rules.schedule import after_end, why_halted
from shared.rules.store import Store
from shared.rules.zoho_user import ZohoField
from shared.sync.apply.groups import GroupApplier
from shared.sync.apply.people import PeopleApplier, Stopped
from shared.sync.cycle_note import CycleNote, CycleRequest, Seals, sealed
from shared.sync.guard.plans import PASSED, PlanGuard, Verdict
from shared.sync.plan.group_drift import GroupDriftSearch
from shared.sync.plan.group_work import NO_GROUPS, PlannedGroups
from shared.sync.plan.groups import GroupPlanner
from shared.sync.plan.people import PeoplePlanner
from shared.sync.plan.people_drift import PeopleDriftSearch
from shared.sync.source.people import PeopleReader
from shared.sync.source.reading_progress import ReadingCheckpoint
from shared.sync.source.recompute import Recompute
from shared.tables.asked_cycles import AskedCycles
from shared.tables.errors import MappingUnusable, Stale, TablesBusy
from shared.tables.heartbeat import Heartbeat
from shared.tables.identities import Identities
from shared.tables.jobs import Jobs
from shared.tables.leases import LeaseLost, Leases
from shared.tables.pending import PendingChanges
from shared.tables.portions import MOST_ROWS
from shared.tables.runs import Runs
from shared.tables.stores import Stores
from shared.zoho.errors import ZohoError

BUDGET = timedelta(minutes=8)
"""Of one message. The queue hides a message for ten minutes at a time."""
FULL_EVERY = timedelta(days=1)
KEPT_EVERY = timedelta(seconds=5)
"""Time between two writings of what became of changes, fewer than one transaction takes."""
SHOWN_EVERY = timedelta(seconds=15)
"""Time between two writings of the run's record while it is under way."""
MOST_INTERRUPTIONS = 5
"""Number of attempts at one run, each cut off: by then it is the run itself that ends them."""
DIED = "The process that ran this cycle ended before it; what was left to do is done by a later cycle."
GIVEN_UP = f"Each of {MOST_INTERRUPTIONS} attempts at this cycle was cut off; the next cycle begins from the start."
NOT_ALL = "{} changes could not be tried, because Zoho One answered too slowly; a cycle goes on with them soon."

_log = logging.getLogger("bridge.cycle")

type Report = Callable[[str, int, int], None]
"""Hears what is under way: a step's name, how much of it is done, and of how much; 0 where that is not known."""


class OutOfTime(Exception):
    """The message's time is over."""


class Halted(Exception):
    """Provisioning was stopped while the cycle ran; the message says so."""


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
    asked: AskedCycles
    seals: Seals
    runs: Runs
    errands: Jobs
    identities: Identities
    pending_changes: PendingChanges
    graphs: GraphClients
    people_reader: PeopleReader
    recompute: Recompute
    people_drift: PeopleDriftSearch
    people_planner: PeoplePlanner
    plan_guard: PlanGuard
    people_applier: PeopleApplier
    group_planner: GroupPlanner
    group_drift: GroupDriftSearch
    group_applier: GroupApplier
    now: Callable[[], datetime]
    budget: timedelta = BUDGET


@dataclass
class Cycle:
    """One cycle, or the part of it that one message carries out."""

    parts: CycleParts
    store: Store
    request: CycleRequest
    run_id: str
    heart: Heartbeat
    note: CycleNote
    calls: Calls
    report: Report
    run: Run = field(init=False)
    plan: Plan | None = None
    verdict: Verdict = PASSED
    kept: bool = False
    """Whether the run's record is in the table."""
    changes: int = 0
    """Number of this run's changes already stored."""
    untried: int = 0
    """Number of changes whose turn did not come in time, in this process."""
    drifts: dict[str, GroupDrift] = field(default_factory=dict)
    """The groups that somebody changed in Zoho One. What is out of time before them waits for the next full cycle."""
    groups: PlannedGroups = NO_GROUPS
    """Of the plan."""

    def __post_init__(self) -> None:
        now, request = self.parts.now(), self.request
        self.ends, self.clock = now + self.parts.budget, time.perf_counter()
        self.shown = self.kept_at = now
        earlier = self.parts.runs.get(self.store.id, self.run_id) if request.goes_on else None
        if earlier is not None and self.note.interruptions:
            # The process wrote the results down before the run's own record.
            earlier = earlier.interrupted_with(self.parts.runs.results(self.store.id, self.run_id))
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
            if self.note.interruptions >= MOST_INTERRUPTIONS:
                self.run = self.run.with_error(GIVEN_UP)
                return self._end(RunState.FAILED)
            self._read()
            self._compare()
            self._plan()
            if not self.verdict.breaches:
                self._apply_all()
        except OutOfTime:
            return self._go_on()
        except Halted as halted:
            self.run = self.run.with_error(f"{halted} What was left to do waits until it is started again.")
            return self._end(RunState.FAILED)
        except (GraphError, ZohoError, MappingUnusable, Stopped, Stale, CannotBecome) as failure:
            self.run = self.run.with_error(str(failure) or "An administrator decided at the same moment")
            return self._end(RunState.FAILED)
        except (LeaseLost, TablesBusy):
            raise  # nothing can be written: the run stays open, and is gone on with when the lease has ended
        except Exception as failure:
            self._stumble(f"A defect of the bridge: {type(failure).__name__}")
            raise
        if self.untried:
            self.run = self.run.with_error(NOT_ALL.format(self.untried))
            return self._end(RunState.FAILED)
        return self._end(RunState.HELD if self.verdict.breaches else RunState.DONE)

    def _close_dead_runs(self) -> None:
        """Runs that a version before left open, and that nobody goes on with, must not seem to run for ever."""
        for run_id in self.note.open_runs[:-1]:
            dead = self.parts.runs.get(self.store.id, run_id)
            if dead is not None and dead.state is RunState.RUNNING:
                self.parts.runs.put(dead.with_error(DIED).finished(RunState.FAILED, self.parts.now()))
        self.note = self.note.model_copy(update={"open_runs": (self.run_id,)})

    def _read(self) -> None:
        """What Entra says, into what the bridge knows. Nothing is planned unless all of it was read."""
        reading, troubles = self.note.reading, list[str]()
        self.parts.people_reader.mappings.look_again(self.store.id)
        try:
            if self.store.entra is not None:
                self.report("reading Entra", 0, 0)
                graph = self.parts.graphs.of(self.store)
                keep, beat, hold = self._keep, self._beat, self._hold_on
                reading, _ = self.parts.people_reader.read(self.store, graph, reading, keep, beat, hold, troubles)
                self.note = self.note.model_copy(update={"reading": reading})
            full = self.run.kind is RunKind.FULL_CYCLE
            reading, more = self.parts.recompute.after_rules(self.store, reading, self._keep, self._beat, full=full)
            troubles += more
            self.note = self.note.model_copy(update={"reading": reading})
        finally:  # what was found belongs to the run, also where the rest is left to the next message
            for trouble in dict.fromkeys(troubles):  # what was read twice is told once
                self.run = self.run.with_error(trouble)

    def _compare(self) -> None:
        """A full cycle's look at everybody in Zoho One; once in a run."""
        if self.run.kind is not RunKind.FULL_CYCLE or self.run.digest is not None:
            return
        self.report("comparing everybody in Zoho One", 0, 0)
        found = self.parts.people_drift.compare(self.store, self._hold_on)
        groups = self.parts.group_drift.compare(self.store, found.joins, self._hold_on)
        self.drifts = groups.drifts
        drifted, findings = found.drifted + groups.drifted, groups.findings + found.findings
        self.run = self.run.with_findings(drifted, found.unmanaged, findings)
        now, active = self.parts.now(), found.active
        self.parts.people_applier.leavings.change(self.store.id, lambda recent: recent.counted(active, now))
        self.note = self.note.model_copy(update={"last_full": now})
        self._drop_old_records()

    def _drop_old_records(self) -> None:
        """Once a day, what is older than the store keeps."""
        cutoff = self.parts.now() - timedelta(days=self.store.history_days)
        self.parts.runs.drop_before(self.store.id, cutoff)
        self.parts.errands.drop_before(self.store.id, cutoff)
        self.parts.plan_guard.held_plans.drop_before(self.store.id, cutoff)
        self.parts.identities.drop_events_before(self.store.id, cutoff, self._hold_on)

    def _plan(self) -> None:
        """The plan of people and groups, and what the guard says of it."""
        self.report("planning", 0, 0)
        waiting = self.parts.pending_changes.waiting(self.store.id)
        if waiting.arrived:
            for trouble in self.parts.recompute.after_arrivals(self.store, waiting)[1]:
                self.run = self.run.with_error(trouble)
            waiting = self.parts.pending_changes.waiting(self.store.id)
        people_planner = replace(self.parts.people_planner, heard=lambda _: self._hold_on())
        people = people_planner.plan(self.store, waiting.people)
        groups = self.parts.group_planner.plan(self.store, self.drifts, waiting.groups, self._hold_on)
        for trouble in groups.troubles:
            self.run = self.run.with_error(trouble)
        self.groups = groups
        self.plan = groups.beside(people)
        if self.run.digest is None:
            self.run = self.run.with_plan(self.plan)
        may_be_open, is_whole = self.note.holds or waiting.is_guarded, not groups.troubles
        self.verdict = self.parts.plan_guard.judge(self.store, self.plan, may_be_open=may_be_open, is_whole=is_whole)
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
            self.parts.plan_guard.applied(self.verdict.plan)

    def _bring_managers(self, failed: set[str]) -> None:
        """Fill in the managers who got their account just now; the guard has seen nothing else of these people."""
        waiting = self.parts.pending_changes.waiting(self.store.id)
        if not waiting.arrived:
            return
        reports, _ = self.parts.recompute.after_arrivals(self.store, waiting)
        plan = self.parts.people_planner.plan(self.store, sorted(set(reports) - failed))
        changes = tuple(change for change in plan.changes if _is_of_manager(change))
        self._apply(Plan(store=plan.store, changes=changes))

    def _apply(self, plan: Plan) -> set[str]:
        """Take a plan to Zoho One; the ids of those for whom it was not done."""
        self._show()
        results: dict[str, Result] = {}
        heard: list[RunChange] = []
        of = len(plan.visits)

        def hear(changes: Sequence[RunChange]) -> None:
            results.update((each.change.identity, each.result) for each in changes)
            heard.extend(changes)
            if len(heard) >= MOST_ROWS or self.parts.now() - self.kept_at >= KEPT_EVERY:
                self._keep_changes(heard)
                heard.clear()
            self.report("applying", len(results), of)

        self.report("applying", 0, of)
        try:
            approved, halted = self.verdict.plan is not None, lambda: self._why_halted() is not None
            self.parts.people_applier.apply(self.store, plan, hear, self._beat, halted, approved=approved)
        except (Stopped, Halted):
            self._not_tried(each for each in (*plan.changes, *plan.groups) if each.identity not in results)
            raise
        finally:
            self._keep_changes(heard)
        return {identity for identity, result in results.items() if result is not Result.DONE}

    def _apply_groups(self, plan: Plan) -> None:
        """Take the plan's groups to Zoho One."""
        tried = set[str]()

        def hear(changes: Sequence[RunChange]) -> None:
            tried.update(each.change.identity for each in changes)
            self.report("applying groups", len(tried), len(plan.groups))
            self._keep_changes(changes)

        try:
            approved = self.verdict.plan is not None
            self.parts.group_applier.apply(self.store, self.groups, self.drifts, hear, self._beat, approved=approved)
        except (Stopped, Halted):
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
        self.kept_at = self.parts.now()
        self.changes += len(changes)
        self.untried += sum(each.result is Result.NOT_TRIED and each.failure is None for each in changes)
        self.run = self.run.with_results(Counter(each.result for each in changes), {})
        if self.parts.now() - self.shown >= SHOWN_EVERY:
            self._show()

    def _keep_run(self) -> None:
        """Let the run be seen, once there is something to see."""
        if not self.kept:
            self._show()

    def _show(self) -> None:
        """Let pages see how far the run has come."""
        self.kept, self.shown = True, self.parts.now()
        self.parts.runs.put(self.run)

    def _keep(self, reading: ReadingCheckpoint) -> None:
        """Store how far the reading came. Raises LeaseLost."""
        self.note = self.note.model_copy(update={"reading": reading})
        self._keep_run()
        self.heart.write(sealed(self.note, self.parts.seals))

    def _beat(self) -> None:
        """At a place where the work may end. Raises OutOfTime, LeaseLost."""
        self._hold_on()
        if self.parts.now() >= self.ends:
            raise OutOfTime

    def _hold_on(self) -> None:
        """In a step that would have to begin anew and is therefore not ended by the time. Raises Halted, LeaseLost."""
        self.heart.beat()
        if (why := self._why_halted()) is not None:
            raise Halted(why)

    def _why_halted(self) -> str | None:
        """Why nothing more may be done. What this process stopped it knows at once, another's at the next heartbeat."""
        if self.heart.must_end is not None:
            return self.heart.must_end
        store = self.parts.stores.get(self.store.id)
        return why_halted(self.parts.now(), store.schedule if store else None)

    def _go_on(self) -> Done:
        """Leave the rest to the next message."""
        self._record()
        self.note = self.note.left()
        self.heart.release(sealed(self.note, self.parts.seals))
        return Done(self.run, self.plan, self.request.going_on(self.run.id), self.verdict)

    def _stumble(self, defect: str) -> None:
        """Let another process go on, and end the run where that has come to nothing again and again."""
        self.run = self.run.with_error(defect)
        if self.note.interruptions + 1 >= MOST_INTERRUPTIONS:
            self.run = self.run.with_error(GIVEN_UP)
            self._end(RunState.FAILED)
            return
        self._record()
        self.heart.release(sealed(self.note, self.parts.seals))

    def _end(self, state: RunState) -> Done:
        self.run = self.run.finished(state, self.parts.now())
        failed = state is RunState.FAILED
        self.note = self.note.ended(after_end(self.parts.now(), self.store.schedule, self.note.times, failed=failed))
        self._record()
        self._tell()
        self.heart.release(sealed(self.note, self.parts.seals))
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


def _is_of_manager(change: PlannedChange) -> bool:
    return change.kind is ChangeKind.UPDATE and {part.field for part in change.fields} == {ZohoField.MANAGER}
