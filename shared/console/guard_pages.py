"""The guard: the limits above which a plan waits for an administrator's decision."""

from flask import Blueprint

from shared.admin.store_settings import Section
from shared.console.context import View, go_saved, page, parts, the_store
from shared.console.guard_form import GuardForm, boxes_of
from shared.console.settings_form import sent_form
from shared.rules.guard import GroupLimit
from shared.rules.store import Store

blueprint = Blueprint("guard", __name__, url_prefix="/console/stores/<store_id>/guard")


@blueprint.route("", methods=["GET", "POST"], endpoint="page")
def guard(store_id: str) -> View:
    def given(form: dict[str, str], now: Store) -> dict[str, object]:
        # A field that is missing, as in a form of an earlier version of the page, keeps its value.
        return {"guard": GuardForm.model_validate(boxes_of(now.guard) | form).limits}

    sent = sent_form(the_store(store_id), Section.GUARD, given)
    if sent.saved:
        return go_saved(".page", store_id=store_id)
    by_box = {name.replace(".", "_"): text for name, text in sent.faults.items()}
    ledger = parts().runs.deprovisionings.read(store_id).recent
    people = (ledger.active_users, True) if ledger.counted_at else parts().people.identities.estimate(store_id)
    values = sent.values | {"faults": by_box, "shown": boxes_of(sent.store.guard) | sent.typed}
    values |= {"today": sent.store.guard.today(people[0]), "is_counted": ledger.counted_at is not None}
    groups, is_all = parts().groups.table.count(store_id)
    values |= {"groups_sentence": sentence_of_groups(sent.store.guard.groups, groups, exact=is_all)}
    return page("console/guard.html", sent.status, **values, is_held=ledger.held)


def sentence_of_groups(limit: GroupLimit, groups: int, *, exact: bool) -> str:
    """What the limit means for a store with this many groups. Not ``exact``: it has at least this many."""
    there, free = f"{groups:,} groups" if groups != 1 else "1 group", limit.free(groups)
    if not groups:
        return "This store has no group yet."
    if not exact:
        return f"With at least {there}, {free:,} or more may be deleted without a decision."
    if free == groups:
        return f"With {there}, all may be deleted without a decision."
    most = f"at most {free:,} may be" if free else "none is"
    return f"With {there}, {most} deleted without a decision; one more waits for an administrator."
