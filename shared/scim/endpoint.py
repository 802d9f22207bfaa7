"""The sync endpoint: one HTTP request from Entra, answered."""

import hashlib
import json
import logging
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from scim2_models import InvalidSyntaxException, PayloadTooLargeException, SCIMException, UnauthorizedException
from scim2_server.requests import ScimRequest
from scim2_server.responses import ScimResponse

from shared.entra.issued_tokens import CloudTokens
from shared.logging import logged_with, places
from shared.rules.inbound_sign_in import TOKEN_PATH, Federation
from shared.rules.store import Store
from shared.scim.access_tokens import AccessTokens
from shared.scim.auth import NEEDS_TOKEN, ensure_authorized, ensure_open
from shared.scim.entra_shapes import standard_filter
from shared.scim.errors import LengthRequiredException, scim_errors
from shared.scim.handler import SyncHandler, SyncService
from shared.scim.provider import MAX_BODY, sync_endpoint_provider
from shared.scim.storage import Storages
from shared.scim.token_endpoint import TokenEndpoint
from shared.scim.work import ensure_bounded_query
from shared.tables.errors import TablesBusy
from shared.tables.ignored_attributes import IgnoredNotes
from shared.tables.stores import Stores

HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Strict-Transport-Security": "max-age=31536000",
}
"""Headers of every answer: it holds personal data, and is JSON whatever a browser makes of it."""
WITH_BODY = ("POST", "PUT", "PATCH")

_log = logging.getLogger("bridge.scim")


class _UnknownStore(UnauthorizedException):
    """The answer is that to a missing token, so that nobody finds out which stores there are."""


