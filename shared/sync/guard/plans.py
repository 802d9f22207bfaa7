"""The guard of the cycle: whether a plan may be applied, and what becomes of one that an administrator has seen."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.rules.guard import HOLDING_RULES, Breach, check, discarded_before, held_deprovisionings, unseen
from shared.rules.held_plan import HeldState, Move
from shared.rules.plan import Plan, moved
from shared.rules.recent_deprovisionings import RecentDeprovisionings
from shared.rules.store import Store
from shared.tables.held_plans import HeldPlans, StoredPlan
from shared.tables.identities import Identities
from shared.tables.plan_parts import PlanLost
from shared.tables.recent_deprovisionings import DeprovisioningCounts

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
class PlanGuard:
    """Raises TablesBusy; and Stale and CannotBecome where an administrator decides at the same moment."""

    held_plans: HeldPlans
    deprovisionings: DeprovisioningCounts
    identities: Identities
    now: Callable[[], datetime]

    def breaches(self, store: Store, plan: Plan) -> tuple[Breach, ...]:
        """What the guard would hold a plan for. Three round trips at most, unless it counts the people."""
        if not plan.counts and not plan.group_counts:
            return ()
        return self._breaches(store, plan, self.deprovisionings.read(store.id).recent, self.held_plans.newest(store.id))

    def judge(self, store: Store, plan: Plan, *, may_be_open: bool, is_whole: bool = True) -> Verdict:
        """Whether a plan may be applied; one that may not is kept for an administrator. After observing, none may but
        the one that provisioning was started with, or that was approved since.

        ``may_be_open``: an earlier plan may be held still, or people be kept back. ``is_whole``: nobody who is to go is
        missing in the plan. An approved plan passes if it is the plan of now. The guard opens by itself where it keeps
        nobody back any more.
        """
        if not (may_be_open or plan.counts or plan.group_counts):
            return PASSED
        newest = self.held_plans.newest(store.id)
        earlier = newest if newest is not None and newest.held.is_open else None
        needs_agreement = earlier is not None and earlier.held.follows_observing
        if earlier is not None and earlier.held.state in (HeldState.APPROVED, HeldState.APPLYING):
            why = self._why_moved(earlier, plan)
            if why is None:
                return Verdict(plan=self._begun(earlier))
            self._overtake(earlier, why)
            earlier = None
        ledger = self.deprovisionings.read(store.id).recent
        found = self._breaches(store, plan, ledger, newest)
        if needs_agreement and (breach := unseen(plan, ledger.active_users, observes=False)).count:
            found = (breach, *found)
        verdict = PASSED
        if found:
            verdict = Verdict(found, self.held_plans.hold(plan, found, found[0].of, CYCLE, self.now()))
            if not ledger.held and any(breach.rule in HOLDING_RULES for breach in found):
                self.deprovisionings.change(store.id, RecentDeprovisionings.hold)
        elif earlier is not None:
            self._overtake(earlier, "The plan of now passes no limit.")
        if is_whole:
            self._let_be(store, plan, ledger)
        return verdict

    def observed(self, store: Store, plan: Plan) -> Verdict:
        """Keep the plan of a store that observes, with what it would be held for: starting the store approves it.

        Of the earlier plans of one day (UTC) only the counts stay: 36 a day of 100,000 people would be 8 GB.
        """
        newest, ledger = self.held_plans.newest(store.id), self.deprovisionings.read(store.id).recent
        if newest is not None and newest.held.is_open and not newest.held.follows_observing:
            self._overtake(newest, "The directory store observes now.")
        found = (unseen(plan, ledger.active_users, observes=True), *self._breaches(store, plan, ledger, newest))
        kept, now = self.held_plans.hold(plan, found, found[0].of, CYCLE, self.now()), self.now()
        if newest is not None and newest.held.id != kept.held.id and newest.held.made_at.date() == now.date():
            self.held_plans.drop_changes(newest.held)
        return Verdict(found, kept)

    def counted(self, store: Store, active: int) -> None:
        """All active accounts that the bridge manages were counted now, which limits are shares of."""
        now = self.now()
        self.deprovisionings.change(store.id, lambda recent: recent.counted(active, now))

    def applied(self, plan: StoredPlan) -> None:
        """An approved plan was applied whole: those who left by it are not discarded any more, and others may leave."""
        store, why = (
            plan.held.store,
            "Every change of it has been taken to Zoho One, or stands among the run's failures.",
        )
        if self.deprovisionings.read(store).recent.needs_attention:
            gone = {change.identity for change in self.held_plans.plan(plan.held).deprovisionings}
            self.deprovisionings.forget(store, gone.__contains__, self.now(), opens=True)
        self.held_plans.move(plan, Move(state=HeldState.APPLIED, by=CYCLE, at=self.now(), why=why))

    def _breaches(
        self, store: Store, plan: Plan, ledger: RecentDeprovisionings, newest: StoredPlan | None
    ) -> tuple[Breach, ...]:
        """The limits that a plan passes, by a number of people that is counted before it holds anything."""
        if not plan.counts and not plan.group_counts:
            return ()
        now, recent = self.now(), ledger.without(plan.counted_at).within(self.now())
        found = check(plan, ledger.active_users, store.guard, recent, is_counted=False)
        if found:
            ledger = self.deprovisionings.recount(store.id, now, lambda: self.identities.count_active(store.id)).recent
            recent = ledger.without(plan.counted_at).within(now)
            found = check(plan, ledger.active_users, store.guard, recent)
        refused = self.deprovisionings.discarded_among(
            store.id, ledger, [each.identity for each in plan.deprovisionings]
        )
        was_discarded = newest is not None and newest.held.state is HeldState.DISCARDED
        again = was_discarded and newest is not None and newest.held.digest == plan.digest
        if refused or again:
            found += (discarded_before(len(refused), ledger.active_users),)
        pushed = held_deprovisionings(plan, ledger.active_users, store.guard) if ledger.held and not found else None
        return (pushed,) if pushed else found

    def _let_be(self, store: Store, plan: Plan, ledger: RecentDeprovisionings) -> None:
        """Open the guard where nobody waits, and forget the discarded departures that Entra took back."""
        deprovisioned, now = plan.deprovisioned, self.now()
        opens = ledger.held and not plan.waiting
        if ledger.discarded is not None and self.deprovisionings.has_others(store.id, ledger, deprovisioned):
            self.deprovisionings.forget(store.id, lambda each: each not in deprovisioned, now, opens=opens)
        elif opens:
            self.deprovisionings.change(store.id, RecentDeprovisionings.opened)

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
