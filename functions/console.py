"""HTTP: the admins' pages, and whether the app is alive."""

from typing import List  # noqa: UP035 - the worker refuses `list` in an annotation

import azure.functions as func
from flask import Flask

from functions.answer import Answer, answer_of
from shared.app.startup import NotStarted, startup
from shared.console.obstacle_page import obstacle_health, obstacle_page
from shared.console.queued import collected

CONSOLE_ROUTE, HEALTH_ROUTE = "console/{*path}", "health"

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]  # the library leaves it untyped


class _Pages(func.WsgiMiddleware):
    """The library's way to call a WSGI application, but for one thing: a page with a status of 5xx is an answer too."""

    def _handle_errors(self, wsgi_response: object) -> None:
        """Raise nothing: the library would answer 500 without a page."""


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
    """Answer with a page, and ask for the cycles and errands that it asks for."""
    try:
        console = startup().console()
    except NotStarted as reason:
        return answer_of(obstacle_page(reason.obstacle))
    with collected() as messages:
        page = _answer(console, req, context)
    for queue, asked in ((cycles, messages.cycles), (errands, messages.errands)):
        if asked:
            queue.set(asked)
    return page


@blueprint.function_name("health")
@blueprint.route(HEALTH_ROUTE, methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def health(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Say whether the app is alive, or ready."""
    try:
        console = startup().console()
    except NotStarted as reason:
        return answer_of(obstacle_health(reason.obstacle, req.url, req.headers.get("accept", "")))
    return _answer(console, req, context)


def _answer(console: Flask, req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    return Answer(_Pages(console.wsgi_app).handle(req, context))  # type: ignore[no-untyped-call]  # untyped
