"""Settings, as Zoho One's guide calls them: mail and password notification with its templates, and status sync."""

from collections.abc import Mapping
from typing import Annotated

from flask import Blueprint, Response, make_response, render_template, request
from pydantic import BeforeValidator, ConfigDict, TypeAdapter, ValidationError

from shared.admin.store_settings import Section, SettingsChanged, fingerprint
from shared.console.context import (
    NoSuchThing,
    View,
    admin,
    faults,
    go,
    is_live,
    is_setting_up,
    page,
    parts,
    texts,
    the_store,
)
from shared.console.settings_form import Sent, sent_form
from shared.console.setup import after
from shared.entra.errors import GraphCredentials, GraphError
from shared.mail.message import BadTemplate, Preview, preview
from shared.mail.password_mail import CannotSend, NoPostbox
from shared.mail.trial_mail import send_trial_mail
from shared.model import HIDDEN, Model
from shared.rules.azure_user import AZURE_FIELDS, FieldType
from shared.rules.email_address import MailAddress
from shared.rules.mail.password import MailNotification, PasswordNotice, PasswordNotification
from shared.rules.mail.template import DEFAULT_TEMPLATES, MailTemplate, Reader
from shared.rules.status import Deprovisioning, Reflection, StatusRules, ensure_confirmed
from shared.rules.store import Store

blueprint = Blueprint("settings", __name__, url_prefix="/console/stores/<store_id>")

_ADDRESS = TypeAdapter[MailAddress](MailAddress, config=HIDDEN)

MAIL_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; frame-ancestors 'self'"
"""Of a mail in a frame: its styles stand in the text, and it can do nothing, whatever it says."""


def _lines(value: object) -> object:
    """A box with one value a line, or with commas."""
    return value.replace(",", "\n").split() if isinstance(value, str) else value


class NotificationForm(Model):
    """The boxes of the page, apart from templates, which have a page of their own."""

    model_config = ConfigDict(extra="ignore")

    mail_notification: MailNotification
    password_notification: PasswordNotice
    verified_domains: Annotated[tuple[str, ...], BeforeValidator(_lines)] = ()
    user_address: str
    admins: Annotated[tuple[str, ...], BeforeValidator(_lines)] = ()
    language: str
    length: int
    alphabet: str

    def settings(self, standing: PasswordNotification) -> PasswordNotification:
        """With the templates there are. Raises pydantic.ValidationError."""
        given = self.model_dump(exclude={"length", "alphabet"})
        rules = {"length": self.length, "alphabet": self.alphabet}
        return PasswordNotification.model_validate(given | {"rules": rules, "templates": standing.templates})


@blueprint.route("/settings", methods=["GET", "POST"])
def notification(store_id: str) -> View:
    sent = sent_form(the_store(store_id), Section.NOTIFICATION, _notification_given)
    if sent.saved:
        return go(after("settings.notification") if is_setting_up() else ".notification", store_id=store_id)
    return _notification(sent)


def _notification_given(form: dict[str, str], now: Store) -> Mapping[str, object]:
    return {"password_notification": NotificationForm.model_validate(form).settings(now.password_notification)}


def _notification(sent: Sent) -> View:
    standing = sent.store.password_notification
    postbox = parts().password_mails.postbox
    shown = {
        "mail_notification": standing.mail_notification,
        "password_notification": standing.password_notification,
        "verified_domains": "\n".join(standing.verified_domains),
        "user_address": standing.user_address,
        "admins": "\n".join(standing.admins),
        "language": standing.language,
        "length": str(standing.rules.length),
        "alphabet": standing.rules.alphabet,
    }
    by_box = {name.split(".")[0]: text for name, text in sent.faults.items()}
    return page(
        "console/notification.html",
        sent.status,
        **(sent.values | {"faults": by_box}),
        shown=shown | sent.typed,
        mail_choices=_MAIL,
        password_choices=_PASSWORD,
        addresses=[name for name, known in AZURE_FIELDS.items() if known.type in (FieldType.TEXT, FieldType.TEXTS)],
        no_postbox=postbox.reason if isinstance(postbox, NoPostbox) else None,
    )


_MAIL = (
    (MailNotification.NOTIFY, MailNotification.NOTIFY.value, "New people are told by mail, as chosen below."),
    (MailNotification.NONE, MailNotification.NONE.value, "The bridge mails nobody; Zoho One sends its own invitation."),
)
_PASSWORD = (
    (
        PasswordNotice.USER,
        PasswordNotice.USER.value,
        "A new person with an address in a verified domain is mailed a one-time password.",
    ),
    (
        PasswordNotice.ADMIN,
        PasswordNotice.ADMIN.value,
        "The administrators below are mailed it, and hand it over themselves.",
    ),
    (PasswordNotice.NOBODY, PasswordNotice.NOBODY.value, "No one-time password is made."),
)


@blueprint.post("/settings/verified-domains")
def read_domains(store_id: str) -> View:
    """Fill in the tenant's verified domains, as Microsoft Graph names them, beside what was typed; nothing is saved."""
    store, typed = the_store(store_id), texts(request.form)
    try:
        if store.entra is None:
            raise GraphCredentials("Connect Microsoft Graph first, under API Integration")
        typed["verified_domains"] = "\n".join(sorted(parts().graph_check.domains(store)))
        wrong = {}
    except GraphError as failure:
        wrong = {"verified_domains": f"{failure}."}
    return _notification(Sent(store, Section.NOTIFICATION, typed, wrong))


