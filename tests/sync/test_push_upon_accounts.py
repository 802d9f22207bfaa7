"""A push comes upon an account that Zoho One already has: by its userName it adopts, and for the rest it waits."""

from typing import Any

import pytest

from shared.rules.change import ChangeKind
from shared.rules.matching import Matching, MatchingRule, MatchOutcome
from shared.rules.run import RunKind
from shared.rules.zoho_user import ZohoField
from tests.conftest import Endpoint
from tests.sync.reconciled import Reconciled

ADA: dict[str, Any] = {
    "userName": "ada@contoso.example",
    "externalId": "ada",
    "displayName": "Ada",
    "title": "Analyst",
    "emails": [{"type": "work", "value": "ada.work@contoso.example"}],
    "active": True,
}
BY_ADDRESS = {"userName": "lovelace@old.example", "emails": ADA["emails"], "active": True}


@pytest.fixture
def pushed(reconciled: Reconciled) -> Reconciled:
    """A store whose people come from pushes alone."""
    reconciled.change(entra=None)
    return reconciled


def _post(endpoint: Endpoint, **values: Any) -> tuple[int, str]:
    answer = endpoint.request("POST", "/Users", json=ADA | values)
    return answer.status_code, answer.text


def _only(pushed: Reconciled) -> dict[str, Any]:
    (account,) = pushed.zoho_one.users()
    return account


def test_whoever_may_have_an_account_gets_no_second_one(pushed: Reconciled, host: str) -> None:
    pushed.zoho_one.add(BY_ADDRESS)
    assert pushed.cycle().planned == {}
    endpoint = pushed.endpoint(host)
    for _ in range(2):
        status, text = _post(endpoint)
        assert (status, "with this email address" in text) == (503, True), text
    assert _only(pushed)["userName"] == BY_ADDRESS["userName"]
    assert pushed.cycle().planned == {ChangeKind.PROPOSE: 1}
    (proposal,) = pushed.bridge.proposals.all(pushed.store_id)
    person, account = proposal.change.identity, proposal.accounts[0].account
    pushed.bridge.account_choices.accept(pushed.store_id, person, account, "ada")
    status, text = _post(endpoint)
    assert (status, "accepted the proposal" in text) == (503, True), "the plan does it, and the guard judges it"
    assert pushed.cycle().planned == {ChangeKind.ADOPT: 1}
    assert (_only(pushed)["userName"], _only(pushed)["id"]) == (ADA["userName"], account)
    assert endpoint.request("PATCH", f"/Users/{person}", json=_title("Countess")).status_code == 200
    assert _only(pushed)["title"] == "Countess"


def _title(value: str) -> dict[str, object]:
    schema = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
    return {"schemas": [schema], "Operations": [{"op": "Replace", "path": "title", "value": value}]}


def test_a_rejected_proposal_lets_the_push_create(pushed: Reconciled, host: str) -> None:
    pushed.zoho_one.add(BY_ADDRESS)
    pushed.cycle()
    endpoint = pushed.endpoint(host)
    _post(endpoint)
    pushed.cycle()
    (proposal,) = pushed.bridge.proposals.all(pushed.store_id)
    person, account = proposal.change.identity, proposal.accounts[0].account
    pushed.bridge.account_choices.reject(pushed.store_id, person, account, "ada")
    assert _post(endpoint)[0] == 201
    assert set(pushed.accounts()) == {BY_ADDRESS["userName"], ADA["userName"]}


def test_the_same_user_name_in_any_case_is_adopted_at_once(pushed: Reconciled, host: str) -> None:
    pushed.zoho_one.add({"userName": "ADA@Contoso.example", "title": "By hand", "active": True})
    pushed.cycle()
    assert _post(pushed.endpoint(host))[0] == 201
    assert (_only(pushed)["userName"], _only(pushed)["title"]) == (ADA["userName"], "Analyst")
    assert list(pushed.bridge.unmanaged.all(pushed.store_id)) == []


