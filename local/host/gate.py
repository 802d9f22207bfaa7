"""A reverse proxy for Azurite or the simulated Zoho One: it counts the host's calls, and can intervene."""

import http.client
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Literal, Self
from urllib.parse import urlsplit

type Moment = Literal["before", "after"]
type Watcher = Callable[["Call", Moment], None]


@dataclass(frozen=True)
class Call:
    """One request through a gate."""

    gate: str
    method: str
    path: str
    body: bytes = field(default=b"", repr=False)


class Gate:
    """A proxy on a free loopback port. Its watcher is called before each call is forwarded, and after the answer."""

    def __init__(self, name: str, upstream: str, watcher: Watcher) -> None:
        self.name = name
        self._upstream = urlsplit(upstream)
        self.watcher = watcher
        gate = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def _forward(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                call = Call(gate.name, self.command, self.path, body)
                gate.watcher(call, "before")
                status, headers, answer = gate.ask(self.command, self.path, dict(self.headers.items()), body)
                gate.watcher(call, "after")
                head = "".join(f"{name}: {value}\r\n" for name, value in headers)
                self.wfile.write(f"HTTP/1.1 {status} OK\r\n{head}\r\n".encode("latin-1") + answer)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_MERGE = _forward  # noqa: N815 - http.server's names

            def log_message(self, *_: object) -> None:
                """Say nothing."""

            def handle(self) -> None:
                """Serve a connection; its other end may be killed at any point."""
                try:
                    super().handle()
                except OSError:
                    self.close_connection = True

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def ask(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """Forward one request, on a connection of its own."""
        connection = http.client.HTTPConnection(self._upstream.hostname or "", self._upstream.port, timeout=30)
        try:
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        kept = [
            (k, v)
            for k, v in response.getheaders()
            if k.lower() not in ("transfer-encoding", "connection", "content-length")
        ]
        length = [] if response.status in (204, 304) else [("Content-Length", str(len(answer)))]
        return response.status, kept + length, answer

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
