"""The record of a run adds up."""

from datetime import UTC, datetime, timedelta

from shared.rules.change import ChangeKind
from shared.rules.plan import Plan
from shared.rules.run import MOST_ERRORS, Result, Run, RunKind, RunState
from tests.rules.plans import changes

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
RUN = Run(id="1", store="contoso", kind=RunKind.CYCLE, asked_by="schedule", started=NOON)


def test_it_says_what_was_planned_done_called_and_how_long_it_took() -> None:
    plan = Plan(store="contoso", changes=changes(ChangeKind.UPDATE, 3), suppressed=changes(ChangeKind.DELETE, 2))
    assert RUN.duration is None
    run = RUN.with_plan(plan).with_results({Result.DONE: 1}, {"graph": 2, "zoho": 1})
    # It goes on in another process.
    run = Run.model_validate_json(run.model_dump_json())
    run = run.with_results({Result.DONE: 1, Result.FAILED: 1}, {"zoho": 2})
    run = run.finished(RunState.DONE, NOON + timedelta(seconds=90))
    assert (run.planned, run.suppressed, run.digest) == ({"update": 3}, 2, plan.digest)
    assert (run.results, run.calls) == ({"done": 2, "failed": 1}, {"graph": 2, "zoho": 3})
    assert (run.state, run.duration) == (RunState.DONE, timedelta(seconds=90))


def test_errors_are_bounded() -> None:
    run = RUN
    for number in range(MOST_ERRORS + 5):
        run = run.with_error(f"error {number}")
    assert (len(run.errors), run.more_errors) == (MOST_ERRORS, 5)
