"""Two hosts, fifty requests at once in each, one token that is no longer good: one refresh."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from local.parts import app_settings
from local.processes import Processes
from shared.bridge import Bridge
from shared.tables.connections import AccessToken
from tests.conftest import Endpoint, ZohoOne

REQUESTS = 50


@pytest.fixture
def hosts(
    processes: Processes, azurite: str, key: str, zoho_one: ZohoOne, endpoint: Endpoint, host: str
) -> Iterator[list[Endpoint]]:
    """The store's endpoint on two processes."""
    environment = app_settings(azurite, key, zoho_one.parts)
    process, ready = processes.start_module("local.host", "--port", "0", environment=environment)
    yield [endpoint, Endpoint(endpoint.url.replace(host, ready["url"]), endpoint.token)]
    process.stop()


def _all_at_once(hosts: list[Endpoint], wave: str) -> None:
    def create(number: int) -> int:
        endpoint = Endpoint(hosts[number % 2].url, hosts[0].token)
        person = {"userName": f"{wave}-{number}@contoso.example", "active": True}
        return endpoint.request("POST", "/Users", json=person).status_code

    with ThreadPoolExecutor(2 * REQUESTS) as pool:
        assert set(pool.map(create, range(2 * REQUESTS))) == {201}


def test_an_expired_token_is_renewed_once(
    hosts: list[Endpoint], bridge: Bridge, zoho_one: ZohoOne, store_id: str
) -> None:
    kept = bridge.connections.read(store_id)
    assert kept is not None
    past = datetime.now(UTC) - timedelta(hours=2)
    expired = AccessToken.lasting("1000.expired", past, 3600)
    bridge.connections.write(store_id, kept, kept.connection, kept.tokens.model_copy(update={"access": expired}))
    _all_at_once(hosts, "expired")
    assert zoho_one.issued()["access_tokens"] == 1
    zoho_one.expire_tokens()
    _all_at_once(hosts, "rejected")
    assert zoho_one.issued()["access_tokens"] == 2
    assert len(zoho_one.users()) == 4 * REQUESTS
