"""Criteria, guard and schedule: whom the store takes, what stops a plan, and when the reconciler runs."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Literal

from flask import Blueprint, request
from pydantic import BeforeValidator, ConfigDict, ValidationError

from shared.admin.store_settings import Section, SettingsChanged, fingerprint
from shared.console.context import View, admin, go, page, parts, texts, the_store
from shared.console.criteria_form import ROOT, Tree
from shared.console.settings_form import Sent, sent_form
from shared.model import Model
from shared.rules.azure_user import AZURE_FIELDS, AzureUser
from shared.rules.criteria import Group, Operator, why_not
from shared.rules.former import Adoptions
from shared.rules.guard import GroupLimit, GuardLimits
from shared.rules.schedule import Schedule
from shared.rules.store import Drift, Store
from shared.tables.identity_rows import Listed

blueprint = Blueprint("scope", __name__, url_prefix="/console/stores/<store_id>")


@blueprint.route("/criteria", methods=["GET", "POST"])
def criteria(store_id: str) -> View:
    store, form, wrong = the_store(store_id), texts(request.form), dict[str, str]()
    tree = Tree.of_group(store.criteria) if store.criteria else Tree()
    if request.method == "GET":
        return _criteria(store, tree, wrong)
    tree = Tree.read(form)
    if tree.changed(form.get("do", "")):
        return _criteria(store, tree, wrong, takes="matching")
    try:
        chosen = Group.model_validate(tree.as_data()) if form.get("takes") == "matching" else None
        parts().settings.save(
            store_id, Section.CRITERIA, form.get("seen", ""), lambda _: {"criteria": chosen}, str(admin())
        )
    except ValidationError as error:
        return _criteria(store, tree, _by_place(error))
    except SettingsChanged:
        store = the_store(store_id)
        return _criteria(store, Tree.of_group(store.criteria) if store.criteria else Tree(), {}, conflict=True)
    return go(".criteria", store_id=store_id)


def _by_place(error: ValidationError) -> dict[str, str]:
    """Faults by the place of the condition in the tree, counted as an administrator counts."""
    found = dict[str, str]()
    for detail in error.errors():
        numbers = [part + 1 for part in detail["loc"] if isinstance(part, int)]
        place = f"Condition {'.'.join(map(str, numbers))}" if numbers else ""
        found.setdefault(place, detail["msg"].removeprefix("Value error, "))
    return found


def _criteria(store: Store, tree: Tree, wrong: dict[str, str], *, conflict: bool = False, takes: str = "") -> View:
    takes = takes or request.form.get("takes") or ("matching" if store.criteria else "all")
    return page(
        "console/criteria.html",
        409 if conflict else 422 if wrong else 200,
        store=store,
        tree=tree,
        root=ROOT,
        takes=takes,
        faults=wrong,
        conflict=conflict,
        seen=fingerprint(store, Section.CRITERIA),
        operators=[operator.value for operator in Operator],
        attributes=list(AZURE_FIELDS),
        tried=_tried(store, tree) if takes == "matching" and not wrong else [],
    )


def _tried(store: Store, tree: Tree) -> list[tuple[Listed, tuple[str, ...]]]:
    """The first people of the store, each with what would keep him out."""
    try:
        group = Group.model_validate(tree.as_data())
    except ValidationError:
        return []
    found = parts().identities.search(store.id, request.form.get("tried", ""), 5)
    return [
        (listed, why_not(group, person)) for listed in found if (person := _person(store.id, listed.id)) is not None
    ]


def _person(store_id: str, identity_id: str) -> AzureUser | None:
    stored = parts().identities.read(store_id, identity_id)
    return stored.identity.said.source if stored else None


def _none_if_empty(value: object) -> object:
    return None if value == "" else value


class GuardForm(Model):
    """The limits as they are typed."""

    model_config = ConfigDict(extra="ignore")

    leavings_count: int
    leavings_percent: float
    leavings_share_percent: Annotated[float | None, BeforeValidator(_none_if_empty)]
    leavings_share_of_at_least: Annotated[int | None, BeforeValidator(_none_if_empty)]
    leavings_most: Annotated[int | None, BeforeValidator(_none_if_empty)]
    members_count: int
    members_percent: float
    groups_count: int
    groups_percent: float
    groups_share: float
    groups_most: int
    creations: Annotated[int | None, BeforeValidator(_none_if_empty)] = None
    one_field_count: int
    one_field_percent: float
    adoptions: Adoptions = Adoptions.HOLD

    @property
    def limits(self) -> GuardLimits:
        """The store's limits. Raises pydantic.ValidationError, also for half a share."""
        share = {"percent": self.leavings_share_percent, "of_at_least": self.leavings_share_of_at_least}
        return GuardLimits.model_validate(
            {
                "leavings": {"count": self.leavings_count, "percent": self.leavings_percent},
                "leavings_share": None if set(share.values()) == {None} else share,
                "leavings_most": self.leavings_most,
                "members": {"count": self.members_count, "percent": self.members_percent},
                "groups": {
                    "count": self.groups_count,
                    "percent": self.groups_percent,
                    "share": self.groups_share,
                    "most": self.groups_most,
                },
                "creations": self.creations,
                "one_field": {"count": self.one_field_count, "percent": self.one_field_percent},
                "adoptions": self.adoptions,
            }
        )


