"""What Azure's own host does with a request, row by row, as far as a client can tell; where the local one is kinder.

Measured on the host 4.1037 with Core Tools 4; tests/local/host/test_host.py asks whichever of the two it runs against.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Answer:
    """What comes back."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    """Those that must be there, by their names in small letters."""
    without: tuple[str, ...] = ()
    """Those that must not."""
    body: bytes | None = None
    """Of a request that was echoed: what arrived. Of any other: what came back."""


@dataclass(frozen=True)
class Row:
    """One request."""

    what: str
    request: str
    """With lines that end in \\n; the host's address is added."""
    real: Answer
    local: Answer | None = None
    """What the local host answers instead, on purpose."""
    kinder: str = ""
    """Why."""


def _get(target: str, *headers: str, method: str = "GET") -> str:
    return "\n".join([f"{method} {target} HTTP/1.1", *headers, "", ""])


def _post(body: str, *headers: str) -> str:
    return _get("/api/echo/s1", *headers, method="POST") + body


SEEN = "it shows the mistake while developing; Entra and browsers send no such request"
NOTHING = Answer(404, body=b"")
WRONG_METHOD = Answer(405, {"allow": "GET, POST, PUT"})

TABLE = (
    Row("a body", _post("abc", "Content-Length: 3"), Answer(200, body=b"abc")),
    Row("a body in chunks arrives empty", _post("3\nabc\n0\n\n", "Transfer-Encoding: chunked"), Answer(200, body=b"")),
    Row("a trailing slash", _get("/api/echo/s1/"), Answer(200)),
    Row("any letter case", _get("/API/Echo/s1"), Answer(200)),
    Row("an empty segment", _get("/api/echo//s1"), NOTHING),
    Row("an empty segment in the catch-all", _get("/api/echo/s1//Users"), NOTHING),
    Row("an empty segment at the beginning", _get("//api/plain"), NOTHING),
    Row("dot segments", _get("/api/nowhere/../plain"), Answer(200)),
    Row("dot segments, encoded", _get("/api/nowhere/%2e%2E/./plain"), Answer(200)),
    Row("dot segments beyond the root", _get("/../../api/plain"), Answer(200)),
    Row("no route", _get("/api/nowhere"), NOTHING),
    Row("a wrong method", _get("/api/echo/s1", method="DELETE"), NOTHING, WRONG_METHOD, SEEN),
    Row("HEAD", _get("/api/echo/s1", method="HEAD"), NOTHING, WRONG_METHOD, SEEN),
    Row("OPTIONS", _get("/api/echo/s1", method="OPTIONS"), NOTHING, WRONG_METHOD, SEEN),
    Row("the homepage is switched off", _get("/"), Answer(204)),
    Row("an address of 8 KiB", _get(f"/api/plain?{'a' * 8192}"), Answer(414)),
    Row("an address of almost 8 KiB", _get(f"/api/plain?a={'a' * 8100}"), Answer(200)),
    Row("headers of more than 32 KiB", _get("/api/plain", *[f"X-{n}: {'a' * 4000}" for n in range(9)]), Answer(431)),
    Row("headers of almost 32 KiB", _get("/api/plain", *[f"X-{n}: {'a' * 4000}" for n in range(8)]), Answer(200)),
    Row("101 header lines", _get("/api/plain", *[f"X-{n}: a" for n in range(100)]), Answer(431)),
    Row("100 header lines", _get("/api/plain", *[f"X-{n}: a" for n in range(98)]), Answer(200)),
    Row("a zero byte in the path", _get("/api/echo/s1/%00"), Answer(400, body=b"")),
    Row("a header beyond ASCII", _get("/api/plain", "X-Name: Chlo\u00e9"), Answer(400, body=b"")),
    Row("an absolute target", _get("http://elsewhere.example/api/plain"), Answer(400, body=b"")),
    Row("a body that is announced as 101 MiB", _post("a", f"Content-Length: {101 << 20}"), Answer(500)),
    Row("a body that stalls for 5 s", _post("a", "Content-Length: 3"), Answer(500)),
    Row("a function that fails", _get("/api/fails"), Answer(500, body=b"")),
    Row("who answers", _get("/api/plain"), Answer(200, {"server": "Kestrel"})),
    Row("an answer without a length", _get("/api/plain"), Answer(200, {"transfer-encoding": "chunked"})),
    Row("an answer with one", _get("/api/page"), Answer(200, {"content-length": "6"}, ("transfer-encoding",))),
    Row("no content", _get("/api/empty"), Answer(204, without=("content-length", "transfer-encoding"))),
)
