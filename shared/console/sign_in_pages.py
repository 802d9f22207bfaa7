"""The pages around the sign-in: the way to Entra and back, out, the form that came too late, who is signed in."""

import re

from flask import Blueprint, g, redirect, request, url_for
from werkzeug.wrappers import Response

from shared.console.context import NoSuchThing, OwnersOnly, View, admin, browser, notice_page, page, parts
from shared.console.kept_form import SentForm, kept_form
from shared.console.own_address import START
from shared.console.sign_in import SignedIn, Step
from shared.console.sign_in_notices import SIGNED_OUT

blueprint = Blueprint("sign_in", __name__, url_prefix="/console")

OPEN = ("sign_in.begin", "sign_in.callback", "sign_in.signed_out")
"""What is answered to everybody."""

_KEY = re.compile("[0-9a-f]{64}")


@blueprint.get("/sign-in")
def begin() -> Response:
    """To Entra. With ``choose``, Entra asks which account."""
    to = request.args.get("to", START)
    return _go(parts().sign_in.begin(browser(), to, choose="choose" in request.args))


@blueprint.get("/sign-in/callback")
def callback() -> Response:
    """Back from Entra."""
    return _go(parts().sign_in.finish(browser(), request.args.to_dict()))


@blueprint.post("/sign-out")
def sign_out() -> Response:
    """Out, and never by another site's page: it takes the form's token."""
    return _go(parts().sign_in.sign_out(browser(), _signed_in()))


@blueprint.get("/signed-out")
def signed_out() -> View:
    return notice_page(SIGNED_OUT, (url_for(".begin", choose="1"), "Sign in"))


@blueprint.get("/sign-in/form/<form_id>")
def form(form_id: str) -> View:
    """A form that was sent when the session had ended."""
    found = kept_form(parts().sign_in.sessions, form_id, admin().id)
    if found is None:
        raise NoSuchThing("There is no such form any more")
    return form_again(found, 200)


def form_again(sent: SentForm, status: int) -> tuple[str, int]:
    """The page that shows a form, and sends it once more when it is told to."""
    return page("console/form_again.html", status, sent=sent)


@blueprint.get("/signed-in")
def listed() -> View:
    """Who is signed in, and since when."""
    _for_owners()
    return page("console/signed_in.html", found=parts().sign_in.sessions.all(), own=_signed_in().session)


@blueprint.post("/signed-in/<key>/end")
def end(key: str) -> Response:
    _for_owners()
    if not _KEY.fullmatch(key):
        raise NoSuchThing("There is no such session")
    parts().sign_in.sessions.end(key)
    return redirect(url_for(".listed"), 303)


@blueprint.post("/signed-in/end")
def end_all() -> Response:
    """Everybody's, the own one included."""
    _for_owners()
    sessions = parts().sign_in.sessions
    for found in sessions.all():
        sessions.end(found.key)
    return redirect(url_for(".listed"), 303)


def _for_owners() -> None:
    if not admin().is_owner:
        raise OwnersOnly


def _signed_in() -> SignedIn:
    signed_in: SignedIn = g.signed_in
    return signed_in


def _go(step: Step) -> Response:
    response = redirect(step.url, 303 if request.method == "POST" else 302)
    for cookie in step.cookies:
        response.headers.add("Set-Cookie", cookie)
    return response
