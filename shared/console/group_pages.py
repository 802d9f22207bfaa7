"""Groups: the store's choices for them, and of each what Entra says, what Zoho One holds, its members, its history."""

from collections.abc import Mapping
from itertools import islice

from flask import Blueprint, request

from shared.console.context import NoSuchThing, View, go, is_live, page, parts, the_store
from shared.console.settings_form import sent_form
from shared.directory.group import ZohoGroup
from shared.directory.group_settings import GroupSettings, ResourceSync, ensure_deletion_confirmed
from shared.directory.status import Reflection
from shared.directory.store import Store
from shared.provisioning.store_settings import Section

blueprint = Blueprint("groups", __name__, url_prefix="/console/stores/<store_id>/groups")

SHOWN = 50
"""Groups in the list."""
MEMBERS = 20
"""Members who are named on a group's page."""
EVENTS = 100
"""Of a group's history."""


@blueprint.get("")
def listed(store_id: str) -> View:
    """The first groups, in the order of ids: a piece of the page of people, or a page."""
    the_store(store_id)
    groups = [stored.group for stored in islice(parts().groups.everything(store_id), SHOWN)]
    return page("console/groups_listed.html" if is_live() else "console/groups.html", groups=groups, most=SHOWN)


@blueprint.route("/settings", methods=["GET", "POST"])
def settings(store_id: str) -> View:
    sent = sent_form(the_store(store_id), Section.GROUPS, _given)
    if sent.saved:
        return go(".settings", store_id=store_id)
    return page(
        "console/group_settings.html",
        sent.status,
        **sent.values,
        shown=sent.store.groups.model_dump(mode="json") | (_chosen(sent.typed) if sent.typed else {}),
        syncs=list(ResourceSync),
        reflections=list(Reflection),
    )


def _chosen(form: dict[str, str]) -> dict[str, object]:
    """What was chosen, right or wrong."""
    chosen: dict[str, object] = {name: form[name] for name in ("resource_sync", "deleted") if name in form}
    chosen["name_prefix"] = request.form.get("name_prefix", "")  # its last character may be a space
    chosen["name_expression"] = form.get("name_expression") or None
    chosen["exact_members"] = form.get("exact_members") == "yes"
    return chosen


def _given(form: dict[str, str], now: Store) -> Mapping[str, object]:
    given = GroupSettings.model_validate(_chosen(form))
    ensure_deletion_confirmed(now.groups, given, now.name, form.get("typed", ""))
    return {"groups": given}


@blueprint.get("/<group_id>")
def group(store_id: str, group_id: str) -> View:
    store = the_store(store_id)
    stored = parts().groups.read(store_id, group_id)
    history = parts().identities.history(store_id, group_id, EVENTS)
    if stored is None and not history:
        raise NoSuchThing("There is no such group in this directory store")
    members = []
    if stored is not None:
        for member, _ in zip(parts().groups.members(store_id, group_id), range(MEMBERS), strict=False):
            found = parts().identities.read(store_id, member)
            name = found.identity.said.source.display_name or found.identity.said.keys.user_name if found else None
            members.append((member, name))
    desired = stored.group.said.desired if stored else None
    return page(
        "console/group.html",
        store=store,
        group=stored.group if stored else None,
        identity_id=group_id,
        desired=desired if isinstance(desired, ZohoGroup) else None,
        members=members,
        history=history,
    )
