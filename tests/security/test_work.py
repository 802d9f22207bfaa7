"""The worst request below each limit takes at most a second of processor time, whatever is in its 1 MiB."""

import json
import os
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from local.store import add_store
from shared.app.container import Bridge
from shared.console.app import URL_ENCODED
from shared.console.form_token import HEADER, form_token
from shared.console.sign_in import LOCAL
from shared.rules.store import Store
from shared.scim.endpoint import HttpRequest, HttpResponse
from shared.scim.provider import MAX_BODY
from tests.conftest import ZohoOne
from tests.console.conftest import Pages

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
LONGEST = 1.0
"""Seconds of processor time."""
SIZES = (100, 2_000, 30_000)
"""Numbers of things in a request; the largest that fits into its limits counts."""
ID = "0" * 32


def _patch(*operations: dict[str, Any]) -> dict[str, Any]:
    return {"schemas": [PATCH], "Operations": list(operations)}


def _emails(count: int) -> list[dict[str, Any]]:
    return [{"type": f"t{number}", "value": f"a{number}@contoso.example"} for number in range(count)]


def _nested(depth: int) -> object:
    value: object = "x"
    for _ in range(depth):
        value = {"a": value}
    return value


type Body = Callable[[int], object]

USER_PATCHES: dict[str, Body] = {
    "types of emails": lambda n: _patch(
        *({"op": "replace", "path": f'emails[value eq "a{k}@contoso.example"].type', "value": "x"} for k in range(n))
    ),
    "emails one by one": lambda n: _patch(*({"op": "add", "path": "emails", "value": [entry]} for entry in _emails(n))),
    "emails at once": lambda n: _patch({"op": "add", "path": "emails", "value": _emails(n)}),
    "roles one by one": lambda n: _patch(
        *({"op": "add", "path": "roles", "value": [{"value": f"r{k}"}]} for k in range(n))
    ),
    "roles at once": lambda n: _patch({"op": "add", "path": "roles", "value": [{"value": f"r{k}"} for k in range(n)]}),
    "roles without a path": lambda n: _patch({"op": "add", "value": {"roles": [{"value": f"r{k}"} for k in range(n)]}}),
    "unknown attributes": lambda n: _patch({"op": "add", "value": {f"unknown{k}": "x" for k in range(n)}}),
    "unknown paths": lambda n: _patch(*({"op": "add", "path": f"unknown{k}", "value": "x"} for k in range(n))),
    "one title often": lambda n: _patch(*({"op": "replace", "path": "title", "value": f"{k}"} for k in range(n))),
    "terms in a path": lambda n: _patch(
        {"op": "replace", "path": f"emails[{' or '.join(['type eq 1'] * n)}].type".replace("1", '"a"'), "value": "x"}
    ),
    "paths in each path": lambda n: _patch(
        *({"op": "remove", "path": f"emails[{' or '.join([f'type eq {chr(34)}{k}{chr(34)}'] * 20)}]"} for k in range(n))
    ),
    "a deep value": lambda n: _patch({"op": "add", "value": {"a": _nested(min(n, 100_000))}}),
    "a deep path": lambda n: _patch({"op": "add", "path": f"emails[{'not (' * n}type pr{')' * n}]", "value": "x"}),
    "schemas": lambda n: _patch({"op": "add", "value": {"schemas": [f"urn:x:{k}" for k in range(n)]}}),
    "whole extensions": lambda n: _patch(
        *({"op": "add", "value": {f"{USER}.unknown{k}": "x", "roles": [{"value": "y"}]}} for k in range(n))
    ),
}
GROUP_PATCHES: dict[str, Body] = {
    "terms of members": lambda n: _patch(
        {"op": "remove", "path": f"members[{' or '.join(f'value eq {chr(34)}{k:032}{chr(34)}' for k in range(n))}]"}
    ),
    "members one by one": lambda n: _patch(
        *({"op": "add", "path": "members", "value": [{"value": f"{k:032}"}]} for k in range(n))
    ),
    "members out one by one": lambda n: _patch(
        *({"op": "remove", "path": f'members[value eq "{k:032}"]'} for k in range(n))
    ),
    "members at once": lambda n: _patch(
        {"op": "add", "path": "members", "value": [{"value": f"{k:032}"} for k in range(n)]}
    ),
    "names often": lambda n: _patch(*({"op": "replace", "path": "displayName", "value": f"n{k}"} for k in range(n))),
}
RESOURCES: dict[str, Body] = {
    "emails": lambda n: {"schemas": [USER], "userName": "w@contoso.example", "emails": _emails(n)},
    "roles": lambda n: {"schemas": [USER], "userName": "w@contoso.example", "roles": [{"value": "r"}] * n},
    "unknown": lambda n: {"schemas": [USER], "userName": "w@contoso.example"} | {f"u{k}": "x" for k in range(n)},
    "unknown objects": lambda n: {"schemas": [USER], "userName": "w@contoso.example", "x": [{"a": {"b": 1}}] * n},
    "schemas": lambda n: {"schemas": [f"urn:x:{k}" for k in range(n)], "userName": "w@contoso.example"},
    "deep": lambda n: {"schemas": [USER], "userName": "w@contoso.example", "x": _nested(n)},
}
SEARCHES: dict[str, Body] = {
    "attributes": lambda n: {"schemas": [SEARCH], "attributes": [f"attribute{k}" for k in range(n)]},
    "excluded": lambda n: {"schemas": [SEARCH], "excludedAttributes": [f"name.x{k}" for k in range(n)]},
    "terms": lambda n: {"schemas": [SEARCH], "filter": " or ".join(f'title eq "{k}"' for k in range(n))},
    "manager terms": lambda n: {"schemas": [SEARCH], "filter": " or ".join(f'manager eq "{k}"' for k in range(n))},
    "depth": lambda n: {"schemas": [SEARCH], "filter": "(" * n + "title pr" + ")" * n},
    "negations": lambda n: {"schemas": [SEARCH], "filter": "not (" * n + "title pr" + ")" * n},
    "a long value": lambda n: {"schemas": [SEARCH], "filter": f'title co "{"x" * n}"'},
    "brackets": lambda n: {"schemas": [SEARCH], "filter": "emails[" * n + "type pr" + "]" * n},
    "quotes": lambda n: {"schemas": [SEARCH], "filter": "title eq " + '"' * n},
}


