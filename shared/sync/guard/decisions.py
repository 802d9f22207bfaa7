"""What an administrator decides on a plan that the guard holds, or that a store observed."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from shared.rules.held_plan import HeldState, Move
from shared.tables.held_plans import HeldPlans, StoredPlan
from shared.tables.plan_parts import PlanLost
from shared.tables.recent_deprovisionings import DeprovisioningCounts


class NothingHeld(Exception):
    """The store has no such plan that waits for a decision."""

    def __init__(self) -> None:
        super().__init__("There is no such plan that waits for a decision: it was decided on, or overtaken, meanwhile.")


@dataclass(frozen=True)
class Decisions:
    """Its methods raise TablesBusy, CannotBecome, NothingHeld, and Stale where somebody else decided meanwhile."""

    held_plans: HeldPlans
    deprovisionings: DeprovisioningCounts
    now: Callable[[], datetime]

    def approve(self, store: str, plan_id: str, by: str) -> StoredPlan:
        """Let the next cycle apply just this plan, or refuse it if the world moved."""
        move = Move(state=HeldState.APPROVED, by=by, at=self.now(), why="Approved as it was shown.")
        return self.held_plans.move(self._standing(store, plan_id), move)

    def observed(self, store: str) -> StoredPlan | None:
        """The plan with which the store would be started after observing; None where none waits. One round trip."""
        newest = self.held_plans.newest(store)
        return newest if newest is not None and newest.held.is_open and newest.held.follows_observing else None

    def agree(self, observed: StoredPlan, by: str) -> None:
        """Let the first cycle apply just this plan; it may have been approved before."""
        if observed.held.state is HeldState.HELD:
            move = Move(state=HeldState.APPROVED, by=by, at=self.now(), why="Provisioning was started with it.")
            self.held_plans.move(observed, move)

    def discard(self, store: str, plan_id: str, by: str) -> StoredPlan:
        """Do not apply it. Those who would have left by it stay until Entra takes that back, or a plan is approved.

        That is remembered before the plan is closed, so that a process that dies in between loses nothing. Where not
        all of the plan is kept any more, the guard goes on holding back everybody who leaves.
        """
        standing = self._standing(store, plan_id)
        move = Move(state=HeldState.DISCARDED, by=by, at=self.now(), why="Discarded.")
        standing.held.moved(move)
        with suppress(PlanLost):
            self.deprovisionings.discard(store, self.held_plans.plan(standing.held).deprovisionings, self.now())
        return self.held_plans.move(standing, move)

    def _standing(self, store: str, plan_id: str) -> StoredPlan:
        standing = self.held_plans.newest(store)
        if standing is None or standing.held.id != plan_id or not standing.held.is_open:
            raise NothingHeld
        return standing
