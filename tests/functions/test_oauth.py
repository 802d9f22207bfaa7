"""Consent as an admin's browser goes through it, on the running host, against the simulated accounts servers."""

import re
import socket
import threading
from collections.abc import Iterator
from http.cookies import SimpleCookie
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit, urlunsplit

import pytest
import requests

from local.parts import app_settings
from local.processes import Processes
from local.store import add_store
from local.walkthrough.admin_browser import AdminBrowser, NotAsked
from local.zoho_one.accounts import CLIENT_ID, DATA_CENTERS, THROTTLED
from shared.app.container import Bridge
from shared.connection.consent import CLIENT_SECRET
from shared.rules.store import Store
from shared.tables.connections import ConnectionState
from tests.conftest import Endpoint, ZohoOne
from tests.console.conftest import pages_of

PERSON = {"userName": "ada@contoso.example", "active": True}


@pytest.fixture
def browser(host: str) -> AdminBrowser:
    return AdminBrowser(host)


@pytest.fixture
def unconnected(azurite: str, key: str, zoho_one: ZohoOne, store_id: str, host: str) -> Endpoint:
    """The endpoint of a store that waits for consent."""
    return Endpoint(f"{host}/scim/{store_id}", add_store(azurite, key, zoho_one.parts, store_id, connected=False))


def _start(bridge: Bridge, store_id: str) -> None:
    store = bridge.stores.get(store_id)
    assert store is not None
    assert bridge.switch.start(store).passed


def _with(callback: str, **changed: str | None) -> str:
    """An address with other parameters."""
    parts = urlsplit(callback)
    query = {name: value for name, value in (dict(parse_qsl(parts.query)) | changed).items() if value is not None}
    return urlunsplit(parts._replace(query=urlencode(query)))


def _assert_unconnected(bridge: Bridge, zoho_one: ZohoOne, store_id: str, page: requests.Response, words: str) -> None:
    """A page that says what happened, and a store that is as it was."""
    assert words in page.text
    assert "Nothing was changed" in page.text or "nothing was changed" in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "<script" not in page.text
    assert bridge.connections.read(store_id) is None


@pytest.mark.parametrize("data_center", DATA_CENTERS)
def test_the_whole_consent_wherever_the_organisation_lives(
    data_center: str, browser: AdminBrowser, unconnected: Endpoint, zoho_one: ZohoOne, bridge: Bridge, store_id: str
) -> None:
    """Where it is another data center than the store says, the store follows the account."""
    zoho_one.move(data_center)
    page = browser.connect(store_id)
    assert page.status_code == 200, page.text
    assert "is connected to Zoho One" in page.text
    assert ("the store has been set to that" in page.text) == (data_center != zoho_one.parts.data_center)
    assert unconnected.request("POST", "/Users", json=PERSON).status_code == 503, "it is not started"
    assert unconnected.request("GET", "/Users").status_code == 200
    _start(bridge, store_id)
    assert unconnected.request("POST", "/Users", json=PERSON).status_code == 201
    zoho_one.expire_tokens()
    assert unconnected.request("POST", "/Users", json={**PERSON, "userName": "bob@contoso.example"}).status_code == 201
    connection, store = bridge.connections.state(store_id), bridge.stores.get(store_id)
    assert (connection.state, connection.data_center) == (ConnectionState.CONNECTED, data_center)
    assert store is not None
    assert store.zoho.data_center == data_center


def test_the_parameters_and_the_cookie_are_as_documented(browser: AdminBrowser, unconnected: Endpoint) -> None:
    answer = browser.get("/oauth/start", store=unconnected.url.rpartition("/")[2])
    asked = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert asked.pop("state")[0]
    assert asked == {
        "client_id": [CLIENT_ID],
        "response_type": ["code"],
        "redirect_uri": [f"{browser.host}/oauth/callback"],
        "scope": ["ZohoOne.SCIM.ALL"],
        "access_type": ["offline"],
        "prompt": ["consent"],
    }
    (cookie,) = SimpleCookie(answer.headers["Set-Cookie"]).values()
    assert cookie["httponly"] is True
    assert (cookie["samesite"].lower(), cookie["path"], cookie["max-age"]) == ("lax", "/oauth", "600")
    assert not cookie["secure"], "on http on this machine it would not come back"


def test_a_store_that_is_not_there_is_not_asked_for(browser: AdminBrowser) -> None:
    for store in ("nobody", "", "../x"):
        with pytest.raises(NotAsked, match="404"):
            browser.ask(store)


