"""The state of a store, the most urgent first."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.rules.guard import Breach, unseen
from shared.rules.held_plan import HeldPlan, HeldState, Move
from shared.rules.plan import Plan
from shared.rules.run import Result, Run, RunKind, RunState
from shared.rules.schedule import Schedule
from shared.rules.store_state import StoreState, store_state
from tests.rules.test_admin_change import STORE

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def _plan(state: HeldState, *breaches: Breach) -> HeldPlan:
    move = Move(state=state, by="cycle", at=NOW, why="")
    return HeldPlan(id="1", store="contoso", digest="", counts={}, breaches=breaches, active_users=1, moves=(move,))


def _run(state: RunState) -> Run:
    return Run(id="1", store="contoso", kind=RunKind.CYCLE, asked_by="schedule", started=NOW, state=state)


SOME_FAILED = _run(RunState.DONE).with_results({Result.DONE: 9, Result.FAILED: 1}, {})
LATER, EARLIER = NOW + timedelta(hours=1), NOW - timedelta(hours=1)


@pytest.mark.parametrize(
    ("paused_until", "last", "expected"),
    [
        (None, SOME_FAILED, StoreState.WITH_ERRORS),
        (None, _run(RunState.DONE).with_results({Result.PARKED: 1}, {}), StoreState.WITH_ERRORS),
        (None, _run(RunState.DONE).with_results({Result.NOT_TRIED: 1}, {}), StoreState.STARTED),
        (None, _run(RunState.DONE).with_error("A manager could not be read."), StoreState.WITH_ERRORS),
        (LATER, SOME_FAILED, StoreState.PAUSED),
        (EARLIER, SOME_FAILED, StoreState.WITH_ERRORS),
        (LATER, None, StoreState.PAUSED),
    ],
)
def test_a_pause_and_what_failed_in_the_last_cycle_are_states(
    paused_until: datetime | None, last: Run | None, expected: StoreState
) -> None:
    store = STORE.model_copy(update={"schedule": Schedule(started_at=NOW, paused_until=paused_until)})
    assert store_state(store, None, last, NOW, reconnect=False, interrupted=False) is expected


@pytest.mark.parametrize(
    ("started", "plan", "last", "reconnect", "expected"),
    [
        (True, None, None, False, StoreState.STARTED),
        (True, None, RunState.DONE, False, StoreState.STARTED),
        (True, None, RunState.FAILED, False, StoreState.FAILING),
        (False, None, RunState.FAILED, False, StoreState.STOPPED),
        (True, HeldState.HELD, RunState.FAILED, False, StoreState.HELD),
        (True, HeldState.DISCARDED, RunState.DONE, False, StoreState.STARTED),
        (False, HeldState.APPROVED, None, False, StoreState.HELD),
        (False, HeldState.HELD, RunState.FAILED, True, StoreState.RECONNECT),
    ],
)
def test_the_most_urgent_counts(
    started: bool, plan: HeldState | None, last: RunState | None, reconnect: bool, expected: StoreState
) -> None:
    store = STORE.model_copy(update={"schedule": Schedule(started_at=NOW if started else None)})
    held, run = _plan(plan) if plan else None, _run(last) if last else None
    assert store_state(store, held, run, NOW, reconnect=reconnect, interrupted=False) is expected


OBSERVED = _plan(HeldState.HELD, unseen(Plan(store="contoso"), 1, observes=True))


@pytest.mark.parametrize(
    ("schedule", "plan", "last", "expected"),
    [
        (Schedule().observing(NOW), None, None, StoreState.OBSERVING),
        (Schedule().observing(NOW), OBSERVED, RunState.OBSERVED, StoreState.OBSERVING),
        (Schedule().observing(NOW), OBSERVED, RunState.FAILED, StoreState.FAILING),
        (Schedule(), OBSERVED, RunState.OBSERVED, StoreState.STOPPED),
        (Schedule().started(NOW), OBSERVED, RunState.OBSERVED, StoreState.HELD),
    ],
)
def test_an_observed_plan_waits_for_the_start_and_then_for_a_decision(
    schedule: Schedule, plan: HeldPlan | None, last: RunState | None, expected: StoreState
) -> None:
    store, run = STORE.model_copy(update={"schedule": schedule}), _run(last) if last else None
    assert store_state(store, plan, run, NOW, reconnect=False, interrupted=False) is expected
