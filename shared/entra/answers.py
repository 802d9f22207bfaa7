"""The meaning of Microsoft Graph's answers, single or in a batch.

https://learn.microsoft.com/graph/errors, https://learn.microsoft.com/graph/throttling,
https://learn.microsoft.com/graph/delta-query-overview
"""

import re
from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from http import HTTPStatus

from pydantic import ConfigDict, Field, JsonValue, TypeAdapter, ValidationError

from shared.entra.errors import (
    GraphBusy,
    GraphCredentials,
    GraphError,
    GraphNotFound,
    GraphRefused,
    GraphUnclear,
    LinkExpired,
)
from shared.model import HIDDEN, Model
from shared.rules.entra_connection import ObjectId

RETRY_AFTER = 5
"""Seconds to wait where Graph does not say how long."""

CODE = re.compile(r"[A-Za-z0-9_.]{1,80}")
"""Form of Graph's error codes; any other text may be personal data."""

EXPIRED = ("syncstatenotfound", "syncstateinvalid", "resync")
"""Parts of the error codes, in lower case, by which Graph asks to restart a delta query, besides the status 410."""

NOT_UNDERSTOOD = "Microsoft Graph gave an answer that is not understood"

_NOT_ABOUT_THE_LINK = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS)


class Permission(StrEnum):
    """Application permissions that the pull side needs, each the least that Graph documents for its call."""

    USERS = "User.Read.All"
    LEAVE_DATES = "User.Read.All or, for employeeLeaveDateTime, User-LifeCycleInfo.Read.All"
    GROUP_MEMBERS = "GroupMember.Read.All"
    ASSIGNMENTS = "Application.Read.All"
    DOMAINS = "Domain.Read.All"


def of_users(select: Collection[str]) -> Permission:
    """Return the permission to read these properties of users.

    https://learn.microsoft.com/graph/api/resources/user, "employeeLeaveDateTime".
    """
    return Permission.LEAVE_DATES if "employeeLeaveDateTime" in select else Permission.USERS


class Page[T](Model):
    """A page of a collection: https://learn.microsoft.com/graph/paging."""

    model_config = ConfigDict(extra="ignore")

    value: list[T]
    next_link: str | None = Field(default=None, alias="@odata.nextLink")
    delta_link: str | None = Field(default=None, alias="@odata.deltaLink")

    def onward(self) -> tuple[str, bool]:
        """Return where a delta query goes on, and whether this page ended a round. Raises GraphUnclear."""
        following = self.delta_link or self.next_link
        if following is None or (self.delta_link is not None and self.next_link is not None):
            raise GraphUnclear("Microsoft Graph gave a page of changes without exactly one link to go on from")
        return following, self.delta_link is not None


class Removal(StrEnum):
    """Why a delta query no longer lists an object."""

    CHANGED = "changed"
    """It is in the recycle bin, from where it can be restored for 30 days."""
    DELETED = "deleted"
    """It is gone for good; for a relation such as a manager or a member: it ended."""


type Entry = dict[str, JsonValue]
"""One entry of a page, unvalidated: an odd entry is no reason to refuse the others."""

_OBJECT_ID = TypeAdapter[ObjectId](ObjectId, config=HIDDEN)


def object_id(value: object) -> str | None:
    """Return an object id in lower case, or None."""
    try:
        return _OBJECT_ID.validate_python(value)
    except ValidationError:
        return None


def with_ids(entries: Sequence[object]) -> list[tuple[str, Entry]]:
    """Return the entries that have an object id, each with it."""
    found = [(object_id(entry.get("id")), entry) for entry in entries if isinstance(entry, dict)]
    return [(each, entry) for each, entry in found if each is not None]


def is_removed(entry: Entry) -> bool:
    """Whether an entry says that something is gone, or ended."""
    return entry.get("@removed") is not None


def reason_of(entry: Entry) -> Removal | None:
    """Return the reason of ``@removed``; None where it is missing, or not understood.

    https://learn.microsoft.com/graph/delta-query-overview#resource-representation-in-the-delta-query-response
    """
    told = entry.get("@removed")
    reason = told.get("reason") if isinstance(told, dict) else None
    return next((known for known in Removal if known == reason), None)


class _Detail(Model):
    model_config = ConfigDict(extra="ignore")

    code: str


class _Failure(Model):
    model_config = ConfigDict(extra="ignore")

    error: _Detail


def understood[M: Model](model: type[M], answer: bytes) -> M:
    """Return a successful answer. Raises GraphUnclear where it is not what Graph documents: that is not an empty
    answer.
    """
    try:
        return model.model_validate_json(answer)
    except ValidationError:
        # The error's own text quotes the answer.
        raise GraphUnclear(NOT_UNDERSTOOD) from None


def meaning(
    status: int, headers: Mapping[str, str], body: bytes, needs: Permission, *, of_link: bool = False
) -> GraphError:
    """Return any answer but 200 as one of our errors. ``headers``: their names in lower case.

    ``of_link``: whether the request followed a link from Graph. Graph has no closed list of its answers to an expired
    link (400 Directory_ExpiredPageToken, 400 BadRequest, 404 UnknownError, 410 were seen), so every 4xx means that,
    except those about the app and the pace.
    """
    code = error_code(body)
    said = f"Microsoft Graph answered {status} {code}".rstrip()
    is_dead = of_link and 400 <= status < 500 and status not in _NOT_ABOUT_THE_LINK
    if status == HTTPStatus.GONE or is_dead or any(part in code.lower() for part in EXPIRED):
        return LinkExpired(f"{said}: what the link led to has to be read again from the beginning")
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
    """Return the seconds that Graph asks to wait: a number, as it documents."""
    text = headers.get("retry-after", "")
    return int(text) if text.isdecimal() else RETRY_AFTER


def error_code(body: bytes) -> str:
    """Return the code of Graph's error (https://learn.microsoft.com/graph/errors); empty where the answer has none."""
    try:
        code = _Failure.model_validate_json(body).error.code
    except ValidationError:
        return ""
    return code if CODE.fullmatch(code) else ""
