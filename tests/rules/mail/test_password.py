"""Password notification: who gets a one-time password, and what it is made of."""

import random
import secrets
import string
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.rules.azure_user import AzureUser
from shared.rules.mail.password import (
    LOOK_ALIKES,
    UNSUITABLE,
    MailNotification,
    NoNotice,
    Notice,
    PasswordNotice,
    PasswordNotification,
    PasswordRules,
    is_verified,
    new_password,
    notice_for,
    recipients,
)
from shared.rules.mail.template import DEFAULT_TEMPLATES, MailTemplate, Reader, template_for
from shared.rules.zoho_user import ZohoField, ZohoUser

NOTIFY, NO_MAIL = MailNotification.NOTIFY, MailNotification.NONE
USER, ADMIN, NOBODY = PasswordNotice.USER, PasswordNotice.ADMIN, PasswordNotice.NOBODY
DOMAINS = ("contoso.example", "bücher.example")
TO_USER: dict[str, Any] = {
    "mail_notification": NOTIFY,
    "password_notification": USER,
    "verified_domains": DOMAINS,
    "admins": ("it@contoso.example",),
}


def settings(**changed: Any) -> PasswordNotification:
    return PasswordNotification(**TO_USER | changed)


def a_person(**changed: Any) -> AzureUser:
    person = {"user_principal_name": "anna@contoso.example", "display_name": "Anna", "mail": "anna@contoso.example"}
    return AzureUser.model_validate(person | {"preferred_language": "de-AT"} | changed)


def an_account(email: str | None = "anna@contoso.example", user_name: str = "anna@contoso.example") -> ZohoUser:
    fields = {ZohoField.USER_NAME: user_name} | ({ZohoField.EMAIL: email} if email else {})
    return ZohoUser(active=True, fields=fields)


def test_the_choices_bear_the_admin_guides_words() -> None:
    assert [*MailNotification] == ["Notify via mail", "Don't notify"]
    assert [*PasswordNotice] == ["Send email OTP to user", "Send email OTP to Admin", "Don't notify anyone"]


@pytest.mark.parametrize(
    ("mail", "password", "email", "to"),
    [
        # mail notification, password notification, address in Zoho One → who is mailed
        (NOTIFY, USER, "anna@contoso.example", ("anna@contoso.example",)),
        (NOTIFY, USER, "anna@CONTOSO.example", ("anna@contoso.example",)),
        (NOTIFY, USER, "anna@mail.contoso.example", None),
        (NOTIFY, USER, "anna@fabrikam.example", None),
        (NOTIFY, ADMIN, "anna@contoso.example", ("it@contoso.example",)),
        (NOTIFY, ADMIN, "anna@fabrikam.example", None),
        (NOTIFY, NOBODY, "anna@contoso.example", None),
        (NOTIFY, NOBODY, "anna@fabrikam.example", None),
        (NO_MAIL, NOBODY, "anna@contoso.example", None),
        (NO_MAIL, NOBODY, "anna@fabrikam.example", None),
    ],
)
def test_who_gets_a_one_time_password(
    mail: MailNotification, password: PasswordNotice, email: str, to: tuple[str, ...] | None
) -> None:
    chosen = settings(mail_notification=mail, password_notification=password)
    notice = notice_for(chosen, an_account(email), a_person())
    assert (notice.to if isinstance(notice, Notice) else None) == to


@pytest.mark.parametrize(
    ("changed", "account", "person", "reason"),
    [
        ({}, {}, {}, "A one-time password goes to the user: anna@contoso.example."),
        (
            {"password_notification": ADMIN},
            {},
            {},
            "A one-time password goes to the administrators: it@contoso.example.",
        ),
        (
            {"user_address": "otherMails"},
            {},
            {"other_mails": ("anna@home.example", "x")},
            "A one-time password goes to the user: anna@home.example.",
        ),
        (
            {"mail_notification": NO_MAIL, "password_notification": NOBODY},
            {},
            {},
            "No one-time password: the mail notification is set to “Don't notify”.",
        ),
        (
            {"password_notification": NOBODY},
            {},
            {},
            "No one-time password: the password notification is set to “Don't notify anyone”.",
        ),
        (
            {},
            {"email": None, "user_name": "anna@fabrikam.example"},
            {},
            "No one-time password: the domain of anna@fabrikam.example is not a verified one of the store.",
        ),
        (
            {"user_address": "otherMails"},
            {},
            {},
            "No one-time password: Entra has no value for the person's otherMails.",
        ),
        (
            {"user_address": "extensionAttribute3"},
            {},
            {"extension_attributes": {"extensionAttribute3": "see HR"}},
            "No one-time password: the person's extensionAttribute3 in Entra is not a mail address.",
        ),
    ],
)
def test_history_is_told_why(
    changed: dict[str, Any], account: dict[str, Any], person: dict[str, Any], reason: str
) -> None:
    assert notice_for(settings(**changed), an_account(**account), a_person(**person)).reason == reason


