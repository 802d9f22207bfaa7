"""The state of a directory store in one word: what an administrator sees first, the same on every page."""

from datetime import datetime
from enum import StrEnum

from shared.rules.held_plan import HeldPlan
from shared.rules.run import Run, RunOutcome
from shared.rules.schedule import no_cycle
from shared.rules.store import Store


class StoreState(StrEnum):
    """The states, most urgent first."""

    RECONNECT = "reconnect"  # Zoho no longer renews the tokens: every call fails
    HELD = "held"  # a plan waits for a decision, and not for the store's start
    STOPPED = "stopped"
    PAUSED = "paused"  # until a time that an administrator chose
    INTERRUPTED = "interrupted"  # the process of a cycle ended early; another one continues within three minutes
    FAILING = "failing"  # the last cycle failed
    WITH_ERRORS = "with errors"  # the last cycle ended, but a change or a reading in it failed
    OBSERVING = "observing"  # cycles run and write nothing in Zoho One
    STARTED = "started"


def store_state(
    store: Store, plan: HeldPlan | None, last: Run | None, now: datetime, *, reconnect: bool, interrupted: bool
) -> StoreState:
    """Return the most urgent state that applies.

    ``plan``: the last held plan. ``last``: the last finished cycle. ``interrupted``: no process works on the open
    cycle.
    """
    outcome, shut = last.outcome if last else None, no_cycle(now, store.schedule)
    applies = {
        StoreState.RECONNECT: reconnect,
        StoreState.HELD: plan is not None and plan.is_open and (store.is_started or not plan.follows_observing),
        StoreState.STOPPED: shut is not None and shut.until is None,
        StoreState.PAUSED: shut is not None and shut.until is not None,
        StoreState.INTERRUPTED: interrupted,
        StoreState.FAILING: outcome is RunOutcome.FAILED,
        StoreState.WITH_ERRORS: outcome is RunOutcome.WITH_ERRORS,
        StoreState.OBSERVING: store.schedule.is_observing,
    }
    return next((state for state, is_so in applies.items() if is_so), StoreState.STARTED)
