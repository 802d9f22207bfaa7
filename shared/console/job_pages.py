"""Errands: what takes longer than a page, at an address of its own, which shows how far it has come."""

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as Redirect

from shared.admin.jobs import SHOWN
from shared.console.context import NoSuchThing, View, admin, go, is_live, page, parts, the_store
from shared.console.plan_view import by_kind
from shared.console.plan_view import download as plan_file
from shared.console.queued import ask_errand
from shared.rules.job import Job, MakePlan, PlanMade, Task
from shared.rules.store import Store
from shared.tables.plan_parts import PlanLost

blueprint = Blueprint("errands", __name__, url_prefix="/console/stores/<store_id>/errands")

LISTED = 50
"""Errands in the list."""
RECENT = 20
"""Among which the last plan is looked for."""


def set_off(store: Store, task: Task) -> Redirect:
    """Ask for an errand, and go to its page. Raises TablesBusy."""
    errand = parts().job_runner.ask(store, task, str(admin()))
    ask_errand(errand)
    return go("errands.shown", store_id=store.id, errand_id=errand.id)


def last_plan(store_id: str) -> Job | None:
    """The plan of now that was asked for last, if that was lately. One round trip."""
    recent = parts().errands.newest(store_id, RECENT)
    return next((errand for errand in recent if isinstance(errand.task, MakePlan)), None)


@blueprint.get("")
def listed(store_id: str) -> View:
    the_store(store_id)
    return page("console/errands.html", errands=parts().errands.newest(store_id, LISTED), most=LISTED)


@blueprint.get("/<errand_id>")
def shown(store_id: str, errand_id: str) -> View:
    """A page; for htmx, a piece of it, or nothing where there is nothing new since what the browser has."""
    store, errand = the_store(store_id), _errand(store_id, errand_id)
    version = _version(errand)
    if is_live() and request.args.get("seen") == version:
        return "", 204
    return page(
        "console/errand_state.html" if is_live() else "console/errand.html",
        store=store,
        errand=errand,
        version=version,
        lost=errand.is_lost(parts().now()),
        silent=errand.is_silent(parts().now()),
        most=SHOWN,
        **_plan(errand),
    )


def _version(errand: Job) -> str:
    """Another one where the page would look different."""
    now = parts().now()
    return f"{errand.news}-{errand.is_silent(now):d}{errand.is_lost(now):d}"


def _plan(errand: Job) -> dict[str, object]:
    """What an errand that made a plan shows of it."""
    if errand.plan is None:
        return {"plan": None, "kinds": [], "left_alone": 0, "groups": 0}
    try:
        plan = parts().errands.shown_plan(errand, errand.plan)
    except PlanLost:
        return {"plan": None, "kinds": [], "left_alone": 0, "groups": 0}
    return {
        "plan": plan,
        "kinds": by_kind(plan, errand.plan.counts),
        "left_alone": errand.plan.left_alone,
        "groups": sum(errand.plan.group_counts.values()),
    }


@blueprint.post("/<errand_id>/again")
def again(store_id: str, errand_id: str) -> View:
    """Ask for the same once more."""
    return set_off(the_store(store_id), _errand(store_id, errand_id).task)


@blueprint.get("/<errand_id>/changes.<form>")
def download(store_id: str, errand_id: str, form: str) -> Response:
    """The plan that an errand made, whole, as a file, CSV or JSON."""
    the_store(store_id)
    errand = _errand(store_id, errand_id)
    made: PlanMade | None = errand.plan
    try:
        plan = parts().errands.whole_plan(errand, made) if made else None
    except PlanLost:
        plan = None
    if made is None or plan is None:
        raise NoSuchThing("This plan is not kept; the last plan of a directory store is")
    return plan_file(plan, made.breaches, errand.id, form)


def _errand(store_id: str, errand_id: str) -> Job:
    found = parts().errands.get(store_id, errand_id) if errand_id.replace("-", "").isalnum() else None
    if found is None:
        raise NoSuchThing("There is no such page any more; what was asked for is kept for a number of days")
    return found