def sentence_of_groups(limit: GroupLimit, groups: int, *, exact: bool) -> str:
    """What the limit means for a store of so many groups. Not ``exact``: there are at least so many."""
    there, free = f"{groups:,} groups" if groups != 1 else "1 group", limit.free(groups)
    if not groups:
        return "This store has no group yet."
    if not exact:
        return f"With at least {there}, {free:,} or more may be deleted without a decision."
    if free == groups:
        return f"With {there}, all may be deleted without a decision."
    most = f"at most {free:,} may be" if free else "none is"
    return f"With {there}, {most} deleted without a decision; one more waits for an administrator."


@blueprint.route("/guard", methods=["GET", "POST"])
def guard(store_id: str) -> View:
    def given(form: dict[str, str], now: Store) -> dict[str, object]:
        # What a form leaves out, such as one that an earlier version of the page sent, stays as it is.
        return {"guard": GuardForm.model_validate(_shown(now.guard) | form).limits}

    sent = sent_form(the_store(store_id), Section.GUARD, given)
    if sent.saved:
        return go(".guard", store_id=store_id)
    by_box = {name.replace(".", "_"): text for name, text in sent.faults.items()}
    ledger = parts().leavings.read(store_id).recent
    people = (ledger.active_users, True) if ledger.counted_at else parts().identities.estimate(store_id)
    values = sent.values | {"faults": by_box, "shown": _shown(sent.store.guard) | sent.typed}
    values |= {"today": sent.store.guard.today(people[0]), "is_counted": ledger.counted_at is not None}
    groups, is_all = parts().groups.count(store_id)
    values |= {"groups_sentence": sentence_of_groups(sent.store.guard.groups, groups, exact=is_all)}
    return page("console/guard.html", sent.status, **values, is_held=ledger.held)


def _shown(limits: GuardLimits) -> dict[str, object]:
    """The limits as they stand in the boxes."""
    share = limits.leavings_share
    return {
        "leavings_count": limits.leavings.count,
        "leavings_percent": f"{limits.leavings.percent:g}",
        "leavings_share_percent": f"{share.percent:g}" if share else None,
        "leavings_share_of_at_least": share.of_at_least if share else None,
        "leavings_most": limits.leavings_most,
        "members_count": limits.members.count,
        "members_percent": f"{limits.members.percent:g}",
        "groups_count": limits.groups.count,
        "groups_percent": f"{limits.groups.percent:g}",
        "groups_share": f"{limits.groups.share:g}",
        "groups_most": limits.groups.most,
        "creations": limits.creations,
        "one_field_count": limits.one_field.count,
        "one_field_percent": f"{limits.one_field.percent:g}",
        "adoptions": limits.adoptions,
    }


class ScheduleForm(Model):
    """When the reconciler runs, and what it keeps."""

    model_config = ConfigDict(extra="ignore")

    interval_minutes: int
    drift: Drift
    history_days: int


class PauseForm(Model):
    """Until when provisioning pauses: a time of the browser's own control, in UTC."""

    model_config = ConfigDict(extra="ignore")

    do: Literal["pause", "go on"]
    until: datetime | None = None


@blueprint.route("/schedule", methods=["GET", "POST"])
def schedule(store_id: str) -> View:
    sent = sent_form(the_store(store_id), Section.SCHEDULE, _schedule_given)
    return go(".schedule", store_id=store_id) if sent.saved else _schedule(sent)


def _schedule_given(form: dict[str, str], now: Store) -> Mapping[str, object]:
    given = ScheduleForm.model_validate(form)
    interval = {"interval_minutes": given.interval_minutes}
    return {
        "schedule": Schedule.model_validate(now.schedule.model_dump() | interval),
        "drift": given.drift,
        "history_days": given.history_days,
    }


def _schedule(sent: Sent) -> View:
    store = sent.store
    shown = {
        "interval_minutes": store.schedule.interval_minutes,
        "drift": store.drift,
        "history_days": store.history_days,
    }
    times = parts().cycles.standing(store).note.times
    return page(
        "console/schedule.html",
        sent.status,
        **sent.values,
        shown=shown | sent.typed,
        drifts=list(Drift),
        times=times,
    )


@blueprint.post("/pause")
def pause(store_id: str) -> View:
    store = the_store(store_id)
    now = parts().now()
    try:
        form = PauseForm.model_validate({name: value for name, value in texts(request.form).items() if value})
    except ValidationError:
        return _schedule(Sent(store, Section.SCHEDULE, faults={"until": "Choose a day and a time."}))
    until = form.until.replace(tzinfo=form.until.tzinfo or UTC) if form.until else None
    if form.do == "pause" and (until is None or until <= now):
        wrong = {"until": "Choose a day and a time that is still to come."}
        return _schedule(Sent(store, Section.SCHEDULE, faults=wrong))
    parts().switch.pause(store, until if form.do == "pause" and until else now, str(admin()))
    return go(".schedule", store_id=store_id)