class Scene:
    """A store with a large person and a group."""

    def __init__(self, bridge: Bridge, store: str, token: str) -> None:
        self._bridge, self._store, self._token = bridge, store, token
        person = {"schemas": [USER], "userName": "w0@contoso.example", "emails": _emails(20)}
        person |= {"roles": [{"value": f"role {number}", "display": "x" * 60} for number in range(150)]}
        self.person = self._made("/Users", person)
        self.group = self._made("/Groups", {"schemas": [GROUP], "displayName": "Everybody"})

    def _made(self, path: str, body: object) -> str:
        answer = self.send("POST", path, body)[0]
        assert answer.status == 201, answer.body
        return str(json.loads(answer.body)["id"])

    def send(self, method: str, path: str, body: object | None = None, query: str = "") -> tuple[HttpResponse, float]:
        """An answer, and the processor time it took."""
        url = f"https://bridge.example/scim/{self._store}{path}{query}"
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        request = HttpRequest(method, url, {"authorization": f"Bearer {self._token}"}, content)
        since = time.thread_time()
        answer = self._bridge.sync_endpoint.handle(self._store, request)
        return answer, time.thread_time() - since

    def worst(self, method: str, path: str, body: Body) -> None:
        """Send ever larger ones. None fails, and none takes longer, whether it is refused or not."""
        took = []
        for size in SIZES:
            content = _dumped(body, size)
            if len(content) > MAX_BODY:
                break
            answer, seconds = self.send(method, path, content)
            took.append((size, answer.status, round(seconds, 2)))
            assert answer.status < 500 or answer.status == 503, (took, answer.body[:300])
            assert seconds < LONGEST, took


def _dumped(body: Body, size: int) -> bytes:
    try:
        return json.dumps(body(size)).encode()
    except RecursionError:
        return b'{"x":' * 100_000 + b"1" + b"}" * 100_000


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    """The one of these tests, once it is made: what answers in process does so within a test only."""
    return []


@pytest.fixture
def scene(scenes: list[Scene], bridge: Bridge, azurite: str, key: str, zoho_one_process: ZohoOne) -> Scene:
    """A store for all these tests: each begins with what the one before left, which is no less work."""
    if not scenes:
        store = f"t-{os.urandom(8).hex()}"
        scenes.append(Scene(bridge, store, add_store(azurite, key, zoho_one_process.parts, store)))
    return scenes[0]


