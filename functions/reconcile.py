"""Timer: which work is due; queue: run one store's cycle."""

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
    """Say that the app is alive; ask for the cycles that are due and for work whose process has ended; try again."""
    if not startup().heartbeat():
        return
    bridge = startup().bridge()
    if messages := bridge.due_cycles():
        cycles.set(messages)
    if messages := bridge.waiting_errands():
        errands.set(messages)
    bridge.try_again()


@blueprint.function_name("run_cycle")
@blueprint.queue_trigger("message", queue_name="cycles", connection="AzureWebJobsStorage")
@blueprint.queue_output("cycles", queue_name="cycles", connection="AzureWebJobsStorage")
def run_cycle(message: func.QueueMessage, cycles: func.Out[List[str]]) -> None:  # noqa: UP006
    """Run what a message asks for, and ask for the rest of it where its time was over."""
    try:
        bridge = startup().bridge_in_time()
    except NotStarted:
        cycles.set([message.get_body().decode()])  # as a new message: no try is used up while the storage is away
        return
    if messages := bridge.run_cycle(message.get_body()):
        cycles.set(messages)
