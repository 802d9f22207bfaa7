"""Provision on demand: what each step finds."""

import pytest

from local.entra.people import PEOPLE
from shared.rules.change import ChangeKind
from shared.rules.on_demand import OnDemandReport, Step
from shared.rules.recent_deprovisionings import RecentDeprovisionings
from shared.rules.run import Result, RunKind, RunState
from shared.sync.on_demand.people import CannotProvision
from tests.sync.reconciled import Reconciled

IDS = [person.id for person in PEOPLE]
NAMES = [person.mapped_name for person in PEOPLE]
ANNA, BERT = IDS[:2]


def _provision(reconciled: Reconciled, *people: str) -> list[OnDemandReport]:
    _, reports = reconciled.bridge.on_demand.provision(reconciled.store, people, "admin")
    return list(reports)


def test_a_new_person_and_one_who_changed(reconciled: Reconciled) -> None:
    reconciled.cycle()
    reconciled.entra.act({"do": "change", "id": ANNA, "values": {"jobTitle": "Countess"}})
    reconciled.zoho_one.remove(NAMES[1])
    (report,) = _provision(reconciled, ANNA.upper())
    assert [step.step for step in report.steps] == list(Step)
    assert all(step.passed for step in report.steps)
    assert (report.kind, report.result) == (ChangeKind.UPDATE, Result.DONE)
    assert reconciled.accounts()[NAMES[0]]["title"] == "Countess"
    assert ("title", "Countess   ← [jobTitle]") in report.steps[3].details
    (run, _) = reconciled.bridge.runs.newest(reconciled.store_id)
    assert (run.kind, run.asked_by, run.state) == (RunKind.ON_DEMAND, "admin", RunState.DONE)
    (change,) = reconciled.bridge.runs.changes(reconciled.store_id, run.id)
    assert change.result is Result.DONE
    assert reconciled.cycle().planned == {}, "the cycle finds nothing left to do"


def test_before_the_first_cycle_nobody_is_in_scope_yet(reconciled: Reconciled) -> None:
    (report,) = _provision(reconciled, ANNA)
    assert [step.passed for step in report.steps] == [True, False]
    assert (
        report.steps[-1].told
        == "The user is not assigned to the enterprise application, as of the last cycle's reading."
    )
    assert reconciled.accounts() == {}


def test_who_is_disabled_who_is_gone_and_what_zoho_one_refuses(reconciled: Reconciled) -> None:
    reconciled.cycle()
    reconciled.entra.act(
        {"do": "disable", "id": ANNA},
        {"do": "soft-delete", "id": BERT},
        {"do": "change", "id": IDS[2], "values": {"jobTitle": "Baron"}},
    )
    reconciled.zoho_one.fail(method="PATCH", path="/Users/{id}", status=400, body={"detail": "Not today"})
    refused, gone, disabled = _provision(reconciled, IDS[2], BERT, ANNA)
    assert refused.steps[-1].told == "Zoho One refused: Not today"
    assert refused.result is Result.FAILED
    assert [step.passed for step in gone.steps] == [False]
    assert (disabled.kind, disabled.result) == (ChangeKind.DEACTIVATE, Result.DONE)
    assert reconciled.accounts()[NAMES[0]]["active"] is False


def test_what_the_guard_holds_back_is_held_back_here_too(reconciled: Reconciled) -> None:
    reconciled.cycle()
    reconciled.bridge.deprovisionings.change(reconciled.store_id, RecentDeprovisionings.hold)
    reconciled.entra.act({"do": "disable", "id": ANNA})
    (report,) = _provision(reconciled, ANNA)
    assert report.result is Result.FAILED
    assert report.steps[-1].told.startswith("The guard holds every departure back")
    assert reconciled.accounts()[NAMES[0]]["active"] is True


@pytest.mark.parametrize("count", [0, 6])
def test_one_to_five_people(reconciled: Reconciled, count: int) -> None:
    with pytest.raises(CannotProvision, match="One to 5 people"):
        _provision(reconciled, *IDS[:count])


def test_not_while_the_store_is_stopped_nor_without_graph(reconciled: Reconciled) -> None:
    reconciled.change(schedule=reconciled.store.schedule.stopped())
    with pytest.raises(CannotProvision, match="stopped"):
        _provision(reconciled, ANNA)
    reconciled.change(entra=None)
    with pytest.raises(CannotProvision, match="no connection to Microsoft Graph"):
        _provision(reconciled, ANNA)
