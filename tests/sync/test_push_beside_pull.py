"""A push of somebody of whom Graph tells more than a push can."""

from typing import Any

import pytest

from local.entra.people import PEOPLE
from shared.rules.run import RunState
from shared.rules.status import Deprovisioning, Reflection, StatusRules
from tests.conftest import Endpoint
from tests.sync.reconciled import Reconciled

ANNA = PEOPLE[0]
_PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@pytest.mark.parametrize("action", ["unassign", "soft-delete"])
def test_a_push_of_another_attribute_does_not_bring_back_who_has_left(
    action: str, reconciled: Reconciled, host: str
) -> None:
    endpoint = reconciled.endpoint(host)
    reconciled.cycle()
    reconciled.entra.act({"do": action, "id": ANNA.id})
    reconciled.cycle()
    assert reconciled.accounts()[ANNA.user_principal_name]["active"] is False
    query = {"filter": f'userName eq "{ANNA.user_principal_name}"'}
    (shown,) = endpoint.request("GET", "/Users", query=query).json()["Resources"]
    assert endpoint.request("PATCH", f"/Users/{shown['id']}", json=_patch("title", "Archivist")).ok
    account = reconciled.accounts()[ANNA.user_principal_name]
    assert (account["title"], account["active"]) == ("Archivist", False)
    assert endpoint.request("PATCH", f"/Users/{shown['id']}", json=_patch("active", "True")).ok
    assert reconciled.accounts()[ANNA.user_principal_name]["active"] is True, "which Entra says in so many words"


def _patch(path: str, value: str) -> dict[str, Any]:
    operations = [{"op": "Replace", "path": path, "value": value}]
    return {"schemas": [_PATCH], "Operations": operations}


RENAMED = {
    "userPrincipalName": "renamed@contoso.example",
    "mail": "renamed@contoso.example",
    "givenName": "Given",
    "surname": "Sur",
    "displayName": "Given Sur",
}


def _posted(person: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Somebody as Entra's default mapping pushes them."""
    said = person | changes
    return {
        "userName": said["userPrincipalName"],
        "externalId": said["mailNickname"],
        "active": True,
        "displayName": said["displayName"],
        "name": {"givenName": said["givenName"], "familyName": said["surname"]},
        "emails": [{"type": "work", "primary": True, "value": said["mail"]}],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"employeeNumber": said["employeeId"] or ""},
    }


@pytest.mark.parametrize("number", ["", "1234"])
def test_a_first_push_under_a_new_name_is_the_person_whom_graph_reported(
    number: str, reconciled: Reconciled, host: str
) -> None:
    """Where nothing but the mail alias says so, it waits for the cycle that reads the new name."""
    endpoint = reconciled.endpoint(host)
    values = {"employeeId": number or None}
    reconciled.entra.act({"do": "change", "id": ANNA.id, "values": values})
    reconciled.cycle()
    before = {user["id"] for user in reconciled.zoho_one.users()}
    reconciled.entra.act({"do": "change", "id": ANNA.id, "values": RENAMED})
    body = _posted(ANNA.model_dump(by_alias=True) | values, **RENAMED)
    answer = endpoint.request("POST", "/Users", json=body)
    assert answer.status_code == (201 if number else 503), answer.text
    assert {user["id"] for user in reconciled.zoho_one.users()} == before, "nobody has a second account"
    run = reconciled.cycle()
    assert not run.errors
    query = {"filter": 'userName eq "renamed@contoso.example"'}
    (shown,) = endpoint.request("GET", "/Users", query=query).json()["Resources"]
    identity = reconciled.identity(ANNA.id)
    assert identity is not None
    assert shown["id"] == identity.id
    assert endpoint.request("PATCH", f"/Users/{shown['id']}", json=_patch("title", "Countess")).ok
    reconciled.assert_as_in_entra()


