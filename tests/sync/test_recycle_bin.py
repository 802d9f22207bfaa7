"""Entra's recycle bin, by push and by Graph: restored, created anew, and a name that is given to somebody else."""

import json
from typing import Any

import pytest
from pydantic import JsonValue

from local.entra.people import PEOPLE
from shared.rules.change import ChangeKind
from shared.rules.former import Adoptions
from shared.rules.guard import Rule
from shared.rules.guard_limits import GuardLimits
from shared.rules.history import EventKind
from shared.rules.run import RunState
from shared.sync.errors import HeldBack
from tests.conftest import Endpoint, ZohoOne
from tests.sync.reconciled import Reconciled

ANNA = next(person for person in PEOPLE if person.account_enabled)
NAME = ANNA.user_principal_name
ANEW = "00000000-0000-4000-8000-000000000777"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
PREFIX = "4f5e0a7b0d434c589b1e6a2f7d3c8e90"
NAMED, ADDRESS = "ada@contoso.example", "ada.byron@contoso.example"
ADA = {
    "userName": NAMED,
    "displayName": "Ada Byron",
    "active": True,
    "emails": [{"type": "work", "primary": True, "value": ADDRESS}],
}
IN_BIN = [
    ("userName", f"{PREFIX}{NAMED}"),
    ('emails[type eq "work"].value', f"{PREFIX}{ADDRESS}"),
    ("active", "False"),
]
RESTORED = [("userName", NAMED), ('emails[type eq "work"].value', ADDRESS), ("active", "True")]


def _patch(endpoint: Endpoint, user_id: str, *changes: tuple[str, Any]) -> dict[str, Any]:
    operations = [{"op": "Replace", "path": path, "value": value} for path, value in changes]
    answer = endpoint.request("PATCH", f"/Users/{user_id}", json={"schemas": [PATCH], "Operations": operations})
    assert answer.status_code == 200, answer.text
    return answer.json()  # type: ignore[no-any-return]  # JSON


def _found(endpoint: Endpoint, user_name: str) -> list[str]:
    query = {"filter": f'userName eq "{user_name}"'}
    return [each["id"] for each in endpoint.request("GET", "/Users", query=query).json()["Resources"]]


@pytest.mark.parametrize("requests", [[IN_BIN], [IN_BIN[:1], IN_BIN[1:2], IN_BIN[2:]], [IN_BIN[2:], IN_BIN[:2]]])
def test_the_name_in_the_bin_is_no_rename(
    endpoint: Endpoint, zoho_one: ZohoOne, requests: list[list[tuple[str, Any]]]
) -> None:
    user_id = endpoint.request("POST", "/Users", json=ADA).json()["id"]
    for changes in requests:
        shown = _patch(endpoint, user_id, *changes)
        (account,) = zoho_one.users()
        assert (account["userName"], account["emails"][0]["value"]) == (NAMED, ADDRESS)
    assert account["active"] is False
    assert (shown["userName"], shown["active"]) == (f"{PREFIX}{NAMED}", False), "Entra is shown what it wrote"
    assert _found(endpoint, f"{PREFIX}{NAMED}") == [user_id]
    assert _found(endpoint, NAMED) == []
    restored = _patch(endpoint, user_id, *RESTORED)
    (account,) = zoho_one.users()
    assert (account["userName"], account["active"], restored["active"]) == (NAMED, True, True)
    assert _found(endpoint, NAMED) == [user_id]


def test_the_name_of_one_in_the_bin_is_free_and_the_same_person_pushed_anew_keeps_the_account(
    endpoint: Endpoint, zoho_one: ZohoOne
) -> None:
    first = endpoint.request("POST", "/Users", json=ADA).json()["id"]
    account_id = zoho_one.users()[0]["id"]
    _patch(endpoint, first, *IN_BIN)
    second = endpoint.request("POST", "/Users", json=ADA)
    assert second.status_code == 201, second.text
    assert endpoint.request("DELETE", f"/Users/{first}").status_code == 204, "the first is purged"
    (account,) = zoho_one.users()
    assert (account["id"], account["active"]) == (account_id, True)
    assert _found(endpoint, NAMED) == [second.json()["id"]]


