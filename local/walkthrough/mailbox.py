"""The local mailbox: the one-time password mails of a run, and who got one."""

from collections.abc import Iterable
from pathlib import Path

from shared.rules.history import Event, EventKind
from shared.rules.mail.password import MailNotification, PasswordNotice, PasswordNotification

SENDER = "zoho-one@contoso.example"
NOTIFICATION = PasswordNotification(
    mail_notification=MailNotification.NOTIFY,
    password_notification=PasswordNotice.USER,
    verified_domains=("contoso.example",),
)
"""Of `make run`'s store. fabrikam.example is not verified, and no domain of a guest's is."""

_NONE = "No one-time password: "


def mail_settings(mailbox: Path) -> dict[str, str]:
    """The app settings with which mails stay in a folder."""
    return {"BRIDGE_MAIL": "folder", "BRIDGE_MAIL_FOLDER": str(mailbox), "BRIDGE_MAIL_FROM": SENDER}


def count_mails(mailbox: Path) -> int:
    """How many mails lie there."""
    return sum(1 for _ in mailbox.glob("*.eml"))


def password_told(history: Iterable[Event]) -> str:
    """What a person's history says of his one-time password, in one line; nothing of one that was never created."""
    for event in history:
        if event.kind is EventKind.PASSWORD_MAILED:
            return "one-time password mailed"
        if event.kind is EventKind.PASSWORD_NOT_MAILED:
            return f"one-time password not mailed: {event.reason}"
        if event.kind is EventKind.CREATED and _NONE in event.reason:
            return f"no one-time password: {event.reason.partition(_NONE)[2]}"
    return ""
