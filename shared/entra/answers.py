"""What an answer of Microsoft Graph means, whether it came alone or as one of a batch.

https://learn.microsoft.com/graph/errors, https://learn.microsoft.com/graph/throttling,
https://learn.microsoft.com/graph/delta-query-overview
"""

import re
from collections.abc import Mapping, Sequence
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
"""Seconds, where Graph does not say how long."""

CODE = re.compile(r"[A-Za-z0-9_.]{1,80}")
"""What an error code of Graph looks like; anything else may be a person's data."""

EXPIRED = ("syncstatenotfound", "syncstateinvalid", "resync")
"""In lower case, parts of the codes by which Graph asks for a new start of a delta query, beside the status 410."""

NOT_UNDERSTOOD = "Microsoft Graph gave an answer that is not understood"

_NOT_ABOUT_THE_LINK = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS)


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


type Entry = dict[str, JsonValue]
"""One entry of a page, as it came: what is odd about one of them is no reason to refuse the others."""

_OBJECT_ID = TypeAdapter[ObjectId](ObjectId, config=HIDDEN)


def object_id(value: object) -> str | None:
    """An object id in lower case; None where it is none."""
    try:
        return _OBJECT_ID.validate_python(value)
    except ValidationError:
        return None


def with_ids(entries: Sequence[object]) -> list[tuple[str, Entry]]:
    """The entries that have an object id, each with it."""
    found = [(object_id(entry.get("id")), entry) for entry in entries if isinstance(entry, dict)]
    return [(each, entry) for each, entry in found if each is not None]


def is_removed(entry: Entry) -> bool:
    """Whether an entry says that something is gone, or ended."""
    return entry.get("@removed") is not None


def reason_of(entry: Entry) -> Removal | None:
    """The reason of ``@removed``; None where it is not there, or not understood.

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
    """A successful answer. Raises GraphUnclear where it is not what Graph documents: it is no empty one."""
    try:
        return model.model_validate_json(answer)
    except ValidationError:
        # The error's own text quotes the answer.
        raise GraphUnclear(NOT_UNDERSTOOD) from None


def meaning(
    status: int, headers: Mapping[str, str], body: bytes, needs: Permission, *, of_link: bool = False
) -> GraphError:
    """Any answer but 200, as one of our errors. ``headers``: their names in lower case.

    ``of_link``: whether a link of Graph's own was followed. Graph has no closed list of what it answers to one that has
    lost its worth (400 Directory_ExpiredPageToken, 400 BadRequest, 404 UnknownError, 410 were seen), so that every 4xx
    means that, but those about the app and the pace.
    """
    code = _code(body)
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
    """Seconds that Graph asks to wait: a number, as it documents."""
    text = headers.get("retry-after", "")
    return int(text) if text.isdecimal() else RETRY_AFTER


def _code(body: bytes) -> str:
    try:
        code = _Failure.model_validate_json(body).error.code
    except ValidationError:
        return ""
    return code if CODE.fullmatch(code) else ""
