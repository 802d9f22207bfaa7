"""Microsoft Graph over HTTP: it waits when asked to, follows pages, and never takes an error for an answer.

https://learn.microsoft.com/graph/throttling, https://learn.microsoft.com/graph/paging,
https://learn.microsoft.com/graph/json-batching
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from functools import cache
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
from pydantic import ConfigDict, JsonValue, TypeAdapter

from shared.calls import note_call
from shared.entra.answers import Page, Permission, meaning, understood
from shared.entra.credentials import Tokens
from shared.entra.errors import GraphBusy, GraphError, GraphUnclear, LinkExpired
from shared.model import HIDDEN, Model
from shared.rules.entra_connection import EntraConnection

VERSION = "/v1.0"
TRIES = 5
PATIENCE = 60.0
"""Seconds that one call may wait in all; a longer wait is left to the caller, who has a lease and a time budget."""
BATCH = 20
"""Requests in a batch: https://learn.microsoft.com/graph/json-batching#batch-size-limitations."""
LARGEST_PAGE = 999
SLICE = 10
"""Longest wait in seconds between two heartbeats."""

_JSON = TypeAdapter[JsonValue](JsonValue, config=HIDDEN)


@cache  # pydantic builds a model of a generic one again once nobody holds it: milliseconds each time
def _page_of(item: Any) -> Any:
    return Page[item]  # pydantic's models take types at run time


class _Item(Model):
    """One answer of a batch."""

    model_config = ConfigDict(extra="ignore")

    id: str
    status: int
    headers: dict[str, str] = {}
    body: JsonValue = None


class _Batch(Model):
    model_config = ConfigDict(extra="ignore")

    responses: list[_Item]


