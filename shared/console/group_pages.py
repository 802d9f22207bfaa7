"""What a directory store does with groups."""

from flask import Blueprint, request
from pydantic import ValidationError

from shared.console.context import View, admin, faults, go, page, parts, texts, the_store
from shared.directory.group_settings import GroupSettings, ResourceSync, ensure_deletion_confirmed
from shared.directory.status import NotConfirmed, Reflection
from shared.directory.store import Store
from shared.provisioning.store_settings import Section, SettingsChanged, fingerprint

blueprint = Blueprint("groups", __name__, url_prefix="/console/stores/<store_id>")

_NAMES = ("resource_sync", "deleted")


@blueprint.route("/groups", methods=["GET", "POST"])
def groups(store_id: str) -> View:
    store, wrong, conflict = the_store(store_id), dict[str, str](), False
    form, shown = texts(request.form), store.groups.model_dump(mode="json")
    if request.method == "POST":
        shown = {name: form[name] for name in _NAMES if name in form}
        shown |= {"name_prefix": request.form.get("name_prefix", "")}  # its last character may be a space
        shown |= {"name_expression": form.get("name_expression") or None}
        shown |= {"exact_members": form.get("exact_members") == "yes"}
        try:
            given = GroupSettings.model_validate(shown)

            def confirmed(now: Store) -> dict[str, object]:
                ensure_deletion_confirmed(now.groups, given, now.name, form.get("typed", ""))
                return {"groups": given}

            parts().settings.save(store_id, Section.GROUPS, form.get("seen", ""), confirmed, str(admin()))
            return go(".groups", store_id=store_id)
        except ValidationError as error:
            wrong = faults(error)
        except NotConfirmed as missing:
            wrong = {"typed": str(missing)}
        except SettingsChanged:
            store, conflict = the_store(store_id), True
            shown = store.groups.model_dump(mode="json")
    return page(
        "console/groups.html",
        409 if conflict else 422 if wrong else 200,
        store=store,
        shown=shown,
        faults=wrong,
        conflict=conflict,
        seen=fingerprint(store, Section.GROUPS),
        syncs=list(ResourceSync),
        reflections=list(Reflection),
    )
