"""The plan: what the next cycle would do, and a plan that the guard holds, with approve or discard."""

from flask import Blueprint, Response, request

from shared.console.context import NoSuchThing, View, admin, go, is_live, page, parts, the_store
from shared.console.cycle_requests import ask
from shared.directory.csv_text import as_csv
from shared.directory.cycle_plan import ORDER, Plan, PlannedChange
from shared.directory.held_plan import CannotBecome
from shared.directory.plan import ChangeKind
from shared.directory.plan_report import as_json
from shared.directory.run import RunKind
from shared.directory.store import Store
from shared.entra.errors import GraphError
from shared.provisioning.decisions import NothingHeld
from shared.tables.errors import Changed, MappingUnusable
from shared.tables.held_plans import PlanLost, StoredPlan
from shared.zoho.errors import ZohoError

blueprint = Blueprint("plan", __name__, url_prefix="/console/stores/<store_id>/plan")

SHOWN = 200
"""People shown of each kind; the download has all of them."""
EARLIER = 10
"""Decisions shown of earlier plans."""

type ByKind = list[tuple[ChangeKind, list[PlannedChange], int]]


@blueprint.get("", endpoint="page")
def shown(store_id: str) -> View:
    return _page(the_store(store_id))


def _page(store: Store, status: int = 200, wrong: str = "") -> View:
    held = parts().held_plans.all(store.id, EARLIER)
    plan, lost = None, False
    if held and held[0].held.is_open:
        try:
            plan = parts().held_plans.plan(held[0].held)
        except PlanLost:
            lost = True
    return page(
        "console/plan.html",
        status,
        store=store,
        held=held,
        plan=plan,
        kinds=by_kind(plan) if plan else [],
        lost=lost,
        wrong=wrong,
        most=SHOWN,
    )


def by_kind(plan: Plan) -> ByKind:
    """The changes of each kind in their order: those that are shown, and how many there are."""
    found = [(kind, [change for change in plan.changes if change.kind is kind]) for kind in ORDER]
    return [(kind, changes[:SHOWN], len(changes)) for kind, changes in found if changes]


@blueprint.post("/make")
def make(store_id: str) -> View:
    """The plan of now, which touches nothing: a piece of the page, or a page."""
    store = the_store(store_id)
    found, wrong = None, ""
    try:
        found = parts().dry_run(store)
    except (GraphError, ZohoError, MappingUnusable) as failure:
        wrong = str(failure)
    return page(
        "console/plan_made.html" if is_live() else "console/plan_made_page.html",
        store=store,
        found=found,
        plan=found.plan if found else None,
        kinds=by_kind(found.plan) if found else [],
        wrong=wrong,
        most=SHOWN,
    )


@blueprint.post("/<plan_id>/approve")
def approve(store_id: str, plan_id: str) -> View:
    store = the_store(store_id)
    return _decided(store, plan_id, approved=True)


@blueprint.post("/<plan_id>/discard")
def discard(store_id: str, plan_id: str) -> View:
    store = the_store(store_id)
    return _decided(store, plan_id, approved=False)


def _decided(store: Store, plan_id: str, *, approved: bool) -> View:
    """Only the plan that was shown is decided on, and only as it was shown."""
    stored = _newest(store, plan_id)
    if stored.held.digest != request.form.get("digest"):
        return _page(store, 409, "The plan is another one than the one that was shown. Nothing was done.")
    decide = parts().decisions.approve if approved else parts().decisions.discard
    try:
        decide(store.id, plan_id, str(admin()))
    except (CannotBecome, NothingHeld) as failure:
        return _page(store, 409, str(failure))
    except Changed:
        return _page(store, 409, "Somebody else decided just now. Nothing was done.")
    if approved and store.is_started:
        ask(store.id, RunKind.CYCLE, str(admin()))  # so that nobody has to wait for the next one
    return go(".page", store_id=store.id)


def _newest(store: Store, plan_id: str) -> StoredPlan:
    stored = parts().held_plans.newest(store.id)
    if stored is None or stored.held.id != plan_id:
        raise NoSuchThing("This plan is not the one that is held any more")
    return stored


@blueprint.get("/<plan_id>/changes.<form>")
def download(store_id: str, plan_id: str, form: str) -> Response:
    """The held plan whole, as a file, CSV or JSON."""
    stored = _newest(the_store(store_id), plan_id)
    try:
        plan = parts().held_plans.plan(stored.held)
    except PlanLost:
        raise NoSuchThing("The changes of this plan are not kept any more") from None
    if form == "json":
        text, kind = as_json(plan, stored.held.breaches), "application/json"
    else:
        rows = [("no", *_row(change)) for change in plan.changes]
        rows += [("yes", *_row(change)) for change in plan.suppressed]
        text = as_csv(("left alone", "kind", "name", "user name", "reason", "fields", "identity"), rows)
        kind = "text/csv"
    name = f"plan-{plan_id}.{'json' if form == 'json' else 'csv'}"
    return Response(text, mimetype=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _row(change: PlannedChange) -> tuple[str, ...]:
    fields = "; ".join(f"{part.field}: {part.before or '–'} → {part.after or '–'}" for part in change.fields)
    return (change.kind, change.name, change.user_name, change.reason, fields, change.identity)