@pytest.mark.parametrize("word", ["proposes", "rejected", "set aside"])
def test_the_same_user_name_waits_where_an_administrator_says_so(pushed: Reconciled, host: str, word: str) -> None:
    pushed.zoho_one.add({"userName": "ADA@Contoso.example", "title": "By hand", "active": True})
    pushed.cycle()
    endpoint, store, choices = pushed.endpoint(host), pushed.store_id, pushed.bridge.account_choices
    account = _only(pushed)["id"]
    if word == "set aside":
        choices.set_aside(store, account, "A robot.", "ada")
    else:
        pushed.change(matching=Matching(rules=(MatchingRule(field=ZohoField.EMAIL),)))
        assert _post(endpoint)[0] == 503
        assert pushed.cycle().planned == {ChangeKind.PROPOSE: 1}
    if word == "rejected":
        (proposal,) = pushed.bridge.proposals.all(store)
        choices.reject(store, proposal.change.identity, account, "ada")
    for _ in range(2):
        assert _post(endpoint)[0] == 503
    assert _only(pushed)["title"] == "By hand"
    run = pushed.cycle()
    assert (run.planned, run.suppressed) == (({ChangeKind.PROPOSE: 1}, 0) if word == "proposes" else ({}, 1))
    assert _only(pushed)["title"] == "By hand"


def test_another_rule_that_adopts_waits_for_the_plan_that_says_so(pushed: Reconciled, host: str) -> None:
    rules = (MatchingRule(field=ZohoField.EXTERNAL_ID, outcome=MatchOutcome.ADOPT),)
    pushed.change(matching=Matching(rules=rules))
    pushed.zoho_one.add({"userName": "lovelace@old.example", "externalId": "ADA", "active": True})
    pushed.cycle()
    assert _post(pushed.endpoint(host))[0] == 503
    assert pushed.cycle().planned == {ChangeKind.ADOPT: 1}
    assert _only(pushed)["userName"] == ADA["userName"]


@pytest.mark.parametrize(("accounts", "round_trips"), [((), 2), ((BY_ADDRESS,), 2 + 3)])
def test_what_a_creation_costs(
    pushed: Reconciled, host: str, table_calls: list[str], accounts: tuple[dict[str, Any], ...], round_trips: int
) -> None:
    """With unmanaged accounts: one more for each matching rule, and one for what was decided on the person."""
    for account in accounts:
        pushed.zoho_one.add(account)
    pushed.cycle()
    endpoint = pushed.endpoint(host)
    for name in ("warm", "ben"):
        table_calls.clear()
        emails = [{"type": "work", "value": f"{name}@contoso.example"}]
        assert _post(endpoint, userName=f"{name}@contoso.example", externalId=name, emails=emails)[0] == 201
    assert len(table_calls) == round_trips


@pytest.mark.parametrize("looks", [False, True], ids=["the call finds it gone", "a look finds it gone"])
def test_nor_in_place_of_an_account_that_is_gone(pushed: Reconciled, host: str, looks: bool) -> None:
    """The push that finds somebody's account deleted in Zoho One makes no second one beside what may be theirs."""
    pushed.zoho_one.add({"userName": "nobody@old.example", "active": True})
    pushed.cycle()
    endpoint = pushed.endpoint(host)
    person = endpoint.request("POST", "/Users", json=ADA).json()["id"]
    pushed.zoho_one.add(BY_ADDRESS)
    pushed.cycle(RunKind.FULL_CYCLE)
    pushed.zoho_one.remove(ADA["userName"])
    if looks:
        pushed.zoho_one.fail(method="PATCH", path="/Users/{id}", status=503)
        assert endpoint.request("PATCH", f"/Users/{person}", json=_title("Duchess")).status_code == 503
    for _ in range(2):
        answer = endpoint.request("PATCH", f"/Users/{person}", json=_title("Countess"))
        assert (answer.status_code, "with this email address" in answer.text) == (503, True), answer.text
    assert set(pushed.accounts()) == {"nobody@old.example", BY_ADDRESS["userName"]}
    assert pushed.cycle().planned == {ChangeKind.PROPOSE: 1}
    (proposal,) = pushed.bridge.proposals.all(pushed.store_id)
    pushed.bridge.account_choices.reject(pushed.store_id, person, proposal.accounts[0].account, "ada")
    assert endpoint.request("PATCH", f"/Users/{person}", json=_title("Countess")).status_code == 200
    assert pushed.accounts()[ADA["userName"]]["title"] == "Countess"


def test_an_account_of_the_name_in_place_of_one_that_is_gone_waits_where_no_rule_adopts_it(
    pushed: Reconciled, host: str
) -> None:
    pushed.change(matching=Matching(rules=(MatchingRule(field=ZohoField.EMAIL),)))
    endpoint = pushed.endpoint(host)
    person = endpoint.request("POST", "/Users", json=ADA).json()["id"]
    pushed.zoho_one.remove(ADA["userName"])
    pushed.zoho_one.add({"userName": ADA["userName"], "title": "By hand", "active": True})
    for _ in range(2):
        assert endpoint.request("PATCH", f"/Users/{person}", json=_title("Countess")).status_code == 503
    assert _only(pushed)["title"] == "By hand"
