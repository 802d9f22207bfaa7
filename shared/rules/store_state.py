"""How a directory store stands, in one word: what an administrator sees first."""

from enum import StrEnum

from shared.rules.held_plan import HeldPlan
from shared.rules.run import Run, RunState
from shared.rules.store import Store


class StoreState(StrEnum):
    """The states, the most urgent first."""

    RECONNECT = "reconnect"  # Zoho does not renew the tokens any more: nothing goes through
    HELD = "held"  # a plan waits for a decision
    INTERRUPTED = "interrupted"  # the process of a cycle ended before it did; another goes on within three minutes
    FAILING = "failing"  # the last cycle ended in an error
    STARTED = "started"
    STOPPED = "stopped"


def store_state(
    store: Store, plan: HeldPlan | None, last: Run | None, *, reconnect: bool, interrupted: bool
) -> StoreState:
    """The most urgent of what is so.

    ``plan``: the one that was held last; ``last``: the run that ended last; ``interrupted``: nobody works on the cycle
    that is open.
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
