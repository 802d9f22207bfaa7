"""Entra's Account Discovery: accounts that nobody manages, read-only on the pages of everybody."""

from typing import Any

import pytest

from shared.app.container import Bridge
from shared.rules.store import Store
from shared.rules.zoho_user import ZohoField, ZohoUser
from tests.conftest import Endpoint, ZohoOne

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
LOCAL = {"userName": "service@contoso.example", "displayName": "A service", "active": True}
FORMER = {"userName": "former@contoso.example", "title": "Clerk", "active": False}


@pytest.fixture
def discovered(endpoint: Endpoint, host_bridge: Bridge, store_id: str, zoho_one: ZohoOne) -> Endpoint:
    """An endpoint with a person, and two accounts that the last reading of Zoho One found."""
    assert endpoint.request("POST", "/Users", json={"userName": "ada@contoso.example"}).status_code == 201
    accounts = zoho_one.add(LOCAL, FORMER)
    holds = [ZohoUser(active=bool(each["active"]), fields=_fields(each)).model_dump_json() for each in (LOCAL, FORMER)]
    store = _set(host_bridge, store_id, lists=True)
    now = host_bridge.push.now()
    host_bridge.unmanaged.replace(store, dict(zip((each["id"] for each in accounts), holds, strict=True)), 3, now)
    return endpoint


def _fields(user: dict[str, Any]) -> dict[ZohoField, str]:
    return {
        field: user[field] for field in (ZohoField.USER_NAME, ZohoField.DISPLAY_NAME, ZohoField.TITLE) if field in user
    }


def _set(bridge: Bridge, store_id: str, *, lists: bool) -> Store:
    return bridge.stores.change(store_id, lambda store: store.model_copy(update={"lists_unmanaged": lists}))


def _listed(endpoint: Endpoint, **query: str) -> list[dict[str, Any]]:
    answer = endpoint.request("GET", "/Users", query=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["Resources"]
    return found


def test_they_follow_the_people_on_pages_of_any_size(discovered: Endpoint) -> None:
    everybody = _listed(discovered)
    names = [user["userName"] for user in everybody]
    assert names[0] == "ada@contoso.example"
    assert sorted(names[1:]) == ["former@contoso.example", "service@contoso.example"]
    (former,) = (user for user in everybody if user["userName"] == "former@contoso.example")
    assert (former["active"], former["title"], former["id"].startswith("unmanaged-")) == (False, "Clerk", True)
    pages = [_listed(discovered, startIndex=str(start), count="1") for start in (1, 2, 3, 4)]
    assert [user["userName"] for page in pages for user in page] == names
    counted = discovered.request("GET", "/Users", query={"count": "0"}).json()
    assert counted["totalResults"] == 3


def test_a_store_lists_them_only_if_it_is_set_to(discovered: Endpoint, host_bridge: Bridge, store_id: str) -> None:
    known = [user["id"] for user in _listed(discovered)]
    _set(host_bridge, store_id, lists=False)
    assert [user["id"] for user in _listed(discovered)] == known[:1]
    assert discovered.request("GET", f"/Users/{known[1]}").status_code == 404


def test_no_filter_finds_them_so_that_entra_creates_and_the_bridge_adopts(
    discovered: Endpoint, zoho_one: ZohoOne
) -> None:
    for text in ('userName eq "service@contoso.example"', 'userName sw "service"', "active eq true"):
        assert "service@contoso.example" not in [user["userName"] for user in _listed(discovered, filter=text)]
    created = discovered.request("POST", "/Users", json={"userName": "service@contoso.example", "title": "Bot"})
    assert created.status_code == 201
    assert len(zoho_one.users()) == 3, "adopted"
    names = [user["userName"] for user in _listed(discovered)]
    assert sorted(names) == ["ada@contoso.example", "former@contoso.example", "service@contoso.example"], "once"


def test_they_are_read_and_never_written(discovered: Endpoint, zoho_one: ZohoOne) -> None:
    before = zoho_one.users()
    listed = _listed(discovered)[1]
    path = f"/Users/{listed['id']}"
    read = discovered.request("GET", path)
    assert (read.status_code, read.json()) == (200, listed)
    body = {"schemas": [PATCH], "Operations": [{"op": "Replace", "path": "active", "value": False}]}
    assert discovered.request("PATCH", path, json=body).status_code == 404
    assert discovered.request("PUT", path, json={"userName": "x@contoso.example"}).status_code == 404
    assert discovered.request("DELETE", path).status_code == 404
    assert zoho_one.users() == before
    assert discovered.request("GET", "/Users/unmanaged-nobody").status_code == 404