def test_the_notice_names_the_person_to_his_reader() -> None:
    to_user = notice_for(settings(), an_account(user_name="anna@zoho.example"), a_person())
    assert isinstance(to_user, Notice)
    assert (to_user.reader, to_user.name, to_user.user_name) == (Reader.USER, "Anna", "anna@zoho.example")
    assert to_user.language == "de-AT"
    to_admin = notice_for(settings(password_notification=ADMIN), an_account(), a_person(display_name=None))
    assert isinstance(to_admin, Notice)
    assert (to_admin.reader, to_admin.name, to_admin.language) == (Reader.ADMIN, "anna@contoso.example", None)


def test_recipients_where_nobody_is_to_be_told() -> None:
    assert isinstance(recipients(settings(password_notification=NOBODY), a_person()), NoNotice)


@pytest.mark.parametrize(
    ("address", "verified"),
    [
        ("anna@contoso.example", True),
        ("ANNA@Contoso.EXAMPLE", True),
        ("anna@sub.contoso.example", False),
        ("anna@evilcontoso.example", False),
        ("anna@contoso.example.evil.example", False),
        ("anna@bücher.example", True),
        ("anna@BÜCHER.example", True),
        ("anna@xn--bcher-kva.example", True),
        ("anna@bucher.example", False),
        ("anna@bu\u0308cher.example", True),
        ("ben_fabrikam.example#EXT#@contoso.example", True),
        ("eve@evil.example@contoso.example", False),
        ("eve@evil.example,anna@contoso.example", False),
        ("anna@contoso.example\n", False),
        ("=?utf-8?q?eve=40evil.example=2C?=@contoso.example", False),
        ("@contoso.example", False),
        ("anna", False),
        ("", False),
    ],
)
def test_verified_domains(address: str, verified: bool) -> None:
    assert is_verified(address, DOMAINS) is verified
    assert is_verified(address, settings().verified_domains) is verified


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"mail_notification": NO_MAIL}, "“Send email OTP to user” needs the mail notification “Notify via mail”"),
        ({"password_notification": ADMIN, "admins": ()}, "needs the address of at least one administrator"),
        ({"verified_domains": ()}, "needs a verified domain"),
        ({"verified_domains": ("contoso",)}, "“contoso” is not a full domain name such as contoso.com"),
        ({"verified_domains": ("a b.example",)}, "“a b.example” is not a domain name"),
        ({"admins": ("it",)}, "“it” is not a mail address"),
        ({"admins": ("it@contoso.example\r\nBcc: eve@evil.example",)}, "is not a mail address"),
        ({"user_address": "privateMail"}, "“privateMail” is not an attribute of a person in Entra"),
        ({"user_address": "accountEnabled"}, "is not an attribute of a person in Entra that could hold an address"),
        ({"language": "it"}, "Add a mail template for the user in the fallback language, it"),
        ({"templates": DEFAULT_TEMPLATES * 2}, "two mail templates for the same reader and language"),
        ({"templates": DEFAULT_TEMPLATES[:3]}, "Add a mail template for the admin in the fallback language, en"),
        ({"rules": {"length": 8}}, "greater than or equal to 12"),
        ({"rules": {"alphabet": "abcdefgh"}}, "16 of 8 characters can be guessed"),
        ({"rules": {"alphabet": ""}}, "16 of 0 characters can be guessed"),
        ({"rules": {"alphabet": string.ascii_letters}}, "characters that look like others out of the alphabet: B I O"),
        (
            {"rules": {"alphabet": string.ascii_lowercase}},
            "characters that look like others out of the alphabet: i l o",
        ),
        ({"rules": {"alphabet": "acdefghäjkm nprtuvwxyz"}}, "visible ASCII characters, not   ä"),
        ({"rules": {"alphabet": "acdefghjkmnprtuvwxyz<&"}}, "does not survive copying from a mail: & <"),
        ({"rules": {"alphabet": "acdefghjkmnprtuvwxyzaa"}}, "more than once, and so likelier than the others: a"),
    ],
)
def test_settings_that_contradict_themselves_are_refused(changed: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as raised:
        settings(**changed)
    assert says in str(raised.value)


def test_the_default_mails_nobody() -> None:
    notice = notice_for(PasswordNotification(), an_account(), a_person())
    assert isinstance(notice, NoNotice)


def test_settings_survive_their_row() -> None:
    chosen = settings(password_notification=ADMIN, user_address="otherMails", language="de")
    assert PasswordNotification.model_validate_json(chosen.model_dump_json()) == chosen
    assert chosen.verified_domains == ("contoso.example", "xn--bcher-kva.example")


SAFE = sorted(set(string.ascii_letters + string.digits + string.punctuation) - set(LOOK_ALIKES) - set(UNSUITABLE))


@given(
    alphabet=st.lists(st.sampled_from(SAFE), unique=True, min_size=42),
    length=st.integers(12, 64),
    seed=st.integers(0, 2**32),
)
def test_passwords_hold_every_kind_of_character_and_no_other(alphabet: list[str], length: int, seed: int) -> None:
    rules = PasswordRules(length=length, alphabet="".join(alphabet))
    password = new_password(settings(rules=rules), random.Random(seed).choice).get_secret_value()
    assert len(password) == length
    assert set(password) <= set(alphabet)
    for kind in (string.ascii_lowercase, string.ascii_uppercase, string.digits, string.punctuation):
        assert bool(set(password) & set(kind)) is bool(set(alphabet) & set(kind))


def test_the_default_alphabet_is_all_of_the_four_kinds_that_cannot_be_mistaken() -> None:
    rules = PasswordRules()
    assert len(rules.kinds) == 4
    assert not set(rules.alphabet) & set(LOOK_ALIKES + UNSUITABLE)


def test_each_character_is_as_likely_as_any_other_of_its_kind() -> None:
    draw = random.Random(1).choice
    counts = Counter("".join(new_password(settings(), draw).get_secret_value() for _ in range(3000)))
    for kind in PasswordRules().kinds:
        expected = sum(counts[character] for character in kind) / len(kind)
        for character in kind:
            assert abs(counts[character] - expected) < 6 * expected**0.5, character


def test_passwords_are_drawn_by_who_asks_and_hidden() -> None:
    drawn: list[str] = []

    def choice(alphabet: Sequence[str]) -> str:
        drawn.append(secrets.choice(alphabet))
        return drawn[-1]

    password = new_password(settings(), choice)
    assert password.get_secret_value() == "".join(drawn[-16:])
    assert password.get_secret_value() not in f"{password} {password!r}"


def test_a_broken_source_of_randomness_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="source of randomness is broken"):
        new_password(settings(), lambda alphabet: alphabet[0])


@pytest.mark.parametrize(
    ("preferred", "fallback", "language"),
    [
        ("de-AT", "en", "de-AT"),
        ("de-CH-1996", "en", "de"),
        ("DE", "en", "de"),
        ("pt-BR", "de-CH", "de"),
        (None, "en", "en"),
        ("", "en", "en"),
        ("not a tag", "en", "en"),
    ],
)
def test_the_nearest_template_is_taken(preferred: str | None, fallback: str, language: str) -> None:
    templates = [
        MailTemplate(reader=Reader.USER, language=each, subject="x", body="x") for each in ("en", "de", "de-AT")
    ]
    assert template_for(templates, Reader.USER, preferred, fallback).language == language
    with pytest.raises(KeyError, match="No template for the admin"):
        template_for(templates, Reader.ADMIN, preferred, fallback)
