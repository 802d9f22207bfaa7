"""The schedule: when cycles run, how drift is treated, how long history is kept, and the pause."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

from flask import Blueprint, request
from pydantic import ConfigDict, ValidationError

from shared.admin.store_settings import Section
from shared.console.context import View, admin, go_saved, page, parts, texts, the_store
from shared.console.settings_form import Submission, sent_form
from shared.model import Model
from shared.rules.schedule import Schedule
from shared.rules.store import Drift, Store

blueprint = Blueprint("schedule", __name__, url_prefix="/console/stores/<store_id>")


class ScheduleForm(Model):
    """Interval of cycles, treatment of drift, and retention of history."""

    model_config = ConfigDict(extra="ignore")

    interval_minutes: int
    drift: Drift
    history_days: int


class PauseForm(Model):
    """End of a pause, from the browser's own control, in UTC."""

    model_config = ConfigDict(extra="ignore")

    do: Literal["pause", "go on"]
    until: datetime | None = None


@blueprint.route("/schedule", methods=["GET", "POST"], endpoint="page")
def schedule(store_id: str) -> View:
    sent = sent_form(the_store(store_id), Section.SCHEDULE, _schedule_given)
    return go_saved(".page", store_id=store_id) if sent.saved else _schedule(sent)


def _schedule_given(form: dict[str, str], now: Store) -> Mapping[str, object]:
    given = ScheduleForm.model_validate(form)
    interval = {"interval_minutes": given.interval_minutes}
    return {
        "schedule": Schedule.model_validate(now.schedule.model_dump() | interval),
        "drift": given.drift,
        "history_days": given.history_days,
    }


def _schedule(sent: Submission) -> View:
    store = sent.store
    shown = {
        "interval_minutes": store.schedule.interval_minutes,
        "drift": store.drift,
        "history_days": store.history_days,
    }
    times = parts().runs.cycles.standing(store).note.times
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
    now = parts().site.now()
    try:
        form = PauseForm.model_validate({name: value for name, value in texts(request.form).items() if value})
    except ValidationError:
        return _schedule(Submission(store, Section.SCHEDULE, faults={"until": "Choose a day and a time."}))
    until = form.until.replace(tzinfo=form.until.tzinfo or UTC) if form.until else None
    if form.do == "pause" and (until is None or until <= now):
        wrong = {"until": "Choose a day and a time in the future."}
        return _schedule(Submission(store, Section.SCHEDULE, faults=wrong))
    parts().stores.switch.pause(store, until if form.do == "pause" and until else now, str(admin()))
    return go_saved(".page", store_id=store_id)
