"""What a success of Zoho One's is worth: a status of 2xx alone says nothing of what was done.

A proxy's sign-in page, an error that a gateway sends with 200, and the user as they were before all come with a
success. So a write counts as done when the answer is 204 (RFC 7644 §3.5.2, §3.6), or the very user or group that was
written, showing what was asked for. Anything else is ZohoUnclear, after which the bridge looks before it repeats.
"""

from http import HTTPStatus
from typing import Annotated

import requests
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from shared.zoho.error_answers import reason_of
from shared.zoho.errors import ZohoUnclear

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


class Scim(BaseModel):
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
    """A ListResponse (RFC 7644 §3.4.2). What is not one is no empty directory."""

    totalResults: Annotated[int, Field(ge=0, strict=True)]  # noqa: N815 - RFC 7644's name
    Resources: list[R] = []


def understood[M: Scim](model: type[M], answer: requests.Response, password: SecretStr | None = None) -> M:
    """An answer as what it should be. Raises ZohoUnclear, whose text never holds the password that was sent."""
    try:
        return model.model_validate_json(answer.content)
    except ValidationError:
        said = reason_of(answer, password)
        raise ZohoUnclear(
            f"Zoho One's answer ({answer.status_code}: {said}) is not SCIM, or not what was asked for;"
            " look at the store's sync endpoint"
        ) from None


def says_done(answer: requests.Response) -> bool:
    """Whether a write is done by the status alone."""
    return answer.status_code == HTTPStatus.NO_CONTENT


def says_nothing(answer: requests.Response) -> bool:
    """Whether a write was answered with neither 204 nor content, as dialects do: then the bridge looks at once.

    Once more is one call; to believe it could be wrong, and to call it unclear would delay each write of a dialect.
    """
    return not answer.content.strip()


def ensure_same(shown: Resource, wanted: str) -> None:
    """Raises ZohoUnclear where the answer shows another user or group than the one that was asked for."""
    if shown.id != wanted:
        raise ZohoUnclear("Zoho One answered with another user or group than the one that was asked for")


def ensure_taken(name: str, before: str | None, shown: object) -> None:
    """Raises ZohoUnclear where a changed field is still shown as it was.

    Another value is not: Zoho One may write a telephone number or an address in its own way. One that is not shown at
    all is none either: not every field has to be shown.
    """
    if before and shown == before:
        raise ZohoUnclear(f"Zoho One answered with success, but shows {name} as it was before")
