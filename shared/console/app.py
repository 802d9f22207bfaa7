"""The console: the admins' pages as one Flask application, mounted under /console.

Every request is answered by a page, whatever came in. Nobody gets in who is not signed in and has one of the roles;
nothing is changed by a request that did not come from one of our own forms.
"""

import hashlib
import logging
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlencode

from flask import Flask, g, make_response, render_template, request
from jinja2 import StrictUndefined
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from shared.console import (
    connection_pages,
    errand_pages,
    group_pages,
    held_plan_pages,
    mapping_pages,
    mapping_version_pages,
    people_pages,
    run_pages,
    scope_pages,
    settings_pages,
    setup,
    status_pages,
    store_pages,
)
from shared.console.admin import NotAnAdmin, NotSignedIn, PagesClosed, signed_in_admin
from shared.console.charts import CHARTS
from shared.console.context import (
    EXTENSION,
    NoSuchStore,
    NoSuchThing,
    OwnersOnly,
    admin,
    is_live,
    is_setting_up,
    origin,
    parts,
)
from shared.console.form_token import FIELD, HEADER, form_token, is_ours
from shared.console.notices import (
    DEFECT,
    FORM_TOO_OLD,
    NO_PAGE,
    NO_STORE,
    NOT_AN_ADMIN,
    NOT_SIGNED_IN,
    OWNERS_ONLY,
    TABLES_BUSY,
    Notice,
    closed,
)
from shared.console.parts import ConsoleParts
from shared.console.wording import FILTERS
from shared.logging import places
from shared.tables.errors import TablesBusy

ROOT = "/console"
STATIC = Path(__file__).parent / "static"
VERSION = hashlib.sha256(b"".join(file.read_bytes() for file in sorted(STATIC.iterdir()))).hexdigest()[:12]
"""Of the static files: a part of their address, so that a browser may keep them and never has old ones."""
YEAR = 365 * 24 * 3600  # seconds
LARGEST_FORM = 1_000_000  # bytes; the longest mapping that can be saved, imported as a file

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
}

_log = logging.getLogger("bridge.console")


def create_app(console: ConsoleParts) -> Flask:
    """The application; its parts are what it calls."""
    app = Flask(__name__, static_folder="static", static_url_path=f"{ROOT}/static/{VERSION}")
    app.extensions[EXTENSION] = console
    app.config.update(MAX_CONTENT_LENGTH=LARGEST_FORM, SEND_FILE_MAX_AGE_DEFAULT=YEAR)
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.globals.update(CHARTS)
    for pages in (
        store_pages,
        connection_pages,
        mapping_pages,
        mapping_version_pages,
        settings_pages,
        scope_pages,
        people_pages,
        group_pages,
        run_pages,
        held_plan_pages,
        errand_pages,
        status_pages,
    ):
        app.register_blueprint(pages.blueprint)
    app.before_request(_admit)
    app.after_request(_harden)
    app.context_processor(_at_hand)
    app.register_error_handler(Exception, _explain)
    return app


def _admit() -> Response | None:
    """Let nobody in but admins, and no change through that a page of ours did not ask for."""
    if request.endpoint in ("static", "status.health"):
        return None
    console = parts()
    headers = {name.lower(): value for name, value in request.headers.items()}
    g.admin = signed_in_admin(console.platform, headers)
    if request.method in ("GET", "HEAD"):
        return None
    token = request.headers.get(HEADER) or request.form.get(FIELD, "")
    if is_ours(console.secret, admin().id, console.now(), token, headers):
        return None
    return _notice(FORM_TOO_OLD)


def _harden(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
    return response


def _at_hand() -> dict[str, object]:
    """What the layout shows on each page."""
    signed_in = getattr(g, "admin", None)
    now: datetime = parts().now()
    return {
        "admin": signed_in,
        "form_token": form_token(parts().secret, signed_in.id, now) if signed_in else "",
        "now": now,
        "here": request.endpoint or "",
        "shown_store": getattr(g, "store", None),
        "setting_up": is_setting_up(),
        "steps": setup.STEPS,
        "origin": origin(),
    }


def _explain(error: Exception) -> Response:
    match error:
        case PagesClosed():
            return _notice(closed(str(error)))
        case NotSignedIn():
            return _sign_in()
        case NotAnAdmin():
            return _notice(NOT_AN_ADMIN)
        case OwnersOnly():
            return _notice(OWNERS_ONLY)
        case NoSuchStore():
            return _notice(NO_STORE)
        case NoSuchThing():
            return _notice(Notice(404, str(error), "It does not exist, or was taken away in the meantime.", "Go back."))
        case TablesBusy():
            return _notice(TABLES_BUSY)
        case HTTPException(code=code) if code is not None and code < HTTPStatus.INTERNAL_SERVER_ERROR:
            said = NO_PAGE if code == HTTPStatus.NOT_FOUND else Notice(code, error.name, error.description or "", "")
            return _notice(said)
        case _:  # a defect of ours is a page too, never a stack trace
            _log.error("defect error=%s at %s", type(error).__name__, places(error))
            return _notice(DEFECT)


def _sign_in() -> Response:
    """A page with the way to sign in and back; for a piece of a page, the browser goes there as a whole."""
    here = request.full_path.rstrip("?") if request.method == "GET" and not is_live() else ROOT
    way = f"/.auth/login/aad?{urlencode({'post_login_redirect_uri': here})}"
    response = _notice(NOT_SIGNED_IN, way, "Sign in")
    if is_live():
        response.headers["HX-Redirect"] = ROOT
    return response


def _notice(notice: Notice, action: str | None = None, action_text: str = "") -> Response:
    template = "console/notice_piece.html" if is_live() else "console/notice.html"
    html = render_template(template, notice=notice, action=action, action_text=action_text)
    return make_response(html, notice.status)
