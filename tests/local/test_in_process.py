"""Simulators in the process of their clients answer as they do over the network."""

from typing import Any

import pytest
import requests

from local.entra.directory import EntraDirectory
from local.entra.graph import Graph
from local.entra.people import PEOPLE
from local.entra.server import described
from local.in_process import InProcess
from local.zoho_one.server import ZohoOne
from shared.outgoing import OutgoingSession

ZOHO_ONE, ENTRA, LOGIN = "http://127.0.0.1:1", "http://127.0.0.1:2", "https://127.0.0.1:2"


def signed_in(session: requests.Session, parts: dict[str, str]) -> dict[str, str]:
    form = {"grant_type": "refresh_token", "refresh_token": parts["refresh_token"]}
    form |= {"client_id": parts["client_id"], "client_secret": parts["client_secret"]}
    token = session.post(f"{parts['accounts']}/oauth/v2/token", data=form).json()["access_token"]
    return {"Authorization": f"Zoho-oauthtoken {token}"}


def zoho_one(slept: list[float] | None = None, latency: float = 0) -> tuple[requests.Session, dict[str, str]]:
    simulated, session = ZohoOne(ZOHO_ONE, "us", latency, None), OutgoingSession()
    waits = slept if slept is not None else []
    InProcess(simulated, sleep=waits.append).answers(session, ZOHO_ONE)
    return session, simulated.described


def test_zoho_one_answers() -> None:
    session, parts = zoho_one()
    headers = signed_in(session, parts)
    made = session.post(f"{parts['sync_endpoint']}/Users", json={"userName": "zoë@contoso.example"}, headers=headers)
    assert made.status_code == 201
    assert made.headers["Content-Type"].startswith("application/scim+json")
    query = {"filter": 'userName eq "zoë@contoso.example"'}
    found = session.get(f"{parts['sync_endpoint']}/Users", params=query, headers=headers).json()
    assert [user["id"] for user in found["Resources"]] == [made.json()["id"]]
    assert session.delete(f"{parts['sync_endpoint']}/Users/{made.json()['id']}", headers=headers).status_code == 204


def test_entra_signs_an_app_in_and_shows_its_people() -> None:
    session, parts = OutgoingSession(), described(ENTRA, LOGIN)
    InProcess(Graph(EntraDirectory(PEOPLE))).answers(session, ENTRA, LOGIN)
    form = {"grant_type": "client_credentials", "scope": "https://graph.microsoft.com/.default"}
    form |= {"client_id": parts["client_id"], "client_secret": parts["client_secret"]}
    token = session.post(f"{LOGIN}/{parts['tenant_id']}/oauth2/v2.0/token", data=form).json()["access_token"]
    page = session.get(f"{parts['graph']}/users/delta", headers={"Authorization": f"Bearer {token}"}).json()
    assert page["value"]
    assert all(value.startswith(ENTRA) for name, value in page.items() if name.endswith("Link"))


@pytest.mark.parametrize(("drop", "count"), [("before", 0), ("after", 1)])
def test_a_dropped_connection_is_an_error_of_the_network(drop: str, count: int) -> None:
    session, parts = zoho_one()
    headers = signed_in(session, parts)
    assert session.post(f"{ZOHO_ONE}/_faults", json=[{"method": "POST", "path": "/Users", "drop": drop}]).ok
    with pytest.raises(requests.ConnectionError):
        session.post(f"{parts['sync_endpoint']}/Users", json={"userName": "a@contoso.example"}, headers=headers)
    assert len(session.get(f"{ZOHO_ONE}/_state").json()["users"]) == count


def test_a_slow_answer_is_a_time_out_and_the_work_is_done() -> None:
    slept: list[float] = []
    session, parts = zoho_one(slept, latency=2)
    headers = signed_in(session, parts)
    assert slept == [2]
    body = {"userName": "a@contoso.example"}
    with pytest.raises(requests.ReadTimeout):
        session.post(f"{parts['sync_endpoint']}/Users", json=body, headers=headers, timeout=(5, 1))
    assert len(session.get(f"{ZOHO_ONE}/_state").json()["users"]) == 1
    assert session.get(f"{parts['sync_endpoint']}/Users", headers=headers, timeout=(5, 3)).ok


def test_a_test_stands_around_each_call() -> None:
    simulated, session = ZohoOne(ZOHO_ONE, "us", 0, None), requests.Session()
    asked: list[str] = []

    def around(request: requests.PreparedRequest, carry_out: Any) -> requests.Response:
        asked.append(f"{request.method} {request.path_url}")
        carry_out()
        raise requests.ConnectTimeout("made up")

    InProcess(simulated, around).answers(session, ZOHO_ONE)
    with pytest.raises(requests.ConnectTimeout):
        session.post(f"{ZOHO_ONE}/_users", json=[{"userName": "a@contoso.example"}])
    assert asked == ["POST /_users"]
    assert len(simulated.directory.held("User")) == 1
