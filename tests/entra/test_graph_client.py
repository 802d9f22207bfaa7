"""Every answer is what Graph documents, or one of our errors; nothing is concluded from the rest."""

import logging
from typing import Any

import pytest
from pydantic import BaseModel

from shared.entra.answers import Permission
from shared.entra.domains import verified_domains
from shared.entra.errors import (
    GraphBusy,
    GraphCredentials,
    GraphError,
    GraphNotFound,
    GraphRefused,
    GraphUnclear,
    LinkExpired,
)
from shared.entra.graph_client import BATCH, TRIES, GraphClient
from tests.conftest import Entra

DOMAINS = "/v1.0/domains"
MEMBERS = "/v1.0/groups/{id}/members"


class Row(BaseModel):
    """Anything with an id."""

    id: str


def test_reads_the_verified_domains(entra: Entra) -> None:
    names = verified_domains(entra.client())
    assert names == {"contoso.example", "contoso.onmicrosoft.example", "fabrikam.example"}


def test_a_tenant_without_domains_is_not_believed(entra: Entra) -> None:
    entra.fail(DOMAINS, status=200, body={"value": []})
    with pytest.raises(GraphUnclear):
        verified_domains(entra.client())


def test_turns_pages(entra: Entra) -> None:
    client = entra.client()
    pages = list(client.pages(Row, client.url("/users", {"$select": "id", "$top": "10"}), Permission.USERS))
    assert [len(page) for page in pages] == [10, 10, 5]
    assert len({row.id for page in pages for row in page}) == 25


@pytest.mark.parametrize(
    ("fault", "error", "text"),
    [
        ({"status": 403, "body": "Authorization_RequestDenied"}, GraphCredentials, "permission Domain.Read.All"),
        ({"status": 401, "times": 2}, GraphCredentials, "does not accept the token"),
        ({"status": 400, "body": "Request_BadRequest"}, GraphRefused, "400 Request_BadRequest"),
        ({"status": 400, "body": "Anna Smith's"}, GraphRefused, "400$"),
        ({"status": 404, "body": "Request_ResourceNotFound"}, GraphNotFound, "404"),
        ({"status": 410, "body": "Gone"}, LinkExpired, "read again from"),
        ({"status": 400, "body": "syncStateNotFound"}, LinkExpired, "read again from"),
        ({"status": 404, "body": "ResyncRequired"}, LinkExpired, "read again from"),
        ({"status": 200, "body": "<html>"}, GraphUnclear, "not understood"),
        ({"status": 200, "body": {}}, GraphUnclear, "not understood"),
        ({"status": 200, "body": {"value": [{}]}}, GraphUnclear, "not understood"),
        ({"status": 204}, GraphUnclear, "204"),
        ({"status": 302, "headers": {"Location": "http://127.0.0.1:1/"}}, GraphUnclear, "302"),
        ({"status": 429, "headers": {"Retry-After": "300"}}, GraphBusy, "429"),
    ],
)
def test_says_what_graph_answers(entra: Entra, fault: dict[str, Any], error: type[GraphError], text: str) -> None:
    entra.fail(DOMAINS, **fault)
    with pytest.raises(error, match=text) as raised:
        verified_domains(entra.client())
    assert type(raised.value) is error
    assert entra.calls() == {"GET /v1.0/domains": fault.get("times", 1)}


@pytest.mark.parametrize(
    ("fault", "waits"),
    [
        ({"status": 429, "headers": {"Retry-After": "7"}}, [7]),
        ({"status": 503, "headers": {"Retry-After": "20"}, "times": 2}, [20, 20]),
        ({"status": 504, "times": 2}, [5, 5]),
        ({"drop": "before"}, [2]),
        ({"drop": "after"}, [2]),
    ],
)
def test_waits_as_long_as_it_is_asked_and_tries_again(entra: Entra, fault: dict[str, Any], waits: list[int]) -> None:
    entra.fail(DOMAINS, **fault)
    assert verified_domains(entra.client())
    assert entra.slept == waits


def test_its_patience_ends(entra: Entra) -> None:
    entra.fail(DOMAINS, status=429, headers={"Retry-After": "8"}, times=10)
    with pytest.raises(GraphBusy) as raised:
        verified_domains(entra.client(patience=20))
    assert raised.value.retry_after == 8
    assert entra.slept == [8, 8]
    entra.slept.clear()
    with pytest.raises(GraphBusy):
        verified_domains(entra.client(patience=1000))
    assert entra.slept == [8] * (TRIES - 1)


