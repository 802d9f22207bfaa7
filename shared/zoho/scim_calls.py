"""The calls of Zoho One's SCIM API: tokens, short waits, and how an answer is read.

Its wire contract is not documented, so this is plain SCIM 2.0 (RFC 7644) in the shapes that Entra's gallery app is
known to send to Zoho One.
"""

import logging
import time
from collections.abc import Callable
from http import HTTPStatus

import requests
from pydantic import JsonValue, SecretStr, TypeAdapter

from shared.calls import note_call
from shared.model import HIDDEN
from shared.rules.outside_address import AddressRefused, ensure_zoho_one
from shared.rules.schedule import OBSERVES
from shared.rules.scim_path import Resource
from shared.rules.store import Store
from shared.zoho.error_answers import error_of, lacks_scope, meaning_of
from shared.zoho.errors import (
    ZohoBusy,
    ZohoCredentials,
    ZohoNotFound,
    ZohoNotWritten,
    ZohoNowhere,
    ZohoRefused,
    ZohoUnclear,
)
from shared.zoho.pace import Pace
from shared.zoho.success_answers import Scim, understood
from shared.zoho.tokens import AccessTokens

CONNECT_SECONDS = 5
READ_SECONDS = 20
TRIES = 3
PATIENCE = 3.0
"""Seconds that one request may wait for Zoho One in all; a longer wait is left to the caller, who has a lease."""
CALLS_SECONDS = 35.0
"""Seconds for all calls of one person's change: twice that, with a look first, is less than a lease."""
LEAST_SECONDS = 1.0
"""Seconds: a call with less time left is not begun."""

_JSON = TypeAdapter[JsonValue](JsonValue, config=HIDDEN)
_log = logging.getLogger("bridge.zoho")


class _Listing(Scim):
    """The certain part of a SCIM ListResponse (RFC 7644 §3.4.2)."""

    totalResults: int  # noqa: N815 - RFC 7644's name


