"""Two hosts, fifty requests at once in each, one token that is no longer good: one refresh."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from shared.app.container import Bridge
from shared.tables.connections import AccessToken
from tests.conftest import Endpoint, ZohoOne

REQUESTS = 50


def _all_at_once(hosts: list[Endpoint], wave: str) -> None:
    def create(number: int) -> int:
        endpoint = Endpoint(hosts[number % 2].url, hosts[0].token)
        person = {"userName": f"{wave}-{number}@contoso.example", "active": True}
        return endpoint.request("POST", "/Users", json=person).status_code

    with ThreadPoolExecutor(2 * REQUESTS) as pool:
        assert set(pool.map(create, range(2 * REQUESTS))) == {201}


def test_an_expired_token_is_renewed_once(
    two_hosts: list[Endpoint], bridge: Bridge, zoho_one: ZohoOne, store_id: str
) -> None:
    kept = bridge.connections.read(store_id)
    assert kept is not None
    past = datetime.now(UTC) - timedelta(hours=2)
    expired = AccessToken.lasting("1000.expired", past, 3600)
    bridge.connections.write(store_id, kept, kept.connection, kept.tokens.model_copy(update={"access": expired}))
    _all_at_once(two_hosts, "expired")
    assert zoho_one.issued()["access_tokens"] == 1
    zoho_one.expire_tokens()
    _all_at_once(two_hosts, "rejected")
    assert zoho_one.issued()["access_tokens"] == 2
    assert len(zoho_one.users()) == 4 * REQUESTS
