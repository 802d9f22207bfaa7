"""A one-time password mail, from a template to the message that is sent."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid

from jinja2 import DictLoader, StrictUndefined, TemplateSyntaxError, nodes, select_autoescape
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import SecretStr

from shared.rules.email_address import ENCODED_WORD
from shared.rules.mail.password import Notice, PasswordNotification
from shared.rules.mail.template import MailTemplate, TemplateField, template_for

PLAIN = (nodes.Output, nodes.TemplateData, nodes.Name, nodes.If, nodes.Not, nodes.And, nodes.Or)
"""The allowed parts of a template: its fields, and conditions on them. So it can neither fail nor run for long."""
LONGEST = 500
"""Maximum number of characters of a value in a mail; Entra's longest attribute that could be a name has 256."""

_LAYOUT = """\
<!doctype html>
<html lang="{{ language }}">
<head><meta charset="utf-8"><title>{{ subject }}</title></head>
<body style="font: 16px/1.5 sans-serif; max-width: 40em; margin: 1em">
{%- for paragraph in paragraphs %}
<p dir="auto">
{%- for line in paragraph %}
{%- if line == password %}<code dir="ltr" style="font: bold 20px monospace; background: #eee; padding: 4px 8px">\
{{ line }}</code>
{%- elif line == link %}<a href="{{ line }}">{{ line }}</a>
{%- else %}{{ line }}
{%- endif %}{% if not loop.last %}<br>{% endif %}
{%- endfor %}</p>
{%- endfor %}
</body>
</html>
"""

_environment = ImmutableSandboxedEnvironment(
    loader=DictLoader({"mail.html": _LAYOUT}),
    # A store's templates have no file name and produce plain text; the layout turns that into HTML, and escapes it.
    autoescape=select_autoescape(enabled_extensions=("html",), default_for_string=False),
    undefined=StrictUndefined,
    keep_trailing_newline=True,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.globals.clear()  # Jinja's own names: a template has its fields and nothing else


class BadTemplate(ValueError):
    """A template that would produce a wrong mail; the message says what to change."""


@dataclass(frozen=True)
class Letterhead:
    """The parts that are the same in every mail of a store."""

    sender: str
    """Sender address of the mails."""
    organisation: str
    sign_in_url: str
    """Sign-in page of the store's Zoho One."""


@dataclass(frozen=True)
class Preview:
    """A template filled with sample data."""

    subject: str
    text: str
    html: str


def compose(
    notice: Notice, settings: PasswordNotification, letterhead: Letterhead, password: SecretStr, at: datetime
) -> EmailMessage:
    """Return the mail for a notice, as text and as HTML. Raises BadTemplate.

    The password is in its body and nowhere else: do not log the message.
    """
    template = template_for(settings.templates, notice.reader, notice.language, settings.language)
    filled = _fill(template, _values(notice.name, notice.user_name, letterhead), password)
    message = without_content(letterhead.sender, notice.to, filled.subject, at)
    message.set_content(filled.text, cte="quoted-printable")
    message.add_alternative(filled.html, subtype="html", cte="quoted-printable")
    message["Content-Language"] = template.language  # last: setting the content clears the headers that describe it
    return message


def without_content(sender: str, to: Sequence[str], subject: str, at: datetime) -> EmailMessage:
    """Return a mail that has its headers and nothing else."""
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = ", ".join(to)
    message["Subject"] = subject
    message["Date"] = format_datetime(at)
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    # RFC 3834: no automatic answer, such as "out of office", that would send the password back.
    message["Auto-Submitted"] = "auto-generated"
    return message


def preview(template: MailTemplate) -> Preview:
    """Return a template filled with sample data, as the console shows it before it is saved. Raises BadTemplate."""
    return _fill(template, _values("Anna Müller", "anna.mueller@contoso.com", _SAMPLE), SecretStr("Kp7#mXw4Te9%cRna"))


_SAMPLE = Letterhead(
    sender="zoho-one@contoso.com", organisation="Contoso", sign_in_url="https://accounts.zoho.com/signin"
)


def _values(name: str, user_name: str, letterhead: Letterhead) -> dict[TemplateField, str]:
    user_name = one_line(user_name)
    return {
        TemplateField.NAME: one_line(name) or user_name,
        TemplateField.USER_NAME: user_name,
        TemplateField.SIGN_IN_URL: letterhead.sign_in_url,
        TemplateField.ORGANISATION: one_line(letterhead.organisation),
    }


def one_line(text: str) -> str:
    """Return a value as one line without control characters, so that no name can add a header or a paragraph."""
    kept = (" " if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") else c for c in text[:LONGEST])
    return " ".join("".join(kept).split())


def _fill(template: MailTemplate, values: Mapping[TemplateField, str], password: SecretStr) -> Preview:
    link, secret = values[TemplateField.SIGN_IN_URL], password.get_secret_value()
    subject, used = _rendered("subject", template.subject, {**values, TemplateField.PASSWORD: ""})
    if TemplateField.PASSWORD in used:
        raise BadTemplate("The subject must not hold the password: mail programs show it and servers log it")
    # A mail program would decode anything in a name that looks like an encoded word (RFC 2047).
    subject = one_line(subject).replace(ENCODED_WORD, "= ?")
    text, _ = _rendered("body", template.body, {**values, TemplateField.PASSWORD: secret})
    if secret not in text:
        raise BadTemplate("The body does not show the password: put {{ password }} on a line of its own")
    if link not in text:
        raise BadTemplate("The body does not say where to sign in: put {{ sign_in_url }} on a line of its own")
    html = _environment.get_template("mail.html").render(
        language=template.language,
        subject=subject,
        paragraphs=[paragraph.splitlines() for paragraph in text.strip().split("\n\n")],
        password=secret,
        link=link,
    )
    return Preview(subject, text, html)


def _rendered(part: str, source: str, values: Mapping[TemplateField, str]) -> tuple[str, set[str]]:
    """Return a rendered template and the fields it uses. Raises BadTemplate."""
    try:
        tree = _environment.parse(source)
        _ensure_plain(part, tree)
        used = {node.name for node in tree.find_all(nodes.Name)}
        if unknown := used - set(TemplateField):
            names = ", ".join(sorted(unknown))
            raise BadTemplate(f"In the {part}: there is no {names}; there are {', '.join(TemplateField)}")
        return _environment.from_string(source).render({str(field): value for field, value in values.items()}), used
    except TemplateSyntaxError as error:
        raise BadTemplate(f"In the {part}, line {error.lineno}: {error.message}") from None
    except (RecursionError, SyntaxError):
        # Jinja2 compiles a template to Python, which limits the nesting of blocks.
        raise BadTemplate(f"In the {part}: conditions are nested too deeply") from None


def _ensure_plain(part: str, tree: nodes.Template) -> None:
    for node in tree.find_all(nodes.Node):
        if type(node) not in PLAIN:
            raise BadTemplate(
                f"In the {part}, line {node.lineno}: only {{{{ field }}}} and {{% if field %}} can be used,"
                f" not {type(node).__name__}"
            )
