"""What an administrator decides on a plan that the guard holds."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.directory.held_plan import HeldState, Move
from shared.directory.recent_leavings import RecentLeavings
from shared.tables.held_plans import HeldPlans, StoredPlan
from shared.tables.recent_leavings import Leavings


class NothingHeld(Exception):
    """The store has no such plan that waits for a decision."""

    def __init__(self) -> None:
        super().__init__("There is no such plan that waits for a decision: it was decided on, or overtaken, meanwhile.")


@dataclass(frozen=True)
class Decisions:
    """Its methods raise TablesBusy, CannotBecome, NothingHeld, and Changed where somebody else decided meanwhile."""

    held_plans: HeldPlans
    leavings: Leavings
    now: Callable[[], datetime]

    def approve(self, store: str, plan_id: str, by: str) -> StoredPlan:
        """Let the next cycle apply just this plan, or refuse it if the world moved."""
        return self._move(store, plan_id, HeldState.APPROVED, by, "Approved as it was shown.")

    def discard(self, store: str, plan_id: str, by: str) -> StoredPlan:
        """Do not apply it. What it would have done is planned anew by the next cycle, unless Entra says otherwise."""
        discarded = self._move(store, plan_id, HeldState.DISCARDED, by, "Discarded.")
        self.leavings.change(store, RecentLeavings.decided)
        return discarded

    def _move(self, store: str, plan_id: str, state: HeldState, by: str, why: str) -> StoredPlan:
        standing = self.held_plans.newest(store)
        if standing is None or standing.held.id != plan_id or not standing.held.is_open:
            raise NothingHeld
        return self.held_plans.move(standing, Move(state=state, by=by, at=self.now(), why=why))
