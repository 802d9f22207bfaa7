"""Status sync: what becomes of an account when a person's status changes in Entra."""

from collections.abc import Mapping

from flask import Blueprint

from shared.admin.store_settings import Section
from shared.console.context import (
    View,
    go_saved,
    is_setting_up,
    page,
    the_store,
)
from shared.console.settings_form import sent_form
from shared.console.wizard import after
from shared.rules.status import Deprovisioning, Reflection, StatusRules, ensure_confirmed
from shared.rules.store import Store

blueprint = Blueprint("status_sync", __name__, url_prefix="/console/stores/<store_id>/status-sync")


@blueprint.route("", methods=["GET", "POST"], endpoint="page")
def status_sync(store_id: str) -> View:
    sent = sent_form(the_store(store_id), Section.STATUS_SYNC, _status_given)
    if sent.saved:
        return go_saved(after("status_sync.page") if is_setting_up() else ".page", store_id=store_id)
    typed = sent.typed | ({"restore_by_hand": sent.typed.get("restore_by_hand") == "yes"} if sent.typed else {})
    return page(
        "console/status_sync.html",
        sent.status,
        **sent.values,
        rules=sent.store.status_rules.model_dump() | typed,
        reflections=list(Reflection),
        leavings=list(Deprovisioning),
    )


def _status_given(form: dict[str, str], now: Store) -> Mapping[str, object]:
    chosen: dict[str, object] = {name: form[name] for name in StatusRules.model_fields if name in form}
    given = StatusRules.model_validate(chosen | {"restore_by_hand": form.get("restore_by_hand") == "yes"})
    ensure_confirmed(now.status_rules, given, now.name, form.get("typed", ""))
    return {"status_rules": given}
