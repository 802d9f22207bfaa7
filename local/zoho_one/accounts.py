"""The simulated Zoho accounts servers, one for each data centre: consent, tokens and their limits.

They share one client and one organisation, which is in one data centre: its codes and tokens are valid only there.
Source: ../shared/facts/zoho.md and https://www.zoho.com/accounts/protocol/oauth/multi-dc.html.
"""

import html
import secrets
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode

from local.serving import Response

DATA_CENTERS = ("us", "eu", "in", "au", "jp", "ca", "sa", "uk", "cn", "ae")
SCOPE = "ZohoOne.SCIM.ALL"
CLIENT_ID = "1000.LOCALBRIDGE"

CODE_LIFETIME = 60  # seconds
ACCESS_TOKEN_LIFETIME = 3600  # seconds
ISSUE_LIMIT, ISSUE_WINDOW = 10, 600  # access tokens for one refresh token, in this number of seconds
REFRESH_TOKEN_LIMIT = 20  # for one user; one more silently drops the oldest

THROTTLED = {
    "error": "Access Denied",
    "error_description": "You have made too many requests continuously. Please try again after some time.",
}
CONSENT_PAGE = """<!doctype html><html lang="en"><title>Zoho Accounts</title>
<h1>Zoho One ({location}) asks for your consent</h1><p>The client {client} wants to access {scope}.</p>
<form method="post"><button name="decision" value="accept">Accept</button>
<button name="decision" value="reject">Reject</button></form></html>"""


@dataclass(frozen=True)
class Code:
    """What an authorization code represents."""

    redirect_uri: str
    offline: bool
    expires: float


@dataclass
class Issued:
    """What was issued, counted since the start or the last reset."""

    codes: int = 0
    refresh_tokens: int = 0
    access_tokens: int = 0
    refused: int = 0
    throttled: int = 0


@dataclass
class Grants:
    """What is valid now: codes, access tokens with their expiry, refresh tokens with the times of their use."""

    codes: dict[str, Code] = field(default_factory=dict)
    access_tokens: dict[str, float] = field(default_factory=dict)
    refresh_tokens: dict[str, deque[float]] = field(default_factory=dict)
    issued: Issued = field(default_factory=Issued)