def test_a_first_push_of_somebody_new_makes_an_account(reconciled: Reconciled, host: str) -> None:
    endpoint = reconciled.endpoint(host)
    reconciled.cycle()
    new = {"userPrincipalName": "new@contoso.example", "mail": "new@contoso.example", "mailNickname": "new"}
    body = _posted(ANNA.model_dump(by_alias=True), **new, employeeId="777")
    assert endpoint.request("POST", "/Users", json=body).status_code == 201
    assert "new@contoso.example" in reconciled.active(), "a namesake is no reason to wait"


def _soon(reconciled: Reconciled, host: str) -> tuple[Endpoint, str]:
    """The sync endpoint, and Anna's id in it, as Graph reported her."""
    endpoint = reconciled.endpoint(host)
    reconciled.cycle()
    return endpoint, ANNA.id.replace("-", "")


def test_a_push_that_shuts_out_somebody_whom_graph_shows_as_active_is_taken_back(
    reconciled: Reconciled, host: str
) -> None:
    """It came late, or it was about an earlier object of the same person: a push does not say which it is about."""
    endpoint, user_id = _soon(reconciled, host)
    assert endpoint.request("PATCH", f"/Users/{user_id}", json=_patch("active", "False")).ok
    assert ANNA.user_principal_name not in reconciled.active(), "a push that shuts somebody out does so at once"
    run = reconciled.cycle()
    assert (run.state, run.errors) == (RunState.DONE, ())
    reconciled.assert_as_in_entra()
    assert reconciled.request().run.calls["graph"] == 2, "and the next cycle asks about nobody"


def test_a_push_that_brings_back_somebody_whom_graph_shows_as_disabled_is_taken_back(
    reconciled: Reconciled, host: str
) -> None:
    endpoint, user_id = _soon(reconciled, host)
    reconciled.entra.act({"do": "disable", "id": ANNA.id})
    reconciled.cycle()
    assert endpoint.request("PATCH", f"/Users/{user_id}", json=_patch("active", "True")).ok
    assert ANNA.user_principal_name in reconciled.active()
    reconciled.cycle()
    reconciled.assert_as_in_entra()


def test_a_push_of_an_older_value_is_put_right_by_the_next_cycle(reconciled: Reconciled, host: str) -> None:
    endpoint, user_id = _soon(reconciled, host)
    assert endpoint.request("PATCH", f"/Users/{user_id}", json=_patch("title", "Of before")).ok
    assert reconciled.accounts()[ANNA.user_principal_name]["title"] == "Of before"
    reconciled.cycle()
    assert reconciled.accounts()[ANNA.user_principal_name].get("title") == ANNA.job_title


@pytest.mark.parametrize("deleted", [Deprovisioning.DEACTIVATE, Deprovisioning.DELETE, Reflection.NOTHING])
def test_a_push_that_deletes_somebody_whom_graph_shows_is_taken_back(
    deleted: Deprovisioning | Reflection, reconciled: Reconciled, host: str
) -> None:
    rules = {"deleted": deleted} if isinstance(deleted, Reflection) else {"on_deleted": deleted}
    reconciled.change(status_rules=StatusRules().model_copy(update=rules))
    endpoint, user_id = _soon(reconciled, host)
    assert endpoint.request("DELETE", f"/Users/{user_id}").status_code == 204
    assert reconciled.identity(ANNA.id) is None
    reconciled.cycle()
    assert reconciled.identity(ANNA.id) is not None
    reconciled.assert_as_in_entra()
    assert reconciled.request().run.calls["graph"] == 2


def test_a_push_that_deletes_somebody_who_is_gone_stays_done(reconciled: Reconciled, host: str) -> None:
    endpoint, user_id = _soon(reconciled, host)
    reconciled.entra.act({"do": "soft-delete", "id": ANNA.id}, {"do": "hard-delete", "id": ANNA.id})
    assert endpoint.request("DELETE", f"/Users/{user_id}").status_code == 204
    for _ in range(2):
        run = reconciled.cycle()
        assert (run.state, run.planned) == (RunState.DONE, {})
    assert reconciled.identity(ANNA.id) is None
    reconciled.assert_as_in_entra()


