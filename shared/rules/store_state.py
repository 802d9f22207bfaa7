"""State of a directory store in one word: what an administrator sees first, everywhere the same."""

from datetime import datetime
from enum import StrEnum

from shared.rules.held_plan import HeldPlan
from shared.rules.run import Run, RunOutcome
from shared.rules.schedule import closed
from shared.rules.store import Store


class StoreState(StrEnum):
    """The states, the most urgent first."""

    RECONNECT = "reconnect"  # Zoho does not renew the tokens any more: nothing goes through
    HELD = "held"  # a plan waits for a decision
    STOPPED = "stopped"
    PAUSED = "paused"  # until a time that an administrator chose
    INTERRUPTED = "interrupted"  # the process of a cycle ended before it did; another goes on within three minutes
    FAILING = "failing"  # the last cycle failed
    WITH_ERRORS = "with errors"  # the last cycle came to its end, and a change or a reading in it failed
    STARTED = "started"


def store_state(
    store: Store, plan: HeldPlan | None, last: Run | None, now: datetime, *, reconnect: bool, interrupted: bool
) -> StoreState:
    """The most urgent state that applies.

    ``plan``: the one that was held last; ``last``: the cycle that ended last; ``interrupted``: nobody works on the
    cycle that is open.
    """
    outcome, shut = last.outcome if last else None, closed(now, store.schedule)
    applies = {
        StoreState.RECONNECT: reconnect,
        StoreState.HELD: plan is not None and plan.is_open,
        StoreState.STOPPED: shut is not None and shut.until is None,
        StoreState.PAUSED: shut is not None and shut.until is not None,
        StoreState.INTERRUPTED: interrupted,
        StoreState.FAILING: outcome is RunOutcome.FAILED,
        StoreState.WITH_ERRORS: outcome is RunOutcome.WITH_ERRORS,
    }
    return next((state for state, is_so in applies.items() if is_so), StoreState.STARTED)
