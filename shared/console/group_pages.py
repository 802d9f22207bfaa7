"""Groups: the store's choices for them, and of each what Entra says, what Zoho One holds, its members, its history."""

from flask import Blueprint, request
from pydantic import ValidationError

from shared.console.context import NoSuchThing, View, admin, faults, go, page, parts, texts, the_store
from shared.directory.group import ZohoGroup
from shared.directory.group_settings import GroupSettings, ResourceSync, ensure_deletion_confirmed
from shared.directory.status import NotConfirmed, Reflection
from shared.directory.store import Store
from shared.provisioning.store_settings import Section, SettingsChanged, fingerprint

blueprint = Blueprint("groups", __name__, url_prefix="/console/stores/<store_id>/groups")

MEMBERS = 20
"""Members who are named on a group's page."""
EVENTS = 100
"""Of a group's history."""


@blueprint.route("/settings", methods=["GET", "POST"])
def settings(store_id: str) -> View:
    store, wrong, conflict = the_store(store_id), dict[str, str](), False
    form, shown = texts(request.form), store.groups.model_dump(mode="json")
    if request.method == "POST":
        shown = {name: form[name] for name in ("resource_sync", "deleted") if name in form}
        shown |= {"name_prefix": request.form.get("name_prefix", "")}  # its last character may be a space
        shown |= {"name_expression": form.get("name_expression") or None}
        shown |= {"exact_members": form.get("exact_members") == "yes"}
        try:
            given = GroupSettings.model_validate(shown)

            def confirmed(now: Store) -> dict[str, object]:
                ensure_deletion_confirmed(now.groups, given, now.name, form.get("typed", ""))
                return {"groups": given}

            parts().settings.save(store_id, Section.GROUPS, form.get("seen", ""), confirmed, str(admin()))
            return go(".settings", store_id=store_id)
        except ValidationError as error:
            wrong = faults(error)
        except NotConfirmed as missing:
            wrong = {"typed": str(missing)}
        except SettingsChanged:
            store, conflict = the_store(store_id), True
            shown = store.groups.model_dump(mode="json")
    return page(
        "console/group_settings.html",
        409 if conflict else 422 if wrong else 200,
        store=store,
        shown=shown,
        faults=wrong,
        conflict=conflict,
        seen=fingerprint(store, Section.GROUPS),
        syncs=list(ResourceSync),
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