def test_a_store_without_a_client_secret_cannot_ask(
    browser: AdminBrowser, unconnected: Endpoint, bridge: Bridge, store_id: str
) -> None:
    bridge.secrets.delete(store_id, CLIENT_SECRET)
    with pytest.raises(NotAsked, match="409") as page:
        browser.ask(store_id)
    assert "The directory store has no client secret" in page.value.response.text


def test_consent_can_be_rejected(
    browser: AdminBrowser, unconnected: Endpoint, zoho_one: ZohoOne, bridge: Bridge, store_id: str
) -> None:
    page = browser.come_back(browser.decide(browser.ask(store_id), "reject"))
    assert page.status_code == 400
    _assert_unconnected(bridge, zoho_one, store_id, page, "Zoho was not given consent")
    refused = unconnected.request("POST", "/Users", json=PERSON)
    assert refused.status_code == 503


def test_an_answer_counts_once(browser: AdminBrowser, unconnected: Endpoint, store_id: str) -> None:
    callback = browser.decide(browser.ask(store_id))
    assert browser.come_back(callback).status_code == 200
    again = browser.come_back(callback)
    assert again.status_code == 400
    assert "does not match an open request" in again.text


@pytest.mark.parametrize("state", [None, "", "made-up", "x" * 500])
def test_an_answer_without_a_question_is_refused(state: str | None, browser: AdminBrowser) -> None:
    page = browser.come_back(_with(f"{browser.host}/oauth/callback", code="c", state=state))
    assert page.status_code == 400
    assert "does not match an open request" in page.text


def test_another_browser_cannot_answer(
    browser: AdminBrowser, unconnected: Endpoint, zoho_one: ZohoOne, bridge: Bridge, store_id: str
) -> None:
    callback = browser.decide(browser.ask(store_id))
    page = AdminBrowser(browser.host).come_back(callback)
    assert page.status_code == 403
    _assert_unconnected(bridge, zoho_one, store_id, page, "another browser or another admin")
    assert browser.come_back(callback).status_code == 400, "the state is used up"


def test_two_windows_do_not_disturb_each_other(browser: AdminBrowser, unconnected: Endpoint, store_id: str) -> None:
    first, second = browser.decide(browser.ask(store_id)), browser.decide(browser.ask(store_id))
    assert browser.come_back(first).status_code == 200
    assert browser.come_back(second).status_code == 200


