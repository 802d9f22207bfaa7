"""Queue: carry out what an administrator asked for on a page."""

import azure.functions as func

from shared.bridge import bridge

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]  # the library leaves it untyped


@blueprint.function_name("carry_out")
@blueprint.queue_trigger("message", queue_name="errands", connection="AzureWebJobsStorage")
def carry_out(message: func.QueueMessage) -> None:
    """Do what a message asks for; the page that asked looks on."""
    bridge().run_errand(message.get_body())
