"""Timer: groups and memberships that have not reached Zoho One yet."""

from contextlib import suppress

import azure.functions as func

from shared.startup import NotStarted, startup

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]  # the library leaves it untyped


@blueprint.function_name("groups")
@blueprint.timer_trigger("timer", schedule="30 */5 * * * *")
def groups(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the worker passes it by name
    """Try again what is due."""
    with suppress(NotStarted):  # tick says it
        startup().bridge().settle_groups()
