"""One-time password mails: what they say, in which language, and what a name cannot do to them."""

import email
from email.message import EmailMessage
from email.policy import SMTPUTF8, default
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import SecretStr

from shared.mail.message import BadTemplate, compose, one_line, preview
from shared.mail.transport import recipients_of, sender_of
from shared.rules.email_address import mail_address
from shared.rules.mail.password import PasswordNotification
from shared.rules.mail.template import DEFAULT_TEMPLATES, MailTemplate, Reader
from tests.mail.mails import AT, LETTERHEAD, PASSWORD, a_mail, a_notice

BODY = "{{ password }}\n{{ sign_in_url }}"
HEADERS = {
    "from",
    "to",
    "subject",
    "date",
    "message-id",
    "content-language",
    "auto-submitted",
    "mime-version",
    "content-type",
}


def a_template(body: str = BODY, subject: str = "Hello") -> MailTemplate:
    return MailTemplate(reader=Reader.USER, language="en", subject=subject, body=body)


def composed(reader: Reader = Reader.USER, name: str = "Anna Müller", language: str | None = "en") -> EmailMessage:
    notice = a_notice(reader=reader, name=name, language=language)
    return compose(notice, PasswordNotification(), LETTERHEAD, SecretStr(PASSWORD), AT)


def on_the_wire(message: EmailMessage) -> EmailMessage:
    """The message as its receiver reads it."""
    return email.message_from_bytes(message.as_bytes(), policy=default)


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    text: str = part.get_content()
    return text