@dataclass(frozen=True)
class HttpRequest:
    """A request as it reached the app."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class HttpResponse:
    """The app's answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class SyncEndpoint:
    """Answers every request with SCIM, whatever came in and whatever happened."""

    def __init__(
        self,
        stores: Stores,
        storages: Storages,
        ignored: IgnoredNotes,
        entra_tokens: CloudTokens,
        secret: bytes,
        public_url: str | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """``secret`` seals cursors, signs access tokens, and is the same in every process. ``public_url``: the app's
        address for Entra.
        """
        self._stores = stores
        self._storages = storages
        self._ignored = ignored
        self._public_url = public_url
        self._entra_tokens = entra_tokens
        self._access_tokens = AccessTokens(hashlib.sha256(b"access tokens" + secret).digest(), storages.push.now)
        self._token_endpoint = TokenEndpoint(self._access_tokens, self._asserts, clock)
        self._clock = clock
        self._secret = secret
        self._service = _service_of((), secret)

    def handle(self, store_id: str, request: HttpRequest) -> HttpResponse:
        """Answer one request to ``/scim/{store_id}/…``."""
        started, request_id, store = self._clock(), uuid.uuid4().hex, store_id
        if _asks_for_token(store_id, request.url):
            return self._token(store_id, request, request_id)
        with logged_with(request=request_id):
            try:
                with scim_errors():
                    response = self._serve(store_id, request)
            except SCIMException as error:
                store = "-" if isinstance(error, _UnknownStore) else store_id
                response = self._service.error_response(error)
            except Exception as error:  # a defect of ours is one SCIM error to Entra, never a stack trace
                _log.error("defect error=%s at %s", type(error).__name__, places(error))
                response = self._service.error_response(error)
            # Neither path nor query: they hold userNames.
            milliseconds = round((self._clock() - started) * 1000)
            _log.info("push store=%s method=%s status=%d ms=%d", store, request.method, response.status, milliseconds)
        body = b"" if response.body is None else json.dumps(response.body, ensure_ascii=False).encode()
        return HttpResponse(response.status.value, {**response.headers, **HEADERS, "X-Request-Id": request_id}, body)

    def _asserts(self, store: Store, federation: Federation, token: str) -> bool:
        return self._entra_tokens.of(store).asserts(federation, token)

    def _token(self, store_id: str, request: HttpRequest, request_id: str) -> HttpResponse:
        """Answer a request to ``/scim/{store_id}/oauth/token``."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        with logged_with(request=request_id):
            try:
                store = self._stores.get(store_id)
                status, told, body = self._token_endpoint.answer(store, request.method, headers, request.body)
            except TablesBusy:
                status, told, body = self._token_endpoint.unavailable()
            except Exception as error:  # a defect of ours is an answer in OAuth's form, never a stack trace
                _log.error("defect error=%s at %s", type(error).__name__, places(error))
                status, told, body = self._token_endpoint.unavailable()
        return HttpResponse(status.value, {**told, **HEADERS, "X-Request-Id": request_id}, body)

    def _serve(self, store_id: str, request: HttpRequest) -> ScimResponse:
        store = self._stores.get(store_id)
        if store is None:
            raise _UnknownStore(detail=NEEDS_TOKEN)
        headers = {name.lower(): value for name, value in request.headers.items()}
        ensure_authorized(store, headers.get("authorization"), self._access_tokens, self._entra_tokens.of(store))
        url = _address(request.url)
        ensure_open(store, request.method, url.path, self._storages.push.now())
        if request.method in WITH_BODY and not request.body and "content-length" not in headers:
            _log.warning("unreadable store=%s method=%s: its body came in chunks", store.id, request.method)
            raise LengthRequiredException
        if len(request.body) > MAX_BODY:
            raise PayloadTooLargeException(detail=f"A request may take {MAX_BODY // 1024} KiB at the most")
        service = _service_of(store.custom_attributes, self._secret)
        storage = self._storages.of(store, service.provider)
        with logged_with(store=store.id):
            response = SyncHandler(service, storage).handle(self._scim_request(service, store, request, url, headers))
        if response.status.is_success:
            self._ignored.note(store.id, storage.ignored)
        return response

    def _scim_request(
        self, service: SyncService, store: Store, request: HttpRequest, url: SplitResult, headers: Mapping[str, str]
    ) -> ScimRequest:
        """Return the request in the library's terms, in the standard's shapes, relative to the store's endpoint."""
        origin = self._public_url or f"{url.scheme}://{url.netloc}"
        mount = f"/scim/{store.id}"
        # The host finds a route in any letter case, and hands on the path as it was sent.
        is_mounted = url.path.lower().startswith(mount)
        path = "/" + (url.path[len(mount) :] if is_mounted else url.path).strip("/")
        # The admin may have left or removed the /scim at the end of the sync endpoint.
        if path == "/scim" or path.startswith("/scim/"):
            mount, path = f"{mount}/scim", path.removeprefix("/scim")
        # From the URL itself: Azure drops parameters without a value, and ``cursor=`` asks for a first page.
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        ensure_bounded_query(query)
        if "filter" in query:
            query["filter"] = standard_filter(query["filter"])
        return ScimRequest(
            method=request.method,
            base_url=origin.rstrip("/") + mount,
            path=unquote(path),
            query=query,
            headers=headers,
            body=service.shapes.standard_body(request.body) if request.method in WITH_BODY else b"",
        )


@lru_cache(maxsize=64)
def _service_of(custom: tuple[str, ...], secret: bytes) -> SyncService:
    """Return the protocol service of stores with these directory extensions, built once for all their requests."""
    return SyncService(sync_endpoint_provider(custom), secret=secret)


def _asks_for_token(store_id: str, url: str) -> bool:
    """Whether a URL is that of the store's token endpoint, with or without the /scim of the sync endpoint."""
    try:
        path = unquote(urlsplit(url).path).lower().rstrip("/")
    except ValueError:
        return False
    mount = f"/scim/{store_id.lower()}"
    return path in (f"{mount}{TOKEN_PATH}", f"{mount}/scim{TOKEN_PATH}")


def _address(url: str) -> SplitResult:
    """Return the parts of a URL whose Host header is the client's. Raises InvalidSyntaxException."""
    try:
        return urlsplit(url)
    except ValueError as error:
        raise InvalidSyntaxException(detail=f"The request's address is malformed: {error}") from None
