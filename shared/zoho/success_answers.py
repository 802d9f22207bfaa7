"""What Zoho One's success answers prove: a status of 2xx alone does not show what was done.

A proxy's sign-in page, an error that a gateway sends with 200, and the user as they were before all come with a
success. So a write counts as done when the answer is 204 (RFC 7644 §3.5.2, §3.6), or the very user or group that was
written, showing the requested values. Anything else is ZohoUnclear, after which the bridge looks before it repeats.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any

import requests
from pydantic import BeforeValidator, ConfigDict, Field, JsonValue, SecretStr, ValidationError, model_validator

from shared.model import Model
from shared.rules.zoho_user import ZOHO_FIELDS, ZohoField, is_same
from shared.zoho.error_answers import is_error, reason_of
from shared.zoho.errors import ZohoUnclear


def _as_text(value: object) -> object:
    """Return an id as text: some APIs number their resources."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


type Id = Annotated[str, Field(min_length=1), BeforeValidator(_as_text)]

_NAMES = {
    name.lower(): name
    for facts in ZOHO_FIELDS.values()
    for name in (facts.path.attribute, facts.path.sub)
    if name is not None
} | {name.lower(): name for name in ("id", "active", "type", "primary", "meta", "members", "groups", "schemas")}
"""The attributes that the bridge knows, by their names in lower case."""


class Scim(Model):
    """A SCIM message. Raises ValidationError for an error that comes with a success."""

    model_config = ConfigDict(extra="allow")

    schemas: list[str] = []

    @model_validator(mode="before")
    @classmethod
    def _in_any_letter_case(cls, data: Any) -> Any:
        """Read the names of the fields in any letter case (RFC 7643 §2.1)."""
        if not isinstance(data, dict) or all(name in data for name in cls.model_fields):
            return data
        absent = {name.lower(): name for name in cls.model_fields if name not in data}
        return {absent.get(name.lower(), name): value for name, value in data.items()}

    @model_validator(mode="after")
    def _is_no_error(self) -> "Scim":
        if is_error({**(self.model_extra or {}), "schemas": self.schemas}):
            raise ValueError("an error")
        return self


class Resource(Scim):
    """A user or a group."""

    id: Id

    @property
    def rest(self) -> Mapping[str, JsonValue]:
        """What else it shows."""
        return self.model_extra or {}


class Listed[R: Resource](Scim):
    """A ListResponse (RFC 7644 §3.4.2). Anything else is not an empty directory."""

    totalResults: Annotated[int, Field(ge=0, strict=True)]  # noqa: N815 - RFC 7644's name
    Resources: list[R] = []


def understood[M: Scim](model: type[M], answer: requests.Response, password: SecretStr | None = None) -> M:
    """Return an answer as its model. Raises ZohoUnclear, whose text never holds the password that was sent."""
    try:
        return model.model_validate_json(answer.content)
    except ValidationError:
        said = reason_of(answer, password)
        raise ZohoUnclear(
            f"Zoho One's answer ({answer.status_code}: {said}) is not SCIM, or not what was asked for;"
            " look at the store's sync endpoint"
        ) from None


def says_done(answer: requests.Response) -> bool:
    """Whether the status alone shows that a write is done."""
    return answer.status_code == HTTPStatus.NO_CONTENT


def says_nothing(answer: requests.Response) -> bool:
    """Whether a write was answered with neither 204 nor content, as some dialects do: then the bridge looks at once.

    A further look is one call; trusting the status could be wrong, and an unclear result would delay each write of such
    a dialect.
    """
    return not answer.content.strip()


def ensure_same(shown: Resource, wanted: str) -> None:
    """Raise ZohoUnclear where the answer shows another user or group than the requested one."""
    if shown.id != wanted:
        raise ZohoUnclear("Zoho One answered with another user or group than the one that was asked for")


def ensure_taken(field: ZohoField, before: str | None, after: str | None, shown: object) -> None:
    """Raise ZohoUnclear where a changed field is still shown with its former value.

    A different value is accepted: Zoho One may write a telephone number or an address in its own way. So is a missing
    one: not every field has to be shown.
    """
    if before and str(shown) == before and not is_same(field, after, before):
        raise ZohoUnclear(f"Zoho One answered with success, but shows {field} as it was before")


def to_write_back(resource: Resource) -> dict[str, JsonValue]:
    """Return what an answer showed, as a PUT may repeat it: with the standard's names, without what only Zoho One sets.

    A PUT replaces everything (RFC 7644 §3.5.1), so what is not the bridge's has to be in it.
    """
    shown = {_NAMES.get(name.lower(), name): _named(value) for name, value in resource.rest.items()}
    return {name: value for name, value in shown.items() if name not in ("meta", "groups")} | {"id": resource.id}


def _named(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {_NAMES.get(name.lower(), name): _named(each) for name, each in value.items()}
    return [_named(each) for each in value] if isinstance(value, list) else value