def test_another_person_pushed_under_the_name_waits_for_an_administrator(endpoint: Endpoint, zoho_one: ZohoOne) -> None:
    first = endpoint.request("POST", "/Users", json=ADA).json()["id"]
    _patch(endpoint, first, *IN_BIN)
    other = ADA | {"displayName": "Different Human"}
    answer = endpoint.request("POST", "/Users", json=other)
    assert (answer.status_code, "Ada Byron" in answer.json()["detail"]) == (503, True)
    (account,) = zoho_one.users()
    assert (account["active"], account["displayName"]) == (False, "Ada Byron")


def _create_anew(reconciled: Reconciled, **changes: Any) -> None:
    values = ANNA.model_dump(mode="json", by_alias=True) | {"id": ANEW} | changes
    reconciled.entra.act({"do": "add", "values": values}, {"do": "assign", "id": ANEW})


def test_restored(reconciled: Reconciled) -> None:
    reconciled.cycle()
    account = reconciled.accounts()[NAME]
    reconciled.entra.act({"do": "soft-delete", "id": ANNA.id})
    reconciled.cycle()
    assert reconciled.accounts()[NAME] | {"active": True, "meta": None} == account | {"meta": None}
    reconciled.entra.act({"do": "restore", "id": ANNA.id})
    assert reconciled.cycle().planned == {ChangeKind.REACTIVATE: 1}
    reconciled.assert_as_in_entra()


@pytest.mark.parametrize("purged", [False, True])
def test_the_same_person_created_anew_keeps_the_account_when_the_first_is_purged(
    reconciled: Reconciled, purged: bool
) -> None:
    """Whether the first is purged before or afterwards."""
    reconciled.cycle()
    account_id = reconciled.accounts()[NAME]["id"]
    reconciled.entra.act({"do": "soft-delete", "id": ANNA.id})
    reconciled.cycle()
    purge = {"do": "hard-delete", "id": ANNA.id}
    if purged:
        reconciled.entra.act(purge)
        reconciled.cycle()
    _create_anew(reconciled)
    run = reconciled.cycle()
    assert (run.state, run.planned) == (RunState.DONE, {ChangeKind.ADOPT: 1})
    if not purged:
        reconciled.entra.act(purge)
        assert reconciled.cycle().planned == {}
    account = reconciled.accounts()[NAME]
    assert (account["id"], account["active"]) == (account_id, True)
    identity = reconciled.identity(ANEW)
    assert identity is not None
    assert reconciled.bridge.identities.history(reconciled.store_id, identity.id)[0].kind is EventKind.ADOPTED
    assert list(reconciled.bridge.identities.formers(reconciled.store_id)) == []
    reconciled.assert_as_in_entra()


@pytest.mark.parametrize("purged", [False, True])
def test_a_name_given_to_somebody_else_is_held_as_an_adoption(reconciled: Reconciled, purged: bool) -> None:
    reconciled.cycle()
    before = reconciled.accounts()[NAME]
    reconciled.entra.act({"do": "soft-delete", "id": ANNA.id})
    reconciled.cycle()
    if purged:
        reconciled.entra.act({"do": "hard-delete", "id": ANNA.id})
        reconciled.cycle()
    _create_anew(reconciled, displayName="Different Human", mailNickname="dh", employeeId="9999")
    done = reconciled.request()
    assert (done.run.state, done.run.planned) == (RunState.HELD, {ChangeKind.ADOPT: 1})
    assert [breach.rule for breach in done.verdict.breaches] == [Rule.ADOPTIONS]
    assert done.plan is not None
    assert str(ANNA.display_name) in done.plan.changes[0].reason
    _, reports = reconciled.bridge.on_demand.provision(reconciled.store, [ANEW], "test")
    assert "administrator has to agree" in reports[0].steps[-1].told
    stored = reconciled.bridge.identities.find_object(reconciled.store_id, ANEW)
    assert stored is not None
    resource = json.loads(stored.identity.said.resource) | {"title": "New"}
    with pytest.raises(HeldBack):
        reconciled.bridge.push.replace(reconciled.store, stored, resource)
    assert reconciled.accounts()[NAME]["displayName"] == before["displayName"]
    assert reconciled.accounts()[NAME]["active"] is False
    held = reconciled.request().verdict.plan
    assert held is not None
    reconciled.bridge.decisions.approve(reconciled.store_id, held.held.id, "admin")
    assert reconciled.cycle().state is RunState.DONE
    after = reconciled.accounts()[NAME]
    assert (after["id"], after["active"], after["displayName"]) == (before["id"], True, "Different Human")
    reconciled.assert_as_in_entra()
    assert reconciled.cycle().planned == {}


