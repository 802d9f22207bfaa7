"""The process is killed before and after each kind of call of a callback, a refresh and a disconnect.

What it leaves is a store that works, or one that says "connect"; and connecting it again always works.
"""

import itertools
import time
from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit

import pytest

from local.parts import app_settings
from local.store import add_store
from local.walkthrough.admin_browser import AdminBrowser
from shared.app.container import Bridge
from shared.tables.connections import ConnectionState
from shared.zoho.errors import ZohoCredentials
from tests.conftest import ZohoOne
from tests.faults import connection_steps
from tests.faults.call_kinds import EVERYWHERE, At, moments
from tests.faults.connection_steps import Doomed
from tests.faults.forked import PROCESSES
from tests.faults.gated_host import gates
from tests.faults.killer import Killer

LEASE_SECONDS = "0.5"


class Scene:
    """A store, and what becomes of it in a process that is killed."""

    def __init__(self, azurite: str, key: str, zoho_one: ZohoOne, host: str, bridge: Bridge, prefix: str) -> None:
        self._azurite, self._key, self._zoho_one, self._host, self._bridge = azurite, key, zoho_one, host, bridge
        self._names = (f"{prefix}-{number}" for number in itertools.count())

    def run(self, step: Callable[[Doomed], None], connected: bool, at: At | None) -> tuple[str, Killer]:
        """A new store, and the step taken in a process that is killed at a moment, or not at all."""
        store, killer = next(self._names), Killer()
        self._zoho_one.reset()
        add_store(self._azurite, self._key, self._zoho_one.parts, store, connected=connected)
        browser, answer = AdminBrowser(self._host), dict[str, str]()
        home = self._zoho_one.parts.data_center
        if not connected:
            home = "eu"  # the longest way: the store has to follow the account
            self._zoho_one.move(home)
        if step is connection_steps.callback:
            answer = dict(parse_qsl(urlsplit(browser.decide(browser.ask(store))).query))
        with gates(self._azurite, self._zoho_one.parts, killer) as (connection_string, gated):
            if answer:
                answer["accounts-server"] = gated.accounts_servers[home]
            settings = app_settings(connection_string, self._key, gated) | {"BRIDGE_LEASE_SECONDS": LEASE_SECONDS}
            cookies = {name: value or "" for name, value in browser.session.cookies.get_dict().items()}
            process = PROCESSES.Process(target=step, args=(Doomed(settings, store, answer, cookies),))
            killer.arm(process, at)
            process.start()
            process.join(30)
            assert process.exitcode == (0 if at is None else -9), f"{at}: {process.exitcode}"
        return store, killer

    def works(self, store_id: str) -> bool:
        """Whether a call to Zoho One succeeds; the alternative is that the store says what an admin has to do."""
        store = self._bridge.stores.get(store_id)
        assert store is not None
        said = "nothing"
        try:
            self._bridge.users(store).find("ada@contoso.example")
        except ZohoCredentials as reason:
            said = str(reason)
        connected = self._bridge.connections.state(store_id).state is ConnectionState.CONNECTED
        assert connected or "connect it" in said or "must be connected" in said
        assert connected == (said == "nothing")
        return connected

    def connect_again(self, store_id: str) -> None:
        """The whole way of consent, with nobody killed."""
        page = AdminBrowser(self._host).connect(store_id)
        assert page.status_code == 200, page.text
        assert self.works(store_id)


@pytest.fixture
def scene(azurite: str, key: str, zoho_one: ZohoOne, host: str, bridge: Bridge, store_id: str) -> Scene:
    return Scene(azurite, key, zoho_one, host, bridge, store_id)


CASES: dict[str, tuple[Callable[[Doomed], None], bool, set[bool]]] = {
    # name: the step, whether the store was connected before, whether it may work afterwards
    "first-callback": (connection_steps.callback, False, {True, False}),
    "callback": (connection_steps.callback, True, {True}),
    "refresh": (connection_steps.refresh, True, {True}),
    "disconnect": (connection_steps.disconnect, True, {True, False}),
}


@pytest.mark.parametrize("name", CASES)
def test_a_killed_process_leaves_a_store_that_works_or_says_connect(
    name: str, scene: Scene, kills: Callable[[object], None]
) -> None:
    step, connected, allowed = CASES[name]
    _, undisturbed = scene.run(step, connected, None)
    seen = list(undisturbed.seen)
    assert {kind.split()[0] for kind in seen} == {"tables", "zoho"}
    outcomes = set()
    for at in moments(seen):
        store, _ = scene.run(step, connected, at)
        kills(at)
        works = scene.works(store)
        assert works in allowed, str(at)
        outcomes.add(works)
        scene.connect_again(store)
    assert outcomes == allowed or not EVERYWHERE


def test_a_refresh_that_was_killed_holds_up_nobody_for_long(scene: Scene, zoho_one: ZohoOne) -> None:
    _, undisturbed = scene.run(connection_steps.refresh, True, None)
    (renewed,) = (at for at in moments(undisturbed.seen, everywhere=False) if "oauth" in at.kind)
    store, _ = scene.run(connection_steps.refresh, True, renewed)
    began = time.monotonic()
    assert scene.works(store)
    assert time.monotonic() - began < 5
