"""The guard of the cycle: whether a plan may be applied, and what becomes of one that an administrator has seen."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.directory.cycle_plan import Plan, moved
from shared.directory.guard import Breach, check, pushed_too_many
from shared.directory.held_plan import HeldState, Move
from shared.directory.plan import LEAVINGS
from shared.directory.recent_leavings import RecentLeavings
from shared.directory.store import Store
from shared.tables.held_plans import HeldPlans, StoredPlan
from shared.tables.identities import Identities
from shared.tables.plan_parts import PlanLost
from shared.tables.recent_leavings import Leavings

CYCLE = "cycle"
"""Who did it, where nobody asked for it."""


@dataclass(frozen=True)
class Verdict:
    """What the guard said of a plan."""

    breaches: tuple[Breach, ...] = ()
    """The limits that it passes: it must not be applied."""
    plan: StoredPlan | None = None
    """The plan that is held, or the one an administrator approved, which this is."""


PASSED = Verdict()


@dataclass(frozen=True)
class Guarding:
    """Raises TablesBusy; and Changed and CannotBecome where an administrator decides at the same moment."""

    held_plans: HeldPlans
    leavings: Leavings
    identities: Identities
    now: Callable[[], datetime]

    def breaches(self, store: Store, plan: Plan) -> tuple[Breach, ...]:
        """The limits that a plan passes. Only a count that is old is counted anew, before it holds anything."""
        if not plan.counts and not plan.group_counts:
            return ()
        now, recent = self.now(), self.leavings.read(store.id).recent
        within = recent.within(now)
        if not check(plan, recent.active_users, store.guard, within):
            pushed = pushed_too_many(plan, recent.active_users, store.guard) if recent.held else None
            return (pushed,) if pushed else ()
        return check(plan, self.identities.count_active(store.id), store.guard, within)

    def judge(self, store: Store, plan: Plan, *, may_be_open: bool) -> Verdict:
        """Whether a plan may be applied; one that may not is kept for an administrator.

        ``may_be_open``: an earlier plan may be held still. An approved plan passes if it is the plan of now.
        """
        earlier = self.held_plans.newest(store.id) if may_be_open or plan.counts or plan.group_counts else None
        if earlier is not None and not earlier.held.is_open:
            earlier = None
        if earlier is not None and earlier.held.state in (HeldState.APPROVED, HeldState.APPLYING):
            why = self._why_moved(earlier, plan)
            if why is None:
                return Verdict(plan=self._begun(earlier))
            self._overtake(earlier, why)
            earlier = None
        if found := self.breaches(store, plan):
            held = self.held_plans.hold(plan, found, found[0].of, CYCLE, self.now())
            if any(kind in LEAVINGS for kind in plan.counts):
                self.leavings.change(store.id, RecentLeavings.hold)
            return Verdict(found, held)
        if earlier is not None:
            self._overtake(earlier, "The plan of now passes no limit.")
        return PASSED

    def applied(self, plan: StoredPlan) -> None:
        """An approved plan has been applied whole."""
        why = "Every change of it has been taken to Zoho One, or stands among the run's failures."
        self.held_plans.move(plan, Move(state=HeldState.APPLIED, by=CYCLE, at=self.now(), why=why))
        self.leavings.change(plan.held.store, RecentLeavings.decided)

    def _why_moved(self, earlier: StoredPlan, plan: Plan) -> str | None:
        try:
            shown = self.held_plans.plan(earlier.held)
        except PlanLost:
            return "The changes that were shown are not all kept any more."
        return moved(shown, plan, begun=earlier.held.state is HeldState.APPLYING)

    def _begun(self, approved: StoredPlan) -> StoredPlan:
        if approved.held.state is HeldState.APPLYING:
            return approved
        why = "The plan of now is the plan that was shown."
        return self.held_plans.move(approved, Move(state=HeldState.APPLYING, by=CYCLE, at=self.now(), why=why))

    def _overtake(self, earlier: StoredPlan, why: str) -> None:
        self.held_plans.move(earlier, Move(state=HeldState.OVERTAKEN, by=CYCLE, at=self.now(), why=why))
        self.leavings.change(earlier.held.store, RecentLeavings.decided)
