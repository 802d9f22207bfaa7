"""HTTP: Zoho's consent, as the admin's browser goes through it."""

from collections.abc import Callable

import azure.functions as func

from functions.answer import answer_of
from shared.app.startup import NotStarted, startup
from shared.console.consent_pages import ConsentPages
from shared.console.obstacle_page import obstacle_page
from shared.console.page import Page, PageRequest

START_ROUTE, CALLBACK_ROUTE = "oauth/start", "oauth/callback"

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]  # the library leaves it untyped


@blueprint.function_name("oauth_start")
@blueprint.route(START_ROUTE, methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)  # the pages ask who is signed in
def oauth_start(req: func.HttpRequest) -> func.HttpResponse:
    """Send an admin's browser to Zoho for a store's consent."""
    return _answer(ConsentPages.start, req)


@blueprint.function_name("oauth_callback")
@blueprint.route(CALLBACK_ROUTE, methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def oauth_callback(req: func.HttpRequest) -> func.HttpResponse:
    """Take it back, with Zoho's answer."""
    return _answer(ConsentPages.callback, req)


def _answer(asked: Callable[[ConsentPages, PageRequest], Page], req: func.HttpRequest) -> func.HttpResponse:
    try:
        pages = startup().bridge().consent_pages
    except NotStarted as reason:
        return answer_of(obstacle_page(reason.obstacle))
    return answer_of(asked(pages, PageRequest(req.url, req.params, req.headers)))
