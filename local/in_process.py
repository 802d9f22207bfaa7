"""Simulators in the process of their clients: sessions of requests call an ASGI application without a network.

Nothing listens, no thread or event loop is started, and a call takes only the application's own time. Addresses without
an in-process simulator are still called over the network.
"""

import io
import time
from collections.abc import Callable, Mapping, MutableMapping
from http.client import responses
from threading import Lock
from typing import Any
from urllib.parse import unquote, urlsplit

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPHeaderDict, HTTPResponse

from local.serving import Application, Dropped, Scope

type Around = Callable[[requests.PreparedRequest, Callable[[], requests.Response]], requests.Response]
"""Wraps each call: it receives the request and the function that sends it, and returns the answer or raises."""

_BUILDER = HTTPAdapter()


class InProcess(BaseAdapter):
    """A transport adapter for the addresses of one simulator. Threads and sessions may share it."""

    def __init__(
        self, application: Application, around: Around | None = None, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """``around``: lets a test drop, delay or count calls. ``sleep``: for the simulator's latency, in seconds."""
        super().__init__()
        self.around = around
        self._application = application
        self._sleep = sleep
        self._lock = Lock()  # an application expects one event loop: nothing else runs between two of its awaits

    def answers(self, session: requests.Session, *addresses: str) -> None:
        """Route a session's calls to the application for these addresses: a scheme, a host and a port."""
        for address in addresses:
            session.mount(f"{address.rstrip('/')}/", self)

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: ARG002 - the answer is there at once
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,  # noqa: ARG002 - there is no connection to secure
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,  # noqa: ARG002
        proxies: Mapping[str, str] | None = None,  # noqa: ARG002
    ) -> requests.Response:
        """Answer a request. Raises ConnectionError if the application drops it, ReadTimeout if it is too slow."""
        patience = timeout[1] if isinstance(timeout, tuple) else timeout

        def carry_out() -> requests.Response:
            return self._carried_out(request, patience)

        return self.around(request, carry_out) if self.around else carry_out()

    def close(self) -> None:
        """Do nothing."""

    def _carried_out(self, request: requests.PreparedRequest, patience: float | None) -> requests.Response:
        sent: list[MutableMapping[str, Any]] = []
        waited = 0.0
        call = self._call(request, sent)
        while True:
            try:
                with self._lock:
                    seconds: float = call.send(None) or 0
            except StopIteration:
                break
            except Dropped:
                reason = ConnectionResetError(104, "Connection reset by peer")
                raise requests.ConnectionError("Connection aborted.", reason, request=request) from None
            waited += seconds
            if seconds and (patience is None or waited <= patience):
                self._sleep(seconds)
        if patience is not None and waited > patience:  # the application did its work nevertheless
            raise requests.ReadTimeout("Read timed out.", request=request)
        return _response(request, sent)

    async def _call(self, request: requests.PreparedRequest, sent: list[MutableMapping[str, Any]]) -> None:
        body = request.body or b""
        whole = body.encode() if isinstance(body, str) else bytes(body)

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": whole, "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        await self._application(_scope(request), receive, send)


def _scope(request: requests.PreparedRequest) -> Scope:
    url = urlsplit(request.url or "")
    headers = [(name.lower().encode("latin-1"), _bytes(value)) for name, value in request.headers.items()]
    if "Host" not in request.headers:
        headers.append((b"host", url.netloc.encode("latin-1")))
    return {
        "type": "http",
        "http_version": "1.1",
        "method": request.method,
        "scheme": url.scheme,
        "path": unquote(url.path),
        "raw_path": url.path.encode("latin-1"),
        "query_string": url.query.encode("latin-1"),
        "root_path": "",
        "headers": headers,
        "client": None,
        "server": (url.hostname, url.port),
    }


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("latin-1")


def _response(request: requests.PreparedRequest, sent: list[MutableMapping[str, Any]]) -> requests.Response:
    head, *rest = sent
    headers = HTTPHeaderDict([(name.decode("latin-1"), value.decode("latin-1")) for name, value in head["headers"]])
    return answered(request, head["status"], headers, b"".join(part.get("body", b"") for part in rest))


def answered(
    request: requests.PreparedRequest, status: int, headers: Mapping[str, str], body: bytes
) -> requests.Response:
    """Return a session's answer, as if it had come over a network."""
    reason, method = responses.get(status), request.method
    raw = HTTPResponse(io.BytesIO(body), headers, status, reason=reason, preload_content=False, request_method=method)
    return _BUILDER.build_response(request, raw)
