"""Who may open the pages where nobody signs in, and that the pages are closed where nobody can."""

import pytest

from shared.app.container import Bridge
from shared.console.admin import Admin, NotAnAdmin, PagesClosed
from shared.console.sign_in import LOCAL, Browser
from shared.rules.store import Store
from tests.console.conftest import AZURE, Pages, served_by

NOBODY = Browser({}, "http://localhost", "localhost")
ENTRA_ID = "44444444-4444-4444-8444-444444444444"


def _without(*names: str) -> dict[str, str]:
    return {name: value for name, value in AZURE.items() if not name.endswith(names)}


@pytest.mark.parametrize(
    ("platform", "reason"),
    [
        ({}, "BRIDGE_SIGN_IN_TENANT_ID is missing; BRIDGE_SIGN_IN_CLIENT_ID is missing"),
        (_without("_TENANT_ID"), "BRIDGE_SIGN_IN_TENANT_ID is missing"),
        (_without("_IDENTITY_CLIENT_ID"), "set one of BRIDGE_SIGN_IN_IDENTITY_CLIENT_ID, BRIDGE_SIGN_IN_CLIENT_SECRET"),
        (AZURE | {"BRIDGE_SIGN_IN_CLIENT_SECRET": "secret"}, "set one of BRIDGE_SIGN_IN_IDENTITY_CLIENT_ID"),
        (AZURE | {"BRIDGE_SIGN_IN_TENANT_ID": "contoso"}, "BRIDGE_SIGN_IN_TENANT_ID: "),
        (AZURE | {"BRIDGE_SIGN_IN_AUTHORITY": "https://login.evil.example"}, "BRIDGE_SIGN_IN_AUTHORITY is one of"),
        (AZURE | {"BRIDGE_SIGN_IN_AUTHORITY": "http://login.microsoftonline.com"}, "BRIDGE_SIGN_IN_AUTHORITY is https"),
        (AZURE | {"BRIDGE_SIGN_IN_AUTHORITY": "https://login.microsoftonline.com/x"}, "AUTHORITY is https and a host"),
        (
            _without("_IDENTITY_CLIENT_ID") | {"BRIDGE_SIGN_IN_CLIENT_SECRET": "@Microsoft.KeyVault(SecretUri=x)"},
            "the Key Vault reference of BRIDGE_SIGN_IN_CLIENT_SECRET is not resolved",
        ),
        (AZURE | {"BRIDGE_LOCAL_ADMIN": "Organization.Owner"}, "BRIDGE_LOCAL_ADMIN signs anybody in"),
        (
            {"WEBSITE_INSTANCE_ID": "1", "BRIDGE_LOCAL_ADMIN": "Organization.Owner"},
            "BRIDGE_LOCAL_ADMIN signs anybody in",
        ),
    ],
)
def test_wrong_settings_close_the_pages_and_say_which(platform: dict[str, str], reason: str, bridge: Bridge) -> None:
    sign_in = served_by(bridge.sign_in, **platform)
    with pytest.raises(PagesClosed, match=reason):
        sign_in.who(NOBODY)


def test_the_local_admin_has_the_roles_that_are_given(bridge: Bridge) -> None:
    local = served_by(bridge.sign_in, BRIDGE_LOCAL_ADMIN="x, Organization.Admin").who(NOBODY)
    assert (local.admin, local.session, local.cookie) == (Admin(LOCAL), LOCAL, None)
    for roles in ("", "x"):
        with pytest.raises(NotAnAdmin):
            served_by(bridge.sign_in, BRIDGE_LOCAL_ADMIN=roles).who(NOBODY)


@pytest.mark.parametrize("settings", [{}, {"BRIDGE_SIGN_IN_ENTERPRISE_APP_ID": ENTRA_ID}])
@pytest.mark.parametrize(
    ("authority", "portal", "issuer", "audience"),
    [
        ("https://login.microsoftonline.com/", "entra.microsoft.com", "login.microsoftonline.com", ""),
        ("https://login.microsoftonline.us", "entra.microsoft.us", "login.microsoftonline.us", "USGov"),
        ("https://login.chinacloudapi.cn", "entra.microsoftonline.cn", "login.partner.microsoftonline.cn", "China"),
    ],
)
def test_each_cloud_has_its_own_addresses(
    settings: dict[str, str], authority: str, portal: str, issuer: str, audience: str, bridge: Bridge
) -> None:
    app = served_by(bridge.sign_in, **AZURE, **settings, BRIDGE_SIGN_IN_AUTHORITY=authority).platform.sign_in_app
    assert app.cloud.exchange == f"api://AzureADTokenExchange{audience}"
    assert app.issuer == f"https://{issuer}/{app.tenant_id}/v2.0"
    assert app.roles_page.startswith(f"https://{portal}/#view/")
    assert app.roles_page.endswith(f"/appId/{app.client_id}")
    assert (f"/Users/objectId/{ENTRA_ID}/" in app.roles_page) is bool(settings)


@pytest.mark.parametrize(
    ("platform", "status", "words"),
    [
        ({}, 503, "Nobody can sign in: BRIDGE_SIGN_IN_TENANT_ID is missing"),
        (AZURE, 302, ""),
        ({"BRIDGE_LOCAL_ADMIN": ""}, 403, "not an admin"),
    ],
)
def test_the_pages_of_consent_say_so(
    platform: dict[str, str], status: int, words: str, pages: Pages, store: Store
) -> None:
    pages.served_by(**platform)
    page = pages.client.get(f"/oauth/start?store={store.id}")
    assert page.status_code == status
    assert words in page.text
    assert pages.client.get("/oauth/callback").status_code == status
    if status == 302:
        assert page.headers["Location"] == f"/console/sign-in?to=/oauth/start?store%3D{store.id}"
