"""Jobs: work that takes longer than a page. Each has its own address, which shows its progress."""

from flask import Blueprint, Response, request

from shared.admin.jobs import SHOWN
from shared.console.context import NoSuchThing, View, admin, go, is_live, page, parts, the_store
from shared.console.plan_view import by_kind
from shared.console.plan_view import download as plan_file
from shared.console.queued import request_job
from shared.rules.job import Job, MakePlan, PlanMade, Task
from shared.rules.store import Store
from shared.tables.plan_parts import PlanLost

blueprint = Blueprint("jobs", __name__, url_prefix="/console/stores/<store_id>/errands")

LISTED = 50
"""Jobs in the list."""
RECENT = 20
"""Jobs among which the last plan is searched."""


def set_off(store: Store, task: Task) -> View:
    """Create a job and go to its page. Raises TablesBusy."""
    job = parts().jobs.runner.ask(store, task, str(admin()))
    request_job(job)
    return go("jobs.shown", store_id=store.id, job_id=job.id)


def last_plan(store_id: str) -> Job | None:
    """The last plan that was requested, if it is among the recent jobs. One round trip."""
    recent = parts().jobs.table.newest(store_id, RECENT)
    return next((job for job in recent if isinstance(job.task, MakePlan)), None)


@blueprint.get("")
def listed(store_id: str) -> View:
    the_store(store_id)
    return page("console/jobs.html", jobs=parts().jobs.table.newest(store_id, LISTED), most=LISTED)


@blueprint.get("/<job_id>")
def shown(store_id: str, job_id: str) -> View:
    """Show a job: a page; for htmx, a piece of it, or nothing if the browser already has the newest."""
    store, job = the_store(store_id), _job(store_id, job_id)
    version = _version(job)
    if is_live() and request.args.get("seen") == version:
        return Response(status=204)
    return page(
        "console/job_state.html" if is_live() else "console/job.html",
        store=store,
        job=job,
        version=version,
        lost=job.is_lost(parts().site.now()),
        silent=job.is_silent(parts().site.now()),
        most=SHOWN,
        **_plan(job),
    )


def _version(job: Job) -> str:
    """Version of what the page shows; it changes whenever the page would look different."""
    now = parts().site.now()
    return f"{job.news}-{job.is_silent(now):d}{job.is_lost(now):d}"


def _plan(job: Job) -> dict[str, object]:
    """The plan that a job made, as far as the page shows it."""
    if job.plan is None:
        return {"plan": None, "kinds": [], "left_alone": 0, "groups": 0}
    try:
        plan = parts().jobs.table.shown_plan(job, job.plan)
    except PlanLost:
        return {"plan": None, "kinds": [], "left_alone": 0, "groups": 0}
    return {
        "plan": plan,
        "kinds": by_kind(plan, job.plan.counts),
        "left_alone": job.plan.left_alone,
        "groups": sum(job.plan.group_counts.values()),
    }


@blueprint.post("/<job_id>/again")
def again(store_id: str, job_id: str) -> View:
    """Create the same job again."""
    return set_off(the_store(store_id), _job(store_id, job_id).task)


@blueprint.get("/<job_id>/changes.<form>")
def download(store_id: str, job_id: str, form: str) -> View:
    """Download the plan that a job made, as CSV or JSON."""
    the_store(store_id)
    job = _job(store_id, job_id)
    made: PlanMade | None = job.plan
    try:
        plan = parts().jobs.table.whole_plan(job, made) if made else None
    except PlanLost:
        plan = None
    if made is None or plan is None:
        raise NoSuchThing("This plan is no longer stored; only the last plan of a directory store is")
    return plan_file(plan, made.breaches, job.id, form)


def _job(store_id: str, job_id: str) -> Job:
    found = parts().jobs.table.get(store_id, job_id) if job_id.replace("-", "").isalnum() else None
    if found is None:
        raise NoSuchThing("There is no such request; requests are stored for a number of days")
    return found
