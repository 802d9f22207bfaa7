"""Zoho's accounts servers: consent, tokens, and their errors.

https://www.zoho.com/accounts/protocol/oauth/web-apps.html
"""

from dataclasses import dataclass, field
from urllib.parse import urlencode

import requests
from pydantic import ConfigDict, ValidationError

from shared.model import Model
from shared.zoho.data_centers import SCOPE, DataCenter
from shared.zoho.errors import ZohoBusy, ZohoClientRefused, ZohoConsentLost, ZohoThrottled, ZohoUnclear

CONNECT_SECONDS = 5
READ_SECONDS = 15
LIFETIME = 3600
"""Longest lifetime of an access token in seconds, whatever the answer says: some servers have said it in milliseconds.
"""
BUSY_SECONDS = 5
"""Seconds without a further call to an accounts server that did not answer, or not as documented."""
THROTTLED = "Access Denied"
THROTTLED_SECONDS = 120
"""Seconds without a further call after that. The limit is 10 tokens in 10 minutes; further calls may prolong it."""

_CONSENT_LOST = frozenset({"invalid_code", "invalid_token", "invalid_grant", "access_denied"})
_CLIENT_REFUSED = frozenset(
    {"invalid_client", "invalid_client_secret", "unauthorized_client", "invalid_redirect_uri", "redirect_uri_mismatch"}
)


@dataclass(frozen=True)
class Client:
    """The client that the organisation registered in Zoho's API console."""

    id: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Issued:
    """Tokens that an accounts server issued."""

    access_token: str = field(repr=False)
    seconds: float
    """Lifetime of the access token."""
    refresh_token: str | None = field(default=None, repr=False)


class _Answer(Model):
    """Any answer. An error may come with any status, 200 included, so it is read from the body."""

    model_config = ConfigDict(extra="ignore")

    access_token: str | None = None
    refresh_token: str | None = None
    expires_in: float = LIFETIME
    error: str | None = None


def consent_url(data_center: DataCenter, client_id: str, redirect_uri: str, state: str) -> str:
    """Return the URL at which the administrator's browser asks for consent; without ``offline``, no refresh token is
    issued.
    """
    asked = {
        "client_id": client_id,
        "response_type": "code",
        "redirect_uri": redirect_uri,
        "scope": SCOPE,
        "access_type": "offline",
        "prompt": "consent",
        "state": state,
    }
    return f"{data_center.accounts_server}/oauth/v2/auth?{urlencode(asked)}"


class ZohoAccounts:
    """The accounts servers. A secret goes only to a DataCenter from the allow-list; never to a URL.

    Every method raises ZohoBusy and its subclasses, ZohoConsentLost and ZohoClientRefused.
    """

    def __init__(self, session: requests.Session) -> None:
        self._session = session

    def exchange(self, data_center: DataCenter, client: Client, code: str, redirect_uri: str) -> Issued:
        """Exchange a code for tokens; it lives for a minute and works once."""
        return self._issued(
            data_center,
            client,
            {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri},
        )

    def refresh(self, data_center: DataCenter, client: Client, refresh_token: str) -> Issued:
        """Return a new access token."""
        return self._issued(data_center, client, {"grant_type": "refresh_token", "refresh_token": refresh_token})

    def revoke(self, data_center: DataCenter, refresh_token: str) -> None:
        """Revoke a refresh token and its access tokens; raises ZohoConsentLost where it was revoked before."""
        # Only the query string is documented for it; the token is revoked by the time a log could show it.
        self._ask(data_center, f"/oauth/v2/token/revoke?{urlencode({'token': refresh_token})}", {})

    def _issued(self, data_center: DataCenter, client: Client, form: dict[str, str]) -> Issued:
        named = {"client_id": client.id, "client_secret": client.secret}
        answer = self._ask(data_center, "/oauth/v2/token", form | named)
        if answer.access_token is None:
            raise ZohoUnclear("Zoho's accounts server answered without an access token", BUSY_SECONDS)
        return Issued(answer.access_token, min(answer.expires_in, LIFETIME), answer.refresh_token)

    def _ask(self, data_center: DataCenter, path: str, form: dict[str, str]) -> _Answer:
        try:
            response = self._session.post(
                data_center.accounts_server + path,
                data=form,
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                allow_redirects=False,
            )
        except requests.RequestException as error:
            # The error's own text holds what was sent.
            raise ZohoBusy(f"Zoho's accounts server did not answer ({type(error).__name__})", BUSY_SECONDS) from None
        try:
            answer = _Answer.model_validate_json(response.content)
        except ValidationError:
            if response.status_code == 429:
                raise ZohoThrottled("Zoho's accounts server asks to wait", THROTTLED_SECONDS) from None
            text = f"Zoho's accounts server answered {response.status_code}, not in JSON"
            raise ZohoUnclear(text, BUSY_SECONDS) from None
        _raise_error(answer.error, response.status_code)
        return answer


def _raise_error(error: str | None, status: int) -> None:
    if error == THROTTLED or status == 429:
        raise ZohoThrottled("Zoho's accounts server was asked too often and wants a pause", THROTTLED_SECONDS)
    if error in _CONSENT_LOST:
        raise ZohoConsentLost(f"Zoho says {error}: the consent has expired, was used already, or was withdrawn")
    if error in _CLIENT_REFUSED:
        raise ZohoClientRefused(f"Zoho says {error}: it does not accept the client's id, secret or redirect URI")
    if error is not None or status >= 300:
        # Only an error that is known to mean it counts as the end of a code or refresh token.
        raise ZohoBusy(f"Zoho's accounts server answered {status} ({_known_shape(error)})", BUSY_SECONDS)


def _known_shape(error: str | None) -> str:
    """Return an error code of Zoho's, or "no known error" for any other text."""
    return error if error and len(error) <= 60 and error.replace("_", "").isalnum() else "no known error"
