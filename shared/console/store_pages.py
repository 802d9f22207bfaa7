"""The directory stores: the list, the overview, the name, starting, observing and stopping, and deletion."""

from flask import Blueprint, request, url_for
from pydantic import ValidationError

from shared.admin.store_removal import StillStarted
from shared.admin.store_settings import Section, SettingsChanged, fingerprint
from shared.admin.switch import AnotherPlan, CannotObserve, CannotStart
from shared.console.context import (
    OwnersOnly,
    View,
    admin,
    faults,
    go,
    go_saved,
    is_setting_up,
    notice_page,
    page,
    parts,
    texts,
    the_store,
)
from shared.console.new_store_pages import NewStore
from shared.console.notices import PLAN_MOVED, Notice
from shared.console.standing import standing
from shared.rules.store import Store
from shared.tables.cycle_leases import StillWorking
from shared.tables.errors import Stale
from shared.zoho.data_centers import DATA_CENTERS

blueprint = Blueprint("stores", __name__, url_prefix="/console")

PROPOSALS = 100
"""Proposals counted for the overview."""
RECORDS = 100
"""Changes by administrators on a page."""


@blueprint.get("/")
def index() -> View:
    return page("console/stores.html", standings=[standing(store) for store in parts().stores.table.all()])


@blueprint.get("/stores/<store_id>")
def overview(store_id: str) -> View:
    store = the_store(store_id)
    stands = standing(store)
    waiting = parts().people.identities.waiting(store_id, 20)
    ignored = parts().people.ignored.read(store_id).attributes
    return page(
        "console/overview.html",
        stands=stands,
        waiting=waiting,
        ignored=ignored,
        reading=parts().accounts.unmanaged.reading(store),
        proposals=len(parts().accounts.proposals.page(store_id, PROPOSALS + 1)),
        most_proposals=PROPOSALS,
    )


@blueprint.route("/stores/<store_id>/name", methods=["GET", "POST"])
def name(store_id: str) -> View:
    store, wrong = the_store(store_id), dict[str, str]()
    seen, conflict = fingerprint(store, Section.NAME), False
    shown = {"name": store.name, "data_center": store.zoho.data_center}
    if request.method == "POST":
        form = texts(request.form)
        try:
            given = NewStore.model_validate(form | {"id": store_id})
            if given.name != store.name:
                parts().stores.settings.save(
                    store_id, Section.NAME, form.get("seen", ""), lambda _: {"name": given.name}, str(admin())
                )
            if given.data_center != store.zoho.data_center:
                parts().stores.settings.save(
                    store_id,
                    Section.ZOHO,
                    form.get("seen_zoho", ""),
                    lambda now: {"zoho": now.zoho.model_copy(update={"data_center": given.data_center})},
                    str(admin()),
                )
            return go_saved("connection.api_integration" if is_setting_up() else "stores.overview", store_id=store_id)
        except ValidationError as error:
            wrong, shown = faults(error), shown | form
        except SettingsChanged:
            store, conflict = the_store(store_id), True
            seen, shown = fingerprint(store, Section.NAME), {"name": store.name, "data_center": store.zoho.data_center}
    return page(
        "console/store_name.html",
        422 if wrong or conflict else 200,
        store=store,
        shown=shown,
        seen=seen,
        seen_zoho=fingerprint(store, Section.ZOHO),
        faults=wrong,
        conflict=conflict,
        data_centers=DATA_CENTERS,
    )


@blueprint.get("/stores/<store_id>/review")
def review(store_id: str) -> View:
    store = the_store(store_id)
    return page(
        "console/review.html",
        store=store,
        connection=parts().stores.connections.state(store_id),
        mapping=parts().mappings.versions.current(store_id),
        observed=observed.held if (observed := parts().runs.decisions.observed(store_id)) else None,
        ready=bool(store.token_hashes) or store.entra_tenant is not None or store.entra is not None,
    )


@blueprint.post("/stores/<store_id>/start")
def start(store_id: str) -> View:
    """Start with the plan that the form showed, if one was observed; an empty field stands for none."""
    store = the_store(store_id)
    try:
        parts().stores.switch.start(store, str(admin()), shown=request.form.get("plan") or None)
    except CannotStart as failure:
        return page("console/cannot_start.html", 409, store=store, report=failure.report)
    except (AnotherPlan, Stale):
        return notice_page(PLAN_MOVED, (url_for("plan.page", store_id=store_id), "See the plan"))
    return go("stores.overview", store_id=store_id, setup="")


@blueprint.post("/stores/<store_id>/observe")
def observe(store_id: str) -> View:
    store = the_store(store_id)
    try:
        parts().stores.switch.observe(store, str(admin()))
    except CannotStart as failure:
        return page("console/cannot_start.html", 409, store=store, report=failure.report)
    except CannotObserve as failure:
        return notice_page(
            Notice(409, "There is nothing to observe", f"{failure}.", "Then observe."),
            (url_for("connection.api_integration", store_id=store_id), "API Integration"),
        )
    return go("stores.overview", store_id=store_id, setup="")


@blueprint.post("/stores/<store_id>/stop")
def stop(store_id: str) -> View:
    parts().stores.switch.stop(the_store(store_id), str(admin()))
    return go("stores.overview", store_id=store_id)


@blueprint.route("/stores/<store_id>/delete", methods=["GET", "POST"])
def delete(store_id: str) -> View:
    """Delete a store; for owners only. Each POST deletes a portion, and its page requests the next, so progress
    is visible.
    """
    store = the_store(store_id)
    if not admin().is_owner:
        raise OwnersOnly
    typed, wrong = request.form.get("typed", ""), ""
    if request.method == "POST" and typed != store.name:
        wrong = f"Type the name of the directory store, {store.name}, to confirm."
    elif request.method == "POST":
        try:
            if parts().stores.removal.step(store, str(admin())):
                return go("stores.index", setup="")
            return _deleting(store, typed)
        except StillWorking as working:
            return _deleting(store, typed, str(working))
        except StillStarted:
            wrong = "Stop provisioning first."
    return page("console/delete_store.html", 422 if wrong else 200, store=store, wrong=wrong)


def _deleting(store: Store, typed: str, waits_for: str = "") -> View:
    action = url_for("stores.delete", store_id=store.id)
    return page("console/deleting.html", store=store, typed=typed, action=action, waits_for=waits_for)


@blueprint.get("/stores/<store_id>/changes")
def changes(store_id: str) -> View:
    the_store(store_id)
    return page("console/changes.html", records=parts().stores.table.records(store_id, RECORDS), most=RECORDS)
