"""Mail addresses and their domains in one canonical spelling, so that they can be compared."""

from typing import Annotated

import idna
from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator

ENCODED_WORD = "=?"
"""The start of an encoded word (RFC 2047), which Python's email package decodes even where RFC 5322 allows none.

``=?utf-8?q?eve=40evil.example=2C?=@contoso.example`` would be sent to Eve.
"""


def domain_name(text: str) -> str:
    """Return a domain as DNS spells it: lower case, ``xn--`` for non-ASCII labels, no final dot (UTS #46).

    Raises ValueError if the text is not a domain name.
    """
    try:
        name = idna.encode(text.strip().removesuffix("."), uts46=True, std3_rules=True).decode()
    except idna.IDNAError as error:
        raise ValueError(f"“{text}” is not a domain name: {error}") from None
    if "." not in name:
        raise ValueError(f"“{text}” is not a full domain name such as contoso.com")
    return name


def mail_address(text: str) -> str:
    """Return an address as a mail server accepts it: one mailbox without a display name, its domain as DNS spells it.

    Raises ValueError if the text is not such an address.
    """
    if ENCODED_WORD in text:
        raise ValueError(f"“{text}” is not a mail address: it holds {ENCODED_WORD}")
    try:
        found = validate_email(text, check_deliverability=False)
    except EmailNotValidError as error:
        raise ValueError(f"“{text}” is not a mail address: {error}") from None
    return f"{found.local_part}@{found.ascii_domain}"


type DomainName = Annotated[str, AfterValidator(domain_name)]
type MailAddress = Annotated[str, AfterValidator(mail_address)]
