"""The consent pages: one sends the browser to Zoho, the other takes Zoho's answer.

Their addresses contain a code and a state, so they run no script and send no form: their policy is the strict one.
"""

from flask import Blueprint, redirect, request
from pydantic import ValidationError
from werkzeug.wrappers import Response

from shared.connection.consent import ConsentAnswer, cookie_name
from shared.connection.errors import ConsentRefused, Refusal
from shared.console.bare_app import STRICT_POLICY
from shared.console.context import admin, notice_page, origin, page, parts
from shared.console.cookies import is_loopback, set_cookie
from shared.console.notices import REFUSALS
from shared.tables.consents import LIFETIME

blueprint = Blueprint("consent", __name__, url_prefix="/oauth")

START = "/oauth/start"
CALLBACK = "/oauth/callback"
"""Path of the redirect URI to register in Zoho's API console; the app's address comes before it."""


@blueprint.get("/start")
def start() -> Response:
    """Ask Zoho for consent for the store in the query. The browser gets a cookie that proves on its return that
    it was asked.
    """
    store = parts().stores.table.get(request.args.get("store", ""))
    if store is None:
        raise ConsentRefused(Refusal.NO_STORE)
    question = parts().stores.consent.ask(store, admin().id, origin() + CALLBACK)
    name = cookie_name(question.opened.state)
    return _with_cookie(redirect(question.url), name, question.opened.cookie, LIFETIME.seconds)


@blueprint.get("/callback")
def callback() -> Response:
    """Take Zoho's answer."""
    try:
        answer = ConsentAnswer.model_validate(request.args.to_dict())
    except ValidationError:
        raise ConsentRefused(Refusal.STATE) from None
    connected = parts().stores.consent.answer(answer, admin().id, request.cookies, str(admin()))
    response = page(
        "console/connected.html",
        store=connected.store,
        data_center=connected.data_center,
        moved_from=connected.moved_from,
    )
    return _with_cookie(response, cookie_name(answer.state), "", 0)


def refuse_consent(error: ConsentRefused) -> Response:
    """Show why a store was not connected, with a link to another attempt."""
    again = ((f"{START}?store={error.store}", "Connect again"),) if error.store else ()
    return notice_page(REFUSALS[error.refusal], *again)


@blueprint.context_processor
def _without_scripts() -> dict[str, object]:
    return {"scripts": False}


@blueprint.after_request
def _harden(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = STRICT_POLICY
    return response


def _with_cookie(response: Response, name: str, value: str, seconds: int) -> Response:
    secure = not is_loopback(origin())
    response.headers["Set-Cookie"] = set_cookie(name, value, path="/oauth", seconds=seconds, secure=secure)
    return response