@pytest.mark.parametrize("policy", [Adoptions.ALWAYS, Adoptions.NEVER])
def test_a_store_may_always_or_never_let_it_be_adopted(reconciled: Reconciled, policy: Adoptions) -> None:
    reconciled.change(guard=GuardLimits(adoptions=policy))
    reconciled.cycle()
    reconciled.entra.act({"do": "soft-delete", "id": ANNA.id})
    reconciled.cycle()
    _create_anew(reconciled, displayName="Different Human", employeeId=None)
    done = reconciled.request()
    assert done.run.state is RunState.DONE
    account = reconciled.accounts()[NAME]
    if policy is Adoptions.ALWAYS:
        assert (account["active"], account["displayName"]) == (True, "Different Human")
        return
    assert (account["active"], account["displayName"]) == (False, ANNA.display_name)
    assert done.plan is not None
    (waits,) = done.plan.suppressed
    assert "never lets it be adopted" in waits.reason


def test_a_name_that_changed_hands_before_graph_was_connected(reconciled: Reconciled) -> None:
    """A push made somebody, who was renamed; a colleague has the old name by the time that Graph is read first."""
    colleague = next(person for person in PEOPLE if person.account_enabled and person.id != ANNA.id)
    pushed: dict[str, JsonValue] = {
        "userName": NAME,
        "externalId": ANNA.mail_nickname,
        "displayName": ANNA.display_name,
        "active": True,
    }
    reconciled.bridge.push.create(reconciled.store, pushed)
    account_id = reconciled.accounts()[NAME]["id"]
    new_name = "renamed@contoso.example"
    reconciled.entra.act({"do": "change", "id": ANNA.id, "values": {"userPrincipalName": new_name, "mail": new_name}})
    reconciled.entra.act({"do": "change", "id": colleague.id, "values": {"userPrincipalName": NAME}})
    for _ in range(3):
        reconciled.cycle()
    assert reconciled.accounts()[new_name]["id"] == account_id
    assert reconciled.accounts()[NAME]["displayName"] == colleague.display_name
    reconciled.assert_as_in_entra()


OTHER = {"displayName": "Different Human", "active": True}
NUMBER = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber"


def _answered(endpoint: Endpoint, user_id: str, *changes: tuple[str, Any]) -> Any:
    operations = [{"op": "Replace", "path": path, "value": value} for path, value in changes]
    return endpoint.request("PATCH", f"/Users/{user_id}", json={"schemas": [PATCH], "Operations": operations})


