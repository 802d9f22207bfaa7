"""What a group costs, counted on the wire: a change of members costs by whom it names, not by who is there."""

from itertools import batched
from math import ceil

import pytest

from shared.tables.identity_reads import SEVERAL
from tests.conftest import Endpoint
from tests.scim.conftest import Count

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
WITHOUT = {"excludedAttributes": "members"}
PEOPLE = 110


@pytest.fixture
def people(counted: tuple[Count, Endpoint]) -> list[str]:
    """The ids of people whom the host has just provisioned."""
    _, endpoint = counted
    ids = list[str]()
    for some in batched(range(PEOPLE), 25, strict=False):
        operations = [
            {"method": "POST", "path": "/Users", "bulkId": str(n), "data": {"userName": f"p{n}@contoso.example"}}
            for n in some
        ]
        body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations}
        answer = endpoint.request("POST", "/Bulk", json=body).json()
        ids += [done["location"].rpartition("/")[2] for done in answer["Operations"]]
    return ids


def test_a_group_costs_by_the_members_that_a_request_names(counted: tuple[Count, Endpoint], people: list[str]) -> None:
    count, endpoint = counted
    created = endpoint.request("POST", "/Groups", json={"displayName": "All", "externalId": "all"}).json()
    path = f"/Groups/{created['id']}"

    def patch(verb: str, *named: str) -> dict[str, object]:
        operation = {"op": verb, "path": "members", "value": [{"value": one} for one in named]}
        return {"schemas": [PATCH], "Operations": [operation]}

    first, *others = people
    for named in (others[:1], others[:7], others[:49], others[:50], others[:51], others[:100], others):
        # The members' accounts: one point read each, after one more for many, which looks for neighbouring ids.
        accounts = len(named) + (len(named) >= SEVERAL)
        budget = 2 + ceil(len(named) / 50) + accounts
        tables, zoho = count.of(endpoint, "PATCH", path, 204, json=patch("Add", *named))
        assert (tables <= budget, zoho) == (True, 1), (len(named), tables)
        # With everybody in it, one more costs no more.
        assert count.of(endpoint, "PATCH", path, 204, json=patch("Add", first)) == (3 + 1, 1)
        assert count.of(endpoint, "PATCH", path, 204, json=patch("Remove", first)) == (3 + 1, 1)
        tables, zoho = count.of(endpoint, "PATCH", path, 204, json=patch("Remove", *named))
        assert (tables <= budget, zoho) == (True, 1), (len(named), tables)
    endpoint.request("PATCH", path, json=patch("Add", *others))
    assert count.of(endpoint, "GET", path, 200, query=WITHOUT) == (1, 0)
    assert count.of(endpoint, "GET", path, 200) == (2, 0)
    for text, trips in (
        ('displayName eq "ALL"', 1),
        ('externalId eq "all"', 1),
        (f'id eq "{created["id"]}"', 1),
        (f'members.value eq "{others[0]}"', 3),
        (f'id eq "{created["id"]}" and members eq "{others[0]}"', 2),
    ):
        assert count.of(endpoint, "GET", "/Groups", 200, query=WITHOUT | {"filter": text}) == (trips, 0), text
    rename = {"schemas": [PATCH], "Operations": [{"op": "Replace", "path": "displayName", "value": "Everybody"}]}
    assert count.of(endpoint, "PATCH", path, 204, json=rename) == (3, 1)


def test_a_person_costs_more_by_his_groups_only_where_his_account_comes_or_goes(
    counted: tuple[Count, Endpoint], people: list[str]
) -> None:
    count, endpoint = counted
    for number in range(2):
        group = endpoint.request("POST", "/Groups", json={"displayName": f"Group {number}"}).json()["id"]
        operation = {"op": "Add", "path": "members", "value": [{"value": people[0]}]}
        body = {"schemas": [PATCH], "Operations": [operation]}
        assert endpoint.request("PATCH", f"/Groups/{group}", json=body).status_code == 204

    def patch(attribute: str, value: str) -> dict[str, object]:
        return {"schemas": [PATCH], "Operations": [{"op": "Replace", "path": attribute, "value": value}]}

    path = f"/Users/{people[0]}"
    assert count.of(endpoint, "PATCH", path, 200, json=patch("title", "Countess")) == (3, 1)
    # His groups once more, the end of the note, and for each of the two: itself, whether he is in it still, his
    # account, and two writes around one call.
    assert count.of(endpoint, "PATCH", path, 200, json=patch("active", "False")) == (4 + 2 + 2 * 5, 1 + 2)
    assert count.of(endpoint, "PATCH", path, 200, json=patch("active", "True")) == (4 + 2 + 2 * 5, 1 + 2)
