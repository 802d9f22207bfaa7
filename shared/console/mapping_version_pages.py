"""Versions of the mapping: the impact of a change, saving it, restoring an earlier version, import and export."""

from collections import Counter

from flask import Blueprint, request
from pydantic import ConfigDict, ValidationError

from shared.console.context import NoSuchThing, View, admin, as_file, go, is_setting_up, page, parts, the_store
from shared.console.mapping_view import mapping_table, shown_to_admin
from shared.console.wizard import after
from shared.model import Model
from shared.rules.mapping.check import InvalidMapping, check_mapping, read_mapping
from shared.rules.mapping.draft import Draft, rebased
from shared.rules.zoho_user import ZohoField
from shared.tables.mappings import SavedMeanwhile

blueprint = Blueprint("versions", __name__, url_prefix="/console/stores/<store_id>/mapping")

STEP = 250
"""People compared in one step of the count: as many as one request has time for."""


class Tally(Model):
    """Count of the people that a change affects, so far."""

    model_config = ConfigDict(extra="forbid")

    after: str = ""
    people: int = 0
    changed: int = 0
    by_field: dict[ZohoField, int] = {}
    failures: dict[ZohoField, int] = {}


@blueprint.post("/impact")
def impact(store_id: str) -> View:
    """Count how many people the draft would change. One step; its answer requests the next."""
    store = the_store(store_id)
    draft = shown_to_admin(store).draft
    if draft is None:
        return page("console/mapping_impact.html", tally=Tally(), done=True, valid=True)
    try:
        tally = Tally.model_validate_json(request.form.get("tally", "{}"))
        check_mapping(draft.mapping, store.zoho.extensions, store.custom_names)
    except (ValidationError, InvalidMapping):
        return page("console/mapping_impact.html", tally=Tally(), done=True, valid=False)
    found, last = parts().mappings.preview.change_of_some(store, draft.mapping, tally.after, STEP)
    tally = Tally(
        after=last or "",
        people=tally.people + found.people,
        changed=tally.changed + found.changed,
        by_field=dict(Counter(tally.by_field) + found.by_field),
        failures=dict(Counter(tally.failures) + found.failures),
    )
    return page("console/mapping_impact.html", tally=tally, done=last is None, valid=True)


@blueprint.post("/save")
def save(store_id: str) -> View:
    store = the_store(store_id)
    shown = shown_to_admin(store)
    if shown.draft is None:
        return go("mapping.table", store_id=store_id)
    try:
        check_mapping(shown.draft.mapping, store.zoho.extensions, store.custom_names)
        parts().mappings.versions.save(
            store_id,
            shown.draft.mapping,
            based_on=shown.draft.based_on,
            by=str(admin()),
            at=parts().site.now(),
            why=request.form.get("why", "").strip() or "No comment",
        )
    except InvalidMapping as invalid:
        return mapping_table(store, invalid, 422)
    except SavedMeanwhile:
        return mapping_table(store, status=409)
    parts().mappings.versions.drop_draft(store_id, admin().id)
    return go(after("mapping.table") if is_setting_up() else "mapping.table", store_id=store_id)


@blueprint.post("/discard")
def discard(store_id: str) -> View:
    the_store(store_id)
    parts().mappings.versions.drop_draft(store_id, admin().id)
    return go("mapping.table", store_id=store_id)


@blueprint.post("/rebase")
def rebase(store_id: str) -> View:
    """Apply the draft's changes to the version that someone else saved."""
    store = the_store(store_id)
    shown = shown_to_admin(store)
    both: tuple[ZohoField, ...] = ()
    if shown.draft is not None and shown.is_behind:
        base = parts().mappings.versions.version(store_id, shown.draft.based_on)
        merged, both = rebased(
            shown.draft, base.mapping if base else shown.version.mapping, shown.version.mapping, shown.version.number
        )
        parts().mappings.versions.keep_draft(store_id, admin().id, merged)
    return mapping_table(store, both=both)


@blueprint.get("/versions")
def listed(store_id: str) -> View:
    the_store(store_id)
    return page("console/mapping_versions.html", versions=parts().mappings.versions.versions(store_id), wrong=None)


@blueprint.post("/versions/<int:number>/restore")
def restore(store_id: str, number: int) -> View:
    store = the_store(store_id)
    earlier = parts().mappings.versions.version(store_id, number)
    if earlier is None:
        raise NoSuchThing(f"There is no version {number}")
    try:
        check_mapping(earlier.mapping, store.zoho.extensions, store.custom_names)
        based_on = request.form.get("based_on", -1, type=int)
        parts().mappings.versions.restore(store_id, number, based_on=based_on, by=str(admin()), at=parts().site.now())
    except (InvalidMapping, SavedMeanwhile) as error:
        found = parts().mappings.versions.versions(store_id)
        return page("console/mapping_versions.html", 409, versions=found, wrong=str(error))
    return go(".listed", store_id=store_id)


@blueprint.get("/export")
def export(store_id: str) -> View:
    """Download the current mapping, or an earlier version."""
    the_store(store_id)
    number = request.args.get("version", type=int)
    versions = parts().mappings.versions
    version = versions.current(store_id) if number is None else versions.version(store_id, number)
    if version is None:
        raise NoSuchThing(f"There is no version {number}")
    text = version.mapping.model_dump_json(indent=2, exclude_defaults=False) + "\n"
    return as_file(text, f"mapping-{store_id}-{version.number}.json")


@blueprint.post("/import")
def import_file(store_id: str) -> View:
    """Import a file as the draft. It is checked, counted and saved like any other change."""
    store = the_store(store_id)
    file = request.files.get("file")
    text = file.read() if file else request.form.get("text", request.form.get("file", "")).encode()
    try:
        mapping = read_mapping(text)
        check_mapping(mapping, store.zoho.extensions, store.custom_names)
    except InvalidMapping as invalid:
        return mapping_table(store, invalid, 422)
    current = parts().mappings.versions.current(store_id)
    parts().mappings.versions.keep_draft(store_id, admin().id, Draft(based_on=current.number, mapping=mapping))
    return go("mapping.table", store_id=store_id)
