"""Every request shape of Entra's provisioning service, replayed from the files in entra_shapes/."""

import json
from pathlib import Path
from typing import Any, Protocol

import pytest
import requests

from tests.scim.entra_shape import DIRECTORY, Expectation, Request, Shape

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
LIST_RESPONSE = "urn:ietf:params:scim:api:messages:2.0:ListResponse"


class Endpoint(Protocol):
    """The sync endpoint of a store that holds nobody yet; requests are authenticated."""

    def request(
        self, method: str, path: str, *, query: dict[str, str] | None = None, json: object = None
    ) -> requests.Response: ...


@pytest.mark.parametrize("file", sorted(DIRECTORY.glob("*.json")), ids=lambda file: file.stem)
def test_shape(endpoint: Endpoint, file: Path) -> None:
    shape = Shape.model_validate_json(file.read_bytes())
    ids: dict[str, str] = {}
    for name, user in shape.people.items():
        ids[name] = _seed(endpoint, user, ids)

    for step in (shape, *shape.then):
        filled = step.with_ids(ids)
        response = _send(endpoint, filled.request)
        if filled.request.method == "POST" and response.status_code == requests.codes.created:
            ids["id"] = response.json()["id"]
            filled = step.with_ids(ids)
        _check(endpoint, filled.expect, response, ids.get("id"))


def _seed(endpoint: Endpoint, user: dict[str, Any], ids: dict[str, str]) -> str:
    text = json.dumps(user)
    for name, user_id in ids.items():
        text = text.replace(f"{{{name}}}", user_id)
    response = endpoint.request("POST", "/Users", json=json.loads(text))
    assert response.status_code == requests.codes.created, response.text
    return str(response.json()["id"])


def _send(endpoint: Endpoint, request: Request) -> requests.Response:
    return endpoint.request(request.method, request.path, query=request.query, json=request.body)


def _check(endpoint: Endpoint, expect: Expectation, response: requests.Response, user_id: str | None) -> None:
    assert response.status_code == expect.status, response.text
    body = _checked_body(response)
    _assert_holds(body, expect.body_contains)
    users = body.get("Resources", []) if LIST_RESPONSE in body.get("schemas", ()) else [body]
    if expect.scim_type:
        assert body["scimType"] == expect.scim_type
    if expect.resource is not None:
        if response.ok:
            _assert_holds(body, expect.resource)
        stored = endpoint.request("GET", f"/Users/{user_id}").json()
        _assert_holds(stored, expect.resource)
        users.append(stored)
    for keys in expect.absent:
        assert not [user for user in users if _leads_somewhere(user, keys)], f"{keys} in {users}"


def _checked_body(response: requests.Response) -> dict[str, Any]:
    """Return the body of an answer, which obeys what Entra asks of every answer."""
    if response.status_code == requests.codes.no_content:
        assert not response.content
        return {}
    assert response.headers["Content-Type"].partition(";")[0] == "application/scim+json"
    assert "null" not in response.text  # absent values are left out; no value in the shapes has this text
    body: dict[str, Any] = response.json()
    if not response.ok:
        assert body["schemas"] == [ERROR]
        assert body["status"] == str(response.status_code)
    return body


def _assert_holds(actual: object, expected: object, at: str = "") -> None:
    """Assert that objects have at least the expected members, and arrays exactly the expected entries, in any order."""
    if isinstance(expected, dict):
        assert isinstance(actual, dict), f"{at}: {actual!r}"
        for key, value in expected.items():
            assert key in actual, f"{at}/{key} is missing"
            _assert_holds(actual[key], value, f"{at}/{key}")
    elif isinstance(expected, list):
        assert isinstance(actual, list), f"{at}: {actual!r}"
        assert len(actual) == len(expected), f"{at}: {actual!r}"
        for entry in expected:
            assert any(_holds(candidate, entry) for candidate in actual), f"{at}: no {entry!r} in {actual!r}"
    else:
        assert actual == expected, at


def _holds(actual: object, expected: object) -> bool:
    try:
        _assert_holds(actual, expected)
    except AssertionError:
        return False
    return True


def _leads_somewhere(user: dict[str, Any], keys: list[str]) -> bool:
    place: Any = user
    for key in keys:
        if not isinstance(place, dict) or key not in place:
            return False
        place = place[key]
    return True
