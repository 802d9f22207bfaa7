"""Groups: the store's choices for them, and of each what Entra says, what Zoho One holds, its members, its history."""

from flask import Blueprint, request
from pydantic import ValidationError

from shared.console.context import NoSuchThing, View, admin, faults, go, page, parts, texts, the_store
from shared.directory.group import ZohoGroup
from shared.directory.group_settings import GroupSettings, ResourceSync
from shared.directory.status import Reflection
from shared.provisioning.store_settings import Section, SettingsChanged, fingerprint

blueprint = Blueprint("groups", __name__, url_prefix="/console/stores/<store_id>/groups")

MEMBERS = 20
"""Members who are named on a group's page."""
EVENTS = 100
"""Of a group's history."""


@blueprint.route("/settings", methods=["GET", "POST"])
def settings(store_id: str) -> View:
    store, form, wrong, conflict = the_store(store_id), texts(request.form), dict[str, str](), False
    if request.method == "POST":
        try:
            given = GroupSettings.model_validate(
                {name: form[name] for name in ("resource_sync", "deleted") if name in form}
                | {"name_prefix": request.form.get("name_prefix", "")}  # as it is: it may well end with a space
                | {"name_expression": form.get("name_expression") or None}
                | {"exact_members": form.get("exact_members") == "yes"}
            )
            parts().settings.save(
                store_id, Section.GROUPS, form.get("seen", ""), lambda _: {"groups": given}, str(admin())
            )
            return go(".settings", store_id=store_id)
        except ValidationError as error:
            wrong = faults(error)
        except SettingsChanged:
            store, conflict, form = the_store(store_id), True, {}
    return page(
        "console/group_settings.html",
        409 if conflict else 422 if wrong else 200,
        store=store,
        shown=store.groups.model_dump() | form,
        faults=wrong,
        conflict=conflict,
        seen=fingerprint(store, Section.GROUPS),
        choices=list(ResourceSync),
        reflections=list(Reflection),
    )


@blueprint.get("/<group_id>")
def group(store_id: str, group_id: str) -> View:
    the_store(store_id)
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
        group=stored.group if stored else None,
        identity_id=group_id,
        desired=desired if isinstance(desired, ZohoGroup) else None,
        members=members,
        history=history,
    )
