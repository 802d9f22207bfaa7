"""The function host for one machine: `python -m local.host [--port N] [--app FOLDER]`.

Runs the app on the worker library that runs in Azure and adds the part of Azure's own host: routes, methods, settings,
timers and queues. It says `{"url": …}` in one line when it is ready, and asks for no access keys, as `func start` does.
"""

import argparse
import asyncio
import json
import logging
import os
from collections.abc import Coroutine, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote

from local import worker_messages as protos
from local.processes import ROOT
from local.queues import TriggerQueue, deliver, message_data
from local.routes import Match, Route, Routes
from local.serving import (
    Receive,
    Response,
    Scope,
    Send,
    answer,
    end_quietly_on_signals,
    listen,
    log_to_stderr,
    read_body,
    serve,
    url_of,
)
from local.timers import keep_time, tick
from local.worker import Function, FunctionFailedError, Outcome, invoke, load_app

logger = logging.getLogger(__name__)

ADMIN = "/admin/functions/"


class Host:
    """The ASGI application: each request goes to the function whose route it takes, or fires one under `/admin`."""

    def __init__(self, functions: list[Function], prefix: str) -> None:
        self._routes = Routes(_route(function, prefix) for function in functions if function.kind == "httpTrigger")
        self._others = {function.name: function for function in functions if function.kind != "httpTrigger"}
        self._tasks: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(receive)
        if scope["path"].startswith(ADMIN):
            await answer(send, *self._fire(scope["method"], scope["path"].removeprefix(ADMIN), body))
        else:
            await answer(send, *await self._respond(scope, body))

    def start_triggers(self, *, timers: bool) -> None:
        """Start what runs by time, unless ``timers`` says no, and by queue."""
        for function in self._others.values():
            if function.kind == "timerTrigger":
                kept = keep_time(function, run)  # also tells of a schedule that is none
                self._start(kept) if timers else kept.close()
            elif function.kind == "queueTrigger":
                self._start(TriggerQueue(function, run).poll())
            else:
                raise ValueError(f"the local host has no {function.kind}, which starts {function.name}")

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finish)

    def _finish(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            logger.error("a trigger stopped", exc_info=error)

    def _fire(self, method: str, name: str, body: bytes) -> Response:
        """Start a function now, by Azure's `POST /admin/functions/{name}`; a queue's takes `{"input": message}`."""
        if method != "POST" or name not in self._others:
            return Response(404)
        function = self._others[name]
        try:
            text = json.loads(body or b"{}").get("input", "")
        except (ValueError, AttributeError):
            return Response(400)
        self._start(_run_once(function, *((tick(), {}) if function.kind == "timerTrigger" else message_data(text))))
        return Response(202)

    async def _respond(self, scope: Scope, body: bytes) -> Response:
        found = self._routes.find(scope["method"], scope["raw_path"].decode("ascii"))
        if not isinstance(found, Match):
            # Azure answers 404 in both cases (azure-functions-host#10098); 405 shows the mistake while developing.
            return Response(405, headers=[("allow", ", ".join(sorted(found)))]) if found else Response(404)
        try:
            outcome = await run(found.target, protos.TypedData(http=_request(scope, body, found.parameters)))
        except FunctionFailedError:
            return Response(500)
        # The worker itself refuses an HTTP function that returns nothing.
        return _response(outcome.returned) if outcome.returned else Response(500)


async def run(
    function: Function, data: protos.TypedData, metadata: Mapping[str, protos.TypedData] | None = None
) -> Outcome:
    """Run a function and send what it puts out. Raises FunctionFailedError."""
    outcome = await invoke(function, data, metadata)
    await deliver(function, outcome)
    return outcome


async def _run_once(function: Function, data: protos.TypedData, metadata: Mapping[str, protos.TypedData]) -> None:
    with suppress(FunctionFailedError):
        await run(function, data, metadata)


def _route(function: Function, prefix: str) -> Route[Function]:
    path = function.trigger.get("route") or function.name
    methods = frozenset(method.upper() for method in function.trigger.get("methods") or ())
    return Route(f"{prefix}/{path}", methods, function)


def _request(scope: Scope, body: bytes, parameters: Mapping[str, str]) -> protos.RpcHttp:
    """The request as Azure's host describes it to the worker: GrpcMessageConversionExtensions.ToRpcHttp."""
    headers = _joined((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
    path, query = scope["raw_path"].decode("ascii"), scope["query_string"].decode("ascii")
    return protos.RpcHttp(
        method=scope["method"],
        url=f"http://{headers.get('host', '')}{path}{'?' if query else ''}{query}",
        headers=headers,
        params=parameters,
        query=_joined(parse_qsl(query)),
        body=protos.TypedData(bytes=body) if body else protos.TypedData(),
    )


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Names with their values, several values of one name joined by commas, as .NET writes a StringValues."""
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _response(returned: protos.TypedData) -> Response:
    """The response a function returned: an HttpResponse, or a plain string."""
    if returned.kind != "http":
        return Response(200, str(returned.value).encode(), [("content-type", "text/plain; charset=utf-8")])
    http: protos.RpcHttp = returned.value
    cookies = [("set-cookie", _set_cookie(cookie)) for cookie in http.cookies or ()]
    return Response(int(http.status_code), http.body.value or b"", [*http.headers.items(), *cookies])


def _set_cookie(cookie: protos.RpcHttpCookie) -> str:
    """The header that ASP.NET Core writes for a cookie: the value escaped, the path `/` unless it is another.

    The domain is there even where it is empty, as the worker library makes it.
    """
    parts = [f"{cookie.name}={quote(cookie.value, safe='')}"]
    if cookie.max_age:
        parts.append(f"max-age={cookie.max_age.value:.0f}")
    if cookie.expires:
        parts.append(f"expires={cookie.expires.value:%a, %d %b %Y %H:%M:%S} GMT")
    if cookie.domain:
        parts.append(f"domain={cookie.domain.value}")
    parts.append(f"path={(cookie.path and cookie.path.value) or '/'}")
    if cookie.secure and cookie.secure.value:
        parts.append("secure")
    if cookie.same_site:
        parts.append(f"samesite={cookie.same_site}")
    if cookie.http_only and cookie.http_only.value:
        parts.append("httponly")
    return "; ".join(parts)


def load_settings(app: Path) -> None:
    """Put the values of local.settings.json into the environment, where nothing stands already."""
    file = app / "local.settings.json"
    if file.exists():
        for name, value in json.loads(file.read_text()).get("Values", {}).items():
            os.environ.setdefault(name, str(value))


def read_host_json(app: Path) -> dict[str, Any]:
    """The host's options, an empty object when there are none."""
    file = app / "host.json"
    options: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    return options


async def run_app(app: Path, port: int, *, timers: bool = True) -> None:
    """Load the app, then serve it until the process is told to end. Raises AppFailedError."""
    load_settings(app)
    listener = listen(port)
    functions = await load_app(app)
    host = Host(functions, read_host_json(app).get("extensions", {}).get("http", {}).get("routePrefix", "api"))
    host.start_triggers(timers=timers)
    await serve(host, listener, {"url": url_of(listener)})


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.host", description="Run the function app on this machine.")
    parser.add_argument("--port", type=int, default=7071, help="0 takes a free one")
    parser.add_argument("--app", type=Path, default=ROOT, help="the folder of function_app.py")
    parser.add_argument("--no-timers", action="store_true", help=f"timers run when they are fired under {ADMIN} only")
    arguments = parser.parse_args()
    log_to_stderr()
    end_quietly_on_signals()
    asyncio.run(run_app(arguments.app.resolve(), arguments.port, timers=not arguments.no_timers))


if __name__ == "__main__":
    main()
