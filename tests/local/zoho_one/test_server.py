"""The simulated Zoho One stores accounts as SCIM requires, fails on request, and counts its calls.

All of it holds for both of its directories: scim2-server's in a process, and the plain one of the tests in process.
"""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from local.in_process import InProcess
from local.processes import Processes
from local.zoho_one.plain_directory import PlainDirectory
from local.zoho_one.server import ZohoOne as SimulatedZohoOne

NAME = "urn:ietf:params:scim:schemas:core:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


@dataclass
class ZohoOne:
    """A running Zoho One and a client of it that has an access token."""

    ready: dict[str, str]
    session: requests.Session

    def call(self, method: str, path: str, content: object = None, **options: Any) -> requests.Response:
        return self.session.request(method, self.ready["sync_endpoint"] + path, json=content, timeout=5, **options)

    def create(self, name: str, **attributes: Any) -> requests.Response:
        return self.call("POST", "/Users", {"schemas": [NAME], "userName": name, **attributes})

    def patch(self, user: str, *operations: dict[str, Any]) -> requests.Response:
        return self.call("PATCH", f"/Users/{user}", {"schemas": [PATCH], "Operations": operations})

    def control(self, method: str, path: str, content: object = None) -> requests.Response:
        return self.session.request(method, self.ready["url"] + path, json=content, timeout=5)

    def fail(self, **fault: Any) -> None:
        assert self.control("POST", "/_faults", [fault]).status_code == 204

    @property
    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = self.control("GET", "/_state").json()
        return state

    @property
    def names(self) -> list[str]:
        return [user["userName"] for user in self.state["users"]]


@pytest.fixture(scope="module")
def ready(processes: Processes) -> dict[str, str]:
    """The description of a ready Zoho One with two licences."""
    return processes.start_module("local.zoho_one", "--port", "0", "--licences", "2")[1]


@pytest.fixture(scope="module")
def plain() -> SimulatedZohoOne:
    """One with two licences and the plain directory, in this process."""
    return SimulatedZohoOne("http://127.0.0.1:11", "us", 0, 2, PlainDirectory)


@pytest.fixture(params=["scim2-server", "plain"])
def zoho(request: pytest.FixtureRequest) -> Iterator[ZohoOne]:
    """An empty Zoho One, without faults and counts."""
    with requests.Session() as session:
        if request.param == "plain":
            simulated: SimulatedZohoOne = request.getfixturevalue("plain")
            InProcess(simulated).answers(session, simulated.described["url"])
            ready = simulated.described
        else:
            ready = request.getfixturevalue("ready")
        session.delete(f"{ready['url']}/_state", timeout=5)
        form = {name: ready[name] for name in ("client_id", "client_secret", "refresh_token")}
        answer = session.post(
            f"{ready['accounts']}/oauth/v2/token", data={"grant_type": "refresh_token", **form}, timeout=5
        )
        session.headers["Authorization"] = f"Zoho-oauthtoken {answer.json()['access_token']}"
        yield ZohoOne(ready, session)


def test_it_keeps_what_zoho_one_holds_and_ignores_the_rest(zoho: ZohoOne) -> None:
    created = zoho.create("ada@contoso.example", nickName="A", title="Countess", **{ENTERPRISE: {"department": "R&D"}})
    assert created.status_code == 201
    (user,) = zoho.state["users"]
    assert user["title"] == "Countess"
    assert user[ENTERPRISE]["department"] == "R&D"
    assert "nickName" not in user


def test_it_takes_the_patches_of_entras_gallery_app(zoho: ZohoOne) -> None:
    user = zoho.create("ada@contoso.example").json()["id"]
    path = 'phoneNumbers[type eq "work"].value'
    changed = zoho.patch(
        user,
        {"op": "Add", "path": path, "value": "+44 1"},
        {"op": "Replace", "path": "active", "value": "False"},
    )
    assert changed.status_code == 204
    (held,) = zoho.state["users"]
    assert held["phoneNumbers"] == [{"type": "work", "value": "+44 1"}]
    assert held["active"] is False


def test_a_filter_finds_a_user_in_any_letter_case(zoho: ZohoOne) -> None:
    zoho.create("Ada@contoso.example")
    found = zoho.call("GET", "/Users", params={"filter": 'userName eq "ada@CONTOSO.example"'})
    assert found.json()["totalResults"] == 1


def test_groups_have_members(zoho: ZohoOne) -> None:
    user = zoho.create("ada@contoso.example").json()["id"]
    schema = NAME.replace("User", "Group")
    zoho.call("POST", "/Groups", {"schemas": [schema], "displayName": "Staff", "members": [{"value": user}]})
    assert [group["members"][0]["value"] for group in zoho.state["groups"]] == [user]


def test_groups_take_only_users_who_exist(zoho: ZohoOne) -> None:
    group = zoho.call("POST", "/Groups", {"displayName": "Sales"}).json()["id"]
    anna = zoho.create("anna@contoso.example").json()["id"]

    def patch(*members: str) -> int:
        operation = {"op": "add", "path": "members", "value": [{"value": member} for member in members]}
        return zoho.call("PATCH", f"/Groups/{group}", {"schemas": [PATCH], "Operations": [operation]}).status_code

    assert patch(anna, "nobody") == 400
    assert patch(anna) == 204
    assert zoho.call("DELETE", f"/Users/{anna}").status_code == 204
    assert zoho.call("GET", f"/Groups/{group}").json().get("members", []) == []


def test_seeded_groups_are_there(zoho: ZohoOne) -> None:
    assert zoho.control("POST", "/_groups", [{"displayName": "Sales"}]).status_code == 201
    assert [group["displayName"] for group in zoho.state["groups"]] == ["Sales"]
    assert not [call for call in zoho.state["calls"] if "Groups" in call]


