"""The simulated accounts servers hand out tokens as Zoho documents it."""

import json
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from local.serving import Response
from local.zoho_one.accounts import CLIENT_ID, SCOPE, THROTTLED, Accounts

URL = "http://127.0.0.1:1"
CALLBACK = "http://127.0.0.1:2/oauth/callback"
CONSENT = {
    "client_id": CLIENT_ID,
    "response_type": "code",
    "scope": SCOPE,
    "redirect_uri": CALLBACK,
    "access_type": "offline",
    "prompt": "consent",
    "state": "s=&1",
}


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The time."""
    return Clock()


@pytest.fixture
def accounts(clock: Clock) -> Accounts:
    """The accounts servers of an organisation in the EU."""
    return Accounts(URL, "eu", clock)


def consent(accounts: Accounts, decision: str, data_center: str = "eu", **changed: str) -> dict[str, str]:
    """What the browser brings back."""
    body = urlencode({"decision": decision}).encode()
    path = f"/dc/{data_center}/oauth/v2/auth"
    answer = accounts.respond("POST", path, urlencode({**CONSENT, **changed}), body)
    assert answer.status == 302
    address = urlsplit(dict(answer.headers)["location"])
    assert address._replace(query="").geturl() == CALLBACK
    return dict(parse_qsl(address.query))


def token(accounts: Accounts, data_center: str = "eu", **form: str) -> dict[str, Any]:
    """What the token endpoint answers."""
    client = {"client_id": CLIENT_ID, "client_secret": accounts.client_secret}
    path = f"/dc/{data_center}/oauth/v2/token"
    return content(accounts.respond("POST", path, "", urlencode({**client, **form}).encode()))


def content(response: Response) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(response.body)
    return parsed


def exchange(accounts: Accounts, code: str, data_center: str = "eu", redirect_uri: str = CALLBACK) -> dict[str, Any]:
    return token(accounts, data_center, grant_type="authorization_code", code=code, redirect_uri=redirect_uri)


def refresh(accounts: Accounts, refresh_token: str, data_center: str = "eu") -> dict[str, Any]:
    return token(accounts, data_center, grant_type="refresh_token", refresh_token=refresh_token)


def test_consent_leads_to_tokens_that_work(accounts: Accounts) -> None:
    back = consent(accounts, "accept")
    assert (back["location"], back["accounts-server"], back["state"]) == ("eu", f"{URL}/dc/eu", "s=&1")
    tokens = exchange(accounts, back["code"])
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 3600)
    assert accounts.accepts(tokens["access_token"])
    again = refresh(accounts, tokens["refresh_token"])
    assert accounts.accepts(again["access_token"])
    assert "refresh_token" not in again


def test_the_consent_page_asks_and_can_be_decided_by_a_parameter(accounts: Accounts) -> None:
    page = accounts.respond("GET", "/dc/eu/oauth/v2/auth", urlencode(CONSENT), b"")
    assert page.status == 200
    assert page.body.count(b"<button") == 2
    decided = accounts.respond("GET", "/dc/eu/oauth/v2/auth", urlencode({**CONSENT, "decision": "accept"}), b"")
    assert decided.status == 302


def test_a_rejected_consent_says_so(accounts: Accounts) -> None:
    assert consent(accounts, "reject") == {"error": "access_denied", "state": "s=&1"}


@pytest.mark.parametrize("changed", [{"client_id": "x"}, {"scope": "x"}, {"response_type": "token"}])
def test_a_wrong_consent_request_never_redirects(accounts: Accounts, changed: dict[str, str]) -> None:
    refused = accounts.respond("GET", "/dc/eu/oauth/v2/auth", urlencode({**CONSENT, **changed}), b"")
    assert refused.status == 400


def test_a_code_is_worth_something_only_at_the_organisations_data_center(accounts: Accounts) -> None:
    back = consent(accounts, "accept", data_center="us")
    assert (back["location"], back["accounts-server"]) == ("eu", f"{URL}/dc/eu")
    assert exchange(accounts, back["code"], "us") == {"error": "invalid_code"}
    assert refresh(accounts, accounts.refresh_token, "us") == {"error": "invalid_code"}


def test_a_code_is_used_once_and_lives_for_a_minute(accounts: Accounts, clock: Clock) -> None:
    used, late, elsewhere = (consent(accounts, "accept")["code"] for _ in range(3))
    exchange(accounts, used)
    assert exchange(accounts, used) == {"error": "invalid_code"}
    assert exchange(accounts, elsewhere, redirect_uri="http://other") == {"error": "invalid_redirect_uri"}
    clock.now += 61
    assert exchange(accounts, late) == {"error": "invalid_code"}


def test_without_offline_access_there_is_no_refresh_token(accounts: Accounts) -> None:
    back = consent(accounts, "accept", access_type="online")
    assert "refresh_token" not in exchange(accounts, back["code"])


def test_an_access_token_lives_for_an_hour(accounts: Accounts, clock: Clock) -> None:
    issued = refresh(accounts, accounts.refresh_token)["access_token"]
    clock.now += 3599
    assert accounts.accepts(issued)
    clock.now += 1
    assert not accounts.accepts(issued)


def test_more_than_ten_tokens_in_ten_minutes_are_throttled(accounts: Accounts, clock: Clock) -> None:
    for _ in range(10):
        assert "access_token" in refresh(accounts, accounts.refresh_token)
    assert refresh(accounts, accounts.refresh_token) == THROTTLED
    clock.now += 600
    assert "access_token" in refresh(accounts, accounts.refresh_token)


def test_the_twenty_first_refresh_token_drops_the_oldest(accounts: Accounts) -> None:
    for _ in range(20):
        exchange(accounts, consent(accounts, "accept")["code"])
    assert refresh(accounts, accounts.refresh_token) == {"error": "invalid_code"}


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"client_id": "x"}, "invalid_client"),
        ({"client_secret": "x"}, "invalid_client_secret"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_errors_come_with_status_200(accounts: Accounts, form: dict[str, str], error: str) -> None:
    client = {"client_id": CLIENT_ID, "client_secret": accounts.client_secret}
    answer = accounts.respond("POST", "/dc/eu/oauth/v2/token", "", urlencode({**client, **form}).encode())
    assert (answer.status, content(answer)) == (200, {"error": error})


def test_a_revoked_token_is_gone(accounts: Accounts) -> None:
    access = refresh(accounts, accounts.refresh_token)["access_token"]
    query = urlencode({"token": accounts.refresh_token})
    assert content(accounts.respond("POST", "/dc/eu/oauth/v2/token/revoke", query, b"")) == {"status": "success"}
    assert refresh(accounts, accounts.refresh_token) == {"error": "invalid_code"}
    assert not accounts.accepts(access)


def test_each_data_center_knows_the_others(accounts: Accounts) -> None:
    locations = content(accounts.respond("GET", "/dc/jp/oauth/serverinfo", "", b""))["locations"]
    assert len(locations) == 10
    assert locations["sa"] == f"{URL}/dc/sa"
    assert accounts.respond("GET", "/dc/xx/oauth/serverinfo", "", b"").status == 404


def test_the_organisation_can_move(accounts: Accounts) -> None:
    accounts.move("jp")
    back = consent(accounts, "accept")
    assert (back["location"], back["accounts-server"]) == ("jp", f"{URL}/dc/jp")
    assert "access_token" in exchange(accounts, back["code"], "jp")
    with pytest.raises(ValueError, match="xx"):
        accounts.move("xx")
    accounts.reset()
    assert consent(accounts, "accept")["location"] == "eu"
