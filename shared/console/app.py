"""The console: the administrators' pages as one Flask application, mounted under /console.

Every request is answered with a page, whatever it contains. Only signed-in users with one of the roles get in, and only
requests that come from one of the console's own forms change anything.
"""

import logging
from datetime import datetime
from http import HTTPStatus

from flask import Flask, g, redirect, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.wrappers import Response

from shared.connection.errors import ConsentRefused
from shared.console import (
    connection_pages,
    consent_pages,
    criteria_pages,
    entra_sign_in_pages,
    group_pages,
    guard_pages,
    held_plan_pages,
    job_pages,
    mail_template_pages,
    mapping_pages,
    mapping_version_pages,
    matching_pages,
    new_store_pages,
    notification_pages,
    on_demand_pages,
    people_pages,
    probe_pages,
    proposal_pages,
    run_pages,
    schedule_pages,
    sign_in_pages,
    status_pages,
    status_sync_pages,
    store_pages,
    unmanaged_pages,
    wizard,
)
from shared.console.admin import NotAnAdmin, NotSignedIn, PagesClosed
from shared.console.bare_app import bare_app
from shared.console.charts import CHARTS
from shared.console.consent_pages import refuse_consent
from shared.console.context import (
    EXTENSION,
    NoSuchStore,
    NoSuchThing,
    OwnersOnly,
    View,
    browser,
    field_label,
    is_setting_up,
    notice_page,
    origin,
    parts,
    rule_words,
)
from shared.console.form_token import form_token
from shared.console.kept_form import sent_rows
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

LARGEST_FORM = 1_000_000  # bytes; the longest mapping that can be saved, imported as a file


class MisdirectedRequest(HTTPException):
    """The header Host names another app (RFC 9110 §15.5.20): its addresses must not stand in our pages."""

    code = HTTPStatus.MISDIRECTED_REQUEST
    description = "The app does not answer under this name."


MOST_FIELDS = 2_000
"""Fields of a form; the largest, criteria with every place taken, has fewer."""
URL_ENCODED = "application/x-www-form-urlencoded"

_log = logging.getLogger("bridge.console")


def create_app(console: ConsoleParts) -> Flask:
    """Build the application. ``console`` holds everything that the pages call."""
    app = bare_app()
    app.extensions[EXTENSION] = console
    app.config.update(MAX_CONTENT_LENGTH=LARGEST_FORM)
    app.jinja_env.filters.update(FILTERS, field_label=field_label, rule_words=rule_words)
    app.jinja_env.globals.update(CHARTS)
    for pages in (
        store_pages,
        new_store_pages,
        connection_pages,
        entra_sign_in_pages,
        consent_pages,
        mapping_pages,
        mapping_version_pages,
        notification_pages,
        mail_template_pages,
        status_sync_pages,
        criteria_pages,
        matching_pages,
        guard_pages,
        schedule_pages,
        people_pages,
        proposal_pages,
        unmanaged_pages,
        on_demand_pages,
        group_pages,
        run_pages,
        held_plan_pages,
        job_pages,
        status_pages,
        probe_pages,
        sign_in_pages,
    ):
        app.register_blueprint(pages.blueprint)
    app.before_request(_admit)
    app.after_request(_keep_session)
    app.context_processor(_layout_values)
    app.register_error_handler(Exception, _explain)
    return app


def _admit() -> View | None:
    """Let in administrators only, and refuse a change that does not come from one of their pages.

    A name that is not the app's would stand in the addresses on its pages.
    """
    hosts = parts().site.hosts
    if hosts and request.endpoint != "status.health" and request.host.lower() not in hosts:
        raise MisdirectedRequest
    if request.endpoint in ("static", "status.health", *sign_in_pages.OPEN):
        return None
    if request.mimetype == URL_ENCODED and request.get_data(cache=True).count(b"&") >= MOST_FIELDS:
        raise RequestEntityTooLarge
    g.signed_in = signed_in = parts().sign_in.who(browser())
    g.admin = signed_in.admin
    if request.method in ("GET", "HEAD"):
        return None
    return sign_in_pages.refuse_form(signed_in)


def _keep_session(response: Response) -> Response:
    """Extend the session. An answer has one cookie at most: the page's own comes first."""
    if "signed_in" in g and g.signed_in.cookie and "Set-Cookie" not in response.headers:
        response.headers["Set-Cookie"] = g.signed_in.cookie
    return response


def _layout_values() -> dict[str, object]:
    """Values that the layout shows on each page."""
    signed_in: SignedIn | None = getattr(g, "signed_in", None)
    now: datetime = parts().site.now()
    return {
        "admin": signed_in and signed_in.admin,
        "signs_out": signed_in is not None and signed_in.session != LOCAL,
        "form_token": form_token(parts().site.secret, signed_in.session, signed_in.admin.id) if signed_in else "",
        "now": now,
        "here": request.endpoint or "",
        "shown_store": getattr(g, "store", None),
        "setting_up": is_setting_up(),
        "steps": wizard.STEPS,
        "origin": origin(),
        "scripts": True,
        "sent_rows": sent_rows,
    }


def _explain(error: Exception) -> Response:
    match error:
        case PagesClosed():
            return notice_page(closed(str(error)))
        case NotSignedIn():
            return sign_in_pages.lead_to_sign_in()
        case NotAnAdmin() | SignInRefused() | EntraSilent():
            return sign_in_pages.refuse(error)
        case ConsentRefused():
            return refuse_consent(error)
        case OwnersOnly():
            return notice_page(OWNERS_ONLY)
        case NoSuchStore():
            return notice_page(NO_STORE)
        case NoSuchThing():
            return notice_page(
                Notice(404, str(error), "It does not exist, or was deleted in the meantime.", "Go back.")
            )
        case TablesBusy():
            return notice_page(TABLES_BUSY)
        case HTTPException(code=code) if code is not None and code < HTTPStatus.INTERNAL_SERVER_ERROR:
            return _explain_http(error, code)
        case _:  # a defect is answered with a page too, never with a stack trace
            _log.error("defect error=%s at %s", type(error).__name__, places(error))
            return notice_page(DEFECT)


def _explain_http(error: HTTPException, code: int) -> Response:
    """Answer a request that no page takes. Opening the address of a form, as a reload does, leads to the form's
    page.
    """
    is_form = request.path.startswith("/console/stores/") and code == HTTPStatus.METHOD_NOT_ALLOWED
    if is_form and request.method == "GET":
        return redirect(request.path.rpartition("/")[0])
    return notice_page(
        NO_PAGE if code == HTTPStatus.NOT_FOUND else Notice(code, error.name, error.description or "", "")
    )
