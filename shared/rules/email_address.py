"""Mail addresses and their domains, in the one spelling in which two of them can be compared."""

from typing import Annotated

import idna
from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator

ENCODED_WORD = "=?"
"""Begins an encoded word (RFC 2047), which Python's email package decodes even where RFC 5322 has none.

``=?utf-8?q?eve=40evil.example=2C?=@contoso.example`` would be sent to Eve.
"""


def domain_name(text: str) -> str:
    """A domain as DNS spells it: lower case, ``xn--`` for what is not ASCII, no dot at the end (UTS #46).

    Raises ValueError where the text is no domain name.
    """
    try:
        name = idna.encode(text.strip().removesuffix("."), uts46=True, std3_rules=True).decode()
    except idna.IDNAError as error:
        raise ValueError(f"“{text}” is not a domain name: {error}") from None
    if "." not in name:
        raise ValueError(f"“{text}” is not a full domain name such as contoso.com")
    return name


def mail_address(text: str) -> str:
    """An address as a mail server takes it: one mailbox, without a name, its domain as DNS spells it.

    Raises ValueError where the text is no such address.
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
