"""An adoption is planned as one, with the values that it changes; what no plan said waits for the plan that does."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr

from local.entra.people import PEOPLE
from shared.app.container import Bridge
from shared.rules.change import ChangeKind, FieldChange
from shared.rules.history import EventKind
from shared.rules.identity import Account, id_of_object
from shared.rules.on_demand import OnDemandReport
from shared.rules.plan import PlannedChange
from shared.rules.run import Result, Run, RunChange, RunKind
from shared.rules.store import Store
from shared.rules.zoho_user import ZohoField, ZohoUser
from shared.sync.apply.people import PeopleApplier
from shared.sync.plan import accounts_there
from shared.sync.plan.people import PeoplePlanner
from shared.zoho.errors import ZohoCredentials
from shared.zoho.scim_client import ZohoUsers
from tests.sync.grouped import Grouped
from tests.sync.reconciled import Reconciled

ANNA = next(person for person in PEOPLE if person.account_enabled)
OTHER_NAME = "other.name@contoso.example"
NAME, TITLE = ANNA.user_principal_name, ZohoField.TITLE
ANEW = "00000000-0000-4000-8000-000000000777"
BY_HAND = {"userName": NAME, "displayName": "By hand", "title": "Left by hand", "active": True}


def _of_anna(reconciled: Reconciled, run: Run) -> RunChange:
    changes = reconciled.bridge.runs.changes(reconciled.store_id, run.id)
    return next(each for each in changes if each.change.user_name == NAME)


def _field(change: PlannedChange | OnDemandReport, field: ZohoField) -> FieldChange | None:
    return next((each for each in change.fields if each.field is field), None)


def _between(monkeypatch: pytest.MonkeyPatch, owner: type, name: str, happens: Callable[[], object]) -> None:
    """Let something happen once, between the plan and what is done of it."""
    original = getattr(owner, name)

    def wrapped(*args: Any, **named: Any) -> Any:
        monkeypatch.setattr(owner, name, original)
        if owner is PeopleApplier:
            happens()
            return original(*args, **named)
        plan = original(*args, **named)
        happens()
        return plan

    monkeypatch.setattr(owner, name, wrapped)


def test_an_account_that_somebody_made_is_planned_as_an_adoption(reconciled: Reconciled) -> None:
    reconciled.zoho_one.add(BY_HAND)
    done = _of_anna(reconciled, reconciled.cycle())
    assert (done.change.kind, done.result) == (ChangeKind.ADOPT, Result.DONE)
    assert _field(done.change, ZohoField.DISPLAY_NAME) == FieldChange(
        ZohoField.DISPLAY_NAME, "By hand", ANNA.display_name
    )
    assert "which is adopted" in done.change.reason
    reconciled.assert_as_in_entra()


def test_an_account_that_is_made_after_the_plan_waits_for_the_next_one(
    reconciled: Reconciled, monkeypatch: pytest.MonkeyPatch
) -> None:
    _between(monkeypatch, PeopleApplier, "apply", lambda: reconciled.zoho_one.add(BY_HAND))
    first = _of_anna(reconciled, reconciled.cycle())
    assert (first.change.kind, first.result) == (ChangeKind.CREATE, Result.FAILED)
    assert "the next plan shows it" in str(first.failure)
    assert reconciled.accounts()[NAME]["title"] == "Left by hand", "nobody has touched it"
    second = _of_anna(reconciled, reconciled.cycle())
    assert (second.change.kind, second.result) == (ChangeKind.ADOPT, Result.DONE)
    assert _field(second.change, TITLE) == FieldChange(TITLE, "Left by hand", ANNA.job_title)
    reconciled.assert_as_in_entra()


def test_an_account_that_changes_after_the_plan_waits_for_the_next_one(
    reconciled: Reconciled, monkeypatch: pytest.MonkeyPatch
) -> None:
    reconciled.zoho_one.add(BY_HAND)
    _between(monkeypatch, PeopleApplier, "apply", lambda: reconciled.zoho_one.change(NAME, title="Another"))
    first = _of_anna(reconciled, reconciled.cycle())
    assert (first.change.kind, first.result) == (ChangeKind.ADOPT, Result.FAILED)
    assert reconciled.accounts()[NAME]["title"] == "Another"
    second = _of_anna(reconciled, reconciled.cycle())
    assert _field(second.change, TITLE) == FieldChange(TITLE, "Another", ANNA.job_title)
    reconciled.assert_as_in_entra()


def test_the_values_that_the_old_account_loses_stand_in_the_plan(reconciled: Reconciled) -> None:
    reconciled.cycle()
    before = reconciled.accounts()[NAME]
    reconciled.entra.act({"do": "soft-delete", "id": ANNA.id})
    reconciled.cycle()
    values = ANNA.model_dump(mode="json", by_alias=True) | {"id": ANEW, "jobTitle": None}
    reconciled.entra.act({"do": "add", "values": values}, {"do": "assign", "id": ANEW})
    done = _of_anna(reconciled, reconciled.cycle())
    assert (done.change.kind, done.result) == (ChangeKind.ADOPT, Result.DONE)
    assert done.change.fields == (FieldChange(TITLE, before["title"], None),)
    assert "title" not in reconciled.accounts()[NAME]


def test_on_demand_an_adoption_is_shown_as_one_or_waits(
    reconciled: Reconciled, monkeypatch: pytest.MonkeyPatch
) -> None:
    reconciled.entra.act({"do": "disable", "id": ANNA.id})
    reconciled.cycle()
    reconciled.entra.act({"do": "enable", "id": ANNA.id})
    _between(monkeypatch, PeoplePlanner, "plan_one", lambda: reconciled.zoho_one.add(BY_HAND))

    def provision() -> OnDemandReport:
        _, (report,) = reconciled.bridge.on_demand.provision(reconciled.store, [ANNA.id], "admin")
        return report

    first = provision()
    assert (first.kind, first.result) == (ChangeKind.CREATE, Result.FAILED)
    assert reconciled.accounts()[NAME]["title"] == "Left by hand"
    second = provision()
    assert (second.kind, second.result) == (ChangeKind.ADOPT, Result.DONE)
    assert _field(second, TITLE) == FieldChange(TITLE, "Left by hand", ANNA.job_title)
    reconciled.assert_as_in_entra()


def _line(reconciled: Reconciled) -> tuple[EventKind, str]:
    """The newest line of Anna's history."""
    event = reconciled.bridge.identities.history(reconciled.store_id, id_of_object(ANNA.id))[0]
    return event.kind, event.reason


