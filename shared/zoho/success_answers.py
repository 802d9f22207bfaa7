"""What Zoho One's success answers prove: a status of 2xx alone does not show what was done.

A proxy's sign-in page, an error that a gateway sends with 200, and the user as they were before all come with a
success. So a write counts as done when the answer is 204 (RFC 7644 §3.5.2, §3.6), or the very user or group that was
written, showing the requested values. Anything else is ZohoUnclear, after which the bridge looks before it repeats.
"""

from http import HTTPStatus
from typing import Annotated

import requests
from pydantic import ConfigDict, Field, SecretStr, ValidationError, model_validator

from shared.model import Model
from shared.zoho.error_answers import reason_of
from shared.zoho.errors import ZohoUnclear

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


class Scim(Model):
    """A SCIM message. Raises ValidationError for an error that comes with a success."""

    model_config = ConfigDict(extra="allow")

    schemas: list[str] = []

    @model_validator(mode="after")
    def _is_no_error(self) -> "Scim":
        extra = self.model_extra or {}
        told = extra.get("error") or extra.get("errors") or str(extra.get("status")).lower() in ("failure", "error")
        if ERROR in self.schemas or told:
            raise ValueError("an error")
        return self


class Resource(Scim):
    """A user or a group."""

    id: Annotated[str, Field(min_length=1)]


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


def ensure_taken(name: str, before: str | None, shown: object) -> None:
    """Raise ZohoUnclear where a changed field is still shown with its former value.

    A different value is accepted: Zoho One may write a telephone number or an address in its own way. So is a missing
    one: not every field has to be shown.
    """
    if before and shown == before:
        raise ZohoUnclear(f"Zoho One answered with success, but shows {name} as it was before")
