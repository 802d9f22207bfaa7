"""What the tests of the transports share: a mail with a password, and a search for that password."""

import base64
import binascii
import quopri
import re
import traceback
from datetime import UTC, datetime
from email.message import EmailMessage

from pydantic import SecretStr

from shared.mail.message import Letterhead, compose
from shared.rules.mail.password import Notice, PasswordNotification
from shared.rules.mail.template import Reader

PASSWORD = "Kp7#mXw4Te9%cRna"
LETTERHEAD = Letterhead("it@contoso.example", "Contoso", "https://accounts.zoho.example/signin")
AT = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)


def a_notice(
    *to: str, reader: Reader = Reader.USER, name: str = "Anna Müller", language: str | None = "en", user_name: str = ""
) -> Notice:
    to = to or ("anna@contoso.example",)
    return Notice("A reason.", reader, to, name, user_name or "anna@contoso.example", language)


def a_mail(*to: str, sender: str = LETTERHEAD.sender) -> EmailMessage:
    letterhead = Letterhead(sender, LETTERHEAD.organisation, LETTERHEAD.sign_in_url)
    return compose(a_notice(*to), PasswordNotification(), letterhead, SecretStr(PASSWORD), AT)


def told(error: Exception) -> str:
    """An error as a log shows it, with its causes."""
    return "".join(traceback.format_exception(error))


def betrays(text: str) -> bool:
    """Whether the password can be read from a text, be it quoted-printable or base64, even base64 in base64."""
    unquoted = quopri.decodestring(text.encode()).decode(errors="replace")
    if PASSWORD in text or PASSWORD in unquoted:
        return True
    return any(betrays(decoded) for chunk in re.findall(r"[A-Za-z0-9+/]{16,}", text) if (decoded := _decoded(chunk)))


def _decoded(chunk: str) -> str:
    try:
        return base64.b64decode(chunk[: len(chunk) // 4 * 4], validate=True).decode(errors="replace")
    except binascii.Error:
        return ""