@pytest.mark.parametrize("again", [False, True], ids=["gone", "made again"])
def test_an_account_that_is_gone_when_a_change_is_applied_waits_for_the_plan_that_says_what_follows(
    reconciled: Reconciled, again: bool
) -> None:
    reconciled.cycle()
    reconciled.zoho_one.remove(NAME)
    if again:
        reconciled.zoho_one.add(BY_HAND)
    reconciled.entra.act({"do": "change", "id": ANNA.id, "values": {"jobTitle": "Countess"}})
    first = _of_anna(reconciled, reconciled.cycle())
    assert (first.change.kind, first.result) == (ChangeKind.UPDATE, Result.FAILED)
    assert "the next plan shows" in str(first.failure)
    assert _line(reconciled) == (EventKind.DRIFTED, "The account in Zoho One was deleted there.")
    assert reconciled.accounts().get(NAME, {}).get("title") == ("Left by hand" if again else None)
    second = _of_anna(reconciled, reconciled.cycle())
    assert (second.change.kind, second.result) == (ChangeKind.ADOPT if again else ChangeKind.CREATE, Result.DONE)
    assert _field(second.change, TITLE) == FieldChange(TITLE, "Left by hand" if again else None, "Countess")
    reconciled.assert_as_in_entra()


@pytest.mark.parametrize("kind", list(RunKind)[:2])
def test_an_account_that_was_made_again_is_one_of_those_that_the_limits_are_shares_of(
    reconciled: Reconciled, kind: RunKind
) -> None:
    """It counted twice: as the one that a hand had deleted, and as the one that came."""
    reconciled.cycle(RunKind.FULL_CYCLE)
    reconciled.zoho_one.remove(NAME)
    reconciled.entra.act({"do": "change", "id": ANNA.id, "values": {"jobTitle": "Countess"}})
    for _ in range(2):
        reconciled.cycle(kind)
    reconciled.assert_as_in_entra()
    bridge, store_id = reconciled.bridge, reconciled.store_id
    assert bridge.deprovisionings.read(store_id).recent.active_users == bridge.identities.count_active(store_id)


