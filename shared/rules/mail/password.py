"""Password notification: whose creation brings a one-time password, what it looks like, and who is told.

The seed's step 9: "next to Password Notification, choose how you want your users to receive their One Time Password.
Note: Password Notification setting is only applicable to users' whose email address has a verified domain name."
The choices bear the admin guide's own words.
"""

import math
import string
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, ConfigDict, Field, SecretStr, model_validator

from shared.model import Model
from shared.rules.azure_user import AZURE_FIELDS, AzureUser, FieldType, value_of
from shared.rules.email_address import DomainName, MailAddress, domain_name, mail_address
from shared.rules.mail.template import DEFAULT_TEMPLATES, Language, MailTemplate, Reader
from shared.rules.zoho_user import ZohoField, ZohoUser

LOOK_ALIKES = "0OoQ1Iil|5S2Z8B"
"""Each may be taken for another of them, in some font or another."""
UNSUITABLE = "\"'`<>&=\\,.;:^~_@"
"""What a mail client may take for markup, an address or the end of a sentence, or a reader overlook."""
LEAST_BITS = 64
"""Of a password's entropy: out of reach even for guessing offline, and no longer to type than 13 characters or so."""
DRAWS = 10_000
"""The default rules need 1.6 draws on average and the strangest ones 60: so many show that ``choice`` is broken."""
KINDS = (string.ascii_lowercase, string.ascii_uppercase, string.digits, string.punctuation)
"""Of characters. Zoho's default password policy asks for each of them."""


class MailNotification(StrEnum):
    """Whether anybody is mailed at all."""

    NOTIFY = "Notify via mail"
    NONE = "Don't notify"


class PasswordNotice(StrEnum):
    """Who gets the one-time password of a person whose domain is verified."""

    USER = "Send email OTP to user"
    ADMIN = "Send email OTP to Admin"
    NOBODY = "Don't notify anyone"


class PasswordRules(Model):
    """How one-time passwords are made: each kind of character in the alphabet is in each password."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    length: int = Field(default=16, ge=12, le=64, description="In characters")
    alphabet: str = Field(default="abcdefghjkmnpqrstuvwxyzACDEFGHJKLMNPRTUVWXY34679!#$%+?", max_length=94)

    @model_validator(mode="after")
    def _is_safe(self) -> Self:
        if unknown := set(self.alphabet) - set("".join(KINDS)):
            raise ValueError(f"The alphabet may hold only visible ASCII characters, not {_listed(unknown)}")
        if alike := set(self.alphabet) & set(LOOK_ALIKES):
            raise ValueError(f"Take characters that look like others out of the alphabet: {_listed(alike)}")
        if unsuitable := set(self.alphabet) & set(UNSUITABLE):
            raise ValueError(f"Take out what does not survive copying from a mail: {_listed(unsuitable)}")
        if twice := {character for character in self.alphabet if self.alphabet.count(character) > 1}:
            raise ValueError(f"In the alphabet more than once, and so likelier than the others: {_listed(twice)}")
        if self.length * math.log2(max(len(self.alphabet), 1)) < LEAST_BITS:
            raise ValueError(
                f"{self.length} of {len(self.alphabet)} characters can be guessed: make the password longer or the "
                f"alphabet larger, until it has {LEAST_BITS} bits"
            )
        return self

    @property
    def kinds(self) -> tuple[str, ...]:
        """The characters of the alphabet by kind; a kind without any is left out."""
        kinds = ("".join(c for c in self.alphabet if c in kind) for kind in KINDS)
        return tuple(kind for kind in kinds if kind)


def _field_of_entra(name: str) -> str:
    if name not in AZURE_FIELDS or AZURE_FIELDS[name].type not in (FieldType.TEXT, FieldType.TEXTS):
        raise ValueError(f"“{name}” is not an attribute of a person in Entra that could hold an address")
    return name


class PasswordNotification(Model):
    """A store's settings. The default mails nobody."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mail_notification: MailNotification = MailNotification.NONE
    password_notification: PasswordNotice = PasswordNotice.NOBODY
    verified_domains: tuple[DomainName, ...] = Field(
        default=(), description="Of the organisation, as in Graph's /domains"
    )
    user_address: Annotated[str, AfterValidator(_field_of_entra)] = Field(
        default="mail",
        description="Where a user's own mail goes, by the name Graph gives the attribute: the work address, or another"
        " one, since a new mailbox may be out of reach before the first sign-in",
    )
    admins: tuple[MailAddress, ...] = Field(default=(), max_length=20)
    rules: PasswordRules = PasswordRules()
    templates: tuple[MailTemplate, ...] = DEFAULT_TEMPLATES
    language: Language = Field(default="en", description="For whom there is no template in his own, and for admins")

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.password_notification is not PasswordNotice.NOBODY:
            self._ensure_possible()
        keys = [(template.reader, template.language.lower()) for template in self.templates]
        if len(set(keys)) < len(keys):
            raise ValueError("There are two mail templates for the same reader and language")
        for reader in Reader:
            if (reader, self.language.lower()) not in keys:
                raise ValueError(f"Add a mail template for the {reader} in the fallback language, {self.language}")
        return self

    def _ensure_possible(self) -> None:
        chosen = self.password_notification
        if self.mail_notification is MailNotification.NONE:
            raise ValueError(f"“{chosen}” needs the mail notification “{MailNotification.NOTIFY}”")
        if not self.verified_domains:
            raise ValueError(f"“{chosen}” needs a verified domain: nobody else gets a one-time password")
        if chosen is PasswordNotice.ADMIN and not self.admins:
            raise ValueError(f"“{chosen}” needs the address of at least one administrator")


