"""The pages of the sign-in: to Entra and back, sign-out, a form that came too late, the list of sessions."""

import logging
import re
from http import HTTPStatus

from flask import Blueprint, g, redirect, request, url_for
from werkzeug.wrappers import Response

from shared.console.admin import NotAnAdmin
from shared.console.context import NoSuchThing, OwnersOnly, View, admin, browser, is_live, notice_page, page, parts
from shared.console.form_token import FIELD, HEADER, admin_of, is_ours
from shared.console.kept_form import keep_form, kept_form, read_form
from shared.console.notices import FORM_TOO_OLD, NOT_SIGNED_IN
from shared.console.own_address import START, address_of, own_address
from shared.console.sign_in import Redirect, SignedIn
from shared.console.sign_in_notices import (
    ENTRA_SILENT,
    NO_ROLE,
    NOT_ASSIGNED,
    NOT_KEPT,
    PIECE_ENDED,
    SESSION_ENDED,
    SIGNED_OUT,
    refused,
)
from shared.entra.sign_in import EntraSilent, SignInRefused

blueprint = Blueprint("sign_in", __name__, url_prefix="/console")

OPEN = ("sign_in.begin", "sign_in.callback", "sign_in.signed_out")
"""Endpoints that answer without a session."""

_log = logging.getLogger("bridge.console")
_KEY = re.compile("[0-9a-f]{64}")


@blueprint.get("/sign-in")
def begin() -> Response:
    """Redirect to Entra. With ``choose``, Entra asks which account."""
    to = request.args.get("to", START)
    return _go(parts().sign_in.begin(browser(), to, choose="choose" in request.args))


@blueprint.get("/sign-in/callback")
def callback() -> Response:
    """Take the browser back from Entra."""
    return _go(parts().sign_in.finish(browser(), request.args.to_dict()))


@blueprint.post("/sign-out")
def sign_out() -> Response:
    """Sign out. It needs the form's token, so no other site can do it."""
    return _go(parts().sign_in.sign_out(browser(), _signed_in()))


@blueprint.get("/signed-out")
def signed_out() -> View:
    return notice_page(SIGNED_OUT, (url_for(".begin", choose="1"), "Sign in"))


@blueprint.get("/sign-in/form/<form_id>")
def form(form_id: str) -> View:
    """Show a form that was sent after the session had ended."""
    found = kept_form(parts().sign_in.sessions, form_id, admin().id)
    if found is None:
        raise NoSuchThing("There is no such form any more")
    return page("console/form_again.html", sent=found)


@blueprint.get("/signed-in")
def listed() -> View:
    """List the sessions."""
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
    """End all sessions, including one's own."""
    _for_owners()
    sessions = parts().sign_in.sessions
    for found in sessions.all():
        sessions.end(found.key)
    return redirect(url_for(".listed"), 303)


def lead_to_sign_in() -> Response:
    """Redirect to Entra, and back to the same page. A form is kept. A piece of a page redirects the whole page,
    unless the user may have typed something on it.
    """
    way = _way(address_of(request.headers.get("HX-Current-URL", START) if is_live() else request.url))
    if request.method in ("GET", "HEAD"):
        if not is_live():
            return redirect(way)
        piece = notice_page(PIECE_ENDED)
        piece.headers["HX-Redirect"] = way
        return piece
    if is_live():
        return notice_page(PIECE_ENDED, (way, "Sign in"))
    if request.endpoint == "sign_in.sign_out":
        return redirect(url_for("sign_in.signed_out"), 303)
    if _sender() is None:
        return notice_page(NOT_SIGNED_IN, (_way(START), "Sign in"))
    kept = _keep()
    return notice_page(SESSION_ENDED if kept else NOT_KEPT, (_way(kept or START), "Sign in"))


def refuse(error: NotAnAdmin | SignInRefused | EntraSilent) -> Response:
    """Answer a sign-in, or a check of roles, that Entra or the bridge refuses."""
    entra = parts().sign_in.entra
    if isinstance(error, EntraSilent):
        _log.warning("sign-in: %s", error)
        kept = request.method == "POST" and not is_live() and _sender() and _keep()
        again = own_address(address_of(request.url)) if request.method == "GET" else START
        return notice_page(ENTRA_SILENT, (kept or again, "Try again"))
    notice = NO_ROLE if isinstance(error, NotAnAdmin) else refused(error)
    if notice.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.warning("sign-in: %s", notice.title)
    if entra is None:  # on a local machine
        return notice_page(notice, (START, "Try again"))
    if notice in (NO_ROLE, NOT_ASSIGNED):
        other = url_for("sign_in.begin", choose="1")
        return notice_page(notice, (entra.app.roles_page, "Users and groups in Entra"), (other, "Sign in"))
    return notice_page(notice, (_way(START), "Sign in"))


def refuse_form(signed_in: SignedIn) -> View | None:
    """The answer to a form that does not belong to this session, or None if it does.

    A form of an earlier session of the same person is shown, and sent again if they confirm; any other is refused.
    """
    token, headers = _token(), _headers()
    if is_ours(parts().site.secret, signed_in.session, signed_in.admin.id, token, headers):
        return None
    if _sender() != signed_in.admin.id:
        return notice_page(FORM_TOO_OLD)
    if is_live():
        return notice_page(PIECE_ENDED)
    return page("console/form_again.html", 409, sent=read_form(request, signed_in.admin.id))


def _sender() -> str | None:
    """Id of the administrator whose page sent the form, in whichever session; None if it was not one of the
    console's pages.
    """
    return admin_of(parts().site.secret, _token(), _headers())


def _keep() -> str | None:
    """Keep the form that was sent. Returns the address that shows it, or None if it is too long."""
    kept = keep_form(parts().sign_in.sessions, read_form(request, _sender() or ""))
    return kept and url_for("sign_in.form", form_id=kept)


def _token() -> str:
    return request.headers.get(HEADER) or request.form.get(FIELD, "")


def _headers() -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers.items()}


def _way(to: str) -> str:
    return url_for("sign_in.begin", to=own_address(to))


def _for_owners() -> None:
    if not admin().is_owner:
        raise OwnersOnly


def _signed_in() -> SignedIn:
    signed_in: SignedIn = g.signed_in
    return signed_in


def _go(way: Redirect) -> Response:
    response = redirect(way.url, 303 if request.method == "POST" else 302)
    response.headers["Set-Cookie"] = way.cookie
    return response
