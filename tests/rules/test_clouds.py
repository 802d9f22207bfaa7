"""One setting for Microsoft's clouds."""

import re

import pytest

from local.processes import ROOT
from shared.mail.settings import Mailbox, MailSettings
from shared.rules.clouds import BY_LOGIN, CLOUDS, CloudName
from shared.rules.entra_connection import HOSTS
from shared.sign_in_settings import SignInOff, SignInSettings

TENANT = "11111111-2222-3333-4444-555555555555"


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BRIDGE_CLOUD", "BRIDGE_SIGN_IN_AUTHORITY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("name", [None, *CloudName])
def test_mail_and_sign_in_follow_the_setting(name: CloudName | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if name is not None:
        monkeypatch.setenv("BRIDGE_CLOUD", name)
    monkeypatch.setenv("BRIDGE_MAIL", "graph")
    monkeypatch.setenv("BRIDGE_MAIL_FROM", "bridge@contoso.example")
    monkeypatch.setenv("BRIDGE_MAIL_TENANT_ID", TENANT)
    cloud = CLOUDS[name or CloudName.GLOBAL]
    chosen = MailSettings().mail_way(in_azure=True)
    assert chosen is not None
    mailbox, _ = chosen
    assert isinstance(mailbox, Mailbox)
    assert mailbox.connection.graph_origin == f"https://{cloud.graph}"
    assert mailbox.connection.authority == f"https://{cloud.login}/{TENANT}"
    for setting, value in (("TENANT_ID", TENANT), ("CLIENT_ID", TENANT), ("CLIENT_SECRET", "s")):
        monkeypatch.setenv(f"BRIDGE_SIGN_IN_{setting}", value)
    app = SignInSettings().sign_in_app
    assert app.tenant_authority == f"https://{cloud.login}/{TENANT}"
    assert (app.issuer, app.cloud.exchange) == (f"https://{cloud.issuer}/{TENANT}/v2.0", cloud.exchange)
    monkeypatch.setenv("BRIDGE_SIGN_IN_AUTHORITY", "https://login.microsoftonline.us")
    assert SignInSettings().sign_in_app.tenant_authority == f"https://login.microsoftonline.us/{TENANT}"


def test_an_unknown_cloud_closes_the_pages_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_CLOUD", "AzureGermanCloud")
    with pytest.raises(SignInOff, match="BRIDGE_CLOUD is none of AzureCloud"):
        _ = SignInSettings().sign_in_app


def test_the_scripts_have_the_same_hosts() -> None:
    script = (ROOT / "infra/scripts/common.sh").read_text()
    for name, cloud in CLOUDS.items():
        if name is CloudName.US_DOD:
            assert f"GRAPH={cloud.graph}" in script
            continue
        (branch,) = re.findall(rf"^    {name}\)\n(.*?);;", script, re.DOTALL | re.MULTILINE)
        values = dict(re.findall(r"([A-Z]+)=(\S+)", branch))
        assert values == {
            "LOGIN": cloud.login,
            "ISSUER": cloud.issuer,
            "GRAPH": cloud.graph,
            "EXCHANGE": cloud.exchange,
            "PORTAL": cloud.portal,
        }


def test_each_host_belongs_to_one_cloud() -> None:
    assert {each.graph: each.login for each in CLOUDS.values()} == HOSTS
    assert len(HOSTS) == len(CLOUDS)
    assert BY_LOGIN["login.microsoftonline.us"] == CLOUDS[CloudName.US_GOVERNMENT]
