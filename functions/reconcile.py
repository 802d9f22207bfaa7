"""Timer: find due work; queue: run one store's cycle."""

from typing import List  # noqa: UP035 - the worker refuses `list` in an annotation

import azure.functions as func

from shared.app.startup import NotStarted, startup

TICK_SCHEDULE = "0 * * * * *"

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]  # the library leaves it untyped


@blueprint.function_name("tick")
@blueprint.timer_trigger("timer", schedule=TICK_SCHEDULE)
@blueprint.queue_output("cycles", queue_name="cycles", connection="AzureWebJobsStorage")
@blueprint.queue_output("errands", queue_name="errands", connection="AzureWebJobsStorage")
def tick(
    timer: func.TimerRequest,  # noqa: ARG001 - the worker passes it by name
    cycles: func.Out[List[str]],  # noqa: UP006
    errands: func.Out[List[str]],  # noqa: UP006
) -> None:
    """Write the heartbeat; enqueue due cycles and work that lost its process; retry."""
    found = startup().tick()
    if found is None:
        return
    if found.cycles:
        cycles.set(found.cycles)
    if found.jobs:
        errands.set(found.jobs)
    startup().bridge().try_again(found.stores)


@blueprint.function_name("run_cycle")
@blueprint.queue_trigger("message", queue_name="cycles", connection="AzureWebJobsStorage")
@blueprint.queue_output("cycles", queue_name="cycles", connection="AzureWebJobsStorage")
def run_cycle(message: func.QueueMessage, cycles: func.Out[List[str]]) -> None:  # noqa: UP006
    """Run a message's cycle, and enqueue the rest of it if its time is over."""
    try:
        bridge = startup().bridge_in_time()
    except NotStarted:
        cycles.set([message.get_body().decode()])  # a new message, so no attempt is used up while the storage is down
        return
    if messages := bridge.run_cycle(message.get_body()):
        cycles.set(messages)
