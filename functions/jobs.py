"""Queue: carry out what an administrator asked for on a page."""

import azure.functions as func

from shared.app.startup import NotStarted, startup

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]  # the library leaves it untyped


@blueprint.function_name("carry_out")
@blueprint.queue_trigger("message", queue_name="errands", connection="AzureWebJobsStorage")
@blueprint.queue_output("errands", queue_name="errands", connection="AzureWebJobsStorage")
def carry_out(message: func.QueueMessage, errands: func.Out[str]) -> None:
    """Do what a message asks for; the page that asked looks on."""
    try:
        bridge = startup().bridge_in_time()
    except NotStarted:
        errands.set(message.get_body().decode())  # as a new message: no try is used up while the storage is away
        return
    bridge.run_errand(message.get_body())
