"""The directory stores: the list, adding one, how one stands, starting and stopping it, and taking it away."""

from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, request, url_for
from pydantic import ConfigDict, Field, HttpUrl, ValidationError

from shared.admin.store_removal import StillStarted
from shared.admin.store_settings import Section, SettingsChanged, fingerprint, id_from
from shared.admin.switch import CannotStart
from shared.console.consent_pages import CALLBACK
from shared.console.context import (
    OwnersOnly,
    View,
    admin,
    faults,
    go,
    is_setting_up,
    origin,
    page,
    parts,
    texts,
    the_store,
)
from shared.model import Model
from shared.rules.held_plan import HeldPlan
from shared.rules.run import Run, RunKind, RunState
from shared.rules.schedule import closed, next_due
from shared.rules.store import DataCenterName, Store, StoreId, ZohoConnection
from shared.rules.store_state import StoreState, store_state
from shared.sync.cycles import CycleStanding
from shared.tables.connections import Connection, ConnectionState
from shared.tables.cycle_leases import StillWorking
from shared.tables.errors import Conflict
from shared.zoho.data_centers import DATA_CENTERS

blueprint = Blueprint("stores", __name__, url_prefix="/console")

SPARK = 30
"""Runs in a sparkline."""
RECORDS = 100
"""Changes by admins on a page."""


@dataclass(frozen=True)
class Standing:
    """How a store stands: what the list and the overview show."""

    store: Store
    connection: Connection
    plan: HeldPlan | None
    runs: list[Run]
    people: tuple[int, bool]
    groups: tuple[int, bool]
    cycles: CycleStanding

    @property
    def state(self) -> StoreState:
        """In one word."""
        last = next((run for run in self.runs if run.state is not RunState.RUNNING), None)
        reconnect = self.connection.state is ConnectionState.RECONNECT
        interrupted = self.cycles.interrupted is not None
        return store_state(self.store, self.plan, last, reconnect=reconnect, interrupted=interrupted)

    @property
    def last_cycle(self) -> Run | None:
        """The last run of a cycle's."""
        return next((run for run in self.runs if run.kind is not RunKind.ON_DEMAND and not run.dry_run), None)

    def next_cycle(self, now: datetime) -> datetime | None:
        """When the next is due; None where it is not known, or there is none."""
        if self.store.entra is None or closed(now, self.store.schedule):
            return None
        return next_due(self.store.schedule, self.cycles.note.times)


def standing(store: Store) -> Standing:
    """Six round trips, however many people there are."""
    held = parts().held_plans.newest(store.id)
    return Standing(
        store,
        parts().connections.state(store.id),
        held.held if held else None,
        parts().runs.newest(store.id, SPARK),
        parts().identities.estimate(store.id),
        parts().groups.count(store.id),
        parts().cycles.standing(store),
    )


class NewStore(Model):
    """The first step's form."""

    model_config = ConfigDict(extra="ignore")

    name: str = Field(min_length=1, max_length=100)
    id: StoreId
    data_center: DataCenterName


class NewConnection(NewStore):
    """The second step's, with which the store is made."""

    sync_endpoint: HttpUrl
    client_id: str = Field(min_length=1, max_length=200)
    client_secret: str = Field(min_length=1, max_length=500, repr=False)


@blueprint.get("/")
def index() -> View:
    return page("console/stores.html", standings=[standing(store) for store in parts().stores.all()])


@blueprint.get("/stores/new")
def new() -> View:
    """Step 1; its form leads to step 2 with what was chosen in the address, because nothing is kept yet."""
    return page("console/new_store.html", given={}, faults={}, data_centers=DATA_CENTERS, setting_up=True)


@blueprint.get("/stores/new/api-integration")
def new_connection() -> View:
    given = _with_id(texts(request.args))
    try:
        NewStore.model_validate(given)
    except ValidationError as error:
        return page(
            "console/new_store.html", 422, given=given, faults=faults(error), data_centers=DATA_CENTERS, setting_up=True
        )
    if parts().stores.read(given["id"]) is not None:
        wrong = {"id": f"There is a directory store {given['id']} already: choose another id"}
        return page(
            "console/new_store.html", 422, given=given, faults=wrong, data_centers=DATA_CENTERS, setting_up=True
        )
    return _new_connection(given, {})


