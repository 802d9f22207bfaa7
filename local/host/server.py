"""The function host for one machine: `python -m local.host [--port N] [--app FOLDER]`.

Runs the app on the worker library that runs in Azure and replaces Azure's own host: routes, methods, limits, settings,
timers and queues. It prints `{"url": …}` in one line when it is ready. tests/local/host/host_table.py lists, row by
row, where the two are alike, and where this one is more tolerant.
"""

import argparse
import asyncio
import hmac
import json
import logging
import os
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.host.admin import HEADER, host_key
from local.host.front import (
    CONCURRENT,
    OUTSTANDING,
    SCALE_OUT,
    SERVER,
    STALL_SECONDS,
    Stalled,
    homepage,
    read_body,
    refusal,
    resolved,
)
from local.host.http_messages import request_of, response_of
from local.host.queues import QueueOptions, TriggerQueue, deliver, message_data
from local.host.routes import Match, Route, Routes
from local.host.timers import keep_time, tick
from local.host.worker import Function, FunctionFailedError, InThisProcess, Outcome, Worker
from local.host.worker_messages import TypedData
from local.host.worker_process import WorkerProcess
from local.processes import ROOT
from local.serving import (
    Receive,
    Response,
    Scope,
    Send,
    answer,
    end_quietly_on_signals,
    listen,
    log_to_stderr,
    serve,
    url_of,
)

logger = logging.getLogger(__name__)

ADMIN = "/admin/functions/"
DRAIN_SECONDS = 30
"""Seconds for work in progress when the host has to end."""
LARGEST_HEAD = 1024 * 1024
"""Bytes of a request's line and headers that are read, so that larger ones can be answered."""


class Host:
    """The ASGI application: each request goes to the function of its route, or starts one under `/admin`."""

    def __init__(
        self, functions: list[Function], worker: Worker, host_json: Mapping[str, Any], time_scale: float = 1.0
    ) -> None:
        http = host_json.get("extensions", {}).get("http", {})
        prefix = http.get("routePrefix", "api")
        self._worker = worker
        self._routes = Routes(_route(function, prefix) for function in functions if function.kind == "httpTrigger")
        self._others = {function.name: function for function in functions if function.kind != "httpTrigger"}
        self._options = QueueOptions.of(host_json, time_scale)
        self._concurrent = asyncio.Semaphore(http.get("maxConcurrentRequests", CONCURRENT))
        self._most_outstanding: int = http.get("maxOutstandingRequests", OUTSTANDING)
        self._outstanding = 0
        self._stall = STALL_SECONDS / time_scale
        self._key = host_key()
        self._triggers: set[asyncio.Task[None]] = set()
        self._fired: set[asyncio.Task[None]] = set()
        self._queues: list[TriggerQueue] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response, of_function = await self._answer(scope, receive)
        lengths = [name for name, _ in response.headers if name.lower() == "content-length"]
        await answer(
            send,
            response.status,
            response.body,
            [*response.headers, SERVER],
            in_chunks=of_function and not lengths,
        )

    def start_triggers(self, *, timers: bool) -> None:
        """Start the triggers by queue and, with ``timers``, by time."""
        for function in self._others.values():
            if function.kind == "timerTrigger":
                kept = keep_time(function, self._run)  # also reports an invalid schedule
                self._start(kept, self._triggers) if timers else kept.close()
            elif function.kind == "queueTrigger":
                queue = TriggerQueue(function, self._run, self._options)
                self._queues.append(queue)
                self._start(queue.poll(), self._triggers)
            else:
                raise ValueError(f"the local host has no {function.kind}, which starts {function.name}")

    async def drain(self) -> None:
        """Accept nothing more from timers and queues, and let work in progress finish, for a while."""
        for task in self._triggers:
            task.cancel()
        if self._fired:
            await asyncio.wait(self._fired, timeout=DRAIN_SECONDS)
        await asyncio.gather(*(queue.drained(DRAIN_SECONDS) for queue in self._queues))

    def _start(self, work: Coroutine[Any, Any, None], tasks: set[asyncio.Task[None]]) -> None:
        task = asyncio.create_task(work)
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        task.add_done_callback(_tell)

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[Response, bool]:
        """Return the response, and whether a function gave it."""
        if (refused := refusal(scope)) is not None:
            return refused, False
        path = resolved(scope["raw_path"].decode("ascii"))
        if path is None:
            return Response(404), False
        if self._outstanding >= self._most_outstanding:
            return Response(429, headers=[SCALE_OUT]), False
        self._outstanding += 1
        try:
            async with self._concurrent:
                body = await read_body(scope, receive, self._stall)
                if path.startswith(ADMIN):
                    return self._fire(scope, path.removeprefix(ADMIN), body), False
                return await self._respond(scope, path, body)
        except Stalled:
            return Response(500, headers=[("connection", "close")]), False
        finally:
            self._outstanding -= 1

    def _fire(self, scope: Scope, name: str, body: bytes) -> Response:
        """Start a function now, by Azure's `POST /admin/functions/{name}`; a queue's takes `{"input": message}`."""
        given = dict(scope["headers"]).get(HEADER.encode(), b"")
        if not hmac.compare_digest(given, self._key.encode()):
            return Response(401)
        if scope["method"] != "POST" or name not in self._others:
            return Response(404)
        function = self._others[name]
        try:
            text = json.loads(body or b"{}").get("input", "")
        except (ValueError, AttributeError):
            return Response(400)
        data, metadata = (tick(), {}) if function.kind == "timerTrigger" else message_data(text)
        self._start(self._run_once(function, data, metadata), self._fired)
        return Response(202)

    async def _respond(self, scope: Scope, path: str, body: bytes) -> tuple[Response, bool]:
        found = self._routes.find(scope["method"], path)
        if not isinstance(found, Match):
            if path == "/":
                return homepage(), False
            # Azure answers 404 in both cases (azure-functions-host#10098); 405 shows the mistake while developing.
            return (Response(405, headers=[("allow", ", ".join(sorted(found)))]) if found else Response(404)), False
        try:
            outcome = await self._run(found.target, TypedData(http=request_of(scope, path, body, found.parameters)))
        except FunctionFailedError:
            return Response(500), False
        # The worker itself refuses an HTTP function that returns nothing.
        return (response_of(outcome.returned), True) if outcome.returned else (Response(500), False)

    async def _run(
        self, function: Function, data: TypedData, metadata: Mapping[str, TypedData] | None = None
    ) -> Outcome:
        """Run a function and send its queue outputs. Raises FunctionFailedError."""
        outcome = await self._worker.invoke(function, data, metadata)
        await deliver(function, outcome)
        return outcome

    async def _run_once(self, function: Function, data: TypedData, metadata: Mapping[str, TypedData]) -> None:
        with suppress(FunctionFailedError):
            await self._run(function, data, metadata)