class ScimCalls:
    """The calls of one store, for as long as one change may take.

    Raises ZohoBusy, ZohoCredentials, and ZohoRefused or its subclasses.
    """

    def __init__(
        self,
        store: Store,
        session: requests.Session,
        tokens: AccessTokens,
        pace: Pace,
        sleep: Callable[[float], None] = time.sleep,
        seconds: float = CALLS_SECONDS,
        *,
        local: bool = False,
    ) -> None:
        """``seconds``: time from now in which this client may call; a writer's lease must not expire meanwhile.
        ``local``: whether this is the app on one machine, which calls a simulator.
        """
        self._local = local
        self._ends = time.monotonic() + seconds
        self._store = store
        self._session = session
        self._tokens = tokens
        self._pace = pace
        self._sleep = sleep

    def _call(
        self,
        method: str,
        path: str,
        body: Resource | None = None,
        query: dict[str, str] | None = None,
        password: SecretStr | None = None,
        *,
        tries: int = TRIES,
    ) -> requests.Response:
        """Make one call, repeated while Zoho One asks for a short wait. Repeating is safe: userNames are unique.

        A creation that is refused when it is repeated may be refused because of what the first try made: ZohoUnclear is
        raised, so that it is looked up. ``password``: a part of the body that must not appear in an error. A store that
        observes makes no call but GET, whatever the caller meant to do; the rules that keep callers from it stand in
        rules/schedule.py.
        """
        self._ensure_may_write(method)
        waited = 0.0
        for attempt in range(1, tries + 1):
            try:
                return self._once(method, path, body, query, password)
            except ZohoNowhere as nowhere:
                raise (ZohoNotFound("Not found") if self._lists_beside(path) else nowhere) from None
            except ZohoRefused as refusal:
                if method == "POST" and attempt > 1:
                    raise ZohoUnclear(f"Zoho One refused what it may have made at a try before: {refusal}") from refusal
                raise
            except ZohoBusy as busy:
                pause = min(busy.retry_after, 2.0**attempt / 4)
                if attempt == tries or busy.retry_after > PATIENCE or waited + pause > PATIENCE:
                    raise
                self._sleep(pause)
                waited += pause
        raise AssertionError  # the last try either returned or raised

    def _ensure_may_write(self, method: str) -> None:
        """Raise ZohoNotWritten for anything but a GET of a store that observes."""
        if method != "GET" and self._store.schedule.is_observing:
            raise ZohoNotWritten(OBSERVES)

    def _place(self, start: int) -> dict[str, str]:
        """Return the query of a page. ``start``: its first resource, from 1 on (RFC 7644 §3.4.2.4)."""
        zoho = self._store.zoho
        return {"startIndex": str(start - 1 + zoho.first_index), "count": str(zoho.page_size)}

    def _lists_beside(self, path: str) -> bool:
        """Whether a 404 is about the account or group, in a collection that Zoho One does list. One call at most."""
        _, collection, *resource = path.split("/")
        if not resource:
            return False
        try:
            answer = self._once("GET", f"/{collection}", None, {"startIndex": "1", "count": "1"}, None)
        except ZohoNowhere:
            return False
        return understood(_Listing, answer).totalResults >= 0

    def _once(
        self,
        method: str,
        path: str,
        body: Resource | None,
        query: dict[str, str] | None,
        password: SecretStr | None,
    ) -> requests.Response:
        response = self._authorized(method, path, body, query)
        if (meaning := meaning_of(response)) >= HTTPStatus.MULTIPLE_CHOICES:
            error = error_of(response, password)
            if meaning == HTTPStatus.TOO_MANY_REQUESTS and isinstance(error, ZohoBusy):
                self._pace.throttled(error.retry_after)
            raise error
        return response

    def _authorized(
        self, method: str, path: str, body: Resource | None, query: dict[str, str] | None
    ) -> requests.Response:
        """Make one call, and once more with another token if this one is rejected."""
        token = self._tokens.current(self._store)
        response = self._send(method, path, body, query, token)
        if meaning_of(response) == HTTPStatus.UNAUTHORIZED and not lacks_scope(response):
            self._tokens.rejected(self._store, token)
            response = self._send(method, path, body, query, self._tokens.current(self._store))
        return response

    def _send(
        self, method: str, path: str, body: Resource | None, query: dict[str, str] | None, token: str | None
    ) -> requests.Response:
        try:
            ensure_zoho_one(self._store.zoho, local=self._local)
        except AddressRefused as refusal:
            raise ZohoCredentials(str(refusal)) from None
        # Either kind of token: Zoho takes Bearer beside its own Zoho-oauthtoken, and Entra's gallery app sends it.
        authorization = {"Authorization": f"Bearer {token}"} if token else {}
        left = self._ends - time.monotonic()
        if left < LEAST_SECONDS:
            raise ZohoBusy("Zoho One took too long for one person's change", retry_after=5)
        with self._pace.slot(min(PATIENCE, left)):
            return self._sent(method, path, body, query, authorization, left)

    def _sent(
        self,
        method: str,
        path: str,
        body: Resource | None,
        query: dict[str, str] | None,
        authorization: dict[str, str],
        left: float,
    ) -> requests.Response:
        note_call("zoho")
        started, status = time.monotonic(), "-"
        try:
            response = self._session.request(
                method,
                self._store.zoho.scim_base + path,
                params=query,
                data=_JSON.dump_json(body) if body is not None else None,
                headers={
                    **authorization,
                    "Accept": "application/scim+json",
                    "Content-Type": "application/scim+json",
                },
                timeout=(min(CONNECT_SECONDS, left), min(READ_SECONDS, left)),
                allow_redirects=False,
            )
            status = str(response.status_code)
        except requests.RequestException as error:
            # The error's own text holds the URL, and with it a userName.
            raise ZohoBusy(f"Zoho One did not answer ({type(error).__name__})") from None
        finally:
            milliseconds = round((time.monotonic() - started) * 1000)
            _log.info("zoho store=%s method=%s status=%s ms=%d", self._store.id, method, status, milliseconds)
        return response


def quoted(value: str) -> str:
    """Return a text as a filter writes it (RFC 7644 §3.4.2.2): as JSON."""
    return _JSON.dump_json(value).decode()


def operation(path: str, before: str | None, after: JsonValue) -> JsonValue:
    """Return the operation of a PATCH that changes one field, one path each, as Entra sends them."""
    if after is None:
        return {"op": "remove", "path": path}
    return {"op": "replace" if before else "add", "path": path, "value": after}


def patch_of(operations: list[JsonValue]) -> Resource:
    """Return the body of a PATCH (RFC 7644 §3.5.2)."""
    return {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations}