class Accounts:
    """The accounts servers of one organisation in one data centre. `url` is the prefix of their paths."""

    def __init__(self, url: str, home: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._home = self._first_home = home
        self._clock = clock
        self.client_secret = secrets.token_hex(21)
        self.refresh_token = _new_token()
        self.scim_token = secrets.token_hex(32)
        self.reset()

    def reset(self) -> None:
        """Forget every grant but the organisation's initial refresh token, and return to the initial data centre."""
        self._home = self._first_home
        self.grants = Grants(refresh_tokens={self.refresh_token: deque()})
        self._scim_tokens = {self.scim_token}

    def move(self, home: str) -> None:
        """Move the organisation to another data centre. Raises ValueError."""
        if home not in DATA_CENTERS:
            raise ValueError(home)
        self._home = home

    def address(self, data_center: str) -> str:
        """The address of a data centre's accounts server."""
        return f"{self._url}/dc/{data_center}"

    def accepts(self, access_token: str) -> bool:
        """Return whether an access token, or a SCIM token, is valid now."""
        if access_token in self._scim_tokens:
            return True
        return self.grants.access_tokens.get(access_token, 0) > self._clock()

    def rotate_scim_token(self, *, keep: bool) -> str:
        """Create another SCIM token, as an administrator does in Zoho One. ``keep``: the former ones stay valid."""
        token = secrets.token_hex(32)
        self._scim_tokens = {token, *(self._scim_tokens if keep else ())}
        return token

    def expire_access_tokens(self) -> None:
        """Expire every access token now."""
        self.grants.access_tokens.clear()

    def respond(self, method: str, path: str, query: str, body: bytes) -> Response:
        """Answer a request to `/dc/{data center}/…`."""
        _, _, data_center, *rest = path.split("/")
        if data_center not in DATA_CENTERS:
            return Response(404)
        parameters, form = dict(parse_qsl(query)), dict(parse_qsl(body.decode("utf-8", "replace")))
        match method, "/".join(rest):
            case "GET" | "POST", "oauth/v2/auth":
                return self._authorize(data_center, parameters, form.get("decision") or parameters.get("decision"))
            case "POST", "oauth/v2/token":
                return self._token(data_center, form)
            case "POST", "oauth/v2/token/revoke":
                return self._revoke(data_center, parameters.get("token") or form.get("token", ""))
            case "GET", "oauth/serverinfo":
                locations = {name: self.address(name) for name in DATA_CENTERS}
                return Response.json({"result": "success", "locations": locations})
        return Response(404)

    def _authorize(self, data_center: str, asked: Mapping[str, str], decision: str | None) -> Response:
        for name, right in (("client_id", CLIENT_ID), ("response_type", "code"), ("scope", SCOPE)):
            if asked.get(name) != right:
                return _page(f"ERROR_invalid_{name.removesuffix('_id')}", 400)
        if "redirect_uri" not in asked:
            return _page("ERROR_invalid_redirect_uri", 400)
        if decision is None:
            return _page(CONSENT_PAGE.format(location=data_center, client=html.escape(CLIENT_ID), scope=SCOPE))
        outcome = {"error": "access_denied"}
        if decision == "accept":
            code = _new_token()
            self.grants.codes[code] = Code(
                asked["redirect_uri"], asked.get("access_type") == "offline", self._clock() + CODE_LIFETIME
            )
            self.grants.issued.codes += 1
            outcome = {"code": code, "location": self._home, "accounts-server": self.address(self._home)}
        if "state" in asked:
            outcome["state"] = asked["state"]
        return Response(302, headers=[("location", f"{asked['redirect_uri']}?{urlencode(outcome)}")])

    def _token(self, data_center: str, form: Mapping[str, str]) -> Response:
        """Exchange a code or a refresh token. Zoho reports errors in the body, with status 200."""
        refusal = self._check_client(form)
        if not refusal:
            match form.get("grant_type"):
                case "authorization_code":
                    return self._exchange(data_center, form)
                case "refresh_token":
                    return self._refresh(data_center, form)
            refusal = "unsupported_grant_type"
        return self._refuse(refusal)

    def _check_client(self, form: Mapping[str, str]) -> str | None:
        if form.get("client_id") != CLIENT_ID:
            return "invalid_client"
        return None if form.get("client_secret") == self.client_secret else "invalid_client_secret"

    def _exchange(self, data_center: str, form: Mapping[str, str]) -> Response:
        code = self.grants.codes.pop(form.get("code", ""), None)  # used up, even by a failed exchange
        if code is None or code.expires <= self._clock() or data_center != self._home:
            return self._refuse("invalid_code")
        if code.redirect_uri != form.get("redirect_uri"):
            return self._refuse("invalid_redirect_uri")
        if not code.offline:
            return Response.json(self._issue())
        refresh_token = _new_token()
        tokens = self.grants.refresh_tokens
        tokens[refresh_token] = deque([self._clock()])
        if len(tokens) > REFRESH_TOKEN_LIMIT:
            del tokens[next(iter(tokens))]
        self.grants.issued.refresh_tokens += 1
        return Response.json({"refresh_token": refresh_token, **self._issue()})

    def _refresh(self, data_center: str, form: Mapping[str, str]) -> Response:
        used = self.grants.refresh_tokens.get(form.get("refresh_token", ""))
        if used is None or data_center != self._home:
            return self._refuse("invalid_code")
        now = self._clock()
        while used and used[0] <= now - ISSUE_WINDOW:
            used.popleft()
        if len(used) >= ISSUE_LIMIT:
            self.grants.issued.throttled += 1
            return Response.json(THROTTLED, 400)
        used.append(now)
        return Response.json(self._issue())

    def _issue(self) -> dict[str, str | int]:
        token = _new_token()
        self.grants.access_tokens[token] = self._clock() + ACCESS_TOKEN_LIFETIME
        self.grants.issued.access_tokens += 1
        return {
            "access_token": token,
            "api_domain": self._url,
            "token_type": "Bearer",
            "expires_in": ACCESS_TOKEN_LIFETIME,
        }

    def _revoke(self, data_center: str, token: str) -> Response:
        if data_center != self._home or token not in self.grants.refresh_tokens:
            return self._refuse("invalid_token", 400)
        del self.grants.refresh_tokens[token]
        self.expire_access_tokens()
        return Response.json({"status": "success"})

    def _refuse(self, error: str, status: int = 200) -> Response:
        self.grants.issued.refused += 1
        return Response.json({"error": error}, status)


def _new_token() -> str:
    return f"1000.{secrets.token_hex(16)}.{secrets.token_hex(16)}"


def _page(content: str, status: int = 200) -> Response:
    return Response(status, content.encode(), [("content-type", "text/html;charset=UTF-8")])
