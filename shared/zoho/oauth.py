"""Access tokens for Zoho One, from the refresh token that consent gave.

https://www.zoho.com/accounts/protocol/oauth/web-apps.html
"""

import time
from collections.abc import Callable
from threading import Lock

import requests
from pydantic import BaseModel, ConfigDict, ValidationError

from shared.directory.store import Store
from shared.zoho.errors import ZohoBusy, ZohoCredentials

CONNECT_SECONDS = 5
READ_SECONDS = 15
EARLY = 300.0
"""Seconds before its end from which a token is not used any more: longer than any one request."""
THROTTLED = "Access Denied"
"""What Zoho answers when asked too often; it never means that consent is needed again."""


class _Answer(BaseModel):
    """Zoho's answer. An error may come with status 200, so it is read from the body."""

    model_config = ConfigDict(extra="ignore")

    access_token: str | None = None
    expires_in: float = 3600
    error: str | None = None


class RefreshedTokens:
    """Access tokens of the stores, one kept in memory for each, refreshed when it is about to end."""

    def __init__(
        self,
        session: requests.Session,
        secret: Callable[[str, str], str | None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``secret``: a store's secret by its name, ``refresh-token`` or ``client-secret``."""
        self._session = session
        self._secret = secret
        self._monotonic = monotonic
        self._kept: dict[str, tuple[str, float]] = {}
        self._lock = Lock()

    def current(self, store: Store) -> str:
        """A token that should be valid. Raises ZohoBusy and ZohoCredentials."""
        with self._lock:
            token, ends = self._kept.get(store.id, ("", 0.0))
            if not token or ends - EARLY <= self._monotonic():
                token, seconds = self._refreshed(store)
                self._kept[store.id] = token, self._monotonic() + seconds
            return token

    def rejected(self, store: Store, token: str) -> None:
        """Zoho One answered 401 to this token."""
        with self._lock:
            if self._kept.get(store.id, ("", 0.0))[0] == token:
                del self._kept[store.id]

    def _refreshed(self, store: Store) -> tuple[str, float]:
        refresh_token = self._secret(store.id, "refresh-token")
        client_secret = self._secret(store.id, "client-secret")
        if refresh_token is None or client_secret is None:
            raise ZohoCredentials("The store is not connected to Zoho One: connect it")
        answer = self._ask(
            f"{str(store.zoho.accounts_server).rstrip('/')}/oauth/v2/token",
            {
                "grant_type": "refresh_token",
                "client_id": store.zoho.client_id,
                "client_secret": client_secret,
                "refresh_token": refresh_token,
            },
        )
        if answer.access_token:
            return answer.access_token, answer.expires_in
        if answer.error == THROTTLED:
            raise ZohoBusy("Zoho's accounts server asks to wait", retry_after=600)
        raise ZohoCredentials(f"Zoho does not renew the store's connection ({answer.error}): connect it again")

    def _ask(self, url: str, form: dict[str, str]) -> _Answer:
        try:
            response = self._session.post(
                url, data=form, timeout=(CONNECT_SECONDS, READ_SECONDS), allow_redirects=False
            )
            if response.status_code >= 500:
                raise ZohoBusy(f"Zoho's accounts server answered {response.status_code}")
            return _Answer.model_validate_json(response.content)
        except requests.RequestException as error:
            raise ZohoBusy(f"Zoho's accounts server did not answer ({type(error).__name__})") from None
        except ValidationError:
            raise ZohoBusy("Zoho's accounts server gave an answer that is not JSON") from None
