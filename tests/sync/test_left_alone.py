"""Desired state stays what Entra says while an account is left alone, so that it counts when a hand lets it go."""

import pytest

from local.entra.people import PEOPLE
from shared.rules.change import ChangeKind
from shared.rules.history import EventKind
from shared.rules.run import RunKind, RunState
from shared.rules.status import LEFT_ALONE, Reflection, StatusRules
from tests.sync.reconciled import Reconciled

ANNA = PEOPLE[0]
NAME = ANNA.user_principal_name


def _left_alone(reconciled: Reconciled) -> None:
    """Somebody in Zoho One deactivates the account, and a full cycle notes it."""
    reconciled.cycle()
    reconciled.zoho_one.change(NAME, active=False)
    reconciled.cycle(RunKind.FULL_CYCLE)
    assert NAME not in reconciled.active()


def _kinds(reconciled: Reconciled) -> list[EventKind]:
    identity = reconciled.identity(ANNA.id)
    assert identity is not None
    return [event.kind for event in reconciled.bridge.identities.history(reconciled.store_id, identity.id)]


def test_who_is_activated_again_by_hand_stays_active(reconciled: Reconciled) -> None:
    _left_alone(reconciled)
    identity = reconciled.identity(ANNA.id)
    assert identity is not None
    history = reconciled.bridge.identities.history(reconciled.store_id, identity.id)
    assert history[0].reason == LEFT_ALONE
    assert reconciled.cycle(RunKind.FULL_CYCLE).planned == {}, "it is left alone, and told once"
    reconciled.zoho_one.change(NAME, active=True)
    assert reconciled.cycle(RunKind.FULL_CYCLE).planned == {}
    assert NAME in reconciled.active()
    assert EventKind.DEACTIVATED not in _kinds(reconciled)


def test_what_entra_said_meanwhile_is_applied_once_a_hand_activates_the_account(reconciled: Reconciled) -> None:
    _left_alone(reconciled)
    reconciled.entra.act({"do": "change", "id": ANNA.id, "values": {"jobTitle": "Countess"}})
    reconciled.cycle()
    account = reconciled.accounts()[NAME]
    assert (account["active"], account["title"] == "Countess") == (False, False)
    reconciled.zoho_one.change(NAME, active=True)
    reconciled.cycle(RunKind.FULL_CYCLE)
    account = reconciled.accounts()[NAME]
    assert (account["active"], account["title"]) == (True, "Countess")


def test_who_left_entra_meanwhile_is_shut_out_once_a_hand_activates_the_account(reconciled: Reconciled) -> None:
    _left_alone(reconciled)
    reconciled.entra.act({"do": "disable", "id": ANNA.id})
    assert reconciled.cycle().planned == {}
    reconciled.zoho_one.change(NAME, active=True)
    reconciled.cycle(RunKind.FULL_CYCLE)
    assert NAME not in reconciled.active()


def test_a_rule_that_leaves_returners_inactive_does_not_shut_out_whom_a_hand_activates(reconciled: Reconciled) -> None:
    reconciled.change(status_rules=StatusRules(activated=Reflection.NOTHING))
    reconciled.cycle()
    reconciled.entra.act({"do": "disable", "id": ANNA.id})
    reconciled.cycle()
    reconciled.entra.act({"do": "enable", "id": ANNA.id})
    assert reconciled.cycle().planned == {}
    assert NAME not in reconciled.active()
    reconciled.zoho_one.change(NAME, active=True)
    assert reconciled.cycle(RunKind.FULL_CYCLE).planned == {}
    assert NAME in reconciled.active()


@pytest.mark.parametrize("activates", [True, False])
def test_who_is_shut_out_by_entra_is_looked_at_first(activates: bool, reconciled: Reconciled) -> None:
    """A hand may have activated the account since: a deactivation then, which the guard counts."""
    _left_alone(reconciled)
    reconciled.zoho_one.change(NAME, active=activates)
    reconciled.entra.act({"do": "disable", "id": ANNA.id})
    run = reconciled.cycle()
    assert run.state is RunState.DONE
    if activates:
        assert EventKind.DRIFTED in _kinds(reconciled)[:1]
        before = reconciled.bridge.deprovisionings.read(reconciled.store_id).recent
        assert reconciled.cycle().planned == {ChangeKind.DEACTIVATE: 1}
        after = reconciled.bridge.deprovisionings.read(reconciled.store_id).recent
        assert sum(after.by_minute.values()) == sum(before.by_minute.values()) + 1
        assert _kinds(reconciled)[0] is EventKind.DEACTIVATED
    else:
        assert _kinds(reconciled)[0] is EventKind.RECORDED
    assert NAME not in reconciled.active()
    assert reconciled.cycle().planned == {}
    reconciled.assert_as_in_entra()


@pytest.mark.parametrize("activates", [True, False])
def test_a_push_that_shuts_somebody_out_looks_first(activates: bool, reconciled: Reconciled, host: str) -> None:
    _left_alone(reconciled)
    reconciled.zoho_one.change(NAME, active=activates)
    endpoint = reconciled.endpoint(host)
    reconciled.entra.act({"do": "disable", "id": ANNA.id})
    operations = [{"op": "Replace", "path": "active", "value": "False"}]
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations}
    answer = endpoint.request("PATCH", f"/Users/{ANNA.id.replace('-', '')}", json=body)
    assert answer.status_code == (503 if activates else 200), answer.text
    reconciled.cycle()
    assert NAME not in reconciled.active()
    reconciled.assert_as_in_entra()


@pytest.mark.parametrize("activates", [True, False])
@pytest.mark.parametrize("pushed", [True, False])
def test_who_is_deleted_in_entra_is_looked_at_first(
    activates: bool, pushed: bool, reconciled: Reconciled, host: str
) -> None:
    """Or an account that a hand has activated would stay active, and be nobody's."""
    _left_alone(reconciled)
    reconciled.zoho_one.change(NAME, active=activates)
    reconciled.entra.act({"do": "soft-delete", "id": ANNA.id}, {"do": "hard-delete", "id": ANNA.id})
    if pushed:
        answer = reconciled.endpoint(host).request("DELETE", f"/Users/{ANNA.id.replace('-', '')}")
        assert answer.status_code == (503 if activates else 204), answer.text
    for _ in range(3):
        assert reconciled.cycle().state is RunState.DONE
    assert NAME not in reconciled.active()
    assert reconciled.identity(ANNA.id) is None
