"""DESIGN.md's input and output budget, counted on the wire between a running host and its two peers."""

from tests.conftest import Endpoint
from tests.scim.conftest import Count

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


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
    # An attribute of no schema: a name that is new to the process is noted once, by a read and a write.
    assert count.of(endpoint, "PATCH", path, 200, json=patch("shoeSize", "39")) == (1 + 2, 0)
    assert count.of(endpoint, "PATCH", path, 200, json=patch("shoeSize", "40")) == (1, 0)
    assert count.of(endpoint, "PUT", path, 200, json={**person, "shoeSize": "40"}) == (3, 1)
    assert count.of(endpoint, "PUT", path, 200, json={**person, "nickName": "A."}) == (2, 0)
    # One more where his account comes or goes: whether he has groups that have to follow him.
    assert count.of(endpoint, "PATCH", path, 200, json=patch("active", "False")) == (4, 1)
    assert count.of(endpoint, "PATCH", path, 200, json=patch("active", "True")) == (4, 1)
    assert count.of(endpoint, "DELETE", path, 204) == (4, 1)
