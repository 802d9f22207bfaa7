"""SCIM 2.0 as the endpoint announces it, on the running host: discovery, search, pages, ETags, bulk."""

from dataclasses import replace
from typing import Any

import pytest

from tests.conftest import Endpoint, ZohoOne

PEOPLE = [f"{letter}{number}@contoso.example" for letter in "abc" for number in range(5)]


@pytest.fixture
def inhabited(endpoint: Endpoint) -> Endpoint:
    """An endpoint with fifteen people."""
    for number, name in enumerate(PEOPLE):
        created = endpoint.request("POST", "/Users", json={"userName": name, "title": f"Title {number % 4}"})
        assert created.status_code == 201
    return endpoint


def _names(listed: dict[str, Any]) -> list[str]:
    return [user["userName"] for user in listed["Resources"]]


def test_discovery(endpoint: Endpoint) -> None:
    config = endpoint.request("GET", "/ServiceProviderConfig").json()
    assert {name: config[name]["supported"] for name in ("patch", "bulk", "filter", "sort", "etag")} == dict.fromkeys(
        ("patch", "bulk", "filter", "sort", "etag"), True
    )
    assert config["changePassword"]["supported"] is False
    assert config["pagination"]["cursor"] is True
    types = endpoint.request("GET", "/ResourceTypes").json()
    assert [kind["name"] for kind in types["Resources"]] == ["User", "Group"]
    schemas = [schema["id"] for schema in endpoint.request("GET", "/Schemas").json()["Resources"]]
    assert "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User" in schemas
    user = endpoint.request("GET", "/Schemas/urn:ietf:params:scim:schemas:core:2.0:User").json()
    assert "password" not in {attribute["name"] for attribute in user["attributes"]}


def test_the_route_is_found_in_any_letter_case(endpoint: Endpoint) -> None:
    """As Azure's host does. https://learn.microsoft.com/aspnet/core/fundamentals/routing#url-matching"""
    shouting = replace(endpoint, url=endpoint.url.replace("/scim/", "/SCIM/"))
    assert shouting.request("GET", "/ServiceProviderConfig").status_code == 200


@pytest.mark.parametrize("path", ["/.search", "/Users/.search"])
def test_search_with_a_body(inhabited: Endpoint, path: str) -> None:
    body = {"filter": 'userName sw "B"', "sortBy": "userName", "sortOrder": "descending", "attributes": ["userName"]}
    listed = inhabited.request("POST", path, json=body).json()
    assert _names(listed) == [f"b{number}@contoso.example" for number in reversed(range(5))]
    assert all("title" not in user for user in listed["Resources"])


def test_pages_by_index(inhabited: Endpoint) -> None:
    query = {"sortBy": "userName", "startIndex": "6", "count": "5"}
    listed = inhabited.request("GET", "/Users", query=query).json()
    assert (listed["totalResults"], listed["itemsPerPage"], listed["startIndex"]) == (15, 5, 6)
    assert _names(listed) == PEOPLE[5:10]
    found: list[str] = []
    for start in range(1, 16, 4):
        found += _names(inhabited.request("GET", "/Users", query={"startIndex": str(start), "count": "4"}).json())
    assert sorted(found) == PEOPLE


@pytest.mark.parametrize("order", [{}, {"sortBy": "title", "sortOrder": "descending"}])
def test_pages_by_cursor_there_and_back(inhabited: Endpoint, order: dict[str, str]) -> None:
    pages, cursor = [], ""
    while True:
        query = {"cursor": cursor, "count": "4"} | order
        pages.append(inhabited.request("GET", "/Users", query=query).json())
        if "nextCursor" not in pages[-1]:
            break
        cursor = pages[-1]["nextCursor"]
    assert [len(page["Resources"]) for page in pages] == [4, 4, 4, 3]
    assert sorted(name for page in pages for name in _names(page)) == PEOPLE
    back = inhabited.request("GET", "/Users", query={"cursor": pages[3]["previousCursor"], "count": "4"} | order)
    assert _names(back.json()) == _names(pages[2])