@dataclass(frozen=True)
class Notice:
    """A one-time password is due: who is to be told, of whom, and the sentence that history shows for it."""

    reason: str
    reader: Reader
    to: tuple[str, ...]
    name: str
    user_name: str
    language: str | None
    """That the reader prefers, if it is known."""


@dataclass(frozen=True)
class NoNotice:
    """No one-time password, and the sentence that history shows for it."""

    reason: str


def notice_for(settings: PasswordNotification, account: ZohoUser, person: AzureUser) -> Notice | NoNotice:
    """Whether the creation of a person's account brings a one-time password.

    Everyone else gets none, and Zoho One's own invitation: a password that nobody is told would only lock him out.
    """
    if settings.mail_notification is MailNotification.NONE:
        return NoNotice(f"No one-time password: the mail notification is set to “{MailNotification.NONE}”.")
    if settings.password_notification is PasswordNotice.NOBODY:
        return NoNotice(f"No one-time password: the password notification is set to “{PasswordNotice.NOBODY}”.")
    # Zoho One judges the address that it gets, which a mapping may have made something else of than Entra's.
    email = account.fields.get(ZohoField.EMAIL) or account.user_name
    if not is_verified(email, settings.verified_domains):
        return NoNotice(f"No one-time password: the domain of {email} is not a verified one of the store.")
    to = recipients(settings, person)
    if isinstance(to, NoNotice):
        return to
    to_user = settings.password_notification is PasswordNotice.USER
    return Notice(
        reason=f"A one-time password goes to {'the user' if to_user else 'the administrators'}: {', '.join(to)}.",
        reader=Reader.USER if to_user else Reader.ADMIN,
        to=to,
        name=person.display_name or account.user_name,
        user_name=account.user_name,
        language=person.preferred_language if to_user else None,
    )


def is_verified(address: str, domains: Iterable[str]) -> bool:
    """Whether an address lies in one of these domains, in whatever case or script; in a subdomain of one it does not.

    Raises ValueError where one of the domains is none.
    """
    try:
        domain = mail_address(address).rpartition("@")[2]
    except ValueError:
        return False
    return domain in {domain_name(verified) for verified in domains}


def recipients(settings: PasswordNotification, person: AzureUser) -> tuple[str, ...] | NoNotice:
    """Who is mailed a person's one-time password, or why nobody is."""
    if settings.password_notification is PasswordNotice.NOBODY:
        return NoNotice(f"No one-time password: the password notification is set to “{PasswordNotice.NOBODY}”.")
    if settings.password_notification is PasswordNotice.ADMIN:
        return settings.admins
    value = value_of(settings.user_address)(person)
    text = next(iter(value), None) if isinstance(value, tuple) else value
    if not text:
        return NoNotice(f"No one-time password: Entra has no value for the person's {settings.user_address}.")
    try:
        return (mail_address(str(text)),)
    except ValueError:
        return NoNotice(f"No one-time password: the person's {settings.user_address} in Entra is not a mail address.")


def new_password(settings: PasswordNotification, choice: Callable[[Sequence[str]], str]) -> SecretStr:
    """A one-time password; ``choice`` draws one of a sequence, each equally likely, as ``secrets.choice`` does.

    Drawn whole until each kind of character is in it, so that every password that has them is equally likely: to put
    one of each kind into it first would make some likelier than others.
    """
    rules = settings.rules
    for _ in range(DRAWS):
        drawn = "".join(choice(rules.alphabet) for _ in range(rules.length))
        if all(set(drawn) & set(kind) for kind in rules.kinds):
            return SecretStr(drawn)
    raise RuntimeError(f"{DRAWS} draws in a row lacked a kind of character: the source of randomness is broken")


def _listed(characters: Iterable[str]) -> str:
    return " ".join(sorted(characters))
