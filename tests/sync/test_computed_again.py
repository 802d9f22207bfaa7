"""Desired states are computed again: after other rules, other accounts of managers, and by another release."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from local.entra.people import PEOPLE
from local.entra.person import Person
from shared.rules.change import ChangeKind
from shared.rules.history import EventKind
from shared.rules.identity import PendingChange
from shared.rules.mapping.mapping import DEFAULT_MAPPING, HardCodedValue, Mapping, Rule
from shared.rules.run import RunKind
from shared.rules.status import LEFT_ALONE, Deprovisioning, StatusRules
from shared.rules.zoho_user import ZohoField
from shared.tables.identity_rows import Stored
from shared.tables.mappings import Mappings
from tests.conftest import Endpoint, ZohoOne
from tests.sync.reconciled import Reconciled

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
BY_ID = {person.id: person for person in PEOPLE}
REPORT = next(each for each in PEOPLE if each.account_enabled and each.manager and BY_ID[each.manager].account_enabled)
MANAGER = BY_ID[REPORT.manager or ""]


def _stored(reconciled: Reconciled, person: Person = REPORT) -> Stored:
    stored = reconciled.bridge.identities.find_object(reconciled.store_id, person.id)
    assert stored is not None
    return stored


def _reports_to_the_account(reconciled: Reconciled) -> bool:
    accounts = reconciled.accounts()
    shown = accounts[REPORT.user_principal_name].get(ENTERPRISE, {}).get("manager")
    return bool(shown == {"value": accounts[MANAGER.user_principal_name]["id"]})


def test_a_managers_account_that_is_made_again_reaches_the_reports(reconciled: Reconciled) -> None:
    reconciled.with_managers()
    reconciled.cycle()
    assert _reports_to_the_account(reconciled)
    reconciled.zoho_one.remove(MANAGER.user_principal_name)
    reconciled.cycle(RunKind.FULL_CYCLE)
    assert _reports_to_the_account(reconciled), "deleted by hand, and set back"
    reconciled.change(status_rules=StatusRules(on_deactivated=Deprovisioning.DELETE))
    reconciled.entra.act({"do": "disable", "id": MANAGER.id})
    reconciled.cycle()
    reconciled.entra.act({"do": "enable", "id": MANAGER.id})
    reconciled.cycle()
    assert _reports_to_the_account(reconciled), "deleted by the bridge, and back"
    assert reconciled.cycle().planned == {}


def test_a_manager_who_arrives_while_a_push_writes_the_report(reconciled: Reconciled) -> None:
    reconciled.with_managers()
    reconciled.entra.act({"do": "unassign", "id": MANAGER.id})
    reconciled.cycle()
    stored = _stored(reconciled)
    identity = stored.identity
    assert identity.said.awaits is not None
    reconciled.entra.act({"do": "assign", "id": MANAGER.id})
    ends = datetime.now(UTC) + timedelta(seconds=90)
    mark = PendingChange(reason="push", before=identity.said, sent=(), writer="another", lease_ends=ends)
    leased = reconciled.bridge.identities.write(
        reconciled.store_id, stored, identity.model_copy(update={"pending": mark})
    )
    reconciled.cycle()
    reconciled.bridge.push.settlement.finish(reconciled.store, leased, certain=False)
    reconciled.cycle()
    assert _reports_to_the_account(reconciled)
    assert reconciled.bridge.reconciler.cycles.pending_changes.waiting(reconciled.store_id).arrived == ()


@pytest.mark.parametrize("kind", [RunKind.CYCLE, RunKind.FULL_CYCLE])
def test_a_push_that_was_computed_by_the_rules_of_before_is_computed_again(
    reconciled: Reconciled, kind: RunKind
) -> None:
    """Another worker remembers the mapping of before for some seconds after everybody has been computed again."""
    reconciled.cycle()
    another = Mappings(reconciled.bridge.table("mappings"))
    another.compiled(reconciled.store_id)
    rules = [rule for rule in DEFAULT_MAPPING.rules if rule.target is not ZohoField.TITLE]
    reconciled.save_mapping(Mapping(rules=(*rules, Rule(target=ZohoField.TITLE, source=HardCodedValue(value="All")))))
    for _ in range(1 if kind is RunKind.CYCLE else 2):
        reconciled.cycle()
    push = reconciled.bridge.push
    push = replace(push, desired_states=replace(push.desired_states, mapping=another.compiled))
    stored = _stored(reconciled)
    resource = json.loads(stored.identity.said.resource) | {"title": "Old rules"}
    push.replace(reconciled.store, stored, resource)
    assert reconciled.accounts()[REPORT.user_principal_name]["title"] == "Old rules"
    reconciled.cycle(kind)
    assert reconciled.accounts()[REPORT.user_principal_name]["title"] == "All"


def test_whom_a_release_before_put_down_as_deactivated_by_hand_is_put_right_by_the_next_cycle(
    reconciled: Reconciled,
) -> None:
    """As K1's rows: it had shut the person out itself, was killed, and Entra enabled the person again."""
    reconciled.cycle()
    wrongly, by_hand = REPORT, MANAGER
    for person, told in ((wrongly, EventKind.RECORDED), (by_hand, EventKind.DRIFTED)):
        reconciled.zoho_one.change(person.user_principal_name, active=False)
        stored = _stored(reconciled, person)
        account = stored.identity.account
        assert account is not None
        holds = account.holds.model_copy(update={"active": False})
        account = account.model_copy(update={"holds": holds, "deactivated_by": "hand"})
        said = stored.identity.said.model_copy(update={"desired": holds, "rules": ""})
        identity = stored.identity.model_copy(update={"said": said, "account": account})
        reason = LEFT_ALONE if told is EventKind.RECORDED else "The account in Zoho One was changed there: active."
        event = reconciled.bridge.push.settlement.event(told, reason)
        reconciled.bridge.identities.write(reconciled.store_id, stored, identity, event)
    assert reconciled.cycle().planned == {ChangeKind.REACTIVATE: 1}
    assert reconciled.accounts()[wrongly.user_principal_name]["active"] is True
    assert reconciled.accounts()[by_hand.user_principal_name]["active"] is False
    told_last = reconciled.bridge.identities.history(reconciled.store_id, _stored(reconciled).identity.id)[0]
    assert (told_last.kind, "own doing" in told_last.reason) == (EventKind.REACTIVATED, True)
    assert _stored(reconciled).identity.said.rules
    assert reconciled.cycle().planned == {}


def test_zoho_ones_reason_is_told_where_a_left_behind_account_is_refused(endpoint: Endpoint, zoho_one: ZohoOne) -> None:
    body = {"userName": "ann@contoso.example", "displayName": "Ann"}
    first = endpoint.request("POST", "/Users", json=body).json()["id"]
    assert endpoint.request("DELETE", f"/Users/{first}").status_code == 204
    second = endpoint.request("POST", "/Users", json=body | {"active": False}).json()["id"]
    patch = {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "active", "value": True}]}
    zoho_one.fail(method="POST", path="/Users", status=503, times=3)
    assert endpoint.request("PATCH", f"/Users/{second}", json=patch).status_code == 503
    zoho_one.forget_faults()
    zoho_one.fail(method="PATCH", path="/Users/{id}", status=400, body={"detail": "No licence"}, times=2)
    for _ in range(2):
        answer = endpoint.request("PATCH", f"/Users/{second}", json=patch)
        assert (answer.status_code, "No licence" in answer.json()["detail"]) == (400, True)
    zoho_one.forget_faults()
    assert endpoint.request("PATCH", f"/Users/{second}", json=patch).json()["active"] is True
    assert len(zoho_one.users()) == 1