class GraphClient:
    """Reads one tenant's Graph. Threads may share it.

    Every method raises GraphBusy (the last of several tries, or a longer wait than the patience), GraphCredentials,
    GraphRefused, and for links from Graph LinkExpired. ``needs`` names what is missing where Graph answers 403.
    """

    def __init__(
        self,
        connection: EntraConnection,
        session: requests.Session,
        tokens: Tokens,
        *,
        patience: float = PATIENCE,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """``patience``: seconds; see PATIENCE."""
        self._origin = connection.graph_origin
        self._session = session
        self._tokens = tokens
        self._patience = patience
        self._sleep = sleep
        self._heartbeat: Callable[[], None] | None = None

    def url(self, path: str, query: Mapping[str, str]) -> str:
        """Return the URL of a path below /v1.0, such as ``/users/delta``."""
        return f"{self._origin}{VERSION}{path}?{urlencode(query, safe='$,()=')}"

    def beating(self, heartbeat: Callable[[], None]) -> "GraphClient":
        """Return the same client for a caller with a lease.

        ``heartbeat`` is called before each call, and at least every SLICE seconds while the client waits because Graph
        asks it to. It may raise, which interrupts nothing but reading.
        """
        client = copy(self)
        client._heartbeat = heartbeat
        return client

    def page[T](self, item: type[T], url: str, needs: Permission, *, is_link: bool = False) -> Page[T]:
        """Return one page, by a URL from ``url`` or a link from Graph. The links in it are checked: they may be stored.

        ``is_link``: a link from Graph, so that any refusal that is not about the app means LinkExpired.
        """
        answer = self._patiently("GET", self._checked(url), None, needs, of_link=is_link)
        page: Page[T] = understood(_page_of(item), answer)  # type: ignore[arg-type]  # a class can be a key
        for link in filter(None, (page.next_link, page.delta_link)):
            self._checked(link)
        if page.next_link == url:
            raise GraphUnclear("Microsoft Graph names the same page as the next one")
        return page

    def pages[T](self, item: type[T], url: str, needs: Permission) -> Iterator[list[T]]:
        """Return the pages of a collection, one at a time.

        Where the link to a further page has expired, reading starts again, so that an item may come twice. After a
        second time, LinkExpired is raised.
        """
        page, again = self.page(item, url, needs), True
        while True:
            yield page.value
            if page.next_link is None:
                return
            try:
                page = self.page(item, page.next_link, needs, is_link=True)
            except LinkExpired:
                if not again:
                    raise
                page, again = self.page(item, url, needs), False

    def batch(self, paths: Sequence[str], needs: Permission) -> list[bytes | GraphError]:
        """Return the answer to each of at most BATCH paths below /v1.0, query included, in their order.

        Throttled ones are requested again; any other refusal takes the place of the answer.
        """
        answers: dict[int, bytes | GraphError] = {}
        waited = 0.0
        for attempt in range(1, TRIES + 1):
            open_ = [number for number in range(len(paths)) if number not in answers]
            found = self._batch_once({number: paths[number] for number in open_}, needs)
            answers |= {number: answer for number, answer in found.items() if not isinstance(answer, GraphBusy)}
            busy = [answer for answer in found.values() if isinstance(answer, GraphBusy)]
            if not busy:
                return [answers[number] for number in range(len(paths))]
            waited += self._pause(max(busy, key=lambda each: each.retry_after), attempt, waited)
        raise AssertionError  # the last pause raised

    def _batch_once(self, paths: Mapping[int, str], needs: Permission) -> dict[int, bytes | GraphError]:
        asked: list[JsonValue] = [{"id": str(number), "method": "GET", "url": path} for number, path in paths.items()]
        url = f"{self._origin}{VERSION}/$batch"
        batch = understood(_Batch, self._patiently("POST", url, _JSON.dump_json({"requests": asked}), needs))
        if sorted(item.id for item in batch.responses) != sorted(map(str, paths)):
            raise GraphUnclear("Microsoft Graph did not answer every request of a batch")
        return {int(item.id): _alone(item, needs) for item in batch.responses}

    def _patiently(
        self, method: str, url: str, body: bytes | None, needs: Permission, *, of_link: bool = False
    ) -> bytes:
        """Make one call, repeated while Graph asks for a short wait: every call here only reads."""
        waited = 0.0
        for attempt in range(1, TRIES + 1):
            try:
                return self._once(method, url, body, needs, of_link=of_link)
            except GraphUnclear:
                raise
            except GraphBusy as busy:
                waited += self._pause(busy, attempt, waited)
        raise AssertionError  # the last try returned, or its pause raised

    def _pause(self, busy: GraphBusy, attempt: int, waited: float) -> float:
        """Wait as long as Graph asks, never shorter, or raise the error."""
        if attempt == TRIES or waited + busy.retry_after > self._patience:
            raise busy
        if self._heartbeat is None:
            self._sleep(busy.retry_after)
            return busy.retry_after
        for left in range(busy.retry_after, 0, -SLICE):
            self._sleep(min(left, SLICE))
            self._heartbeat()
        return busy.retry_after

    def _once(self, method: str, url: str, body: bytes | None, needs: Permission, *, of_link: bool) -> bytes:
        if self._heartbeat is not None:
            self._heartbeat()
        token = self._tokens.current()
        response = self._send(method, url, body, token)
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            self._tokens.rejected(token)
            response = self._send(method, url, body, self._tokens.current())
        if response.status_code != HTTPStatus.OK:
            headers = {name.lower(): value for name, value in response.headers.items()}
            raise meaning(response.status_code, headers, response.content, needs, of_link=of_link)
        return response.content

    def _send(self, method: str, url: str, body: bytes | None, token: str) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        note_call("graph")
        try:
            return self._session.request(method, url, data=body, headers=headers, allow_redirects=False)
        except requests.RequestException as error:
            # The error's own text holds the URL, and with it a token of the delta query.
            raise GraphBusy(f"Microsoft Graph did not answer ({type(error).__name__})", 2) from None

    def _checked(self, url: str) -> str:
        """Refuse a link to another host, which would receive the token."""
        parts = urlsplit(url)
        if f"{parts.scheme}://{parts.netloc}".lower() != self._origin or not parts.path.startswith(f"{VERSION}/"):
            raise GraphUnclear("Microsoft Graph names a page that is not its own; it is not followed")
        return url


def _alone(item: _Item, needs: Permission) -> bytes | GraphError:
    """Return an item of a batch as if it were a single answer. A 401 is left to the next cycle."""
    body = _JSON.dump_json(item.body)
    if item.status == HTTPStatus.OK:
        return body
    return meaning(item.status, {name.lower(): value for name, value in item.headers.items()}, body, needs)
