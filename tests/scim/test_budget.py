"""DESIGN.md's input and output budget, counted on the wire between a running host and its two peers."""

from collections import Counter
from collections.abc import Iterator

import pytest

from local.gate import Call, Moment
from local.processes import Processes
from local.store import add_store
from tests.conftest import Endpoint, ZohoOne
from tests.faults.gated_host import gates, start_gated_host

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


class Count:
    """Counts calls by gate."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()

    def __call__(self, call: Call, moment: Moment) -> None:
        if moment == "before":
            self.calls[call.gate] += 1

    def of(self, endpoint: Endpoint, method: str, path: str, status: int, **request: object) -> tuple[int, int]:
        """Table round trips and Zoho One calls of one request."""
        self.calls.clear()
        answer = endpoint.request(method, path, **request)  # type: ignore[arg-type]  # query or json, as named
        assert answer.status_code == status, answer.text
        return self.calls["tables"], self.calls["zoho"]


@pytest.fixture
def counted(
    processes: Processes, azurite: str, key: str, zoho_one: ZohoOne, store_id: str
) -> Iterator[tuple[Count, Endpoint]]:
    """A host behind counting gates, everything warm."""
    count = Count()
    with gates(azurite, zoho_one.parts, count) as (connection_string, gated):
        token = add_store(azurite, key, gated, store_id)
        host = start_gated_host(processes, connection_string, key, gated, store_id, token)
        warm = host.endpoint.request("POST", "/Users", json={"userName": "warm@contoso.example", "active": True})
        assert warm.status_code == 201
        yield count, host.endpoint
        host.process.stop()


def test_requests_stay_in_their_budget(counted: tuple[Count, Endpoint]) -> None:
    count, endpoint = counted
    person = {
        "userName": "ada@contoso.example",
        "externalId": "ada",
        "active": True,
        "title": "Analyst",
        "emails": [{"type": "work", "value": "ada.work@contoso.example"}],
    }
    assert count.of(endpoint, "POST", "/Users", 201, json=person) == (2, 1)  # the budget allows 3
    user_id = endpoint.request("GET", "/Users", query={"filter": 'userName eq "ada@contoso.example"'}).json()
    path = f"/Users/{user_id['Resources'][0]['id']}"

    def patch(attribute: str, value: object) -> dict[str, object]:
        return {"schemas": [PATCH], "Operations": [{"op": "Replace", "path": attribute, "value": value}]}

    assert count.of(endpoint, "GET", path, 200) == (1, 0)
    for text in (
        'userName eq "Ada@Contoso.example"',
        'externalId eq "ada"',
        'emails[type eq "work"].value eq "ada.work@contoso.example"',
        'userName eq "nobody@contoso.example"',
    ):
        assert count.of(endpoint, "GET", "/Users", 200, query={"filter": text}) == (1, 0), text
    assert count.of(endpoint, "PATCH", path, 200, json=patch("title", "Countess")) == (3, 1)
    assert count.of(endpoint, "PATCH", path, 200, json=patch("nickName", "Ada")) == (2, 0)
    assert count.of(endpoint, "PATCH", path, 200, json=patch("nickName", "Ada")) == (1, 0)
    assert count.of(endpoint, "PUT", path, 200, json=person) == (3, 1)
    assert count.of(endpoint, "PUT", path, 200, json={**person, "nickName": "A."}) == (2, 0)
    assert count.of(endpoint, "PATCH", path, 200, json=patch("active", "False")) == (3, 1)
    assert count.of(endpoint, "PATCH", path, 200, json=patch("active", "True")) == (3, 1)
    assert count.of(endpoint, "DELETE", path, 204) == (3, 1)
