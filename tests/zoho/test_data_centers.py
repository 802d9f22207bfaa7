"""The ten data centres, and the allow-list that they are."""

import pytest

from shared.zoho.data_centers import DATA_CENTERS, data_center_of

ACCOUNTS_SERVERS = {
    "us": "https://accounts.zoho.com",
    "eu": "https://accounts.zoho.eu",
    "in": "https://accounts.zoho.in",
    "au": "https://accounts.zoho.com.au",
    "jp": "https://accounts.zoho.jp",
    "ca": "https://accounts.zohocloud.ca",
    "sa": "https://accounts.zoho.sa",
    "uk": "https://accounts.zoho.uk",
    "cn": "https://accounts.zoho.com.cn",
    "ae": "https://accounts.zoho.ae",
}


def test_all_ten_are_there() -> None:
    assert {name: one.accounts_server for name, one in DATA_CENTERS.items()} == ACCOUNTS_SERVERS
    assert {one.api_domain for one in DATA_CENTERS.values()} == {
        f"https://www.zohoapis.{end}" for end in ("com", "eu", "in", "com.au", "jp", "ca", "sa", "uk", "com.cn", "ae")
    }


def test_the_gallery_apps_endpoints_are_the_guides_with_the_data_center_changed() -> None:
    guide = (
        "https://accounts.zoho.com/oauth/v2/auth?access_type=offline&prompt=consent&response_type=code&state="
        "&client_id=1000.T3YYZHB8J5Y2BQ185U2FWOIKREUWAH&scope=ZohoOne.SCIM.ALL"
        "&redirect_uri=https%3A%2F%2Fportal.azure.com%2FTokenAuthorize"
    )
    for name, server in ACCOUNTS_SERVERS.items():
        assert DATA_CENTERS[name].authorization_endpoint == guide.replace("https://accounts.zoho.com", server)  # type: ignore[index]  # str for Literal
        assert DATA_CENTERS[name].token_endpoint == f"{server}/oauth/v2/token"  # type: ignore[index]  # the same


@pytest.mark.parametrize("name", ACCOUNTS_SERVERS)
def test_each_server_is_known(name: str) -> None:
    for text in (ACCOUNTS_SERVERS[name], ACCOUNTS_SERVERS[name] + "/"):
        found = data_center_of(text)
        assert found is not None
        assert found.name == name


@pytest.mark.parametrize(
    "server",
    [
        "",
        "/",
        "accounts.zoho.com",
        "http://accounts.zoho.com",
        "HTTPS://accounts.zoho.com",
        "https://ACCOUNTS.zoho.com",
        "https://accounts.zoho.com:443",
        "https://accounts.zoho.com:8443",
        "https://accounts.zoho.com//",
        "https://accounts.zoho.com.",
        "https://accounts.zoho.com/x",
        "https://accounts.zoho.com?x",
        "https://accounts.zoho.com#x",
        "https://accounts.zoho.com\\@evil.example",
        "https://accounts.zoho.com@evil.example",
        "https://evil@accounts.zoho.com",
        "https://accounts.zoho.com.evil.example",
        "https://accounts.zoho.community",
        "https://accounts.zohо.com",  # a Cyrillic о
        " https://accounts.zoho.com",
        "https://accounts.zoho.com\n",
        "https://www.zohoapis.com",
        "http://127.0.0.1:7072/dc/us",
    ],
)
def test_anything_else_is_not(server: str) -> None:
    assert data_center_of(server) is None
