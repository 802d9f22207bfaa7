"""HTTP: Zoho's consent, as the admin's browser goes through it."""

import azure.functions as func

from functions.answer import Answer
from shared.bridge import bridge
from shared.console.page import Page, PageRequest

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]  # the library leaves it untyped


@blueprint.function_name("oauth_start")
@blueprint.route("oauth/start", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)  # the pages ask who is signed in
def oauth_start(req: func.HttpRequest) -> func.HttpResponse:
    """Send an admin's browser to Zoho for a store's consent."""
    return _reply(bridge().consent_pages.start(_request(req)))


@blueprint.function_name("oauth_callback")
@blueprint.route("oauth/callback", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def oauth_callback(req: func.HttpRequest) -> func.HttpResponse:
    """Take it back, with Zoho's answer."""
    return _reply(bridge().consent_pages.callback(_request(req)))


def _request(req: func.HttpRequest) -> PageRequest:
    return PageRequest(req.url, req.params, req.headers)


def _reply(page: Page) -> func.HttpResponse:
    return Answer(func.HttpResponse(page.html, status_code=page.status, headers=dict(page.headers)))