def test_a_push_that_finds_the_row_of_one_in_the_bin_does_not_give_the_account_away(
    reconciled: Reconciled, host: str
) -> None:
    """Entra's service finds the row under the name that somebody else has now, and writes that one over it."""
    endpoint = reconciled.endpoint(host)
    reconciled.cycle()
    before = reconciled.accounts()[NAME]
    reconciled.entra.act({"do": "soft-delete", "id": ANNA.id})
    reconciled.cycle()
    (user_id,) = _found(endpoint, NAME)
    shown = endpoint.request("GET", f"/Users/{user_id}").json()
    others = [("displayName", "Different Human"), (NUMBER, "9999"), ("active", "True")]
    patched = _answered(endpoint, user_id, *others)
    assert (patched.status_code, ANNA.display_name in patched.json()["detail"]) == (503, True), patched.text
    put = endpoint.request("PUT", f"/Users/{user_id}", json=shown | OTHER | {NUMBER.rpartition(":")[0]: {}})
    assert put.status_code == 503, put.text
    account = reconciled.accounts()[NAME]
    assert (account["active"], account["displayName"]) == (False, before["displayName"])
    _create_anew(reconciled, displayName="Different Human", mailNickname="dh", employeeId="9999")
    assert reconciled.request().run.planned == {ChangeKind.ADOPT: 1}, "an administrator decides"
    (found,) = _found(endpoint, NAME)
    assert found != user_id


def test_a_push_of_one_in_the_bin_who_is_restored_passes(reconciled: Reconciled, host: str) -> None:
    endpoint = reconciled.endpoint(host)
    reconciled.cycle()
    reconciled.entra.act({"do": "soft-delete", "id": ANNA.id})
    reconciled.cycle()
    (user_id,) = _found(endpoint, NAME)
    reconciled.entra.act({"do": "restore", "id": ANNA.id})
    assert _answered(endpoint, user_id, ("active", "True"), ("title", "Countess")).status_code == 200
    assert reconciled.accounts()[NAME]["active"] is True


def test_another_employee_number_passes_once_graph_has_told_it(reconciled: Reconciled, host: str) -> None:
    """Until then the name may have been given to somebody else of whom no cycle has heard."""
    endpoint = reconciled.endpoint(host)
    reconciled.cycle()
    reconciled.entra.act({"do": "change", "id": ANNA.id, "values": {"employeeId": "1"}})
    reconciled.cycle()
    (user_id,) = _found(endpoint, NAME)
    reconciled.entra.act({"do": "change", "id": ANNA.id, "values": {"employeeId": "9999"}})
    changes = ((NUMBER, "9999"), ("title", "Countess"))
    assert _answered(endpoint, user_id, *changes).status_code == 503
    reconciled.cycle()
    assert _answered(endpoint, user_id, *changes).status_code == 200
    assert reconciled.accounts()[NAME]["title"] == "Countess"


def test_a_pushed_creation_is_not_joined_by_one_of_another_employee_number(
    endpoint: Endpoint, zoho_one: ZohoOne
) -> None:
    zoho_one.fail(method="POST", path="/Users", status=503, times=9)
    enterprise = NUMBER.rpartition(":")[0]
    first = ADA | {enterprise: {"employeeNumber": "1"}}
    assert endpoint.request("POST", "/Users", json=first).status_code == 503
    second = ADA | {"displayName": "Different Human", enterprise: {"employeeNumber": "2"}}
    assert endpoint.request("POST", "/Users", json=second).status_code == 409


ANOTHER = {"displayName": "Different Human", "name.givenName": "Different", "name.familyName": "Human"}


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        (ANOTHER, 503),
        ({"displayName": "Ada Lovelace", "name.familyName": "Lovelace"}, 200),  # married while they were away
        ({}, 200),
    ],
)
def test_a_push_that_brings_back_another_under_the_name_of_a_leaver_waits(
    changes: dict[str, str], status: int, endpoint: Endpoint, zoho_one: ZohoOne
) -> None:
    """Entra pushes that somebody was unassigned, and nothing of their deletion after that."""
    name = {"givenName": "Ada", "familyName": "Byron"}
    body = {"userName": NAME, "displayName": "Ada Byron", "name": name, "externalId": "ada", "active": True}
    user_id = endpoint.request("POST", "/Users", json=body).json()["id"]
    assert _answered(endpoint, user_id, ("active", "False")).status_code == 200
    answer = _answered(endpoint, user_id, ("active", "True"), *changes.items())
    assert answer.status_code == status, answer.text
    (account,) = zoho_one.users()
    assert account["active"] is (status == 200)
    assert account["displayName"] == (changes.get("displayName", "Ada Byron") if status == 200 else "Ada Byron")