@blueprint.post("/stores/new/api-integration")
def create() -> View:
    given = _with_id(texts(request.form))
    try:
        form = NewConnection.model_validate(given)
        zoho = ZohoConnection(sync_endpoint=form.sync_endpoint, data_center=form.data_center, client_id=form.client_id)
        store = parts().settings.create(form.id, form.name, zoho, form.client_secret, str(admin()))
    except ValidationError as error:
        return _new_connection(given, faults(error), 422)
    except Conflict:
        return _new_connection(given, {"": f"There is a directory store {given['id']} already"}, 422)
    return go("connection.api_integration", store_id=store.id, setup="1")


def _new_connection(given: dict[str, str], wrong: dict[str, str], status: int = 200) -> View:
    kept = {name: value for name, value in given.items() if name != "client_secret"}
    redirect_uri = origin() + CALLBACK
    return page(
        "console/new_connection.html",
        status,
        given=kept,
        faults=wrong,
        redirect_uri=redirect_uri,
        setting_up=True,
        new_step=2,
    )


def _with_id(given: dict[str, str]) -> dict[str, str]:
    return given | {"id": given.get("id") or id_from(given.get("name", ""))}


@blueprint.get("/stores/<store_id>")
def overview(store_id: str) -> View:
    stands = standing(the_store(store_id))
    waiting = parts().identities.waiting(store_id, 20)
    ignored = parts().ignored.read(store_id).attributes
    next_cycle = stands.next_cycle(parts().now())
    return page("console/overview.html", stands=stands, waiting=waiting, next_cycle=next_cycle, ignored=ignored)


@blueprint.route("/stores/<store_id>/name", methods=["GET", "POST"])
def name(store_id: str) -> View:
    store, wrong = the_store(store_id), dict[str, str]()
    seen, conflict = fingerprint(store, Section.NAME), False
    if request.method == "POST":
        form = texts(request.form)
        try:
            given = NewStore.model_validate(form | {"id": store_id})
            if given.name != store.name:
                parts().settings.save(
                    store_id, Section.NAME, form.get("seen", ""), lambda _: {"name": given.name}, str(admin())
                )
            if given.data_center != store.zoho.data_center:
                parts().settings.save(
                    store_id,
                    Section.ZOHO,
                    form.get("seen_zoho", ""),
                    lambda now: {"zoho": now.zoho.model_copy(update={"data_center": given.data_center})},
                    str(admin()),
                )
            return go("connection.api_integration" if is_setting_up() else "stores.overview", store_id=store_id)
        except ValidationError as error:
            wrong = faults(error)
        except SettingsChanged:
            conflict = True
    return page(
        "console/store_name.html",
        422 if wrong or conflict else 200,
        store=store,
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
        connection=parts().connections.state(store_id),
        mapping=parts().mappings.current(store_id),
        ready=bool(store.token_hashes) or store.entra_tenant is not None or store.entra is not None,
    )


@blueprint.post("/stores/<store_id>/start")
def start(store_id: str) -> View:
    store = the_store(store_id)
    try:
        parts().switch.start(store, str(admin()))
    except CannotStart as failure:
        return page("console/cannot_start.html", 409, store=store, report=failure.report)
    return go("stores.overview", store_id=store_id, setup="")


@blueprint.post("/stores/<store_id>/stop")
def stop(store_id: str) -> View:
    parts().switch.stop(the_store(store_id), str(admin()))
    return go("stores.overview", store_id=store_id)


@blueprint.route("/stores/<store_id>/delete", methods=["GET", "POST"])
def delete(store_id: str) -> View:
    """For owners. Each POST takes a portion away, and its page asks for the next, so that progress is seen."""
    store = the_store(store_id)
    if not admin().is_owner:
        raise OwnersOnly
    typed, wrong = request.form.get("typed", ""), ""
    if request.method == "POST" and typed != store.name:
        wrong = f"Type the name of the directory store, {store.name}, to confirm."
    elif request.method == "POST":
        try:
            if parts().removal.step(store, str(admin())):
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
    return page("console/changes.html", records=parts().stores.records(store_id, RECORDS), most=RECORDS)
