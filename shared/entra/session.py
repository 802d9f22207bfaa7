"""The HTTP session for Graph and for Entra's sign-in."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from shared.rules.entra_connection import LOOPBACK

CONNECT_SECONDS = 5
READ_SECONDS = 30
"""A page of users/delta takes a good second, a batch of twenty requests several."""
CONNECTIONS = 8


class _Careful(HTTPAdapter):
    """Always checks certificates, whatever it is told, and never waits for ever: MSAL sets no time-out."""

    def __init__(self, loopback_certificate: Path | None) -> None:
        super().__init__(pool_maxsize=CONNECTIONS)
        self._loopback_certificate = loopback_certificate

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


class _Session(requests.Session):
    """Follows no redirect: a token or a secret would go with it."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002 - whatever it says
        return None


def new_session(loopback_certificate: Path | None = None) -> requests.Session:
    """A session with pooled connections, for all threads.

    ``loopback_certificate``: a file with the self-made certificate of the simulated Entra. It is trusted for
    127.0.0.1 and for no other host, so that there is nothing here that weakens a connection to Microsoft.
    """
    session = _Session()
    session.trust_env = False
    session.mount("https://", _Careful(loopback_certificate))
    session.mount("http://", _Careful(None))
    return session
