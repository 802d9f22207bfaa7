"""The plan: what the next cycle would do, and the plan that the guard holds, to approve or discard."""

from collections import Counter
from contextlib import suppress

from flask import Blueprint, request

from shared.admin.jobs import SHOWN
from shared.console.context import NoSuchThing, View, admin, go, page, parts, the_store
from shared.console.job_pages import last_plan, set_off
from shared.console.plan_view import by_kind
from shared.console.plan_view import download as plan_file
from shared.console.queued import request_cycle
from shared.rules.held_plan import CannotBecome
from shared.rules.job import MakePlan, beginning
from shared.rules.run import RunKind
from shared.rules.store import Store
from shared.sync.cycles import NotNow
from shared.sync.guard.decisions import NothingHeld
from shared.tables.errors import Stale
from shared.tables.held_plans import StoredPlan
from shared.tables.plan_parts import PlanLost

blueprint = Blueprint("plan", __name__, url_prefix="/console/stores/<store_id>/plan")

EARLIER = 10
"""Earlier held plans shown with their decisions."""


@blueprint.get("", endpoint="page")
def shown(store_id: str) -> View:
    return _page(the_store(store_id))


def _page(store: Store, status: int = 200, wrong: str = "") -> View:
    held = parts().runs.held_plans.all(store.id, EARLIER)
    plan, lost = None, False
    if held and held[0].held.is_open:
        try:
            plan = parts().runs.held_plans.plan(held[0].held)
        except PlanLost:
            lost = True
    shown = beginning(plan, SHOWN) if plan else None
    return page(
        "console/plan.html",
        status,
        store=store,
        held=held,
        plan=shown,
        kinds=by_kind(shown, Counter(change.kind for change in plan.changes)) if plan and shown else [],
        groups=len(plan.groups) if plan else 0,
        left_alone=len(plan.suppressed) if plan else 0,
        lost=lost,
        wrong=wrong,
        most=SHOWN,
        made=last_plan(store.id),
    )


@blueprint.post("/make")
def make(store_id: str) -> View:
    """Make a plan now. It changes nothing."""
    return set_off(the_store(store_id), MakePlan())


@blueprint.post("/<plan_id>/approve")
def approve(store_id: str, plan_id: str) -> View:
    store = the_store(store_id)
    return _decided(store, plan_id, approved=True)


@blueprint.post("/<plan_id>/discard")
def discard(store_id: str, plan_id: str) -> View:
    store = the_store(store_id)
    return _decided(store, plan_id, approved=False)


def _decided(store: Store, plan_id: str, *, approved: bool) -> View:
    """Decide on the plan that was shown, only if it is still the same."""
    stored = _newest(store, plan_id)
    if stored.held.digest != request.form.get("digest"):
        return _page(store, 409, "The plan has changed since it was shown. Nothing was done.")
    decide = parts().runs.decisions.approve if approved else parts().runs.decisions.discard
    try:
        decide(store.id, plan_id, str(admin()))
    except (CannotBecome, NothingHeld) as failure:
        return _page(store, 409, str(failure))
    except Stale:
        return _page(store, 409, "Another administrator has decided meanwhile. Nothing was done.")
    if approved and store.is_started:
        with suppress(NotNow):  # paused: the plan waits for the next cycle
            request_cycle(
                parts().runs.cycles.ask(store, RunKind.CYCLE, str(admin()))
            )  # the next scheduled cycle may be far
    return go(".page", store_id=store.id)


def _newest(store: Store, plan_id: str) -> StoredPlan:
    stored = parts().runs.held_plans.newest(store.id)
    if stored is None or stored.held.id != plan_id:
        raise NoSuchThing("This plan is no longer held")
    return stored


@blueprint.get("/<plan_id>/changes.<form>")
def download(store_id: str, plan_id: str, form: str) -> View:
    """Download the held plan as CSV or JSON."""
    stored = _newest(the_store(store_id), plan_id)
    try:
        plan = parts().runs.held_plans.plan(stored.held)
    except PlanLost:
        raise NoSuchThing("The changes of this plan are no longer stored") from None
    return plan_file(plan, stored.held.breaches, plan_id, form)
