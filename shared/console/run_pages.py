"""Runs: what was requested, planned and done; charts, a run's changes, downloads."""

import json
from collections.abc import Iterator
from typing import Literal

from flask import Blueprint, request
from pydantic import ConfigDict, ValidationError

from shared.console.context import NoSuchThing, View, admin, as_file, go, is_live, page, parts, the_store
from shared.console.plan_view import COLUMNS, row_of
from shared.console.queued import request_cycle
from shared.model import Model
from shared.rules.csv_text import as_csv
from shared.rules.run import Result, Run, RunChange, RunKind, RunState
from shared.rules.schedule import no_cycle
from shared.rules.store import Store
from shared.sync.cycles import NotNow
from shared.tables.plan_parts import PlanLost

blueprint = Blueprint("runs", __name__, url_prefix="/console/stores/<store_id>/runs")

CHARTED = 60
"""Runs in the charts, and on the first page."""
CHANGES = 100
"""Changes on a page of a run."""
PORTION = 1000
"""Changes read at a time for a download."""


class CycleForm(Model):
    """Kind of cycle to request."""

    model_config = ConfigDict(extra="ignore")

    kind: Literal[RunKind.CYCLE, RunKind.FULL_CYCLE]


@blueprint.get("")
def listed(store_id: str) -> View:
    store = the_store(store_id)
    after = request.args.get("after", "")
    runs = parts().runs.table.newest(store_id, CHARTED, after=after)
    running = any(run.state is RunState.RUNNING for run in runs[:5])
    cycles = parts().runs.cycles.standing(store)
    values = {"store": store, "runs": runs, "after": after, "most": CHARTED, "running": running, "cycles": cycles}
    values["shut"] = no_cycle(parts().site.now(), store.schedule)
    return page("console/runs_listed.html" if is_live() else "console/runs.html", **values)


@blueprint.post("")
def ask_cycle(store_id: str) -> View:
    """Request a cycle, which begins as soon as a worker is free; the list shows it once it has begun."""
    store = the_store(store_id)
    try:
        asked = CycleForm.model_validate(dict(request.form))
    except ValidationError:
        raise NoSuchThing("There is no such kind of cycle") from None
    try:
        request_cycle(parts().runs.cycles.ask(store, asked.kind, str(admin())))
    except NotNow as reason:
        return go(".listed", store_id=store_id, not_now=str(reason))
    parts().stores.settings.note(store_id, f"A {asked.kind} was requested", str(admin()))
    return go(".listed", store_id=store_id, asked=asked.kind.value)


@blueprint.get("/<run_id>")
def run(store_id: str, run_id: str) -> View:
    store, found = the_store(store_id), _run(store_id, run_id)
    first = max(request.args.get("first", 0, type=int), 0)
    if found.plan:
        changes = _not_applied(store, found)[first : first + CHANGES + 1]
    else:
        changes = parts().runs.table.changes(store_id, run_id, first, CHANGES + 1)
    values = {
        "run": found,
        "cycles": parts().runs.cycles.standing(store) if found.state is RunState.RUNNING else None,
        "changes": changes[:CHANGES],
        "first": first,
        "next": first + CHANGES if len(changes) > CHANGES else None,
    }
    return page("console/run_state.html" if is_live() else "console/run.html", **values)


def _run(store_id: str, run_id: str) -> Run:
    found = parts().runs.table.get(store_id, run_id) if run_id.replace("-", "").isalnum() else None
    if found is None:
        raise NoSuchThing("There is no such run; runs are kept for a number of days")
    return found


@blueprint.get("/<run_id>/changes.<form>")
def download(store_id: str, run_id: str, form: str) -> View:
    """Download all changes of a run as CSV or JSON."""
    store = the_store(store_id)
    found = _run(store_id, run_id)
    if form == "json":
        whole = found.model_dump(mode="json") | {
            "changes": [change.model_dump(mode="json") for change in _all(store, found)]
        }
        return as_file(json.dumps(whole, ensure_ascii=False, indent=2) + "\n", f"run-{run_id}.json")
    header = ("result", *COLUMNS, "failure", "at")
    return as_file(as_csv(header, map(_row, _all(store, found))), f"run-{run_id}.csv")


def _all(store: Store, run: Run) -> Iterator[RunChange]:
    yield from _not_applied(store, run)
    first = 0
    while found := parts().runs.table.changes(store.id, run.id, first, PORTION):
        yield from found
        first += PORTION


def _not_applied(store: Store, run: Run) -> list[RunChange]:
    """The changes of a plan that was held or observed; none where the run applied its plan, or it is not kept."""
    held_plans = parts().runs.held_plans
    held = held_plans.get(store.id, run.plan) if run.plan else None
    if held is None:
        return []
    try:
        plan = held_plans.plan(held)
    except PlanLost:
        return []
    at = run.ended or run.started
    return [RunChange(change=each, result=Result.NOT_TRIED, at=at) for each in (*plan.changes, *plan.groups)]


def _row(line: RunChange) -> tuple[str, ...]:
    return (line.result, *row_of(line.change), line.failure or "", line.at.isoformat())
