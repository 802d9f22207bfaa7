"""Timer: one-time password mails that have not gone yet."""

from contextlib import suppress

import azure.functions as func

from shared.startup import NotStarted, startup

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]  # the library leaves it untyped


@blueprint.function_name("notify")
@blueprint.timer_trigger("timer", schedule="0 */5 * * * *")
def notify(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the worker passes it by name
    """Try again what is due."""
    with suppress(NotStarted):  # tick says it
        startup().bridge().mail_passwords()