@pytest.mark.parametrize("what", USER_PATCHES)
def test_a_patch_of_a_person(scene: Scene, what: str) -> None:
    scene.worst("PATCH", f"/Users/{scene.person}", USER_PATCHES[what])


@pytest.mark.parametrize("what", GROUP_PATCHES)
def test_a_patch_of_a_group(scene: Scene, what: str) -> None:
    scene.worst("PATCH", f"/Groups/{scene.group}", GROUP_PATCHES[what])


@pytest.mark.parametrize("what", RESOURCES)
def test_a_new_person_and_a_whole_one(scene: Scene, what: str) -> None:
    scene.worst("POST", "/Users", RESOURCES[what])
    scene.worst("PUT", f"/Users/{scene.person}", RESOURCES[what])


def test_a_new_group(scene: Scene) -> None:
    scene.worst(
        "POST",
        "/Groups",
        lambda n: {"schemas": [GROUP], "displayName": f"g{n}", "members": [{"value": f"{k:032}"} for k in range(n)]},
    )


@pytest.mark.parametrize("what", SEARCHES)
def test_a_search(scene: Scene, what: str) -> None:
    scene.worst("POST", "/.search", SEARCHES[what])


@pytest.mark.parametrize("what", SEARCHES)
def test_a_search_in_an_address(scene: Scene, what: str) -> None:
    for size in SIZES[:2]:
        asked = {name: value for name, value in SEARCHES[what](size).items() if name != "schemas"}  # type: ignore[attr-defined]  # a dict
        query = {name: ",".join(value) if isinstance(value, list) else value for name, value in asked.items()}
        answer, seconds = scene.send("GET", "/Users", query=f"?{urlencode(query)}")
        assert answer.status < 500, answer.body
        assert seconds < LONGEST, (size, seconds)


def test_a_bulk_request_is_its_parts_together(scene: Scene) -> None:
    def bulk(n: int) -> dict[str, Any]:
        patch = USER_PATCHES["types of emails"](max(n // 25, 1))
        one = {"method": "PATCH", "path": f"/Users/{scene.person}", "data": patch}
        return {"schemas": [BULK], "Operations": [one] * 25}

    scene.worst("POST", "/Bulk", bulk)


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 500_000,
        b'{"a":' * 150_000,
        b"[" * 250_000 + b"]" * 250_000,
        b'"' + b"\\u0000" * 150_000 + b'"',
        b"1" * 1_000_000,
        b'{"schemas":' + b"9" * 1_000_000 + b"}",
        b"\xff" * 1_000_000,
        b"{" + b'"a":1,' * 150_000 + b'"b":1}',
    ],
)
def test_a_body_of_anything(scene: Scene, content: bytes) -> None:
    for method, path in (
        ("POST", "/Users"),
        ("PATCH", f"/Users/{scene.person}"),
        ("POST", "/Bulk"),
        ("POST", "/.search"),
    ):
        answer, seconds = scene.send(method, path, content)
        assert answer.status < 500, answer.body
        assert seconds < LONGEST


def test_a_form_of_criteria(pages: Pages, store: Store) -> None:
    """Sixty groups of fifty conditions, and as many fields as there may be."""
    groups = {f"n.{group}.match": "any" for group in range(60)}
    whole = groups | {f"n.{group}.{number}.values": "x" for group in range(60) for number in range(30)}
    for form in (whole, {f"n.{number % 1000}.{number // 1000}.values": "x" for number in range(20_000)}):
        since = time.thread_time()
        answer = pages.post(f"/stores/{store.id}/criteria", **form)
        assert time.thread_time() - since < LONGEST
        assert answer.status_code in (200, 409, 413, 422), answer.status_code


@pytest.mark.parametrize("body", [b"&" * 900_000, b"a=b&" * 200_000, b"a=" + b"%20" * 300_000, b"n.1.1=" * 150_000])
def test_a_form_of_anything(pages: Pages, store: Store, body: bytes) -> None:
    token = {HEADER: form_token(pages.parts.site.secret, LOCAL, LOCAL)}
    for path in ("criteria", "settings", "attribute-mapping/import", "api-integration/zoho-one"):
        since = time.thread_time()
        answer = pages.client.post(
            f"/console/stores/{store.id}/{path}", data=body, content_type=URL_ENCODED, headers=token
        )
        assert time.thread_time() - since < LONGEST
        assert answer.status_code < 500, (path, answer.status_code)