@pytest.mark.parametrize("header", ["", "Bearer wrong", "Basic abc"])
def test_without_a_valid_token_it_answers_401(zoho: ZohoOne, header: str) -> None:
    refused = zoho.call("GET", "/Users", headers={"Authorization": header})
    assert refused.status_code == 401
    assert refused.json()["status"] == "401"


def test_both_schemes_are_accepted_until_the_token_expires(zoho: ZohoOne) -> None:
    bearer = str(zoho.session.headers["Authorization"]).replace("Zoho-oauthtoken", "Bearer")
    assert zoho.call("GET", "/Users", headers={"Authorization": bearer}).status_code == 200
    zoho.control("DELETE", "/_tokens")
    assert zoho.call("GET", "/Users").status_code == 401


def test_licences_limit_active_users(zoho: ZohoOne) -> None:
    first, _ = (zoho.create(f"{name}@contoso.example").json()["id"] for name in "ab")
    third = zoho.create("c@contoso.example", active=False).json()["id"]
    activate = {"op": "replace", "path": "active", "value": True}
    for refused in (zoho.create("d@contoso.example"), zoho.patch(third, activate)):
        assert refused.status_code == 400
        assert "allowed license limit of '2' users" in refused.json()["detail"]
    zoho.patch(first, {**activate, "value": False})
    assert zoho.patch(third, activate).status_code == 204


def test_seeded_users_are_there_and_not_counted_as_calls(zoho: ZohoOne) -> None:
    added = zoho.control("POST", "/_users", [{"userName": "old@contoso.example", "title": "CEO"}])
    assert added.status_code == 201
    assert added.json()[0]["id"]
    assert zoho.names == ["old@contoso.example"]
    assert zoho.control("POST", "/_users", [{"userName": "old@contoso.example"}]).status_code == 422
    assert zoho.state["calls"].keys() == {"POST /oauth/v2/token"}


def test_calls_are_counted_by_method_and_kind_and_remembered(zoho: ZohoOne) -> None:
    user = zoho.create("ada@contoso.example").json()["id"]
    for _ in range(2):
        zoho.call("GET", f"/v2/Users/{user}")
    zoho.call("POST", "/Users/.search", {})
    state = zoho.state
    assert state["calls"] == {
        "POST /oauth/v2/token": 1,
        "POST /Users": 1,
        "GET /Users/{id}": 2,
        "POST /Users/.search": 1,
    }
    token, create, *_ = state["last_calls"]
    assert (create["status"], create["body"]["userName"]) == (201, "ada@contoso.example")
    assert token["body"] is None


def test_a_status_is_answered_instead_for_the_next_calls(zoho: ZohoOne) -> None:
    zoho.fail(method="POST", path="/Users", status=429, body={"detail": "slow"}, headers={"Retry-After": "7"}, times=2)
    assert zoho.call("GET", "/Users").status_code == 200
    for _ in range(2):
        busy = zoho.create("ada@contoso.example")
        assert (busy.status_code, busy.json(), busy.headers["retry-after"]) == (429, {"detail": "slow"}, "7")
    assert zoho.create("ada@contoso.example").status_code == 201


@pytest.mark.parametrize(("moment", "names"), [("before", []), ("after", ["ada@contoso.example"])])
def test_a_connection_is_lost(zoho: ZohoOne, moment: str, names: list[str]) -> None:
    zoho.fail(method="POST", path="/Users", drop=moment)
    with pytest.raises(requests.ConnectionError):
        zoho.create("ada@contoso.example")
    assert zoho.names == names
    assert zoho.state["last_calls"][-1]["status"] is None
    assert zoho.call("GET", "/Users").status_code == 200


def test_a_call_is_delayed(zoho: ZohoOne) -> None:
    zoho.fail(latency=0.3)
    assert zoho.call("GET", "/Users").elapsed.total_seconds() > 0.3
    assert zoho.call("GET", "/Users").elapsed.total_seconds() < 0.3


@pytest.mark.parametrize(
    "fault", [{}, {"status": 503, "drop": "after"}, {"status": 42}, {"sort": "bad"}, {"lie": "error", "drop": "after"}]
)
def test_a_fault_that_makes_no_sense_is_refused(zoho: ZohoOne, fault: dict[str, Any]) -> None:
    assert zoho.control("POST", "/_faults", [fault]).status_code == 422
    assert zoho.control("GET", "/_faults").json() == []


def test_faults_can_be_called_off(zoho: ZohoOne) -> None:
    zoho.fail(status=503, times=9)
    assert len(zoho.control("GET", "/_faults").json()) == 1
    zoho.control("DELETE", "/_faults")
    assert zoho.call("GET", "/Users").status_code == 200


def test_concurrent_creates_make_each_user_once(zoho: ZohoOne) -> None:
    def create(number: int) -> int:
        return zoho.create(f"{number % 10}@contoso.example", active=False).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(create, range(30)))
    assert statuses == [201] * 10 + [409] * 20


def test_nothing_of_the_requests_is_logged(zoho: ZohoOne, processes: Processes) -> None:
    zoho.create("private@contoso.example")
    zoho.create("private@contoso.example")
    zoho.call("GET", "/Users", params={"filter": 'userName eq "private@contoso.example" and'})
    logs = "".join(child.log.read_text() for child in processes.children)
    assert not re.search("private|contoso", logs)
    assert zoho.ready["client_secret"] not in logs


@pytest.mark.parametrize("path", ["/scim", "/scim/", "/scim/v2", "/dc", "/dc/us", "/", "/scim/Nothing/1"])
def test_an_address_that_is_none_is_no_failure(zoho: ZohoOne, path: str) -> None:
    answer = zoho.session.get(zoho.ready["url"] + path, timeout=5)
    assert answer.status_code < 500
