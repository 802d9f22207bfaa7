"""A SCIM application at the network's edge that records what it is asked and answers as little as a client needs."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

EQUALS = re.compile(r'(\w+) eq ("(?:[^"\\]|\\.)*")')


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    query: dict[str, str]
    body: Any
    headers: dict[str, str]


@dataclass
class Recorder:
    """`users` is what the application holds: the test may change it. `answers` are given first, one to a request."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    answers: list[tuple[int, dict[str, str], object]] = field(default_factory=list)

    def bodies(self, method: str) -> list[Any]:
        """Return the bodies of the requests with a method."""
        return [asked.body for asked in self.asked if asked.method == method]

    def answer(self, asked: Asked) -> tuple[int, dict[str, str], object]:
        self.asked.append(asked)
        if self.answers:
            return self.answers.pop(0)
        user_id = asked.path.removeprefix("/Users").removeprefix("/")
        if asked.method == "POST":
            user_id = f"u{len(self.users) + 1}"
            self.users[user_id] = {**asked.body, "id": user_id}
            return 201, {}, self.users[user_id]
        if asked.method == "GET" and not user_id:
            found = [user for user in self.users.values() if self._matches(user, asked.query["filter"])]
            return 200, {}, {"totalResults": len(found), "Resources": found}
        if user_id not in self.users:
            return 404, {}, {"status": "404", "detail": "no such user"}
        return (204, {}, None) if asked.method == "DELETE" else (200, {}, self.users[user_id])

    @staticmethod
    def _matches(user: dict[str, Any], filter_text: str) -> bool:
        return all(user.get(name) == json.loads(value) for name, value in EQUALS.findall(filter_text))


@contextmanager
def recorder() -> Iterator[Recorder]:
    """Serve a recorder on a free port."""
    record = Recorder()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            content = self.rfile.read(length)
            url = urlsplit(self.path)
            body = json.loads(content) if content else None
            asked = Asked(self.command, url.path, dict(parse_qsl(url.query)), body, dict(self.headers))
            status, headers, answer = record.answer(asked)
            payload = b"" if answer is None else json.dumps(answer).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(payload)), "Connection": "close"}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815 -- the names http.server looks for

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name in http.server
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        record.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield record
        server.shutdown()
        thread.join()
