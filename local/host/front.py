"""What Azure's host does with a request before a function is asked, as far as a client can tell.

The limits are Kestrel's and the host's own: measured on the host 4.1037, and
https://learn.microsoft.com/dotnet/api/microsoft.aspnetcore.server.kestrel.core.kestrelserverlimits.
"""

import asyncio
import os
from urllib.parse import unquote

from local.serving import Receive, Response, Scope

REQUEST_LINE = 8 * 1024
"""Bytes of the request's first line."""
HEADERS_BYTES = 32 * 1024
HEADERS_COUNT = 100
LARGEST_BODY = 100 * 1024 * 1024
STALL_SECONDS = 5.0
"""That a body may keep silent."""
SERVER = ("server", "Kestrel")
HTML = ("content-type", "text/html; charset=utf-8")
SCALE_OUT = ("x-function-scaleout", "1")


CONCURRENT, OUTSTANDING = 100, 200
"""Requests that are worked on at once, and those that also wait for that, where host.json says nothing."""


class Stalled(Exception):
    """The client announced a body and does not send it."""


def refusal(scope: Scope) -> Response | None:
    """What is answered to a request that the web server itself does not take, or None."""
    target: str = scope["raw_path"].decode("latin-1")
    query = scope["query_string"]
    line = len(scope["method"]) + len(target) + (len(query) + 1 if query else 0) + len("  HTTP/1.1\r\n")
    if line > REQUEST_LINE:
        return Response(414)
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    if len(headers) > HEADERS_COUNT or sum(len(name) + len(value) + 4 for name, value in headers) > HEADERS_BYTES:
        return Response(431)
    if not target.startswith("/") or "%00" in target or any(byte > 0x7E for _, value in headers for byte in value):
        return Response(400)
    return None


def resolved(target: str) -> str | None:
    """A path with its dot segments resolved, or None where it has an empty segment, which no route has."""
    found: list[str] = []
    *folders, last = target.removeprefix("/").split("/")
    for segment in (*folders, last):
        match unquote(segment):
            case ".":
                continue
            case "..":
                found = found[:-1]
            case _:
                found.append(segment)
    if "" in found[:-1]:
        return None
    return "/" + "/".join(found)


def homepage() -> Response:
    """What ``/`` is: Azure's own page, or nothing."""
    if os.environ.get("AzureWebJobsDisableHomepage", "").lower() == "true":  # noqa: SIM112 - the platform's spelling
        return Response(204)
    return Response(200, b"<!doctype html><title>Your function app is up and running</title>", [HTML])


async def read_body(scope: Scope, receive: Receive, stall: float) -> bytes:
    """The body that a function is given: none where Content-Length names none, so none that comes in chunks.

    ``stall``: seconds between two pieces. Raises Stalled, also for one that is announced as too large.
    """
    headers = dict(scope["headers"])
    length = int(headers.get(b"content-length", b"0"))
    if length > LARGEST_BODY:
        raise Stalled
    parts = []
    while True:
        try:
            message = await asyncio.wait_for(receive(), stall)
        except TimeoutError:
            raise Stalled from None
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts) if length else b""
