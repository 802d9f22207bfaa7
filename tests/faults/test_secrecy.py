"""After everything that can be done with a connection: no secret in clear in any table, log or page."""

from urllib.parse import parse_qsl, quote, urlsplit

import pytest

from local.parts import app_settings
from local.processes import Child, Processes
from local.store import add_store
from local.walkthrough.admin_browser import AdminBrowser
from local.zoho_one.accounts import THROTTLED
from shared.app.container import Bridge
from tests.conftest import Endpoint, ZohoOne
from tests.mail.mailing import raw_tables


class Witness:
    """Collects what must stay secret, and what was shown."""

    def __init__(self, bridge: Bridge, store_id: str) -> None:
        self._bridge, self._store_id = bridge, store_id
        self.secrets: set[str] = set()
        self.shown: list[str] = []

    def see(self, text: str) -> None:
        """A page or an answer; with it, the tokens of the moment."""
        self.shown.append(text)
        if kept := self._bridge.connections.read(self._store_id):
            access = {kept.tokens.access.token} if kept.tokens.access else set()
            self.secrets |= {kept.tokens.refresh_token, kept.tokens.client_secret} | access


@pytest.fixture
def own_host(processes: Processes, azurite: str, key: str, zoho_one: ZohoOne) -> tuple[Child, str]:
    """A host whose log is only this test's."""
    process, ready = processes.start_module(
        "local.host", "--port", "0", environment=app_settings(azurite, key, zoho_one.parts)
    )
    return process, ready["url"]


def test_no_secret_is_anywhere_in_clear(
    own_host: tuple[Child, str], azurite: str, key: str, zoho_one: ZohoOne, bridge: Bridge, store_id: str
) -> None:
    process, url = own_host
    witness = Witness(bridge, store_id)
    secret_token = add_store(azurite, key, zoho_one.parts, store_id, connected=False)
    witness.secrets |= {secret_token, zoho_one.parts.client_secret, key}
    endpoint = Endpoint(f"{url}/scim/{store_id}", secret_token)
    _live(witness, AdminBrowser(url), endpoint, zoho_one, bridge, store_id)
    assert len(witness.secrets) >= 12
    process.stop()
    places = {
        "pages": "\n".join(witness.shown),
        "log": process.log.read_text() + process.output.read_text(),
        "tables": raw_tables(azurite, store_id),
    }
    assert "oauth_callback" in places["log"] or "bridge.connection" in places["log"], "the log was kept"
    assert store_id in places["tables"]
    for place, text in places.items():
        for secret in witness.secrets:
            assert secret not in text, f"{secret[:12]}… in the {place}"
            assert quote(secret, safe="") not in text


def _live(
    witness: Witness, browser: AdminBrowser, endpoint: Endpoint, zoho_one: ZohoOne, bridge: Bridge, store_id: str
) -> None:
    """Consents that succeed and fail, renewals that succeed and fail, a push each, and the end."""

    def consent(decision: str = "accept") -> None:
        consent_url = browser.ask(store_id)
        callback = browser.decide(consent_url, decision)
        query = dict(parse_qsl(urlsplit(callback).query))
        witness.secrets.update({query["state"], *browser.session.cookies.values(), query.get("code", query["state"])})
        for _ in range(2):  # the second time it is answered already
            witness.see(browser.come_back(callback).text)

    def push(number: int) -> None:
        person = {"userName": f"person-{number}@contoso.example", "active": True}
        witness.see(endpoint.request("POST", "/Users", json=person).text)

    consent("reject")
    zoho_one.fail(path="/oauth/v2/token", status=200, body=THROTTLED)
    consent()
    zoho_one.fail(path="/oauth/v2/token", drop="after")
    consent()
    consent()
    store = bridge.stores.get(store_id)
    assert store is not None
    assert bridge.switch.start(store).passed
    push(1)
    zoho_one.expire_tokens()
    push(2)
    zoho_one.expire_tokens()
    zoho_one.fail(path="/oauth/v2/token", status=200, body={"error": "invalid_code"})
    push(3)
    consent()
    push(4)
    zoho_one.fail(path="/oauth/v2/token/revoke", status=500)
    with pytest.raises(Exception, match="500"):
        bridge.disconnect(store_id)
    push(5)
    bridge.disconnect(store_id)
    push(6)