def test_an_account_that_is_gone_when_it_is_to_be_deactivated_needs_nothing_more(reconciled: Reconciled) -> None:
    reconciled.cycle()
    reconciled.zoho_one.remove(NAME)
    reconciled.entra.act({"do": "disable", "id": ANNA.id})
    assert _of_anna(reconciled, reconciled.cycle()).result is Result.DONE
    assert NAME not in reconciled.accounts()


@pytest.mark.parametrize("again", [False, True], ids=["gone", "made again"])
def test_a_push_makes_an_account_again_and_its_history_says_so_though_an_answer_was_lost_before(
    grouped: Grouped, bridge: Bridge, store: Store, again: bool
) -> None:
    grouped.people("ada")
    grouped.zoho_one.fail(method="PATCH", path="/Users/{id}", status=503, headers={"Retry-After": "600"})
    assert grouped.set("ada", "title", "Countess").status_code == 503
    grouped.zoho_one.remove("ada@contoso.example")
    if again:
        grouped.zoho_one.add({"userName": "ada@contoso.example", "title": "By hand", "active": True})
    assert grouped.set("ada", "title", "Queen").status_code == 200
    event = bridge.identities.history(store.id, grouped.ids["ada"])[0]
    assert event.kind is (EventKind.ADOPTED if again else EventKind.CREATED)
    assert FieldChange(TITLE, "By hand" if again else None, "Queen") in event.fields


def _renamed(reconciled: Reconciled, object_id: str) -> Run:
    reconciled.entra.act(
        {"do": "change", "id": object_id, "values": {"userPrincipalName": OTHER_NAME, "mail": OTHER_NAME}}
    )
    return reconciled.cycle()


@pytest.mark.parametrize("few", [20, 0], ids=["searched", "listed"])
def test_an_account_made_under_a_former_name_is_found_by_the_plan(
    reconciled: Reconciled, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    """The answer to the creation was lost, and Entra has another userName and address for the person since."""
    create = ZohoUsers.create

    def unanswered(self: ZohoUsers, desired: ZohoUser, password: SecretStr | None = None) -> Account:
        made = create(self, desired, password)
        if desired.user_name == NAME:
            raise ZohoCredentials("No answer")
        return made

    monkeypatch.setattr(ZohoUsers, "create", unanswered)
    reconciled.cycle()
    made = reconciled.accounts()[NAME]["id"]
    monkeypatch.setattr(accounts_there, "FEW", few)
    assert _renamed(reconciled, ANNA.id).planned[ChangeKind.ADOPT] == 1
    assert reconciled.accounts()[OTHER_NAME]["id"] == made
    reconciled.assert_as_in_entra()


@pytest.mark.parametrize("few", [20, 0], ids=["searched", "listed"])
def test_an_account_of_a_former_name_that_is_somebody_elses_is_not_waited_for(
    reconciled: Reconciled, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    """Who was created again got another userName before their turn came; the object in the bin keeps its account."""
    reconciled.cycle()
    reconciled.entra.act({"do": "soft-delete", "id": ANNA.id})
    reconciled.cycle()
    there = reconciled.accounts()[NAME]["id"]
    values = ANNA.model_dump(mode="json", by_alias=True) | {"id": ANEW}
    reconciled.entra.act({"do": "add", "values": values}, {"do": "assign", "id": ANEW})
    with monkeypatch.context() as patched:
        patched.setattr(ZohoUsers, "get", _no_answer)
        reconciled.cycle()
    identity = reconciled.identity(ANEW)
    assert identity is not None
    assert identity.pending is not None
    assert (identity.pending.begun, identity.pending.attempted) == (True, (NAME,))
    monkeypatch.setattr(accounts_there, "FEW", few)
    assert _renamed(reconciled, ANEW).planned == {ChangeKind.CREATE: 1}
    assert (reconciled.accounts()[NAME]["id"], reconciled.accounts()[NAME]["active"]) == (there, False)
    assert reconciled.accounts()[OTHER_NAME]["active"]


def _no_answer(*_: object) -> Account:
    raise ZohoCredentials("No answer")
