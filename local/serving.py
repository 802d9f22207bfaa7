"""ASGI applications served by uvicorn on the loopback interface, for as long as the process lives."""

import asyncio
import json
import logging
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Generator, MutableMapping, Sequence
from typing import Any, ClassVar, NamedTuple, Self

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

type Scope = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
type Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
type Application = Callable[[Scope, Receive, Send], Awaitable[None]]
type Headers = Sequence[tuple[str, str]]

LOOPBACK = "127.0.0.1"
KEEP_ALIVE = 120  # seconds that an idle connection is kept, as long as Kestrel's, so that pooled clients do not race it
GRACE = 3  # seconds for requests under way when the server is told to stop

# Statuses whose answers have no body and no Content-Length (RFC 9110, section 8.6).
BODILESS = (204, 304)


class Response(NamedTuple):
    """An answer to a request, in the order `answer` takes it."""

    status: int
    body: bytes = b""
    headers: Headers = ()

    @classmethod
    def json(cls, content: object, status: int = 200) -> Self:
        """Answer with an object in JSON."""
        return cls(status, json.dumps(content).encode(), [("content-type", "application/json;charset=UTF-8")])


class Dropped(Exception):
    """A connection is to be lost that is none: the client is in this process, and is told so by local/in_process.py."""


class DroppableProtocol(H11Protocol):
    """uvicorn's own HTTP/1.1, with a way to lose a connection."""

    _connections: ClassVar[dict[tuple[str, int], asyncio.Transport]] = {}

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn narrows it
        super().connection_made(transport)
        self._connections[transport.get_extra_info("peername")] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.pop(self.transport.get_extra_info("peername"), None)
        super().connection_lost(exc)

    @classmethod
    async def drop(cls, scope: Scope, receive: Receive) -> None:
        """Reset the connection a request came by, so that its client gets no answer. Raises Dropped in process."""
        if scope.get("client") is None:
            raise Dropped
        cls._connections[scope["client"]].abort()
        while (await receive())["type"] != "http.disconnect":
            pass  # uvicorn would answer 500 for a request that ends before it noticed


def listen(port: int) -> socket.socket:
    """A listening socket on the loopback interface; port 0 takes a free one."""
    # asyncio turns Nagle's delay off, 40 ms an answer, only where the protocol is named.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((LOOPBACK, port))
    listener.listen(256)
    return listener


def url_of(listener: socket.socket) -> str:
    """The address clients reach a listening socket at."""
    return f"http://{LOOPBACK}:{listener.getsockname()[1]}"


class _Server(uvicorn.Server):
    """uvicorn's own, with something to do beside the requests under way when it is told to end."""

    def __init__(self, config: uvicorn.Config, at_end: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self._at_end = at_end

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await asyncio.gather(super().shutdown(sockets), self._at_end())


async def _nothing() -> None:
    """Nothing is to be done."""


async def serve(
    application: Application,
    listener: socket.socket,
    ready: dict[str, Any],
    *,
    grace: int = GRACE,
    largest_head: int | None = None,
    at_end: Callable[[], Awaitable[None]] = _nothing,
) -> None:
    """Say in one line of JSON what is ready, then answer requests until SIGTERM or Ctrl-C.

    ``grace``: seconds for requests under way. ``largest_head``: bytes of a request's line and headers that are read at
    all. ``at_end``: what is to be done when it is told to end, beside those requests.
    """
    config = uvicorn.Config(
        application,
        http=DroppableProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,  # query strings hold personal data
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=grace,
        h11_max_incomplete_event_size=largest_head,
    )
    print(json.dumps(ready), flush=True)
    await _Server(config, at_end).serve(sockets=[listener])


def log_to_stderr() -> None:
    """Log as the worker in Azure does, from INFO on, to where the parent process reads it."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")


def end_quietly_on_signals() -> None:
    """End with status 0 on SIGTERM and Ctrl-C. uvicorn shuts down first, and then raises the signal again."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))


class _Pause:
    """Seconds to wait, handed to whoever runs a coroutine without an event loop: local/in_process.py."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __await__(self) -> Generator[float]:
        yield self._seconds


async def pause(seconds: float) -> None:
    """Wait: in an event loop, or in process for as long as the adapter says."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        await _Pause(seconds)
    else:
        await asyncio.sleep(seconds)


async def read_body(receive: Receive) -> bytes:
    """The whole body of a request."""
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def answer(send: Send, status: int, body: bytes = b"", headers: Headers = (), *, in_chunks: bool = False) -> None:
    """Send a whole response, with its Content-Length; ``in_chunks`` without, where it has a body."""
    pairs = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    pairs = [(name, value) for name, value in pairs if name not in (b"content-length", b"transfer-encoding")]
    if status not in BODILESS and not (in_chunks and body):
        pairs.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})
