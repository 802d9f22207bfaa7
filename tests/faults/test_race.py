"""Two hosts on one storage account, and many requests for one person at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import requests

from shared.app.container import Bridge
from tests.conftest import Endpoint, ZohoOne, held

REQUESTS = 12
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


def _at_once(hosts: list[Endpoint], request: Callable[[Endpoint, int], requests.Response]) -> list[requests.Response]:
    with ThreadPoolExecutor(REQUESTS) as pool:
        alone = [Endpoint(hosts[number % 2].url, hosts[0].token) for number in range(REQUESTS)]
        return list(pool.map(request, alone, range(REQUESTS)))


def _assert_agreement(bridge: Bridge, zoho_one: ZohoOne, store_id: str) -> None:
    """One account, one identity, and what they hold is the same."""
    (account,) = zoho_one.users()
    (person,) = bridge.identities.scan(store_id)
    stored = bridge.identities.read(store_id, person.id)
    assert stored is not None
    assert stored.identity.pending is None
    assert stored.identity.account is not None
    assert stored.identity.account.id == account["id"]
    assert stored.identity.account.holds == held(account) == stored.identity.said.desired


def test_one_of_many_creations_wins(
    two_hosts: list[Endpoint], bridge: Bridge, zoho_one: ZohoOne, store_id: str
) -> None:
    answers = _at_once(
        two_hosts,
        lambda endpoint, number: endpoint.request(
            "POST", "/Users", json={"userName": "Race@Contoso.example" if number % 3 else "race@contoso.example"}
        ),
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * (REQUESTS - 1)
    _assert_agreement(bridge, zoho_one, store_id)


def test_changes_of_one_person_follow_each_other(
    two_hosts: list[Endpoint], bridge: Bridge, zoho_one: ZohoOne, store_id: str
) -> None:
    created = two_hosts[0].request("POST", "/Users", json={"userName": "race@contoso.example"}).json()
    paths = ("title", "displayName", "active")

    def change(endpoint: Endpoint, number: int) -> requests.Response:
        path = paths[number % 3]
        value = str(number % 2 == 0) if path == "active" else f"{path} {number}"
        operation = {"op": "Replace", "path": path, "value": value}
        body = {"schemas": [PATCH], "Operations": [operation]}
        for _ in range(5):  # as Entra does with 503
            answer = endpoint.request("PATCH", f"/Users/{created['id']}", json=body)
            if answer.status_code != 503:
                break
        return answer

    answers = _at_once(two_hosts, change)
    assert {answer.status_code for answer in answers} == {200}
    _assert_agreement(bridge, zoho_one, store_id)
    (account,) = zoho_one.users()
    assert account["title"].startswith("title")
    assert account["displayName"].startswith("displayName")


def test_a_stale_etag_is_refused_even_in_a_race(
    two_hosts: list[Endpoint], bridge: Bridge, zoho_one: ZohoOne, store_id: str
) -> None:
    created = two_hosts[0].request("POST", "/Users", json={"userName": "race@contoso.example"})
    headers = {"If-Match": created.headers["ETag"]}

    def change(endpoint: Endpoint, number: int) -> requests.Response:
        operation = {"op": "replace", "path": "title", "value": f"title {number}"}
        body = {"schemas": [PATCH], "Operations": [operation]}
        return endpoint.request("PATCH", f"/Users/{created.json()['id']}", json=body, headers=headers)

    answers = _at_once(two_hosts, change)
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * (REQUESTS - 1)
    _assert_agreement(bridge, zoho_one, store_id)
