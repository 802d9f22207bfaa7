"""A group provisioned on demand, with some of its members: what each step finds."""

import pytest

from shared.admin.jobs import JobRequest
from shared.rules.change import ChangeKind
from shared.rules.groups.settings import GroupSettings, ResourceSync
from shared.rules.job import JobState, ProvisionGroup
from shared.rules.on_demand import OnDemandReport, Step
from shared.rules.run import Result, Run, RunState
from shared.sync.on_demand.people import CannotProvision
from tests.sync.reconciled import Reconciled
from tests.sync.test_group_cycle import DISABLED, IDS, SALES, STAFF, act, named, put

EVERY_STEP = [Step.IMPORT, Step.SCOPE, Step.MATCH, Step.ACTION]


def provision(reconciled: Reconciled, group: str, *members: str) -> tuple[Run, list[OnDemandReport]]:
    """Carry it out."""
    run, reports = reconciled.bridge.reconciler.group_on_demand.provision(reconciled.store, group, members, "admin")
    return run, list(reports)


@pytest.fixture
def synced(reconciled: Reconciled) -> Reconciled:
    """A store with a group that a cycle has brought to Zoho One."""
    put(reconciled, STAFF, "Staff", *IDS[:2])
    reconciled.cycle()
    return reconciled


def test_members_who_came_and_went(synced: Reconciled) -> None:
    act(synced, "add member", STAFF, *IDS[2:4])
    act(synced, "remove member", STAFF, IDS[0])
    run, reports = provision(synced, STAFF.upper(), IDS[0], IDS[2])
    assert [len(report.steps) for report in reports] == [5, 5, 4]
    group = reports[-1]
    assert [step.step for step in group.steps] == EVERY_STEP
    assert group.steps[0].told == "Entra has this group; 1 of the 2 are direct members."
    assert (group.kind, group.result) == (ChangeKind.UPDATE, Result.DONE)
    assert synced.groups() == {"Staff": named(*IDS[1:3])}, "the fourth waits for the cycle"
    assert (run.state, run.groups, run.planned) == (RunState.DONE, {ChangeKind.UPDATE: 1}, {})
    again, reports = provision(synced, STAFF, IDS[0], IDS[2])
    assert reports[-1].steps[-1].told == "Zoho One holds what it should, as far as these members go."
    assert (again.groups, again.state) == ({}, RunState.DONE)
    synced.cycle()
    assert synced.groups() == {"Staff": named(*IDS[1:4])}


def test_who_has_no_account_yet_gets_one_first(synced: Reconciled) -> None:
    synced.entra.act({"do": "enable", "id": DISABLED})
    act(synced, "add member", STAFF, DISABLED)
    _, reports = provision(synced, STAFF, DISABLED)
    assert [(report.kind, report.result) for report in reports] == [
        (ChangeKind.CREATE, Result.DONE),
        (ChangeKind.UPDATE, Result.DONE),
    ]
    assert synced.groups() == {"Staff": named(*IDS[:2], DISABLED)}


def test_a_group_that_is_not_in_scope_or_not_there(synced: Reconciled) -> None:
    synced.entra.act({"do": "put group", "id": SALES, "members": IDS[:1]})
    _, (_, report) = provision(synced, SALES, IDS[0])
    assert [step.passed for step in report.steps] == [True, False]
    assert "not assigned" in report.steps[-1].told
    _, (report,) = provision(synced, "00000000-0000-0000-0000-0000000000ff")
    assert [step.passed for step in report.steps] == [False]
    assert set(synced.groups()) == {"Staff"}


def test_what_zoho_one_refuses_is_told(synced: Reconciled) -> None:
    act(synced, "add member", STAFF, IDS[2])
    synced.zoho_one.fail(method="PATCH", path="/Groups/{id}", status=400, times=5, body={"detail": "Not today"})
    run, reports = provision(synced, STAFF, IDS[2])
    assert reports[-1].steps[-1].told == "Zoho One refused: Not today"
    assert (reports[-1].result, run.state) == (Result.FAILED, RunState.FAILED)


def test_what_cannot_be_is_said(synced: Reconciled) -> None:
    with pytest.raises(CannotProvision, match="up to 5 of its members"):
        provision(synced, STAFF, *IDS[:6])
    synced.change(groups=GroupSettings(resource_sync=ResourceSync.USERS))
    with pytest.raises(CannotProvision, match="has no groups"):
        provision(synced, STAFF)
    synced.change(entra=None)
    with pytest.raises(CannotProvision, match="no connection to Microsoft Graph"):
        provision(synced, STAFF)


def test_it_is_an_errand(synced: Reconciled) -> None:
    act(synced, "add member", STAFF, IDS[2])
    reconciler = synced.bridge.reconciler
    task = ProvisionGroup(object_id=STAFF, members=(IDS[2],))
    errand = reconciler.job_runner.ask(synced.store, task, "admin")
    reconciler.job_runner.carry_out(JobRequest(store=synced.store_id, errand=errand.id))
    done = reconciler.errands.get(synced.store_id, errand.id)
    assert done is not None
    assert (done.state, len(done.reports)) == (JobState.DONE, 2)
    assert synced.groups() == {"Staff": named(*IDS[:3])}
