"""Zoho's answers are read from the body, whatever the status."""

from typing import Any

import pytest
import requests

from shared.zoho.data_centers import DATA_CENTERS, DataCenter, replaced
from shared.zoho.errors import ZohoBusy, ZohoClientRefused, ZohoConsentLost, ZohoThrottled, ZohoUnclear
from shared.zoho.oauth import Client, ZohoAccounts, consent_url
from tests.conftest import ZohoOne

THROTTLED = {"error": "Access Denied", "error_description": "You have made too many requests continuously."}
CLIENT = Client("1000.X", "sesame")


@pytest.fixture
def home(zoho_one: ZohoOne) -> DataCenter:
    """The simulated organisation's own data centre."""
    return replaced(zoho_one.parts.accounts_servers)[zoho_one.parts.data_center]


@pytest.mark.parametrize("status", [200, 400, 401, 429, 500])
@pytest.mark.parametrize(
    ("body", "error"),
    [
        (THROTTLED, ZohoThrottled),
        ({"error": "invalid_code"}, ZohoConsentLost),
        ({"error": "invalid_client"}, ZohoClientRefused),
        ({"error": "invalid_client_secret"}, ZohoClientRefused),
        ({"error": "something <b>new</b>"}, ZohoBusy),
        ({}, ZohoBusy),
        ("<html>", ZohoBusy),
        (None, ZohoBusy),
    ],
)
def test_an_error_is_what_the_body_says(
    status: int, body: object, error: type[Exception], home: DataCenter, zoho_one: ZohoOne
) -> None:
    if status == 429:
        error = ZohoThrottled
    zoho_one.fail(path="/oauth/v2/token", status=status, body=body)
    with pytest.raises(error) as raised:
        ZohoAccounts(requests.Session()).refresh(home, CLIENT, "1000.token")
    assert type(raised.value) in (error, ZohoUnclear)
    assert not any(secret in str(raised.value) for secret in ("sesame", "1000.token", "<b>"))


def test_a_redirect_is_not_followed(home: DataCenter, zoho_one: ZohoOne) -> None:
    zoho_one.fail(path="/oauth/v2/token", status=307, headers={"Location": f"{home.accounts_server}/elsewhere"})
    with pytest.raises(ZohoBusy):
        ZohoAccounts(requests.Session()).refresh(home, CLIENT, "1000.token")
    assert list(zoho_one.all_calls()) == ["POST /oauth/v2/token"]


@pytest.mark.parametrize(("said", "lasts"), [(3600, 3600), (3_600_000, 3600), (1800, 1800)])
def test_a_token_lasts_for_an_hour_at_the_most(said: int, lasts: int, home: DataCenter, zoho_one: ZohoOne) -> None:
    body: dict[str, Any] = {"access_token": "a", "expires_in": said}
    zoho_one.fail(path="/oauth/v2/token", status=200, body=body)
    issued = ZohoAccounts(requests.Session()).refresh(home, CLIENT, "1000.token")
    assert (issued.access_token, issued.seconds) == ("a", lasts)
    assert "'a'" not in repr(issued)
    assert "sesame" not in repr(CLIENT)


def test_an_address_asks_for_consent_letter_by_letter() -> None:
    assert consent_url(DATA_CENTERS["in"], "1000.X", "https://bridge.example/oauth/callback", "s&=") == (
        "https://accounts.zoho.in/oauth/v2/auth?client_id=1000.X&response_type=code"
        "&redirect_uri=https%3A%2F%2Fbridge.example%2Foauth%2Fcallback&scope=ZohoOne.SCIM.ALL&access_type=offline"
        "&prompt=consent&state=s%26%3D"
    )
