"""A store's OAuth 2.0 token endpoint: where Entra's provisioning service gets its access token.

The grant is client_credentials (RFC 6749 §4.4). The client authenticates by its secret, in the body or by HTTP Basic
(§2.3.1), or by an assertion that Entra issued (RFC 7523 §2.2).
"""

import base64
import binascii
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from threading import Lock
from urllib.parse import parse_qs, unquote_plus

from shared.entra.errors import GraphBusy
from shared.rules.inbound_sign_in import Federation
from shared.rules.store import Store
from shared.scim.access_tokens import LIFETIME, AccessTokens

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
MAX_BODY = 16 * 1024
"""Bytes; an assertion of Entra's has some two thousand."""
MINUTE = 60.0
FAILURES = 10
"""Refused requests of one store in a minute, in one process, after which refusals say to wait. A valid request passes
whatever others send.
"""
TOKENS = 60
"""Tokens of one store in a minute, in one process: Entra needs one in a quarter of an hour."""

_log = logging.getLogger("bridge.scim")


class TokenRefused(Exception):
    """No token, with an error code of RFC 6749 §5.2."""

    def __init__(self, error: str, description: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(description)
        self.error, self.status = error, status


_HEADERS = {"Content-Type": "application/json", "Cache-Control": "no-store", "Pragma": "no-cache"}
"""RFC 6749 §5.1."""
_NOT_THIS_CLIENT = "The client is not one of this sync endpoint, or its secret or assertion is not valid"


@dataclass
class Limit:
    """How often something may happen in a minute, for each store. Threads may share it."""

    most: int
    monotonic: Callable[[], float]
    _counts: dict[str, tuple[float, int]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def passes(self, store: str) -> bool:
        """Count once more; whether that is still within the limit."""
        with self._lock:
            began, count = self._counts.get(store, (self.monotonic(), 0))
            if self.monotonic() - began >= MINUTE:
                began, count = self.monotonic(), 0
            self._counts[store] = began, count + 1
            return count < self.most


class TokenEndpoint:
    """Answers the requests of all stores. Threads may share it."""

    def __init__(
        self,
        tokens: AccessTokens,
        asserts: Callable[[Store, Federation, str], bool],
        monotonic: Callable[[], float],
    ) -> None:
        """``asserts``: whether an assertion to a store is valid, Entra's, and about an identity; raises GraphBusy."""
        self._tokens = tokens
        self._asserts = asserts
        self._failures = Limit(FAILURES, monotonic)
        self._issued = Limit(TOKENS, monotonic)

    def answer(
        self, store: Store | None, method: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[HTTPStatus, dict[str, str], bytes]:
        """Answer one request. ``headers``: their names in lower case. ``store``: None where there is none of the name.

        An unknown store is answered as a wrong secret is.
        """
        name = store.id if store is not None else ""
        more: dict[str, str] = {}
        said: dict[str, object]
        try:
            credential = self._credential(store, method, headers, body)
            status, said = HTTPStatus.OK, self._issue(store, credential)
        except GraphBusy as busy:
            status, more = HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": "5"}
            said = {"error": "temporarily_unavailable", "error_description": str(busy)}
        except TokenRefused as refused:
            status = refused.status
            if status is HTTPStatus.UNAUTHORIZED and not self._failures.passes(name):
                status = HTTPStatus.TOO_MANY_REQUESTS
            if status is HTTPStatus.TOO_MANY_REQUESTS:
                more["Retry-After"] = str(int(MINUTE))
            if status is HTTPStatus.UNAUTHORIZED:
                more["WWW-Authenticate"] = 'Basic realm="sync endpoint", charset="UTF-8"'
            said = {"error": refused.error, "error_description": str(refused)}
        _log.info("token store=%s status=%d", name or "-", status)
        return status, _HEADERS | more, json.dumps(said).encode()

    def unavailable(self) -> tuple[HTTPStatus, dict[str, str], bytes]:
        """The answer where the app cannot look at the store."""
        said = json.dumps({"error": "temporarily_unavailable"}).encode()
        return HTTPStatus.SERVICE_UNAVAILABLE, _HEADERS | {"Retry-After": "5"}, said

    def _issue(self, store: Store | None, credential: str) -> dict[str, object]:
        if store is None or not self._issued.passes(store.id):
            raise TokenRefused("slow_down", "Too many tokens were asked for", HTTPStatus.TOO_MANY_REQUESTS)
        token = self._tokens.issue(store, credential)
        return {"access_token": token, "token_type": "Bearer", "expires_in": int(LIFETIME.total_seconds())}

    def _credential(self, store: Store | None, method: str, headers: Mapping[str, str], body: bytes) -> str:
        """Return the name of the credential that was presented. Raises TokenRefused, and GraphBusy."""
        if method != "POST":
            raise TokenRefused("invalid_request", "A token is asked for by POST", HTTPStatus.METHOD_NOT_ALLOWED)
        given = _form(headers, body)
        if given.get("grant_type") != "client_credentials":
            raise TokenRefused("unsupported_grant_type", "The grant_type is client_credentials")
        if "client_assertion" in given or "client_assertion_type" in given:
            credential = self._asserted(store, given)
        else:
            credential = _by_secret(store, headers, given)
        if credential is None:
            raise TokenRefused("invalid_client", _NOT_THIS_CLIENT, HTTPStatus.UNAUTHORIZED)
        return credential

    def _asserted(self, store: Store | None, given: Mapping[str, str]) -> str | None:
        if given.get("client_assertion_type") != ASSERTION:
            raise TokenRefused("invalid_request", f"The client_assertion_type is {ASSERTION}")
        federation = store.federation if store is not None else None
        if store is None or federation is None:
            return None
        if not self._asserts(store, federation, given.get("client_assertion", "")):
            return None
        return federation.credential


def _by_secret(store: Store | None, headers: Mapping[str, str], given: Mapping[str, str]) -> str | None:
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        if "client_secret" in given:
            raise TokenRefused("invalid_request", "The client authenticates in one way, not in two")
        client_id, secret = _basic(encoded.strip())
    else:
        client_id, secret = given.get("client_id", ""), given.get("client_secret", "")
    client = store.oauth_client if store is not None else None
    return client.credential_of(client_id, secret) if client is not None and secret else None


def _basic(encoded: str) -> tuple[str, str]:
    """Return client id and secret of HTTP Basic, each form-encoded (RFC 6749 §2.3.1)."""
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, ValueError):
        return "", ""
    client_id, _, secret = text.partition(":")
    return unquote_plus(client_id), unquote_plus(secret)


def _form(headers: Mapping[str, str], body: bytes) -> dict[str, str]:
    """Return the parameters. Raises TokenRefused where the body is no form, or names one twice (RFC 6749 §3.2)."""
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise TokenRefused("invalid_request", "The body is application/x-www-form-urlencoded")
    if len(body) > MAX_BODY:
        raise TokenRefused("invalid_request", "The body is too large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    try:
        found = parse_qs(body.decode(), keep_blank_values=True, strict_parsing=bool(body), max_num_fields=20)
    except ValueError:
        raise TokenRefused("invalid_request", "The body cannot be read") from None
    if any(len(values) > 1 for values in found.values()):
        raise TokenRefused("invalid_request", "A parameter is there twice")
    return {name: values[0] for name, values in found.items()}
