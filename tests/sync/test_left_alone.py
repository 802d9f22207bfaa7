"""Desired state stays what Entra says while an account is left alone, so that it counts when a hand lets it go."""

from local.entra.people import PEOPLE
from shared.rules.history import EventKind
from shared.rules.run import RunKind
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
