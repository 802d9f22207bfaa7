"""A line says what it is about, and carries the ids of what is worked on: from Entra to Zoho One."""

import json
import logging
from collections.abc import Iterator

import pytest

from shared.app.container import Bridge
from shared.logging import configure_logging, logged_with
from shared.rules.secret_token import token_hash
from shared.rules.store import Store
from shared.scim.endpoint import HttpRequest, HttpResponse
from tests.conftest import ZohoOne

_log = logging.getLogger("bridge.tests")


@pytest.fixture(autouse=True)
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """What is logged, as the app sets it up."""
    factory = logging.getLogRecordFactory()
    configure_logging()
    yield caplog
    logging.setLogRecordFactory(factory)


def test_ids_stand_at_the_end_of_lines_within(lines: pytest.LogCaptureFixture) -> None:
    with logged_with(cycle="7"):
        with logged_with(person="ab", store="contoso"):
            _log.info("zoho store=%s status=%d", "contoso", 200)
        _log.info("100 %")
    _log.info("after")
    assert lines.messages == ["zoho store=contoso status=200 cycle=7 person=ab", "100 % cycle=7", "after"]


def test_ids_are_those_of_the_moment_and_of_the_bridge_alone(lines: pytest.LogCaptureFixture) -> None:
    with logged_with(person="ab"):
        logging.getLogger("azure.core").warning("library")
    assert lines.messages == ["library"]


def test_a_push_is_followed_to_zoho_one(lines: pytest.LogCaptureFixture, bridge: Bridge, store: Store) -> None:
    answer = _created(bridge, store)
    assert answer.status == 201
    request, person = answer.headers["X-Request-Id"], answer.headers["Location"].rpartition("/")[2]
    zoho = [line for line in lines.messages if line.startswith("zoho ")]
    (push,) = (line for line in lines.messages if line.startswith("push "))
    assert zoho
    for line in zoho:
        assert line.startswith(f"zoho store={store.id} method=POST status=201 ms=")
        assert line.endswith(f" request={request} person={person}")
    assert push.startswith(f"push store={store.id} method=POST status=201 ms=")
    assert push.endswith(f" request={request}")


def test_the_call_that_zoho_one_refuses_is_logged_too(
    lines: pytest.LogCaptureFixture, bridge: Bridge, store: Store, zoho_one: ZohoOne
) -> None:
    zoho_one.fail(method="POST", path="/Users", status=400, body={"detail": "anna@contoso.example is refused"})
    assert _created(bridge, store).status == 400
    assert any(line.startswith(f"zoho store={store.id} method=POST status=400 ms=") for line in lines.messages)
    assert "anna" not in lines.text


def _created(bridge: Bridge, store: Store) -> HttpResponse:
    bridge.stores.put(store.model_copy(update={"token_hashes": (token_hash("sesame"),)}))
    body = {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "anna@contoso.example",
        "active": True,
        "name": {"familyName": "Ek"},
        "emails": [{"type": "work", "value": "anna@contoso.example"}],
    }
    headers = {"Authorization": "Bearer sesame", "Content-Type": "application/scim+json"}
    url = f"https://bridge.example/scim/{store.id}/Users"
    return bridge.sync_endpoint.handle(store.id, HttpRequest("POST", url, headers, json.dumps(body).encode()))
