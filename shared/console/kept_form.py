"""A form that was sent after the session had ended: kept for an hour, shown again after sign-in, never sent by itself.

It is kept only if a page of the console sent it, as its token proves, and shown only to the same person. A secret in it
is encrypted in the table like the rest, and returns to the browser that sent it in a hidden field.
"""

from datetime import timedelta
from typing import NamedTuple

from flask import request
from pydantic import ConfigDict, ValidationError
from werkzeug.wrappers import Request

from shared.console.form_token import FIELD
from shared.console.own_address import address_of, own_address
from shared.model import Model
from shared.tables.errors import TooLarge
from shared.tables.sessions import Kept, Sessions

LIFETIME = timedelta(hours=1)
LONGEST = 250_000
"""Characters in total. Encrypted, an entity of Table Storage can hold little more."""
SHOWN = 200
"""Characters of a value that the page shows."""
SECRET = ("secret", "password", "token", "certificate", "key")
"""A field with one of these in its name is not shown."""


class Row(NamedTuple):
    """One field, as the page shows it."""

    name: str
    value: str


class KeptForm(Model):
    """A form as it was sent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    admin_id: str
    path: str
    fields: tuple[tuple[str, str], ...]

    @property
    def shown(self) -> list[Row]:
        """What was typed, shortened, without the fields that a page keeps for itself."""
        return [Row(name, _short(name, value)) for name, value in self.fields if value and not name.startswith("seen")]


def read_form(request: Request, admin_id: str) -> KeptForm:
    """Read the form of a request. A file counts as a field with its text."""
    fields = [(name, value) for name, value in request.form.items(multi=True) if name != FIELD]
    for name, file in request.files.items(multi=True):
        fields.append((name, file.read().decode("utf-8", "replace")))
    return KeptForm(admin_id=admin_id, path=address_of(request.url), fields=tuple(fields))


def sent_rows() -> list[Row]:
    """Fields of this request's form, for a page that could not save it."""
    return read_form(request, "").shown


def keep_form(sessions: Sessions, form: KeptForm) -> str | None:
    """Store the form. Returns its id, or None if it is too long. Raises TablesBusy."""
    text = form.model_dump_json()
    if len(text) > LONGEST:
        return None
    try:
        return sessions.keep(Kept.FORM, text, LIFETIME)
    except TooLarge:
        return None


def kept_form(sessions: Sessions, form_id: str, admin_id: str) -> KeptForm | None:
    """The stored form, only for the person who sent it. Raises TablesBusy."""
    text = sessions.look(Kept.FORM, form_id)
    try:
        form = KeptForm.model_validate_json(text or "")
    except ValidationError:
        return None
    return form if form.admin_id == admin_id and own_address(form.path) == form.path else None


def _short(name: str, value: str) -> str:
    if any(word in name.lower() for word in SECRET):
        return "••••"
    return value if len(value) <= SHOWN else value[:SHOWN] + " …"
