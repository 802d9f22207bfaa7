"""A body that the platform does not hand to the app is refused as such: the client is told, and so is the operator."""

import logging

import pytest

from shared.app.container import Bridge
from shared.rules.secret_token import token_hash
from shared.rules.store import Store
from shared.scim.endpoint import HttpRequest, HttpResponse


def _asked(bridge: Bridge, store: Store, method: str, headers: dict[str, str]) -> HttpResponse:
    bridge.stores.put(store.model_copy(update={"token_hashes": (token_hash("sesame"),)}))
    url = f"https://bridge.example/scim/{store.id}/Users"
    headers |= {"Authorization": "Bearer sesame"}
    return bridge.sync_endpoint.handle(store.id, HttpRequest(method, url, headers))


@pytest.mark.parametrize("headers", [{"Transfer-Encoding": "chunked"}, {}])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_a_body_without_a_length_is_411(
    bridge: Bridge, store: Store, method: str, headers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        answer = _asked(bridge, store, method, headers)
    assert answer.status == 411
    assert b"urn:ietf:params:scim:api:messages:2.0:Error" in answer.body
    assert b"send it with a Content-Length" in answer.body
    assert [line for line in caplog.messages if line.startswith(f"unreadable store={store.id} method={method}")]


def test_an_empty_body_is_what_it_was(bridge: Bridge, store: Store) -> None:
    assert _asked(bridge, store, "POST", {"Content-Length": "0"}).status == 400
    assert _asked(bridge, store, "GET", {}).status == 200