@pytest.fixture
def attacker() -> Iterator[tuple[str, list[object]]]:
    """A server that listens, and who connected to it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        seen: list[object] = []

        def accept() -> None:
            try:
                while True:
                    connection, peer = listener.accept()
                    seen.append(peer)
                    connection.close()
            except OSError:
                return

        threading.Thread(target=accept, daemon=True).start()
        yield f"127.0.0.1:{listener.getsockname()[1]}", seen


def test_an_attackers_server_receives_nothing(
    browser: AdminBrowser,
    unconnected: Endpoint,
    zoho_one: ZohoOne,
    bridge: Bridge,
    store_id: str,
    attacker: tuple[str, list[object]],
) -> None:
    address, seen = attacker
    right = zoho_one.parts.accounts
    for server in (
        f"http://{address}",
        f"http://{address}/dc/us",
        right.replace("http://", f"http://{address}/"),
        f"{right}@{address}",
        right.replace("//", f"//{address}@"),
        f"{right}/../../{address}",
        right.upper(),
        f"{right}//",
        "https://accounts.zoho.com",  # the real one is not on the simulation's list
    ):
        callback = browser.decide(browser.ask(store_id))
        page = browser.come_back(_with(callback, **{"accounts-server": server}))
        assert page.status_code == 400, server
        _assert_unconnected(bridge, zoho_one, store_id, page, "not one of Zoho&#39;s")
    assert seen == []
    assert "POST /oauth/v2/token" not in zoho_one.all_calls(), "no code was exchanged anywhere"


@pytest.mark.parametrize("status", [200, 400, 429])
def test_a_throttled_exchange_never_says_authorise_again_now(
    status: int, browser: AdminBrowser, unconnected: Endpoint, zoho_one: ZohoOne, bridge: Bridge, store_id: str
) -> None:
    callback = browser.decide(browser.ask(store_id))
    zoho_one.fail(path="/oauth/v2/token", status=status, body=THROTTLED)
    page = browser.come_back(callback)
    assert page.status_code == 503
    _assert_unconnected(bridge, zoho_one, store_id, page, "Zoho limits the rate of requests")
    assert "Wait ten minutes" in page.text


def test_a_code_that_was_used_is_refused(
    browser: AdminBrowser, unconnected: Endpoint, zoho_one: ZohoOne, bridge: Bridge, store_id: str
) -> None:
    first, second = browser.decide(browser.ask(store_id)), browser.decide(browser.ask(store_id))
    assert browser.come_back(first).status_code == 200
    before = bridge.connections.read(store_id)
    used = dict(parse_qsl(urlsplit(first).query))["code"]
    page = browser.come_back(_with(second, code=used))
    assert page.status_code == 400
    assert "Zoho does not accept the code" in page.text
    assert bridge.connections.read(store_id) == before, "the connection that worked goes on working"


@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [
        ({"status": 200, "body": {"error": "invalid_client"}}, 409, "Multi-DC"),
        ({"status": 400, "body": {"error": "invalid_client_secret"}}, 409, "Multi-DC"),
        ({"status": 200, "body": {"error": "invalid_code"}}, 400, "Zoho does not accept the code"),
        ({"status": 200, "body": {"error": "general_error"}}, 503, "did not answer correctly"),
        ({"status": 200, "body": {"access_token": "a", "expires_in": 3600}}, 400, "no refresh token"),
        ({"status": 500}, 503, "did not answer correctly"),
        ({"status": 200, "body": "<html>"}, 503, "did not answer correctly"),
        ({"drop": "before"}, 503, "did not answer correctly"),
    ],
)
def test_whatever_the_accounts_server_says_has_a_page(
    fault: dict[str, object],
    status: int,
    words: str,
    browser: AdminBrowser,
    unconnected: Endpoint,
    zoho_one: ZohoOne,
    bridge: Bridge,
    store_id: str,
) -> None:
    callback = browser.decide(browser.ask(store_id))
    zoho_one.fail(path="/oauth/v2/token", **fault)
    page = browser.come_back(callback)
    assert page.status_code == status, page.text
    _assert_unconnected(bridge, zoho_one, store_id, page, words)
    assert re.search(rf'href="/oauth/start\?store={store_id}"', page.text)
    assert browser.connect(store_id).status_code == 200, "the way that the page offers works"


def test_a_withdrawn_consent_stops_pushes_with_its_reason_until_it_is_given_again(
    browser: AdminBrowser, endpoint: Endpoint, zoho_one: ZohoOne, bridge: Bridge, store_id: str
) -> None:
    kept = bridge.connections.read(store_id)
    assert kept is not None
    assert zoho_one.session.post(
        f"{zoho_one.parts.accounts}/oauth/v2/token/revoke", params={"token": kept.tokens.refresh_token}
    ).ok
    for _ in range(2):
        refused = endpoint.request("POST", "/Users", json=PERSON)
        assert refused.status_code == 503
        assert "must be connected to Zoho One again: Zoho says invalid_code" in refused.json()["detail"]
    assert bridge.connections.state(store_id).state is ConnectionState.RECONNECT
    assert zoho_one.all_calls()["POST /oauth/v2/token"] == 1, "Zoho is not asked again and again"
    assert browser.connect(store_id).status_code == 200
    assert endpoint.request("POST", "/Users", json=PERSON).status_code == 201


def test_the_local_host_signs_in_someone_without_a_role_when_told_to(
    processes: Processes, azurite: str, key: str, zoho_one: ZohoOne, store_id: str
) -> None:
    environment = app_settings(azurite, key, zoho_one.parts) | {"BRIDGE_LOCAL_ADMIN": ""}
    process, ready = processes.start_module("local.host", "--port", "0", "--no-timers", environment=environment)
    for path in ("/oauth/start", "/oauth/callback"):
        page = AdminBrowser(ready["url"]).get(path, store=store_id)
        assert page.status_code == 403
        assert "You are not an admin of the bridge" in page.text
    process.stop()


def test_who_connected_and_disconnected_a_store_is_on_record(
    browser: AdminBrowser, store: Store, bridge: Bridge, zoho_one: ZohoOne
) -> None:
    connected = browser.connect(store.id)
    assert connected.status_code == 200, connected.text
    assert bridge.connections.state(store.id).by == "local"
    zoho_one.move("eu")
    assert browser.connect(store.id).status_code == 200
    pages = pages_of(bridge)
    assert "Connected" in pages.get(f"/stores/{store.id}/api-integration").text
    assert pages.post(f"/stores/{store.id}/api-integration/disconnect").status_code == 303
    gone, moved, first = bridge.stores.records(store.id, 5)
    assert (first.by, first.what, first.changes) == ("local", "Connected to Zoho One, data center us", ())
    assert moved.what == "Connected to Zoho One, data center eu"
    assert [(part.setting, part.before, part.after) for part in moved.changes] == [("zoho.data_center", "us", "eu")]
    assert gone.what == "Disconnection from Zoho One was requested"
