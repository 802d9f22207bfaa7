"""The console: the admins' pages as one Flask application, mounted under /console.

Every request is answered by a page, whatever came in. Nobody gets in who is not signed in and has one of the roles;
nothing is changed by a request that did not come from one of our own forms.
"""

import hashlib
import logging
from datetime import datetime
from http import HTTPStatus
from pathlib import Path

from flask import Flask, g, request
from jinja2 import StrictUndefined
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from shared.console import (
    connection_pages,
    group_pages,
    held_plan_pages,
    job_pages,
    mapping_pages,
    mapping_version_pages,
    people_pages,
    run_pages,
    scope_pages,
    settings_pages,
    setup,
    sign_in_pages,
    status_pages,
    store_pages,
)
from shared.console.admin import NotAnAdmin, NotSignedIn, PagesClosed
from shared.console.charts import CHARTS
from shared.console.context import (
    EXTENSION,
    NoSuchStore,
    NoSuchThing,
    OwnersOnly,
    View,
    browser,
    is_setting_up,
    notice_page,
    origin,
    parts,
)
from shared.console.form_token import form_token
from shared.console.notices import (
    DEFECT,
    NO_PAGE,
    NO_STORE,
    OWNERS_ONLY,
    TABLES_BUSY,
    Notice,
    closed,
)
from shared.console.parts import ConsoleParts
from shared.console.sign_in import LOCAL, SignedIn
from shared.console.wording import FILTERS
from shared.entra.sign_in import EntraSilent, SignInRefused
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
        job_pages,
        status_pages,
        sign_in_pages,
    ):
        app.register_blueprint(pages.blueprint)
    app.before_request(_admit)
    app.after_request(_harden)
    app.context_processor(_at_hand)
    app.register_error_handler(Exception, _explain)
    return app


def _admit() -> View | None:
    """Let nobody in but admins, and no change through that a page of theirs did not ask for."""
    if request.endpoint in ("static", "status.health", *sign_in_pages.OPEN):
        return None
    g.signed_in = signed_in = parts().sign_in.who(browser())
    g.admin = signed_in.admin
    if request.method in ("GET", "HEAD"):
        return None
    return sign_in_pages.refuse_form(signed_in)


def _harden(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
    if "signed_in" in g and g.signed_in.cookie and "Set-Cookie" not in response.headers:
        response.headers["Set-Cookie"] = g.signed_in.cookie
    return response


def _at_hand() -> dict[str, object]:
    """What the layout shows on each page."""
    signed_in: SignedIn | None = getattr(g, "signed_in", None)
    now: datetime = parts().now()
    return {
        "admin": signed_in and signed_in.admin,
        "signs_out": signed_in is not None and signed_in.session != LOCAL,
        "form_token": form_token(parts().secret, signed_in.session, signed_in.admin.id) if signed_in else "",
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
            return notice_page(closed(str(error)))
        case NotSignedIn():
            return sign_in_pages.lead_to_sign_in()
        case NotAnAdmin() | SignInRefused() | EntraSilent():
            return sign_in_pages.refuse(error)
        case OwnersOnly():
            return notice_page(OWNERS_ONLY)
        case NoSuchStore():
            return notice_page(NO_STORE)
        case NoSuchThing():
            return notice_page(
                Notice(404, str(error), "It does not exist, or was taken away in the meantime.", "Go back.")
            )
        case TablesBusy():
            return notice_page(TABLES_BUSY)
        case HTTPException(code=code) if code is not None and code < HTTPStatus.INTERNAL_SERVER_ERROR:
            said = NO_PAGE if code == HTTPStatus.NOT_FOUND else Notice(code, error.name, error.description or "", "")
            return notice_page(said)
        case _:  # a defect of ours is a page too, never a stack trace
            _log.error("defect error=%s at %s", type(error).__name__, places(error))
            return notice_page(DEFECT)
