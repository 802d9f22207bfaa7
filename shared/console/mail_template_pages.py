"""Mail templates: the mail for one reader in one language, with a preview and a test mail."""

from datetime import timedelta

from flask import Blueprint, Response, make_response, render_template, request
from pydantic import TypeAdapter, ValidationError

from shared.admin.store_settings import Section, SettingsChanged, fingerprint
from shared.console.context import (
    NoSuchThing,
    View,
    admin,
    faults,
    go_saved,
    is_live,
    owners_only,
    page,
    parts,
    the_store,
)
from shared.console.sign_in import LOCAL
from shared.mail.message import BadTemplate, Preview, preview
from shared.mail.password_mail import CannotSend
from shared.mail.trial_mail import send_trial_mail
from shared.model import HIDDEN
from shared.rules.email_address import MailAddress
from shared.rules.mail.password import PasswordNotification
from shared.rules.mail.template import DEFAULT_TEMPLATES, MailTemplate, Reader
from shared.rules.store import Store

blueprint = Blueprint(
    "mail_template", __name__, url_prefix="/console/stores/<store_id>/settings/templates/<reader>/<language>"
)


_ADDRESS = TypeAdapter[MailAddress](MailAddress, config=HIDDEN)

MAIL_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; frame-ancestors 'self'"
"""Content security policy of a mail in a frame: it may have inline styles and can do nothing, whatever it contains."""

TEST_MAIL = "Test mail for"
"""How the record of a test mail begins; it is written before the mail is sent, and counted."""
MOST_TEST_MAILS = 5
"""Test mails of a store within an hour."""
RECORDS = 100
"""Newest changes among which test mails are counted."""

CHANGED = "Another administrator changed Settings meanwhile. Your text is below: Save replaces what is saved now."


@blueprint.route("", methods=["GET", "POST"], endpoint="page")
def template(store_id: str, reader: str, language: str) -> View:
    """One mail template: change it, remove it, or reset it to the default."""
    store = the_store(store_id)
    standing = _template(store, reader, language)
    if request.method == "GET":
        return _edit(store, standing)
    owners_only()
    settings, what = store.password_notification, request.form.get("do")
    others = tuple(kept for kept in settings.templates if kept != standing)
    try:
        given = _given(standing)
        if what == "default":
            given = next(known for known in DEFAULT_TEMPLATES if _key(known) == _key(standing))
        preview(given)
        templates = others if what == "remove" else (*others, given)
        changed = PasswordNotification.model_validate(settings.model_dump() | {"templates": templates})
        parts().stores.settings.save(
            store_id,
            Section.NOTIFICATION,
            request.form.get("seen", ""),
            lambda _: {"password_notification": changed},
            str(admin()),
        )
    except BadTemplate as bad:
        return _edit(store, standing, {"body": str(bad)})
    except ValidationError as error:
        return _edit(store, standing, faults(error))
    except SettingsChanged:
        return _edit(the_store(store_id), standing, {"": CHANGED})
    return go_saved("settings.notification", store_id=store_id)


@blueprint.post("/preview")
def preview_mail(store_id: str, reader: str, language: str) -> View:
    """The mail as typed, with sample data: a piece of the page."""
    standing = _template(the_store(store_id), reader, language)
    shown, wrong = _previewed(standing)
    return page("console/mail_preview.html", preview=shown, wrong=wrong)


@blueprint.route("/mail.html", methods=["GET", "POST"])
def html_mail(store_id: str, reader: str, language: str) -> Response:
    """The mail's HTML part with sample data, for a frame: as saved, or as typed.

    A frame with ``srcdoc`` would inherit the page's own policy, which forbids the inline styles that a mail needs.
    """
    standing = _template(the_store(store_id), reader, language)
    shown, wrong = _previewed(standing)
    response = make_response(shown.html if shown else render_template("console/no_mail.html", wrong=wrong))
    response.headers["Content-Security-Policy"] = MAIL_POLICY
    return response


