"""The state of a directory store in one word: what an administrator sees first."""

from enum import StrEnum

from shared.rules.held_plan import HeldPlan
from shared.rules.run import Run, RunState
from shared.rules.store import Store


class StoreState(StrEnum):
    """The states, most urgent first."""

    RECONNECT = "reconnect"  # Zoho no longer renews the tokens: every call fails
    HELD = "held"  # a plan waits for a decision
    INTERRUPTED = "interrupted"  # the process of a cycle ended early; another one continues within three minutes
    FAILING = "failing"  # the last cycle ended in an error
    STARTED = "started"
    STOPPED = "stopped"


def store_state(
    store: Store, plan: HeldPlan | None, last: Run | None, *, reconnect: bool, interrupted: bool
) -> StoreState:
    """Return the most urgent state that applies.

    ``plan``: the last held plan. ``last``: the last finished run. ``interrupted``: no process works on the open cycle.
    """
    if reconnect:
        return StoreState.RECONNECT
    if plan is not None and plan.is_open:
        return StoreState.HELD
    if not store.is_started:
        return StoreState.STOPPED
    if interrupted:
        return StoreState.INTERRUPTED
    if last is not None and last.state is RunState.FAILED:
        return StoreState.FAILING
    return StoreState.STARTED
