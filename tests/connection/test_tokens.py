"""One access token for all, whatever the clock, Zoho and the other workers do."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from local.store import new_key
from local.zoho_one.accounts import THROTTLED
from shared.app.container import Bridge
from shared.connection.errors import NotConnected
from shared.connection.tokens import SharedTokens
from shared.rules.store import Store
from shared.tables.connections import Connection, Connections, ConnectionState
from shared.tables.secrets import Secrets
from shared.tables.service import connect
from shared.zoho.data_centers import replaced
from shared.zoho.errors import ZohoBusy, ZohoCredentials
from shared.zoho.oauth import ZohoAccounts
from tests.conftest import ZohoOne

TOKEN = "/oauth/v2/token"


class Clock:
    """The time, as a test has it."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **time: float) -> None:
        self.now += timedelta(**time)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def worker(bridge: Bridge, zoho_one: ZohoOne, clock: Clock) -> Callable[..., SharedTokens]:
    """Makes what each worker process has of its own."""
    data_centers = replaced(zoho_one.parts.accounts_servers)

    def make(sleep: Callable[[float], None] = lambda _: clock.pass_(seconds=1)) -> SharedTokens:
        return SharedTokens(bridge.connections, ZohoAccounts(requests.Session()), data_centers, clock, sleep=sleep)

    return make


def _state(bridge: Bridge, store: Store) -> Connection:
    return bridge.connections.state(store.id)


def _put(bridge: Bridge, store: Store, **changed: Any) -> None:
    kept = bridge.connections.read(store.id)
    assert kept is not None
    bridge.connections.write(store.id, kept, kept.connection.model_copy(update=changed))


def test_workers_share_a_token_for_its_hour(
    worker: Callable[..., SharedTokens], store: Store, zoho_one: ZohoOne, clock: Clock
) -> None:
    first, second = worker(), worker()
    token = first.current(store)
    assert second.current(store) == token
    clock.pass_(minutes=57)
    assert first.current(store) == second.current(store) == token
    assert zoho_one.issued()["access_tokens"] == 1