@blueprint.post("/test")
def test_mail(store_id: str, reader: str, language: str) -> View:
    """Send the mail as typed to one address, with a password that belongs to no account."""
    store = the_store(store_id)
    standing = _template(store, reader, language)
    to = request.form.get("to", "").strip()
    try:
        _ensure_own(store, to)
        given = _given(standing)
        trial = store.password_notification.model_copy(update={"templates": (given,), "language": given.language})
        address = _ADDRESS.validate_python(to)
        parts().stores.settings.note(store_id, f"{TEST_MAIL} {to}", str(admin()))
        send_trial_mail(parts().people.password_mails, store, trial, given.reader, address)
        sent, wrong = to, ""
    except ValidationError as error:
        sent, wrong = "", next(iter(faults(error).values()))
    except CannotSend as failure:
        sent, wrong = "", str(failure)
    if is_live():
        return page("console/mail_sent.html", sent=sent, wrong=wrong)
    return _edit(store, standing, {"": wrong} if wrong else {}, sent)


def _ensure_own(store: Store, to: str) -> None:
    """Raise CannotSend unless the test mail goes to the administrator's own address, or an owner sends it to those who
    get one-time passwords, and few were sent lately. Strangers would see a text of the sender's under the
    organization's name.
    """
    sender = admin()
    allowed = {sender.address, *(store.password_notification.admins if sender.is_owner else ())} - {""}
    if sender.id != LOCAL and to.lower() not in {each.lower() for each in allowed}:
        raise CannotSend(f"A test mail goes to your own address only: {', '.join(sorted(allowed)) or 'sign in again'}")
    since = parts().site.now() - timedelta(hours=1)
    records = parts().stores.table.records(store.id, RECORDS)
    if sum(each.at > since and each.what.startswith(TEST_MAIL) for each in records) >= MOST_TEST_MAILS:
        raise CannotSend(f"{MOST_TEST_MAILS} test mails were sent within an hour: send the next one later")


def _template(store: Store, reader: str, language: str) -> MailTemplate:
    """The store's template, or a new one in a language that has none. Raises NoSuchThing."""
    for known in store.password_notification.templates:
        if (known.reader, known.language.lower()) == (reader, language.lower()):
            return known
    try:
        begin = next(known for known in DEFAULT_TEMPLATES if known.reader == reader and known.language == "en")
        return MailTemplate.model_validate(begin.model_dump() | {"language": language})
    except (StopIteration, ValidationError):
        raise NoSuchThing("There is no such mail template") from None


def _typed(standing: MailTemplate) -> dict[str, str]:
    """The text in the boxes, valid or not; before anything was sent, that of the template."""
    body = request.form.get("body", standing.body).replace("\r\n", "\n")
    return {"subject": request.form.get("subject", standing.subject).strip(), "body": body}


def _given(standing: MailTemplate) -> MailTemplate:
    return MailTemplate.model_validate(standing.model_dump() | _typed(standing))


def _previewed(standing: MailTemplate) -> tuple[Preview | None, str]:
    try:
        return preview(_given(standing)), ""
    except BadTemplate as bad:
        return None, str(bad)
    except ValidationError as error:
        return None, next(iter(faults(error).values()))


def _key(known: MailTemplate) -> tuple[Reader, str]:
    return known.reader, known.language.lower()


def _edit(store: Store, standing: MailTemplate, wrong: dict[str, str] | None = None, sent: str = "") -> View:
    shown, bad = _previewed(standing)
    return page(
        "console/mail_template.html",
        422 if wrong else 200,
        store=store,
        template=standing,
        typed=_typed(standing),
        faults=wrong or {},
        preview=shown,
        wrong=bad,
        sent=sent,
        seen=fingerprint(store, Section.NOTIFICATION),
        has_default=any(_key(known) == _key(standing) for known in DEFAULT_TEMPLATES),
        is_kept=any(_key(known) == _key(standing) for known in store.password_notification.templates),
    )
