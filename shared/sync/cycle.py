"""One cycle of one store, or the part of it that one message carries out: read, plan, guard, apply, record.

A store that observes has the same cycle, which ends after the plan: what it read and planned is kept, so that starting
the store applies just that. A dry run (sync/dry_run.py) shares the steps too, and keeps nothing.
docs/reconciler.md describes the steps for administrators. What is kept between them stands in sync/checkpoint.py (how
far the reading came, and the lease) and sync/run_record.py (what pages show).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.entra.errors import GraphError
from shared.rules.change import ChangeKind
from shared.rules.groups.group import GroupDrift
from shared.rules.held_plan import CannotBecome
from shared.rules.plan import Plan, PlannedChange
from shared.rules.run import Run, RunKind, RunState
from shared.rules.store import Store
from shared.rules.zoho_user import ZohoField
from shared.sync.apply.groups import GroupApplier
from shared.sync.apply.people import PeopleApplier
from shared.sync.apply.silence import Stopped
from shared.sync.checkpoint import CycleCheckpoint, Halted, OutOfTime
from shared.sync.cycle_note import CycleRequest
from shared.sync.guard.plans import PASSED, PlanGuard, Verdict
from shared.sync.plan.drift import DriftSearch
from shared.sync.plan.prepare import Preparation, Prepared
from shared.sync.retention import Retention
from shared.sync.run_record import NOT_ALL, RunRecord
from shared.tables.errors import MappingUnusable, Stale, TablesBusy
from shared.tables.leases import LeaseLost
from shared.tables.proposals import Proposals
from shared.zoho.errors import ZohoError

MOST_INTERRUPTIONS = 5
"""Number of attempts at one run, each cut off: by then it is the run itself that ends them."""
GIVEN_UP = f"Each of {MOST_INTERRUPTIONS} attempts at this cycle was cut off; the next cycle begins from the start."


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
    """The steps of a cycle."""

    preparation: Preparation
    drift: DriftSearch
    plan_guard: PlanGuard
    people_applier: PeopleApplier
    group_applier: GroupApplier
    retention: Retention
    proposals: Proposals


@dataclass
class Cycle:
    """One cycle, or the part of it that one message carries out."""

    parts: CycleParts
    store: Store
    request: CycleRequest
    record: RunRecord
    checkpoint: CycleCheckpoint
    prepared: Prepared | None = None
    verdict: Verdict = PASSED
    drifts: Mapping[str, GroupDrift] = field(default_factory=dict)
    """Groups that somebody changed in Zoho One. Those that are out of time wait for the next full cycle."""

    def run(self) -> Done:
        """All of it. Only what the tables say is raised: then the message comes again."""
        try:
            if self.checkpoint.note.interruptions >= MOST_INTERRUPTIONS:
                return self._fail(GIVEN_UP)
            self._read()
            self._look_for_drift()
            prepared = self._plan()
            if not self._guard(prepared).breaches:
                self._apply(prepared)
        except OutOfTime:
            return self._leave_the_rest()
        except Halted as halted:
            return self._fail(f"{halted} What was left to do waits until it is started again.")
        except (GraphError, ZohoError, MappingUnusable, Stopped, Stale, CannotBecome) as failure:
            return self._fail(str(failure) or "An administrator decided at the same moment")
        except (LeaseLost, TablesBusy):
            raise  # nothing can be written: the run stays open, and is gone on with when the lease has ended
        except Exception as failure:
            self._stumble(f"A defect of the bridge: {type(failure).__name__}")
            raise
        if self.record.untried:
            return self._fail(NOT_ALL.format(self.record.untried))
        if prepared.unasked and (self._observes or not self.verdict.breaches):
            return self._end(RunState.FAILED)
        done = RunState.OBSERVED if self._observes else RunState.DONE
        return self._end(RunState.HELD if self.verdict.breaches and not self._observes else done)

    @property
    def _observes(self) -> bool:
        return self.store.schedule.is_observing

    @property
    def _is_full(self) -> bool:
        return self.record.run.kind is RunKind.FULL_CYCLE

    def _read(self) -> None:
        """What Entra says, into what the bridge knows. Nothing is planned unless all of it was read."""
        record = self.record
        self.parts.preparation.read(self.store, self.checkpoint, record.troubles, record.progress, full=self._is_full)

    def _look_for_drift(self) -> None:
        """A full cycle's look at everybody in Zoho One, once in a run; and what is older than the store keeps goes."""
        if not self._is_full or self.record.run.digest is not None:
            return
        found = self.parts.drift.search(self.store, self.checkpoint, self.record.progress)
        self.drifts = found.groups
        self.record.drift(found)
        self.parts.plan_guard.counted(self.store, found.active)
        self.checkpoint.compared()
        self.parts.retention.drop_old(self.store, self.checkpoint.now(), self.checkpoint)

    def _plan(self) -> Prepared:
        """One change for each person and group that is not as it should be."""
        record = self.record
        prepared = self.parts.preparation.plan(
            self.store, self.drifts, self.checkpoint, record.troubles, record.progress
        )
        self.prepared = prepared
        self._keep_proposals(prepared.plan)
        record.planned(prepared.plan)
        return prepared

    def _keep_proposals(self, plan: Plan) -> None:
        """Let pages show what the plan proposes, and no more what an earlier one did."""
        if plan.visits or self.checkpoint.note.proposes or self._is_full:
            self.parts.proposals.replace(self.store.id, plan.proposals, self.checkpoint.now())
        self.checkpoint.proposed(any_account=bool(plan.proposals))

    def _guard(self, prepared: Prepared) -> Verdict:
        """Whether the plan may be applied; that of a store that observes is kept until the store is started."""
        guard, may_be_open = self.parts.plan_guard, self.checkpoint.note.holds or prepared.is_guarded
        if self._observes:
            verdict = guard.observed(self.store, prepared.plan)
        else:
            verdict = guard.judge(self.store, prepared.plan, may_be_open=may_be_open, is_whole=prepared.is_whole)
        self.verdict = verdict
        self.checkpoint.judged(is_held=bool(verdict.breaches))
        if verdict.breaches:
            assert verdict.plan is not None  # what is not applied is kept
            why = () if self._observes else verdict.breaches
            self.record.not_applied(prepared.plan, verdict.plan.held.id, why)
        return verdict

    def _apply(self, prepared: Prepared) -> None:
        """The plan's way to Zoho One: people first, once more those whose manager came with it, then the groups."""
        if prepared.plan.visits:
            self._apply_reports(self._apply_people(prepared.plan))
        self._apply_groups(prepared)
        if self.verdict.plan is not None:
            self.parts.plan_guard.applied(self.verdict.plan)

    def _apply_reports(self, failed: set[str]) -> None:
        """Fill in the managers who got their account just now; the guard has seen nothing else of these people."""
        plan = self.parts.preparation.plan_reports(self.store, failed, self.checkpoint)
        changes = tuple(change for change in plan.changes if _is_of_manager(change))
        if changes:
            self._apply_people(Plan(store=plan.store, changes=changes))

    def _apply_people(self, plan: Plan) -> set[str]:
        """Apply a plan's people; return the ids of those that were not done."""
        self.record.show()
        with self.record.applying("applying", len(plan.visits)) as applied:
            try:
                self.parts.people_applier.apply(
                    self.store, plan, applied, self.checkpoint, approved=self.verdict.plan is not None
                )
                self._ensure_not_halted()
            except (Stopped, Halted):
                applied.leave_out((*plan.changes, *plan.groups))
                raise
        return applied.failed

    def _apply_groups(self, prepared: Prepared) -> None:
        """Take the plan's groups to Zoho One."""
        plan, approved = prepared.plan, self.verdict.plan is not None
        with self.record.applying("applying groups", len(plan.groups), at_once=True) as applied:
            try:
                self.parts.group_applier.apply(
                    self.store, prepared.groups, self.drifts, applied, self.checkpoint, approved=approved
                )
            except (Stopped, Halted):
                applied.leave_out(plan.groups)
                raise

    def _ensure_not_halted(self) -> None:
        """Raise Halted where changes were not tried because provisioning was stopped: not for want of time."""
        if self.record.untried and (why := self.checkpoint.must_end) is not None:
            raise Halted(why)

    def _leave_the_rest(self) -> Done:
        """Leave the rest to the next message."""
        self.record.pause()
        self.checkpoint.hand_on()
        return self._done(self.request.going_on(self.record.run.id))

    def _stumble(self, defect: str) -> None:
        """Let another process go on, and end the run where that has come to nothing again and again."""
        self.record.fail(defect)
        if self.checkpoint.note.interruptions + 1 >= MOST_INTERRUPTIONS:
            self._fail(GIVEN_UP)
            return
        self.record.pause()
        self.checkpoint.give_back()

    def _fail(self, why: str) -> Done:
        self.record.fail(why)
        return self._end(RunState.FAILED)

    def _end(self, state: RunState) -> Done:
        self.record.end(state)
        meets_writers = self.prepared is not None and self.prepared.plan.meets_writers
        self.checkpoint.end(failed=state is RunState.FAILED, look_again=state is RunState.DONE and meets_writers)
        return self._done()

    def _done(self, goes_on: CycleRequest | None = None) -> Done:
        return Done(self.record.run, self.prepared.plan if self.prepared else None, goes_on, self.verdict)


def _is_of_manager(change: PlannedChange) -> bool:
    return change.kind is ChangeKind.UPDATE and {part.field for part in change.fields} == {ZohoField.MANAGER}