def test_a_caller_with_a_lease_hears_a_heartbeat_while_it_waits(entra: Entra) -> None:
    beats: list[float] = []
    entra.fail(DOMAINS, status=429, headers={"Retry-After": "25"})
    assert verified_domains(entra.client().beating(lambda: beats.append(sum(entra.slept))))
    assert beats == [0, 10, 20, 25, 25], "before each call, and never more than ten seconds apart"


def test_a_token_that_ended_is_renewed_once(entra: Entra) -> None:
    client = entra.client()
    verified_domains(client)
    entra.forget("tokens")
    assert verified_domains(client)
    assert entra.sign_ins() == 2


@pytest.mark.parametrize(
    "link",
    [
        "https://graph.microsoft.com/v1.0/domains",
        "{url}.evil.example/v1.0/domains",
        "{url}@evil.example/v1.0/domains",
        "{url}/beta/domains",
        "//evil.example/v1.0/domains",
        "/v1.0/domains",
    ],
)
def test_a_link_that_leads_elsewhere_is_not_followed(entra: Entra, link: str) -> None:
    next_link = link.format(url=entra.ready["url"])
    entra.fail(DOMAINS, status=200, body={"value": [], "@odata.nextLink": next_link})
    with pytest.raises(GraphUnclear, match="not followed"):
        verified_domains(entra.client())
    assert entra.calls() == {"GET /v1.0/domains": 1}


def test_a_page_that_is_its_own_next_one_is_not_turned_for_ever(entra: Entra) -> None:
    client = entra.client()
    url = client.url("/domains", {"$select": "id,isVerified"})
    entra.fail(DOMAINS, status=200, body={"value": [], "@odata.nextLink": url})
    with pytest.raises(GraphUnclear, match="same page"):
        verified_domains(client)


def test_nobody_there_is_for_later(entra: Entra) -> None:
    connection = entra.connection(graph="http://127.0.0.1:1")
    client = GraphClient(connection, entra.session, entra.tokens(), sleep=entra.slept.append)
    with pytest.raises(GraphBusy, match=r"did not answer \(ConnectionError\)"):
        verified_domains(client)


def test_a_batch_answers_in_order_and_asks_again_what_was_throttled(entra: Entra) -> None:
    groups = [f"00000000-0000-0000-0000-{number:012}" for number in range(BATCH)]
    entra.act(*({"do": "put group", "id": group} for group in groups[:-1]))
    entra.fail(MEMBERS, status=429, headers={"Retry-After": "3"})
    entra.fail(MEMBERS, status=503, headers={"Retry-After": "9"}, times=2)
    answers = entra.client().batch([f"/groups/{group}/members" for group in groups], Permission.GROUP_MEMBERS)
    assert answers[:-1] == [b'{"value":[]}'] * (BATCH - 1)
    assert isinstance(answers[-1], GraphNotFound)
    assert entra.slept == [9]
    assert entra.calls() == {"POST /v1.0/$batch": 2, f"GET {MEMBERS}": BATCH + 3}


@pytest.mark.parametrize(
    "responses",
    [
        [],
        [{"id": "0", "status": 200, "body": {}}],
        [{"id": "0", "status": 200}, {"id": "0", "status": 200}],
        [{"id": "0", "status": 200}, {"id": "7", "status": 200}],
        [{"status": 200}, {"id": "1", "status": 200}],
    ],
)
def test_a_batch_that_is_not_answered_in_full_is_no_answer(entra: Entra, responses: list[dict[str, Any]]) -> None:
    entra.fail("/v1.0/$batch", status=200, body={"responses": responses})
    with pytest.raises(GraphUnclear):
        entra.client().batch(["/domains", "/domains"], Permission.DOMAINS)


def test_neither_tokens_nor_queries_are_in_an_error(entra: Entra, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    client = entra.client()
    entra.fail("/v1.0/users", status=500, body="Anna Smith is not here", times=TRIES)
    with pytest.raises(GraphBusy) as raised:
        list(client.pages(Row, client.url("/users", {"$select": "id", "$top": "7"}), Permission.USERS))
    for text in (str(raised.value), caplog.text):
        assert not any(secret in text for secret in ("Anna", "$top", "Bearer"))
    assert raised.value.__cause__ is None
