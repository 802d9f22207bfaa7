"""The words of a one-time password mail: a template for each reader and language, and those a store starts with."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints

from shared.model import Model

type Language = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$")]
"""A language tag such as ``de`` or ``pt-BR`` (RFC 5646)."""


class Reader(StrEnum):
    """Who opens the mail."""

    USER = "user"
    ADMIN = "admin"


class TemplateField(StrEnum):
    """What a template can say with ``{{ … }}``."""

    NAME = "name"  # of the person
    USER_NAME = "user_name"  # what he signs in to Zoho One with
    PASSWORD = "password"  # noqa: S105 - the name of the field
    SIGN_IN_URL = "sign_in_url"
    ORGANISATION = "organisation"


class MailTemplate(Model):
    """A mail in one language. Subject and body are Jinja2 templates of plain text; the HTML is made from the body."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reader: Reader
    language: Language
    subject: str = Field(min_length=1, max_length=200)
    body: str = Field(min_length=1, max_length=10_000)


def template_for(
    templates: Sequence[MailTemplate], reader: Reader, preferred: str | None, fallback: str
) -> MailTemplate:
    """The template in the language that a person prefers, or the nearest wider one, or the fallback.

    ``de-AT`` is served by ``de-AT``, then ``de`` (the lookup of RFC 4647 §3.4). Raises KeyError where not even the
    fallback has one, which the settings do not allow.
    """
    by_language = {template.language.lower(): template for template in templates if template.reader is reader}
    for language in (*_widening(preferred or ""), *_widening(fallback)):
        if (template := by_language.get(language)) is not None:
            return template
    raise KeyError(f"No template for the {reader} in {fallback}")


def _widening(language: str) -> Iterator[str]:
    """``zh-Hant-TW``: itself, ``zh-hant``, ``zh``."""
    parts = language.lower().replace("_", "-").split("-")
    return ("-".join(parts[:length]) for length in range(len(parts), 0, -1))


_TO_USER = {
    "en": (
        "Your new Zoho One account",
        """\
Hello {{ name }},

{{ organisation }} has opened a Zoho One account for you. Zoho One is where your organisation's Zoho applications, such as mail, chat and documents, are kept together: you sign in once and reach all of them.

Your sign-in name:
{{ user_name }}

Your one-time password:
{{ password }}

Sign in here, and choose a password of your own:
{{ sign_in_url }}

Nobody at {{ organisation }} or Zoho will ever ask you for this password. Please do not forward this mail.

If you did not expect this account, do nothing: do not sign in, and tell your administrator.
""",  # noqa: E501 - a paragraph of a mail is one line
    ),
    "de": (
        "Ihr neues Zoho-One-Konto",
        """\
Guten Tag {{ name }},

{{ organisation }} hat für Sie ein Konto bei Zoho One eingerichtet. Zoho One fasst die Zoho-Anwendungen Ihrer Organisation zusammen, zum Beispiel E-Mail, Chat und Dokumente: Sie melden sich einmal an und erreichen alle.

Ihr Anmeldename:
{{ user_name }}

Ihr Einmalpasswort:
{{ password }}

Melden Sie sich hier an und wählen Sie ein eigenes Passwort:
{{ sign_in_url }}

Niemand bei {{ organisation }} oder Zoho wird Sie je nach diesem Passwort fragen. Bitte leiten Sie diese E-Mail nicht weiter.

Falls Sie kein Konto erwartet haben, melden Sie sich nicht an und geben Sie Ihrer Administration Bescheid.
""",  # noqa: E501 - a paragraph of a mail is one line
    ),
    "fr": (
        "Votre nouveau compte Zoho One",
        """\
Bonjour {{ name }},

{{ organisation }} vous a ouvert un compte Zoho One. Zoho One réunit les applications Zoho de votre organisation, comme la messagerie, la discussion et les documents : vous vous connectez une seule fois pour accéder à toutes.

Votre identifiant :
{{ user_name }}

Votre mot de passe à usage unique :
{{ password }}

Connectez-vous ici et choisissez votre propre mot de passe :
{{ sign_in_url }}

Personne chez {{ organisation }} ni chez Zoho ne vous demandera jamais ce mot de passe. Merci de ne pas transférer ce message.

Si vous n'attendiez pas ce compte, ne vous connectez pas et prévenez votre administrateur.
""",  # noqa: E501 - a paragraph of a mail is one line
    ),
}

_TO_ADMIN = {
    "en": (
        "One-time password for {{ name }}",
        """\
A Zoho One account of {{ organisation }} was created for {{ name }}. The directory store sends one-time passwords to its administrators, so that you hand this one over yourself.

Sign-in name:
{{ user_name }}

One-time password:
{{ password }}

Where to sign in, and choose another password:
{{ sign_in_url }}

Please give it to nobody but {{ name }}, and delete this mail afterwards. If you did not expect this account, look into the history of {{ user_name }} in the bridge's console and disable the person in Entra.
""",  # noqa: E501 - a paragraph of a mail is one line
    ),
    "de": (
        "Einmalpasswort für {{ name }}",
        """\
Für {{ name }} wurde ein Konto von {{ organisation }} bei Zoho One angelegt. Der Verzeichnisspeicher sendet Einmalpasswörter an die Administration, damit Sie dieses selbst übergeben.

Anmeldename:
{{ user_name }}

Einmalpasswort:
{{ password }}

Hier wird es eingegeben und ein eigenes Passwort gewählt:
{{ sign_in_url }}

Bitte geben Sie es nur {{ name }} und löschen Sie danach diese E-Mail. Falls Sie dieses Konto nicht erwartet haben, sehen Sie in der Konsole der Bridge den Verlauf von {{ user_name }} nach und deaktivieren Sie die Person in Entra.
""",  # noqa: E501 - a paragraph of a mail is one line
    ),
    "fr": (
        "Mot de passe à usage unique pour {{ name }}",
        """\
Un compte Zoho One de {{ organisation }} a été créé pour {{ name }}. L'annuaire envoie les mots de passe à usage unique à ses administrateurs, afin que vous remettiez celui-ci vous-même.

Identifiant :
{{ user_name }}

Mot de passe à usage unique :
{{ password }}

Où se connecter et choisir un autre mot de passe :
{{ sign_in_url }}

Merci de ne le donner qu'à {{ name }}, puis de supprimer ce message. Si vous n'attendiez pas ce compte, consultez l'historique de {{ user_name }} dans la console du pont et désactivez la personne dans Entra.
""",  # noqa: E501 - a paragraph of a mail is one line
    ),
}

DEFAULT_TEMPLATES = tuple(
    MailTemplate(reader=reader, language=language, subject=subject, body=body)
    for reader, texts in ((Reader.USER, _TO_USER), (Reader.ADMIN, _TO_ADMIN))
    for language, (subject, body) in texts.items()
)
"""What a new store starts with. A store's own templates stand in their place."""
