"""What an answer of Microsoft Graph means, whether it came alone or as one of a batch.

https://learn.microsoft.com/graph/errors, https://learn.microsoft.com/graph/throttling,
https://learn.microsoft.com/graph/delta-query-overview
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from http import HTTPStatus

from pydantic import ConfigDict, Field, ValidationError

from shared.entra.errors import (
    DeltaExpired,
    GraphBusy,
    GraphCredentials,
    GraphError,
    GraphNotFound,
    GraphRefused,
    GraphUnclear,
)
from shared.model import Model

RETRY_AFTER = 5
"""Seconds, where Graph does not say how long."""

CODE = re.compile(r"[A-Za-z0-9_.]{1,80}")
"""What an error code of Graph looks like; anything else may be a person's data."""

EXPIRED = ("syncstatenotfound", "syncstateinvalid", "resync")
"""In lower case, parts of the codes by which Graph asks for a new start of a delta query, beside the status 410."""


class Permission(StrEnum):
    """The application permissions that the pull side needs, each the least that Graph documents for its call."""

    USERS = "User.Read.All"
    GROUP_MEMBERS = "GroupMember.Read.All"
    ASSIGNMENTS = "Application.Read.All"
    DOMAINS = "Domain.Read.All"


class Page[T](Model):
    """A page of a collection: https://learn.microsoft.com/graph/paging."""

    model_config = ConfigDict(extra="ignore")

    value: list[T]
    next_link: str | None = Field(default=None, alias="@odata.nextLink")
    delta_link: str | None = Field(default=None, alias="@odata.deltaLink")

    def onward(self) -> tuple[str, bool]:
        """Where a delta query goes on, and whether this page ended a round. Raises GraphUnclear."""
        following = self.delta_link or self.next_link
        if following is None or (self.delta_link is not None and self.next_link is not None):
            raise GraphUnclear("Microsoft Graph gave a page of changes without exactly one link to go on from")
        return following, self.delta_link is not None


class Removal(StrEnum):
    """Why a delta query lists an object no longer."""

    CHANGED = "changed"
    """It lies in the recycle bin, from where it can be restored for 30 days."""
    DELETED = "deleted"
    """It is gone for good; of a relation such as a manager or a member: it ended."""


class Removed(Model):
    """``@removed``: https://learn.microsoft.com/graph/delta-query-overview#resource-representation-in-the-delta-query-response"""

    model_config = ConfigDict(extra="ignore")

    reason: Removal


class _Detail(Model):
    model_config = ConfigDict(extra="ignore")

    code: str


class _Failure(Model):
    model_config = ConfigDict(extra="ignore")

    error: _Detail


def understood[M: Model](model: type[M], answer: bytes) -> M:
    """A successful answer. Raises GraphUnclear where it is not what Graph documents: it is no empty one."""
    try:
        return model.model_validate_json(answer)
    except ValidationError:
        # The error's own text quotes the answer.
        raise GraphUnclear("Microsoft Graph gave an answer that is not understood") from None


def meaning(status: int, headers: Mapping[str, str], body: bytes, needs: Permission) -> GraphError:
    """Any answer but 200, as one of our errors. ``headers``: their names in lower case."""
    code = _code(body)
    said = f"Microsoft Graph answered {status} {code}".rstrip()
    if status == HTTPStatus.GONE or any(part in code.lower() for part in EXPIRED):
        return DeltaExpired(f"{said}: everybody has to be read again")
    if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT) or status >= 500:
        return GraphBusy(said, retry_after(headers))
    if status == HTTPStatus.UNAUTHORIZED:
        return GraphCredentials(f"{said}: it does not accept the token that Entra gave the app")
    if status == HTTPStatus.FORBIDDEN:
        return GraphCredentials(
            f"{said}: the app lacks the application permission {needs}, or an administrator's consent to it"
        )
    if status == HTTPStatus.NOT_FOUND:
        return GraphNotFound(said)
    if status >= HTTPStatus.BAD_REQUEST:
        return GraphRefused(said)
    return GraphUnclear(said)


def retry_after(headers: Mapping[str, str]) -> int:
    """Seconds that Graph asks to wait: a number, as it documents."""
    text = headers.get("retry-after", "")
    return int(text) if text.isdecimal() else RETRY_AFTER


def _code(body: bytes) -> str:
    try:
        code = _Failure.model_validate_json(body).error.code
    except ValidationError:
        return ""
    return code if CODE.fullmatch(code) else ""