def test_etags(endpoint: Endpoint) -> None:
    created = endpoint.request("POST", "/Users", json={"userName": "ada@contoso.example"})
    path, etag = f"/Users/{created.json()['id']}", created.headers["ETag"]
    assert created.headers["Location"] == endpoint.url + path
    assert endpoint.request("GET", path, headers={"If-None-Match": etag}).status_code == 304
    changed = endpoint.request(
        "PUT", path, json={"userName": "ada@contoso.example", "title": "x"}, headers={"If-Match": etag}
    )
    assert (changed.status_code, changed.headers["ETag"] != etag) == (200, True)
    for method, body in (("PUT", {"userName": "ada@contoso.example"}), ("DELETE", None)):
        stale = endpoint.request(method, path, json=body, headers={"If-Match": etag})
        assert (stale.status_code, stale.json()["status"]) == (412, "412")
    assert endpoint.request("DELETE", path, headers={"If-Match": changed.headers["ETag"]}).status_code == 204


def test_bulk(endpoint: Endpoint, zoho_one: ZohoOne) -> None:
    operations: list[dict[str, Any]] = [
        {"method": "POST", "path": "/Users", "bulkId": f"b{number}", "data": {"userName": f"{number}@contoso.example"}}
        for number in range(3)
    ]
    operations.append(
        {"method": "POST", "path": "/Users", "bulkId": "twice", "data": {"userName": "1@contoso.example"}}
    )
    manager = {"op": "Add", "path": "manager", "value": "bulkId:b0"}
    operations.append({"method": "PATCH", "path": "/Users/bulkId:b1", "data": {"Operations": [manager]}})
    operations.append({"method": "DELETE", "path": "/Users/bulkId:b2"})
    answer = endpoint.request("POST", "/Bulk", json={"Operations": operations}).json()
    assert [operation["status"] for operation in answer["Operations"]] == ["201", "201", "201", "409", "200", "204"]
    assert len(zoho_one.users()) == 3
    assert endpoint.request("GET", "/Users").json()["totalResults"] == 2
    many = [{"method": "DELETE", "path": f"/Users/{number}"} for number in range(101)]
    assert endpoint.request("POST", "/Bulk", json={"Operations": many}).status_code == 413


@pytest.mark.parametrize("suffix", ["", "/scim"])  # a slash more is a // in the address, which the host refuses
def test_the_admin_may_leave_or_remove_scim(endpoint: Endpoint, suffix: str) -> None:
    answer = Endpoint(endpoint.url + suffix, endpoint.token).request("GET", "/Users")
    assert (answer.status_code, answer.json()["totalResults"]) == (200, 0)


def test_reads_in_the_shape_that_was_asked_for(endpoint: Endpoint) -> None:
    body = {"userName": "ada@contoso.example", "title": "x", "emails": [{"type": "work", "value": "a@b.example"}]}
    path = f"/Users/{endpoint.request('POST', '/Users', json=body).json()['id']}"
    only = endpoint.request("GET", path, query={"attributes": "title"}).json()
    assert (only["title"], "emails" in only) == ("x", False)
    less = endpoint.request("GET", path, query={"excludedAttributes": "emails"}).json()
    assert ("emails" in less, less["userName"]) == (False, "ada@contoso.example")


@pytest.mark.parametrize(
    ("operation", "detail"),
    [
        ({"path": "name.givenName", "value": 7}, "Input should be a valid string: givenName"),
        ({"value": {"title": ["x"]}}, "Input should be a valid string: title"),
        ({"path": "userName", "value": {"a": "b"}}, "Input should be a valid string: userName"),
    ],
)
def test_a_patch_of_a_wrong_type_is_refused_in_one_sentence(
    endpoint: Endpoint, operation: dict[str, Any], detail: str
) -> None:
    path = f"/Users/{endpoint.request('POST', '/Users', json={'userName': 'ada@contoso.example'}).json()['id']}"
    refused = endpoint.request("PATCH", path, json={"Operations": [{"op": "replace"} | operation]})
    error = refused.json()
    assert (refused.status_code, error["scimType"], error["detail"]) == (400, "invalidValue", detail)