def test_whom_a_push_wrote_is_read_again_once_microsoft_graph_answers(reconciled: Reconciled, host: str) -> None:
    endpoint, user_id = _soon(reconciled, host)
    assert endpoint.request("PATCH", f"/Users/{user_id}", json=_patch("active", "False")).ok
    reconciled.entra.fail("/v1.0/users/{id}", status=400, body="BadRequest")
    reconciled.cycle()
    assert ANNA.user_principal_name not in reconciled.active(), "an answer that is not understood changes nothing"
    reconciled.cycle()
    reconciled.assert_as_in_entra()


SOMEBODY_ELSE = {"displayName": "Zoe Human", "givenName": "Zoe", "surname": "Human", "employeeId": None}
ZOE = "11111111-2222-3333-4444-555555555555"


def test_the_name_of_somebody_whom_graph_never_reported_is_handed_on_without_the_account(
    reconciled: Reconciled, host: str
) -> None:
    """Katya is pushed and deleted, and Zoe gets her user name, mail alias and address, before Graph is read."""
    endpoint = reconciled.endpoint(host)
    katya = ANNA.model_dump(by_alias=True, mode="json") | {"employeeId": None}
    user_id = endpoint.request("POST", "/Users", json=_posted(katya)).json()["id"]
    account = reconciled.accounts()[ANNA.user_principal_name]["id"]
    reconciled.entra.act({"do": "soft-delete", "id": ANNA.id})
    reconciled.entra.act({"do": "add", "values": katya | SOMEBODY_ELSE | {"id": ZOE}}, {"do": "assign", "id": ZOE})
    for _ in range(2):
        (error,) = reconciled.cycle().errors
        assert ZOE in error
        assert "a person of other names" in error
    assert reconciled.accounts()[ANNA.user_principal_name]["displayName"] == ANNA.display_name
    _, (report,) = reconciled.bridge.on_demand.provision(reconciled.store, [ZOE], "admin")
    assert "a person of other names" in report.steps[-1].told
    in_bin = f"{ANNA.id.replace('-', '')}{ANNA.user_principal_name}"
    gone = {"userName": in_bin, "active": "False"}
    body = {"schemas": [_PATCH], "Operations": [{"op": "Replace", "path": at, "value": to} for at, to in gone.items()]}
    assert endpoint.request("PATCH", f"/Users/{user_id}", json=body).ok
    done = reconciled.request()
    assert done.run.state is RunState.HELD, "an administrator decides whether Zoe gets Katya's account"
    assert done.plan is not None
    assert [change.adopts.account for change in done.plan.changes if change.adopts] == [account]


def test_somebody_pushed_and_renamed_altogether_before_graph_reported_them_has_one_account(
    reconciled: Reconciled, host: str
) -> None:
    """Nothing but the mail alias is left, which two people of two domains may have: their next push tells."""
    endpoint = reconciled.endpoint(host)
    body = _posted(ANNA.model_dump(by_alias=True) | {"employeeId": None})
    user_id = endpoint.request("POST", "/Users", json=body).json()["id"]
    reconciled.entra.act({"do": "change", "id": ANNA.id, "values": RENAMED | {"employeeId": None}})
    (error,) = reconciled.cycle().errors
    assert ANNA.id in error
    assert "a person of other names" in error
    said = {"userName": RENAMED["userPrincipalName"], "displayName": RENAMED["displayName"]}
    body = {"schemas": [_PATCH], "Operations": [{"op": "Replace", "path": at, "value": to} for at, to in said.items()]}
    assert endpoint.request("PATCH", f"/Users/{user_id}", json=body).ok
    assert reconciled.cycle().errors == ()
    identity = reconciled.identity(ANNA.id)
    assert identity is not None
    assert identity.id == user_id
    reconciled.assert_as_in_entra()
