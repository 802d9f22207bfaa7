"""Settings, as Zoho One's guide calls them: mail and password notification."""

from collections.abc import Mapping
from typing import Annotated

from flask import Blueprint, request
from pydantic import BeforeValidator, ConfigDict

from shared.admin.store_settings import Section
from shared.console.context import (
    View,
    admin,
    go_saved,
    is_setting_up,
    owners_only,
    page,
    parts,
    texts,
    the_store,
)
from shared.console.settings_form import Submission, sent_form
from shared.console.wizard import after
from shared.entra.errors import GraphCredentials, GraphError
from shared.mail.notice_mail import tell_administrators
from shared.mail.password_mail import NoPostbox
from shared.model import Model
from shared.rules.azure_user import AZURE_FIELDS, FieldType
from shared.rules.mail.password import MailNotification, PasswordNotice, PasswordNotification
from shared.rules.store import Store

blueprint = Blueprint("settings", __name__, url_prefix="/console/stores/<store_id>/settings")


def _lines(value: object) -> object:
    """Read a box with one value a line, or with commas."""
    return value.replace(",", "\n").split() if isinstance(value, str) else value


class NotificationForm(Model):
    """The boxes of the page, except the templates, which have their own pages."""

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
        """The settings with the store's templates. Raises pydantic.ValidationError."""
        given = self.model_dump(exclude={"length", "alphabet"})
        rules = {"length": self.length, "alphabet": self.alphabet}
        return PasswordNotification.model_validate(given | {"rules": rules, "templates": standing.templates})


@blueprint.route("", methods=["GET", "POST"])
def notification(store_id: str) -> View:
    before = the_store(store_id)
    sent = sent_form(before, Section.NOTIFICATION, _notification_given)
    if sent.saved:
        _tell_of_recipients(before, the_store(store_id))
        return go_saved(after("settings.notification") if is_setting_up() else ".notification", store_id=store_id)
    return _notification(sent)


def _tell_of_recipients(before: Store, after: Store) -> None:
    """Tell the administrators of before and after who is mailed one-time passwords now."""
    former, now = before.password_notification, after.password_notification
    if _recipients_of(former) == _recipients_of(now):
        return
    to = tuple(dict.fromkeys((*former.admins, *now.admins)))
    told = f"{now.password_notification}; administrators: {', '.join(now.admins) or 'none'}; "
    told += f"address of a user's mail: {now.user_address}; domains: {', '.join(now.verified_domains) or 'none'}."
    what = f"{admin()} changed who receives one-time passwords. {told}"
    tell_administrators(parts().people.password_mails, after, to, what)


def _recipients_of(settings: PasswordNotification) -> tuple[object, ...]:
    chosen = settings.mail_notification, settings.password_notification
    return *chosen, settings.verified_domains, settings.user_address, settings.admins


def _notification_given(form: dict[str, str], now: Store) -> Mapping[str, object]:
    given = NotificationForm.model_validate(form).settings(now.password_notification)
    if given != now.password_notification:
        owners_only()
    return {"password_notification": given}


def _notification(sent: Submission) -> View:
    standing = sent.store.password_notification
    postbox = parts().people.password_mails.postbox
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
    (MailNotification.NOTIFY, MailNotification.NOTIFY.value, "New users are notified by mail, as chosen below."),
    (
        MailNotification.NONE,
        MailNotification.NONE.value,
        "The bridge sends no mail; Zoho One sends its own invitation.",
    ),
)
_PASSWORD = (
    (
        PasswordNotice.USER,
        PasswordNotice.USER.value,
        "A new user with an address in a verified domain receives a one-time password by mail.",
    ),
    (
        PasswordNotice.ADMIN,
        PasswordNotice.ADMIN.value,
        "The administrators below receive it and hand it over themselves.",
    ),
    (PasswordNotice.NOBODY, PasswordNotice.NOBODY.value, "No one-time password is created."),
)


@blueprint.post("/verified-domains")
def read_domains(store_id: str) -> View:
    """Fill in the tenant's verified domains from Microsoft Graph beside what was typed. Nothing is saved."""
    store, typed = the_store(store_id), texts(request.form)
    try:
        if store.entra is None:
            raise GraphCredentials("Connect Microsoft Graph first, under API Integration")
        typed["verified_domains"] = "\n".join(sorted(parts().health.graph_check.domains(store)))
        wrong = {}
    except GraphError as failure:
        wrong = {"verified_domains": f"{failure}."}
    return _notification(Submission(store, Section.NOTIFICATION, typed, wrong))
