"""The HTTP session for everything outside: Zoho One, its accounts servers, Microsoft Graph and Entra's sign-in.

A session follows no redirect, which would take a token or a secret elsewhere; it believes no proxy of the environment,
keeps no cookie, and always checks certificates. An answer is read as a whole within the read time-out of its call, its
head included, and is no larger than LARGEST_ANSWER, compressed ones after they are unpacked.
"""

import http.client
import io
import socket
import time
from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

LOOPBACK = "127.0.0.1"
CONNECT_SECONDS = 5
READ_SECONDS = 30
"""Seconds for a whole answer where the caller names none: a page of users/delta takes more than one, a batch of twenty
requests several.
"""
LARGEST_ANSWER = 16 * 1024 * 1024
"""Bytes, unpacked: the largest answers that are asked for, a page of 1,000 accounts and a batch of twenty pages, have
less than a quarter.
"""
CHUNK = 64 * 1024
CONNECTIONS = 32
"""Connections kept open: as many as the worker has threads."""


class AnswerTooLarge(requests.RequestException):
    """The answer was not read to its end."""


class OutgoingSession(requests.Session):
    """A session that threads may share."""

    def __init__(self, loopback_certificate: Path | None = None) -> None:
        """``loopback_certificate``: file with the self-signed certificate of the simulated Entra. It is trusted for
        127.0.0.1 and no other host, so that connections to Microsoft are not weakened.
        """
        super().__init__()
        self.trust_env = False
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # it serves all stores
        self.mount("https://", _Careful(loopback_certificate))
        self.mount("http://", _Careful(None))

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002 - whatever it says
        """Return None: no redirect is followed."""
        return None

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """Send a request, and read the answer. Raises AnswerTooLarge, and requests' own errors."""
        response = super().send(request, **(options | {"stream": True}))
        parts, size = [], 0
        for part in response.iter_content(CHUNK):
            size += len(part)
            if size > LARGEST_ANSWER:
                response.close()
                raise AnswerTooLarge(f"more than {LARGEST_ANSWER} bytes", request=request)
            parts.append(part)
        response._content = b"".join(parts)  # where requests keeps what it has read
        return response


class _Careful(HTTPAdapter):
    """Checks certificates, whatever it is told, and always has a time-out: MSAL sets none."""

    def __init__(self, loopback_certificate: Path | None) -> None:
        super().__init__(pool_maxsize=CONNECTIONS)
        self._loopback_certificate = loopback_certificate
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,  # noqa: ARG002 - requests passes it; nobody may switch the check off
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        local = self._loopback_certificate and urlsplit(request.url or "").hostname == LOOPBACK
        trusted: Any = str(self._loopback_certificate) if local else True
        return super().send(request, stream, timeout or (CONNECT_SECONDS, READ_SECONDS), trusted, cert, proxies)


class _Answer(http.client.HTTPResponse):
    """An answer whose read time-out is for all of it, not for each byte."""

    def __init__(self, sock: socket.socket, *rest: Any, **named: Any) -> None:
        super().__init__(sock, *rest, **named)
        if (seconds := sock.gettimeout()) is not None:
            self.fp = io.BufferedReader(_Timed(self.fp.detach(), sock, seconds))


class _Timed(io.RawIOBase):
    """Reads from a socket until a time, and leaves it its time-out."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, seconds: float) -> None:
        self._raw, self._socket, self._seconds = raw, sock, seconds
        self._ends = time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer took too long")
        self._socket.settimeout(left)
        count: int | None = self._raw.readinto(buffer)
        self._socket.settimeout(self._seconds)
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Connection(HTTPConnection):
    response_class = _Answer


class _TlsConnection(HTTPSConnection):
    response_class = _Answer


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection
