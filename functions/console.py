"""HTTP: the administrators' pages, and whether the app is alive."""

from typing import List  # noqa: UP035 - the worker refuses `list` in an annotation

import azure.functions as func

from functions.pages import console_page
from shared.console.queued import collected

CONSOLE_ROUTE, HEALTH_ROUTE = "console/{*path}", "health"

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]  # the library leaves it untyped


@blueprint.function_name("console")
@blueprint.route(CONSOLE_ROUTE, methods=["GET", "POST"], auth_level=func.AuthLevel.ANONYMOUS)  # it asks who it is
@blueprint.queue_output("cycles", queue_name="cycles", connection="AzureWebJobsStorage")
@blueprint.queue_output("errands", queue_name="errands", connection="AzureWebJobsStorage")
def pages(
    req: func.HttpRequest,
    context: func.Context,
    cycles: func.Out[List[str]],  # noqa: UP006
    errands: func.Out[List[str]],  # noqa: UP006
) -> func.HttpResponse:
    """Answer with a page, and put the cycles and jobs that it requests into their queues."""
    with collected() as messages:
        page = console_page(req, context)
    for queue, requested in ((cycles, messages.cycles), (errands, messages.jobs)):
        if requested:
            queue.set(requested)
    return page


@blueprint.function_name("health")
@blueprint.route(HEALTH_ROUTE, methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def health(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Say whether the app is alive, or ready."""
    return console_page(req, context)
