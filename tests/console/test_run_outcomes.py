"""What failed is never shown as done, on any page that shows a run or how a store stands."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from shared.console.charts import changes_by_kind, sparkline
from shared.rules.change import ChangeKind
from shared.rules.run import Result, Run, RunKind, RunState
from shared.rules.store import Store
from shared.tables.by_time import new_id
from tests.console.conftest import Pages

DONE = 'badge good">done<'


def _ended(pages: Pages, store: Store, kind: RunKind, state: RunState = RunState.DONE, **values: object) -> Run:
    """A run that ended just now, after all others."""
    now = datetime.now(UTC)
    run = Run.model_validate(
        {"id": new_id(now), "store": store.id, "kind": kind, "asked_by": "schedule", "started": now} | values
    )
    run = run.finished(state, now + timedelta(milliseconds=1))
    pages.parts.runs.table.put(run)
    return run


def _shown(pages: Pages, store: Store, run: Run) -> dict[str, str]:
    """Each page on which the run, or what came of it, is shown; of pages with all stores, the row of this one."""
    own = f"/stores/{store.id}"
    whole = {path: pages.get(path).text for path in (own, f"{own}/runs", f"{own}/runs/{run.id}")}
    for path in ("/", "/status"):
        (whole[path],) = (row for row in re.findall(r"<tr>.*?</tr>", pages.get(path).text, re.DOTALL) if own in row)
    return whole


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"planned": {ChangeKind.CREATE: 3}, "results": {Result.FAILED: 3}}, "3 failed"),
        ({"planned": {ChangeKind.CREATE: 5}, "results": {Result.DONE: 4, Result.PARKED: 1}}, "1 failed"),
        ({"errors": ("The managers of 2 people could not be read.",)}, "done with errors"),
    ],
)
def test_a_cycle_in_which_something_failed_is_not_done(
    values: dict[str, object], said: str, pages: Pages, store: Store
) -> None:
    run = _ended(pages, store, RunKind.CYCLE, RunState.DONE, **values)
    for path, text in _shown(pages, store, run).items():
        assert DONE not in text.partition("<dt>Results")[0], path
        assert 'badge wait">done with errors<' in text, path
        assert said in text, path
    for path in ("/", "/status", f"/stores/{store.id}"):
        assert 'badge wait">with errors<' in pages.get(path).text, path
    overview = pages.get(f"/stores/{store.id}").text
    assert 'rect class="good"' not in pages.get("/").text.partition(f"/stores/{store.id}")[2].partition("</tr>")[0]
    assert f"/runs/{run.id}" in overview


def test_a_cycle_in_which_nothing_failed_is_done(pages: Pages, store: Store) -> None:
    run = _ended(pages, store, RunKind.CYCLE, planned={ChangeKind.CREATE: 3}, results={Result.DONE: 3})
    for path, text in _shown(pages, store, run).items():
        assert DONE in text, path
        assert "failed" not in text.replace("Failed", ""), path


def test_what_is_done_on_demand_does_not_hide_the_cycle_that_failed(pages: Pages, store: Store) -> None:
    _ended(pages, store, RunKind.CYCLE, RunState.FAILED, errors=("Entra's sign-in did not answer.",))
    _ended(pages, store, RunKind.ON_DEMAND, planned={ChangeKind.UPDATE: 1}, results={Result.DONE: 1})
    overview = pages.get(f"/stores/{store.id}").text
    assert 'badge bad">failing<' in overview
    assert "Entra&#39;s sign-in did not answer." in overview


def test_a_pause_is_seen_wherever_the_store_is(pages: Pages, store: Store) -> None:
    pages.parts.stores.switch.pause(store, datetime.now(UTC) + timedelta(days=1), "local")
    overview, runs = pages.get(f"/stores/{store.id}").text, pages.get(f"/stores/{store.id}/runs").text
    assert 'badge wait">paused<' in overview
    assert "Provisioning is paused until" in overview
    assert "soon" not in overview
    for text, buttons in ((overview, 1), (runs, 2)):
        assert len(re.findall(r'<button[^>]*name="kind"[^>]* disabled', text)) == buttons
    assert "Provisioning is paused for this directory store until" in runs
    (row,) = (row for row in re.findall(r"<tr>.*?</tr>", pages.get("/").text, re.DOTALL) if store.id in row)
    assert 'badge wait">paused<' in row


@pytest.mark.parametrize(
    ("state", "failed", "kinds"),
    [
        (RunState.DONE, 0, {"create": 96.0}),
        (RunState.DONE, 1, {"bad": 24.0, "create": 72.0}),
        (RunState.DONE, 4, {"bad": 96.0}),
        (RunState.HELD, 0, {"wait": 96.0}),
        (RunState.FAILED, 0, {"bad": 96.0}),
    ],
)
def test_a_chart_shows_in_green_only_what_was_done(state: RunState, failed: int, kinds: dict[str, float]) -> None:
    now = datetime.now(UTC)
    run = Run(id="1", store="contoso", kind=RunKind.CYCLE, asked_by="schedule", started=now)
    results = {Result.DONE: 4 - failed, Result.FAILED: failed} if state is RunState.DONE else {}
    run = run.model_copy(update={"planned": {ChangeKind.CREATE: 4}}).with_results(results, {}).finished(state, now)
    assert {str(bar.kind): bar.height for bar in changes_by_kind([run]).bars} == kinds
    assert ("good" in {bar.kind for bar in sparkline([run]).bars}) is (kinds == {"create": 96.0})
