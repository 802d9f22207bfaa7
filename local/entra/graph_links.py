"""The tokens in the simulated Graph's links: sealed, so that nobody reads them, and worth nothing after a while.

A link to the next changes (``$deltatoken``) ends when it is told to. A link to a further page (``$skiptoken``) ends
then too, and after some time or some pages as `/_settings` says: Graph documents no life for it, and was seen to answer
an old one with any of the codes in EXPIRED_PAGES.

Sources: https://learn.microsoft.com/graph/delta-query-overview#state-tokens,
https://github.com/microsoftgraph/msgraph-sdk-dotnet/issues/2254, https://github.com/microsoftgraph/msgraph-sdk-java/issues/368,
https://github.com/microsoftgraph/microsoft-graph-docs/issues/1000
"""

import time
from collections.abc import Sequence
from urllib.parse import urlencode

from cryptography.fernet import Fernet, InvalidToken
from pydantic import BaseModel, JsonValue, ValidationError

from local.entra.graph_errors import GraphError
from local.entra.graph_request import DEFAULT_PAGE, LARGEST_PAGE, Content, GraphRequest
from local.entra.graph_settings import ExpiredPage, GraphSettings

EXPIRED_PAGES: dict[ExpiredPage, int] = {
    "Directory_ExpiredPageToken": 400,
    "UnknownError": 404,
    "BadRequest": 400,
    "resyncRequired": 410,
}
"""The status with which each code comes."""


class _Token(BaseModel):
    """What is sealed in a link."""

    generation: int
    given_at: float
    page: int
    """Of all pages that were given out."""
    place: JsonValue


class _Start(BaseModel):
    """Where a page of a collection begins."""

    at: int


class GraphLinks:
    """Seals where a reading stands into a token, and opens it again."""

    def __init__(self, settings: GraphSettings) -> None:
        self._settings = settings
        self._seal = Fernet(Fernet.generate_key())
        self._generation = self._pages = 0

    def expire(self) -> None:
        """Let every link that was given so far be worth nothing."""
        self._generation += 1

    def sealed(self, place: BaseModel) -> str:
        """A token that stands for a place, for a page that is given out now."""
        self._pages += 1
        token = _Token(
            generation=self._generation, given_at=time.monotonic(), page=self._pages, place=place.model_dump()
        )
        return self._seal.encrypt(token.model_dump_json().encode()).decode()

    def opened[P: BaseModel](self, request: GraphRequest, name: str, kind: type[P]) -> P:
        """What the request's token of this name stands for."""
        try:
            token = _Token.model_validate_json(self._seal.decrypt(request.query[name].encode()))
            place = kind.model_validate(token.place)
        except (InvalidToken, ValidationError):
            raise GraphError(400, "Request_BadRequest", f"Invalid {name}") from None
        if token.generation != self._generation:
            text = "The delta token is expired and data must be synchronized again."
            if self._settings.expired_status != 410:
                raise GraphError(self._settings.expired_status, "syncStateNotFound", text)
            location = f"{request.base}{request.path}?$deltatoken="
            raise GraphError(410, "resyncRequired", text, [("Location", location)])
        if name == "$skiptoken" and self._is_too_old(token.given_at, token.page):
            code = self._settings.expired_page
            raise GraphError(EXPIRED_PAGES[code], code, "The specified page token value has expired.")
        return place

    def page[T](self, request: GraphRequest, rows: Sequence[T]) -> tuple[Sequence[T], Content]:
        """The rows of the page that was asked for, and the beginning of the answer, with the link to the next one."""
        size = request.number("$top", DEFAULT_PAGE, least=1, most=LARGEST_PAGE)
        size = min(size, self._settings.collection_page)
        start = self.opened(request, "$skiptoken", _Start).at if "$skiptoken" in request.query else 0
        more: Content = {}
        if start + size < len(rows):
            query = urlencode({**request.query, "$skiptoken": self.sealed(_Start(at=start + size))}, safe="$,")
            more["@odata.nextLink"] = f"{request.base}{request.path}?{query}"
        return rows[start : start + size], more

    def _is_too_old(self, given_at: float, page: int) -> bool:
        seconds, calls = self._settings.page_seconds, self._settings.page_calls
        is_late = seconds is not None and time.monotonic() - given_at > seconds
        return is_late or (calls is not None and self._pages - page >= calls)