class Shown(HTMLParser):
    """The tags of a page, and the text between them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize(
    ("language", "subject", "says"),
    [
        ("en", "Your new Zoho One account", "Sign in here"),
        ("en-GB", "Your new Zoho One account", "Sign in here"),
        ("de", "Ihr neues Zoho-One-Konto", "Melden Sie sich hier an"),
        ("de-AT", "Ihr neues Zoho-One-Konto", "Melden Sie sich hier an"),
        ("FR_ca", "Votre nouveau compte Zoho One", "Connectez-vous ici"),
        ("ja", "Your new Zoho One account", "Sign in here"),
        (None, "Your new Zoho One account", "Sign in here"),
        ("", "Your new Zoho One account", "Sign in here"),
    ],
)
def test_speaks_the_readers_language(language: str | None, subject: str, says: str) -> None:
    message = on_the_wire(composed(language=language))
    assert message["Subject"] == subject
    assert says in body(message, "plain")


@pytest.mark.parametrize("template", DEFAULT_TEMPLATES, ids=lambda template: f"{template.reader}-{template.language}")
def test_every_default_template_says_what_its_reader_needs(template: MailTemplate) -> None:
    shown = preview(template)
    page = Shown(shown.html)
    for text in (shown.text, page.text):
        assert "Kp7#mXw4Te9%cRna" in text
        for value in (
            "Zoho One",
            "Anna Müller",
            "anna.mueller@contoso.com",
            "Contoso",
            "https://accounts.zoho.com/signin",
        ):
            assert value in text
    assert {"code", "a", "p"} <= page.tags
    assert shown.html.startswith(f'<!doctype html>\n<html lang="{template.language}">')
    assert "{" not in shown.subject + shown.text


def test_the_headers_are_these_and_no_others() -> None:
    message = on_the_wire(a_mail("anna@contoso.example", "ben@contoso.example"))
    assert {name.lower() for name in message} == HEADERS
    assert message["From"] == sender_of(message) == "it@contoso.example"
    assert recipients_of(message) == ["anna@contoso.example", "ben@contoso.example"]
    assert message["Date"] == "Mon, 23 Nov 2026 08:30:00 +0000"
    assert message["Message-ID"].endswith("@contoso.example>")
    assert message["Auto-Submitted"] == "auto-generated"
    assert PASSWORD not in str(message.items())


@given(name=st.text())
@example("Anna\r\nBcc: eve@evil.example")
@example("Anna\x85Bcc: eve@evil.example\u2028x")
@example("=?utf-8?q?Anna=0D=0ABcc:_eve=40evil.example?=")
@example("=" + "?utf-8?b?" + "Anna" * 40)
@example("\ud800 \x00")
@example("00¡¡¡¡¡¡𐀀𐀀 00 ¡")
@example("</code><script>alert(1)</script>&amp;")
@example("{{ password }}{% include 'x' %}")
@example("long " * 1000)
def test_a_name_adds_no_header_no_recipient_and_no_markup(name: str) -> None:
    for reader in Reader:
        message = composed(reader, name)
        received = on_the_wire(message)
        assert {header.lower() for header in received} == HEADERS
        assert recipients_of(received) == ["anna@contoso.example"]
        assert sender_of(received) == "it@contoso.example"
        assert message["Subject"] == one_line(message["Subject"])
        # Python's email package may double a space where it folds a header between encoded words.
        assert received["Subject"].split() == message["Subject"].split()
        plain, page = body(received, "plain"), Shown(body(received, "html"))
        assert plain.count(PASSWORD) == 1
        assert page.tags == {"html", "head", "meta", "title", "body", "p", "br", "code", "a"}
        assert len(plain.splitlines()) == len(body(composed(reader), "plain").splitlines())


@given(st.text("=?utf-8qb_@,;:<>()[]\"'.\\ \r\n\tüaé", max_size=30).map(lambda text: f"{text}@contoso.example"))
@example("=?utf-8?q?eve=40evil.example=2C?=@contoso.example")
@example("eve@evil.example,anna@contoso.example")
@example("<eve@evil.example>anna@contoso.example")
def test_an_address_reaches_nobody_else(text: str) -> None:
    try:
        address = mail_address(text)
    except ValueError:
        return
    message = a_mail(address)
    received = email.message_from_string(message.as_bytes(policy=SMTPUTF8).decode(), policy=default)
    assert recipients_of(message) == recipients_of(received) == [address]


def test_a_nameless_person_is_called_by_his_user_name() -> None:
    assert "Hello anna@contoso.example," in body(composed(name=" \n"), "plain")


def test_one_line_keeps_names_as_they_are() -> None:
    for name in ("Zoë O'Neil-Çelik", "محمد عبد الله", "李 小龍", "Anna\u200d👩‍💻"):
        assert one_line(name) == name
    assert one_line("  Anna \t\r\n\x00 Müller\x7f ") == "Anna Müller"


@pytest.mark.parametrize(
    ("template", "says"),
    [
        (a_template("{{ sign_in_url }}"), "does not show the password"),
        (a_template("{{ password }}"), "does not say where to sign in"),
        (a_template(subject="{{ password }}"), "The subject must not hold the password"),
        (a_template(subject="{% if password %}{% endif %}x"), "The subject must not hold the password"),
        (a_template(BODY + "{{ pasword }}"), "In the body: there is no pasword; there are name, user_name, password"),
        (a_template("{% if name %}" + BODY), "In the body, line 2: Unexpected end of template"),
        (a_template(subject="{{ name"), "In the subject, line 1: unexpected end of template"),
        (
            a_template(BODY + "\n{{ name|upper }}"),
            "In the body, line 3: only {{ field }} and {% if field %} can be used",
        ),
        (a_template(BODY + "{{ name.__class__ }}"), "not Getattr"),
        (a_template(BODY + "{{ ''['__class__'] }}"), "not Getitem"),
        (a_template(BODY + "{{ cycler() }}"), "not Call"),
        (a_template(BODY + "{{ 9**999999999 }}"), "not Pow"),
        (a_template(BODY + "{% for x in name %}{% endfor %}"), "not For"),
        (a_template(BODY + "{% include 'mail.html' %}"), "not Include"),
        (a_template(BODY + "{% set password = name %}"), "not Assign"),
        (a_template("{% if name %}" * 200 + BODY + "{% endif %}" * 200), "too deep in each other"),
        (a_template("{{" + "(" * 4000 + "name" + ")" * 4000 + "}}"), "too deep in each other"),
    ],
)
def test_a_template_that_would_not_do_is_refused_with_what_to_change(template: MailTemplate, says: str) -> None:
    with pytest.raises(BadTemplate) as raised:
        preview(template)
    assert says in str(raised.value)
    assert "Kp7#" not in str(raised.value)


def test_a_template_may_have_conditions() -> None:
    shown = preview(a_template("{% if name and not organisation %}A{% elif name %}B{% else %}C{% endif %}\n" + BODY))
    assert shown.text.startswith("B")


def test_a_template_from_a_browsers_form_has_its_paragraphs() -> None:
    shown = preview(a_template("Hello\r\n\r\n{{ password }}\r\n\r\n{{ sign_in_url }}"))
    assert shown.html.count("<p ") == 3
    assert "<code" in shown.html


def test_what_a_template_says_itself_is_text_in_html_too() -> None:
    shown = preview(a_template("Tom & Jerry <it@contoso.example>\n\n" + BODY))
    assert "Tom &amp; Jerry &lt;it@contoso.example&gt;" in shown.html


@given(st.text(alphabet="{}%# \nifendelsnotandorpasswordname_sign_in_url|.()'1", max_size=60))
def test_any_other_template_is_shown_or_refused(text: str) -> None:
    try:
        shown = preview(a_template(f"x{text}"))
    except BadTemplate:
        return
    assert "Kp7#mXw4Te9%cRna" in shown.text
