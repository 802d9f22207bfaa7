"""HTTP: Zoho's consent, as the administrator's browser goes through it."""

import azure.functions as func

from functions.pages import console_page

START_ROUTE, CALLBACK_ROUTE = "oauth/start", "oauth/callback"

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]  # the library leaves it untyped


@blueprint.function_name("oauth_start")
@blueprint.route(START_ROUTE, methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)  # the pages ask who is signed in
def oauth_start(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Send an administrator's browser to Zoho for a store's consent."""
    return console_page(req, context)


@blueprint.function_name("oauth_callback")
@blueprint.route(CALLBACK_ROUTE, methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def oauth_callback(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Take the browser back, with Zoho's answer."""
    return console_page(req, context)
