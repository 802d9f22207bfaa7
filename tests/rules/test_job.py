"""How an errand stands, and what is shown of a plan."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given

from shared.rules.change import FieldChange
from shared.rules.job import Job, JobState, MakePlan, PlanMade, ProvisionPeople, beginning
from shared.rules.on_demand import OnDemandReport, Step, StepFound
from shared.rules.plan import ORDER, Plan
from shared.rules.run import Result
from shared.rules.zoho_user import ZohoField
from tests.rules.plans import PLANS

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ASKED = Job(id="1-2", store="contoso", task=MakePlan(), asked_by="ada", asked=NOON)
ADA, BOB = "11111111-2222-3333-4444-555555555555", "21111111-2222-3333-4444-555555555555"


def _after(**time: float) -> datetime:
    return NOON + timedelta(**time)


RUNNING = ASKED.begun(_after(minutes=14))


@pytest.mark.parametrize(
    ("errand", "now", "is_silent", "is_lost"),
    [
        (ASKED, _after(minutes=1), False, False),
        (ASKED, _after(minutes=15), False, False),
        (ASKED, _after(minutes=15, seconds=1), False, True),
        (RUNNING, _after(minutes=14, seconds=30), False, False),
        (RUNNING, _after(minutes=14, seconds=31), True, False),
        (RUNNING, _after(minutes=29), True, False),
        (RUNNING, _after(minutes=29, seconds=1), True, True),
        (RUNNING.failed("Graph refuses.", _after(minutes=15)), _after(days=9), False, False),
    ],
)
def test_what_is_not_heard_of_is_silent_and_then_lost(
    errand: Job, now: datetime, is_silent: bool, is_lost: bool
) -> None:
    assert (errand.is_silent(now), errand.is_lost(now)) == (is_silent, is_lost)


def test_steps_come_one_by_one_and_a_new_attempt_begins_anew() -> None:
    step = StepFound(step=Step.IMPORT, passed=True, told="Entra has this user.")
    task = ProvisionPeople(object_ids=(ADA, BOB))
    errand = ASKED.model_copy(update={"task": task}).begun(NOON)
    for person in (ADA, ADA, BOB):
        errand = errand.with_step(person, step, NOON)
    assert [(report.object_id, len(report.steps)) for report in errand.reports] == [(ADA, 2), (BOB, 1)]
    assert errand.news == 4
    stumbled = errand.stumbled("Table Storage did not answer.", NOON)
    assert stumbled.is_open
    again = stumbled.begun(_after(minutes=1))
    assert (again.attempts, again.reports, again.failure) == (2, (), None)
    reports = (OnDemandReport(object_id=ADA, name="Ada", steps=(step,)),)
    done = again.with_run("3-4", reports, _after(minutes=2))
    assert (done.state, done.reports, done.ended) == (JobState.DONE, reports, _after(minutes=2))
    failed = again.with_run("3-4", (reports[0].model_copy(update={"result": Result.FAILED}),), NOON)
    assert failed.state is JobState.FAILED
    assert Job.model_validate_json(done.model_dump_json()) == done


def test_what_a_step_found_is_cut_so_that_an_errand_fits_in_a_row() -> None:
    step = StepFound(step=Step.MAP, passed=True, told="Mapped.", details=(("title", "x" * 9000), ("fax", "y" * 500)))
    kept = (("title", "x" * 499 + "…"), ("fax", "y" * 500))
    assert ASKED.with_step(ADA, step, NOON).reports[0].steps[0].details == kept
    change = FieldChange(field=ZohoField.TITLE, before=None, after="x" * 9000)
    report = OnDemandReport(object_id=ADA, name="Ada", steps=(step,), fields=(change,))
    (ended,) = ASKED.with_run("3-4", (report,), NOON).reports
    assert (ended.steps[0].details, ended.fields) == (kept, ())


@given(PLANS)
def test_the_beginning_of_a_plan_has_the_first_of_each_kind(plan: Plan) -> None:
    shown = beginning(plan, 2)
    for kind in ORDER:
        assert [change for change in shown.changes if change.kind is kind] == [
            change for change in plan.changes if change.kind is kind
        ][:2]
    assert shown.suppressed == plan.suppressed[:2]
    made = PlanMade.of(plan, (), [str(number) for number in range(60)], shown)
    assert sum(made.counts.values()) == len(plan.changes)
    assert made.changes == sum(plan.counts.values())
    assert (len(made.troubles), made.more_troubles) == (50, 10)