def _tell(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        logger.error("a trigger stopped", exc_info=error)


def _route(function: Function, prefix: str) -> Route[Function]:
    path = function.trigger.get("route") or function.name
    methods = frozenset(method.upper() for method in function.trigger.get("methods") or ())
    return Route(f"{prefix}/{path}", methods, function)


def load_settings(app: Path) -> None:
    """Put the values of local.settings.json into the environment, without replacing existing ones."""
    file = app / "local.settings.json"
    if file.exists():
        for name, value in json.loads(file.read_text()).get("Values", {}).items():
            os.environ.setdefault(name, str(value))


def read_host_json(app: Path) -> dict[str, Any]:
    """Return the host's options, an empty object if there are none."""
    file = app / "host.json"
    options: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    return options


@dataclass(frozen=True)
class Options:
    """How the host runs an app."""

    app: Path
    port: int
    timers: bool = True
    one_process: bool = False
    time_scale: float = 1.0


async def run_app(options: Options) -> None:
    """Load the app, then serve it until the process has to end. Raises AppFailedError."""
    load_settings(options.app)
    listener = listen(options.port)
    worker: Worker = InThisProcess(options.app) if options.one_process else WorkerProcess(options.app, _give_up)
    functions = await worker.start()
    host = Host(functions, worker, read_host_json(options.app), options.time_scale)
    host.start_triggers(timers=options.timers)
    ready = {"url": url_of(listener)}
    try:
        await serve(host, listener, ready, grace=DRAIN_SECONDS, largest_head=LARGEST_HEAD, at_end=host.drain)
    finally:
        worker.end()
        logging.shutdown()
        os._exit(0)  # unfinished work is cut off, as in Azure


def _give_up() -> None:
    logger.error("the worker died three times: the host ends")
    logging.shutdown()
    os._exit(1)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.host", description="Run the function app on this machine.")
    parser.add_argument("--port", type=int, default=7071, help="0 takes a free one")
    parser.add_argument("--app", type=Path, default=ROOT, help="the folder of function_app.py")
    parser.add_argument("--no-timers", action="store_true", help=f"timers run only on request under {ADMIN} only")
    parser.add_argument("--one-process", action="store_true", help="run the worker in the host's process")
    parser.add_argument("--time-scale", type=float, default=1.0, help="how many times as fast the queues' time passes")
    given = parser.parse_args()
    log_to_stderr()
    end_quietly_on_signals()
    asyncio.run(
        run_app(Options(given.app.resolve(), given.port, not given.no_timers, given.one_process, given.time_scale))
    )
