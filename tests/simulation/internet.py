"""What a process reaches over HTTP, in this process: Zoho One, Graph, Entra's sign-in, and the bridge itself."""

import json
import re
from collections.abc import Callable, Coroutine
from io import BytesIO
from typing import Any, Literal, cast
from urllib.parse import SplitResult, unquote, unquote_plus, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict

from local.entra.graph import Graph
from local.serving import Application, Response
from tests.simulation.exclusion import Exclusion
from tests.simulation.observed import Failed
from tests.simulation.outside import Fault, Outside
from tests.simulation.zoho import Through, Zoho

GRAPH, LOGIN, ZOHO, BRIDGE = (
    f"{scheme}://127.0.0.1:{port}" for scheme, port in (("http", 7001), ("https", 7002), ("http", 7003), ("http", 7004))
)
LIES = (
    Response.json({"code": "INTERNAL_ERROR", "status": "failure", "message": "The request was not carried out"}),
    Response(200, b"<!doctype html><title>Sign in</title>", [("content-type", "text/html")]),
    Response(200),
)

type Served = Callable[[str, str, dict[str, str], bytes], Response]
"""Method, URL, headers and body of a request, and its answer."""


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """What a coroutine returns that waits for nothing."""
    try:
        while True:
            coroutine.send(None)
    except StopIteration as done:
        return done.value


def asked(application: Application) -> Served:
    """An ASGI application, asked in this process."""

    def served(method: str, url: str, headers: dict[str, str], body: bytes) -> Response:
        parts = urlsplit(url)
        scope = {
            "type": "http",
            "method": method,
            "scheme": parts.scheme,
            "path": unquote(parts.path),
            "query_string": parts.query.encode(),
            "headers": [(b"host", parts.netloc.encode()), *_encoded(headers)],
            "server": (parts.hostname, parts.port),
            "root_path": "",
        }
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        run(cast("Coroutine[Any, Any, Any]", application(scope, receive, send)))
        answered = [(name.decode(), value.decode()) for name, value in sent[0]["headers"]]
        return Response(sent[0]["status"], sent[1]["body"], answered)

    return served


def _encoded(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), str(value).encode("latin-1")) for name, value in headers.items()]


class Web:
    """How calls over HTTP fail."""

    timeout = 20.0

    def __init__(self, chance: Any) -> None:
        self._chance = chance

    def failure(self, fault: Fault) -> Response:
        match fault:
            case Fault.UNSENT:
                raise requests.ConnectTimeout("not reached")
            case Fault.LATE:
                raise requests.ReadTimeout("no answer in time")
            case Fault.LOST:
                raise requests.ConnectionError("reset")
            case Fault.THROTTLED:
                return Response(429, b"", [("retry-after", str(self._chance.choice((1, 2, 30, 120))))])
            case Fault.LIE | Fault.LIE_DONE:
                return self._chance.choice(LIES)  # type: ignore[no-any-return]  # one of them
            case _:
                return Response(self._chance.choice((500, 502, 503, 504)), b"", [])


class Internet:
    """The hosts there are. It stands in the place of every connection that `requests` would open."""

    def __init__(self, outside: Outside, zoho: Zoho, graph: Graph, bridge: Served, exclusion: Exclusion) -> None:
        self._graph, self._zoho, self._bridge = asked(graph), zoho, bridge
        self._outside, self._web, self._exclusion = outside, Web(outside.chance), exclusion
        self.failed: list[Failed] = []
        """Calls of Zoho One without the success that was meant."""

    def send(self, request: requests.PreparedRequest) -> requests.Response:
        """Answer a request, or raise what `requests` raises."""
        url, body, method = str(request.url), _bytes(request.body), str(request.method)
        parts = urlsplit(url)
        match f"{parts.scheme}://{parts.netloc}":
            case "http://127.0.0.1:7004":
                answer = self._bridge(method, url, dict(request.headers), body)
            case "http://127.0.0.1:7003":
                answer = self._to_zoho(method, parts, dict(request.headers), body)
            case origin:
                what = f"{'graph' if origin == GRAPH else 'sign-in'} {method} {_kind(parts.path)}"
                answer = self._outside.call(
                    self._web, what, lambda: self._graph(method, url, dict(request.headers), body)
                )
        return _answer_of(request, answer)

    def _to_zoho(self, method: str, parts: SplitResult, headers: dict[str, str], body: bytes) -> Response:
        """A call of the bridge's, noted where it was not answered with success as it was meant."""
        task, done = self._outside.schedule.current, [False]
        through = _through(task.name if task else "")

        def act() -> Response:
            answer = self._zoho.served(method, parts.geturl(), headers, body, through)
            done[0] = answer.status < 300
            return answer

        status, meant = 0, False
        try:
            with self._exclusion.writing(method, *_of(parts, body)):
                answer: Response = self._outside.call(self._web, f"zoho {method} {_kind(parts.path)}", act)
            status, meant = int(answer.status), answer.status < 300 and answer not in LIES
            return answer
        finally:
            if not meant and not parts.path.startswith("/dc/"):
                self._note(method, parts, body, status, done[0])

    def _note(self, method: str, parts: SplitResult, body: bytes, status: int, done: bool) -> None:
        collection, account, name = _of(parts, body if method == "POST" else b"")
        if account is None and method == "GET" and (match := _NAME.search(unquote_plus(parts.query))):
            name = match[1]
        if collection in ("Users", "Groups"):
            what: Literal["user", "group"] = "user" if collection == "Users" else "group"
            now = self._outside.schedule.now()
            self.failed.append(Failed(now, what, account, name, status, carried_out=done))


_NAME = re.compile(r' eq "(.*)"')


def _of(parts: SplitResult, body: bytes) -> tuple[str, str | None, str]:
    """Collection, id and name of whom a request of the bridge's is about, as far as it says them."""
    _, _, collection, *rest = unquote(parts.path).split("/")
    said = json.loads(body) if body and not rest and collection in ("Users", "Groups") else {}
    return collection, rest[0] if rest else None, said.get("userName") or said.get("displayName") or ""


def _through(task: str) -> Through:
    match task.partition(" ")[0].partition("#")[0]:
        case "push":
            return "push"
        case "cycles":
            return "cycle"
        case "errands":
            return "on demand"
        case _:
            return "other"


def connect(internet: Callable[[], Internet]) -> None:
    """Let no request of this process leave it."""

    def send(_: HTTPAdapter, request: requests.PreparedRequest, *__: Any, **___: Any) -> requests.Response:
        return internet().send(request)

    HTTPAdapter.send = send  # type: ignore[method-assign, assignment]  # that is what it is for


def _bytes(body: Any) -> bytes:
    if body is None:
        return b""
    return body.encode() if isinstance(body, str) else bytes(body)


def _kind(path: str) -> str:
    """A path without ids."""
    parts = path.strip("/").split("/")
    return "/" + "/".join("{id}" if len(part) > 25 else part for part in parts)


def _answer_of(request: requests.PreparedRequest, answer: Response) -> requests.Response:
    response = requests.Response()
    response.status_code = int(answer.status)
    response.headers = CaseInsensitiveDict(dict(answer.headers))
    response.url, response.request, response.encoding = str(request.url), request, "utf-8"
    response.raw = BytesIO(answer.body)
    return response