def test_a_warm_worker_calls_nobody(
    worker: Callable[..., SharedTokens], store: Store, bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = worker()
    token = tokens.current(store)
    monkeypatch.delattr(Connections, "read")
    assert tokens.current(store) == token


def test_one_worker_renews_shortly_before_the_end_and_nobody_waits(
    worker: Callable[..., SharedTokens], store: Store, zoho_one: ZohoOne, clock: Clock
) -> None:
    workers = [worker() for _ in range(4)]
    old = {tokens.current(store) for tokens in workers}
    clock.pass_(minutes=58, seconds=30)
    zoho_one.fail(path=TOKEN, latency=0.3)
    with ThreadPoolExecutor(40) as pool:
        got = set(pool.map(lambda number: workers[number % 4].current(store), range(40)))
    assert old < got, "most went on with the old one meanwhile"
    assert len(got) == 2
    clock.pass_(seconds=6)
    assert {tokens.current(store) for tokens in workers} == got - old
    assert zoho_one.issued()["access_tokens"] == 2


def test_a_worker_that_died_over_it_is_waited_for_until_its_lease_ends(
    worker: Callable[..., SharedTokens], store: Store, bridge: Bridge, zoho_one: ZohoOne, clock: Clock
) -> None:
    _put(bridge, store, lease_ends=clock.now + timedelta(seconds=20))
    assert worker().current(store), "its clock runs while it waits"
    assert zoho_one.issued()["access_tokens"] == 1


def test_a_lease_that_does_not_end_soon_is_an_answer_of_its_own(
    worker: Callable[..., SharedTokens],
    store: Store,
    bridge: Bridge,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _put(bridge, store, lease_ends=clock.now + timedelta(seconds=20))
    monkeypatch.setattr("shared.connection.tokens.WAIT", 0.1)
    with pytest.raises(ZohoBusy, match="Another worker") as busy:
        worker(lambda _: None).current(store)
    assert busy.value.retry_after == 20


@pytest.mark.parametrize("status", [200, 400])
def test_throttling_pauses_all_workers_and_never_asks_for_consent(
    status: int,
    worker: Callable[..., SharedTokens],
    store: Store,
    bridge: Bridge,
    zoho_one: ZohoOne,
    clock: Clock,
) -> None:
    first, second = worker(), worker()
    zoho_one.fail(path=TOKEN, status=status, body=THROTTLED, times=1)
    for tokens in (first, second, first):
        with pytest.raises(ZohoBusy, match="too often") as busy:
            tokens.current(store)
        assert busy.value.retry_after == 120
    assert zoho_one.all_calls()[f"POST {TOKEN}"] == 1, "nobody asks during the pause"
    assert _state(bridge, store).state is ConnectionState.CONNECTED
    clock.pass_(seconds=121)
    assert first.current(store) == second.current(store)


def test_throttling_ahead_of_the_end_disturbs_nobody(
    worker: Callable[..., SharedTokens], store: Store, zoho_one: ZohoOne, clock: Clock
) -> None:
    tokens = worker()
    old = tokens.current(store)
    clock.pass_(minutes=58, seconds=30)
    zoho_one.fail(path=TOKEN, status=400, body=THROTTLED)
    assert tokens.current(store) == old


@pytest.mark.parametrize("error", ["invalid_code", "invalid_client", "invalid_client_secret"])
@pytest.mark.parametrize("status", [200, 400])
def test_what_only_an_admin_can_mend_is_marked(
    error: str, status: int, worker: Callable[..., SharedTokens], store: Store, bridge: Bridge, zoho_one: ZohoOne
) -> None:
    first, second = worker(), worker()
    zoho_one.fail(path=TOKEN, status=status, body={"error": error})
    for tokens in (first, second, first):
        with pytest.raises(ZohoCredentials, match=f"must be connected to Zoho One again: .*{error}"):
            tokens.current(store)
    assert zoho_one.all_calls()[f"POST {TOKEN}"] == 1, "nobody asks again"
    marked = _state(bridge, store)
    assert marked.state is ConnectionState.RECONNECT
    assert error in (marked.reason or "")
    assert marked.since is not None


@pytest.mark.parametrize(
    "fault", [{"status": 500}, {"status": 200, "body": {"error": "general_error"}}, {"drop": "before"}]
)
def test_an_error_that_nobody_knows_gives_up_nothing(
    fault: dict[str, Any],
    worker: Callable[..., SharedTokens],
    store: Store,
    bridge: Bridge,
    zoho_one: ZohoOne,
    clock: Clock,
) -> None:
    tokens = worker()
    zoho_one.fail(path=TOKEN, **fault)
    with pytest.raises(ZohoBusy):
        tokens.current(store)
    assert _state(bridge, store).state is ConnectionState.CONNECTED
    clock.pass_(seconds=6)
    assert tokens.current(store)


def test_a_rejected_token_is_renewed_once_by_all(
    worker: Callable[..., SharedTokens], store: Store, zoho_one: ZohoOne
) -> None:
    first, second = worker(time.sleep), worker(time.sleep)  # a clock that each who waits moves would end the lease
    old = first.current(store)
    assert second.current(store) == old

    def rejected(number: int) -> str:
        tokens = (first, second)[number % 2]
        tokens.rejected(store, old)
        return tokens.current(store)

    with ThreadPoolExecutor(30) as pool:
        (new,) = set(pool.map(rejected, range(30)))
    assert new != old
    assert zoho_one.issued()["access_tokens"] == 2


def test_a_new_token_that_is_rejected_too_is_not_the_reason(
    worker: Callable[..., SharedTokens], store: Store, zoho_one: ZohoOne, clock: Clock
) -> None:
    tokens = worker()
    for _ in range(2):
        tokens.rejected(store, tokens.current(store))
    for _ in range(3):
        with pytest.raises(ZohoCredentials, match="not even a new one"):
            tokens.current(store)
    assert zoho_one.issued()["access_tokens"] == 2
    clock.pass_(minutes=3)
    assert tokens.current(store), "but it is tried again later"


def test_a_lost_key_says_what_to_do(
    azurite: str, bridge: Bridge, store: Store, zoho_one: ZohoOne, clock: Clock
) -> None:
    table = connect(azurite).get_table_client("secrets")
    stranger = Connections(table, Secrets(table, new_key()))
    accounts, servers = ZohoAccounts(requests.Session()), replaced(zoho_one.parts.accounts_servers)
    with pytest.raises(ZohoCredentials, match="BRIDGE_ENCRYPTION_KEYS: add the key again, or connect"):
        SharedTokens(stranger, accounts, servers, clock).current(store)
    assert bridge.connections.read(store.id) is not None


def test_disconnecting_revokes_and_erases(
    worker: Callable[..., SharedTokens], bridge: Bridge, store: Store, zoho_one: ZohoOne
) -> None:
    tokens = worker()
    token = tokens.current(store)
    bridge.disconnect(store.id)
    assert zoho_one.all_calls()["POST /oauth/v2/token/revoke"] == 1
    assert bridge.connections.read(store.id) is None
    assert _state(bridge, store).state is ConnectionState.NOT_CONNECTED
    tokens.rejected(store, token)
    with pytest.raises(NotConnected):
        tokens.current(store)
    bridge.disconnect(store.id)  # once more does no harm


def test_disconnecting_waits_for_zoho_and_bears_what_is_gone(bridge: Bridge, store: Store, zoho_one: ZohoOne) -> None:
    zoho_one.fail(path="/oauth/v2/token/revoke", status=503)
    with pytest.raises(ZohoBusy):
        bridge.disconnect(store.id)
    assert bridge.connections.read(store.id) is not None, "or nobody could revoke it any more"
    zoho_one.fail(path="/oauth/v2/token/revoke", status=400, body={"error": "invalid_token"})
    bridge.disconnect(store.id)
    assert bridge.connections.read(store.id) is None