@blueprint.route("/settings/templates/<reader>/<language>", methods=["GET", "POST"])
def template(store_id: str, reader: str, language: str) -> View:
    """One mail template: changed, taken away, or put back to what a new store has."""
    store = the_store(store_id)
    standing = _template(store, reader, language)
    if request.method == "GET":
        return _edit(store, standing)
    settings, what = store.password_notification, request.form.get("do")
    others = tuple(kept for kept in settings.templates if kept != standing)
    try:
        given = _given(standing)
        if what == "default":
            given = next(known for known in DEFAULT_TEMPLATES if _key(known) == _key(standing))
        preview(given)
        templates = others if what == "remove" else (*others, given)
        changed = PasswordNotification.model_validate(settings.model_dump() | {"templates": templates})
        parts().settings.save(
            store_id,
            Section.NOTIFICATION,
            request.form.get("seen", ""),
            lambda _: {"password_notification": changed},
            str(admin()),
        )
    except BadTemplate as bad:
        return _edit(store, _given(standing), {"body": str(bad)})
    except ValidationError as error:
        return _edit(store, standing, faults(error))
    except SettingsChanged:
        return _edit(the_store(store_id), standing, {"": "The settings were changed meanwhile: look, and try again."})
    return go(".notification", store_id=store_id)


@blueprint.post("/settings/templates/<reader>/<language>/preview")
def preview_mail(store_id: str, reader: str, language: str) -> View:
    """The mail that is being typed, with sample data: a piece of the page."""
    standing = _template(the_store(store_id), reader, language)
    shown, wrong = _previewed(standing)
    return page("console/mail_preview.html", preview=shown, wrong=wrong)


@blueprint.route("/settings/templates/<reader>/<language>/mail.html", methods=["GET", "POST"])
def html_mail(store_id: str, reader: str, language: str) -> Response:
    """The mail's HTML part with sample data, for a frame: as it is saved, or as it is being typed.

    A frame with ``srcdoc`` would have the page's own policy, which takes no styles in the text, as a mail's have to be.
    """
    standing = _template(the_store(store_id), reader, language)
    shown, wrong = _previewed(standing)
    response = make_response(shown.html if shown else render_template("console/no_mail.html", wrong=wrong))
    response.headers["Content-Security-Policy"] = MAIL_POLICY
    return response


@blueprint.post("/settings/templates/<reader>/<language>/test")
def test_mail(store_id: str, reader: str, language: str) -> View:
    """Send the mail that is being typed, with a password that is nobody's, to one address."""
    store = the_store(store_id)
    standing = _template(store, reader, language)
    to = request.form.get("to", "").strip()
    try:
        given = _given(standing)
        trial = store.password_notification.model_copy(update={"templates": (given,), "language": given.language})
        send_trial_mail(parts().password_mails, store, trial, given.reader, _ADDRESS.validate_python(to))
        sent, wrong = to, ""
        parts().settings.note(store_id, f"Test mail sent to {to}", str(admin()))
    except ValidationError as error:
        sent, wrong = "", next(iter(faults(error).values()))
    except CannotSend as failure:
        sent, wrong = "", str(failure)
    if is_live():
        return page("console/mail_sent.html", sent=sent, wrong=wrong)
    return _edit(store, standing, {"": wrong} if wrong else {}, sent)


def _template(store: Store, reader: str, language: str) -> MailTemplate:
    """The store's template, or one to begin with in a new language. Raises NoSuchThing."""
    for known in store.password_notification.templates:
        if (known.reader, known.language.lower()) == (reader, language.lower()):
            return known
    try:
        begin = next(known for known in DEFAULT_TEMPLATES if known.reader == reader and known.language == "en")
        return MailTemplate.model_validate(begin.model_dump() | {"language": language})
    except (StopIteration, ValidationError):
        raise NoSuchThing("There is no such mail template") from None


def _given(standing: MailTemplate) -> MailTemplate:
    body = request.form.get("body", standing.body).replace("\r\n", "\n")
    form = {"subject": request.form.get("subject", standing.subject).strip(), "body": body}
    return MailTemplate.model_validate(standing.model_dump() | form)


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
        faults=wrong or {},
        preview=shown,
        wrong=bad,
        sent=sent,
        seen=fingerprint(store, Section.NOTIFICATION),
        has_default=any(_key(known) == _key(standing) for known in DEFAULT_TEMPLATES),
        is_kept=any(_key(known) == _key(standing) for known in store.password_notification.templates),
    )


@blueprint.route("/status-sync", methods=["GET", "POST"])
def status_sync(store_id: str) -> View:
    sent = sent_form(the_store(store_id), Section.STATUS_SYNC, _status_given)
    if sent.saved:
        return go(after("settings.status_sync") if is_setting_up() else ".status_sync", store_id=store_id)
    typed = sent.typed | ({"restore_by_hand": sent.typed.get("restore_by_hand") == "yes"} if sent.typed else {})
    return page(
        "console/status_sync.html",
        sent.status,
        **sent.values,
        rules=sent.store.status_rules.model_dump() | typed,
        reflections=list(Reflection),
        leavings=list(Deprovisioning),
    )


def _status_given(form: dict[str, str], now: Store) -> Mapping[str, object]:
    chosen: dict[str, object] = {name: form[name] for name in StatusRules.model_fields if name in form}
    given = StatusRules.model_validate(chosen | {"restore_by_hand": form.get("restore_by_hand") == "yes"})
    ensure_confirmed(now.status_rules, given, now.name, form.get("typed", ""))
    return {"status_rules": given}
