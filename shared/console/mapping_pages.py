"""Attribute mapping: the table, the change of one field, what a change does, versions, import and export."""

from collections import Counter
from dataclasses import dataclass

from flask import Blueprint, Response, request
from pydantic import BaseModel, ConfigDict, ValidationError

from shared.console.context import (
    NoSuchThing,
    View,
    admin,
    faults,
    go,
    is_live,
    is_setting_up,
    page,
    parts,
    texts,
    the_store,
)
from shared.console.rule_form import RuleForm
from shared.console.setup import after
from shared.directory.azure_user import AZURE_FIELDS
from shared.directory.expressions.table import FUNCTIONS
from shared.directory.mapping import Mapping, Rule, difference
from shared.directory.mapping_check import InvalidMapping, check_mapping, check_rule, read_mapping
from shared.directory.mapping_draft import Draft, rebased, rule_for
from shared.directory.preview import PreviewLine
from shared.directory.store import Store, ZohoConnection
from shared.directory.zoho_user import ZOHO_FIELDS, ZohoField
from shared.provisioning.store_settings import Section, SettingsChanged, fingerprint
from shared.tables.identity_rows import Listed
from shared.tables.mappings import SavedMeanwhile, Version

blueprint = Blueprint("mapping", __name__, url_prefix="/console/stores/<store_id>/mapping")

STEP = 250
"""People compared in one step of the count: as many as a request may take time for."""


@dataclass(frozen=True)
class Shown:
    """The mapping as this admin sees it."""

    version: Version
    draft: Draft | None

    @property
    def mapping(self) -> Mapping:
        """With his changes, if he has any."""
        return self.draft.mapping if self.draft else self.version.mapping

    @property
    def is_behind(self) -> bool:
        """Whether somebody else saved since he began to change it."""
        return self.draft is not None and self.draft.based_on != self.version.number


class Tally(BaseModel):
    """What has been counted so far of what a change does."""

    model_config = ConfigDict(extra="forbid")

    after: str = ""
    people: int = 0
    changed: int = 0
    by_field: dict[ZohoField, int] = {}
    failures: dict[ZohoField, int] = {}


def _shown(store: Store) -> Shown:
    return Shown(parts().mappings.current(store.id), parts().mappings.draft(store.id, admin().id))


def _draft(shown: Shown) -> Draft:
    return shown.draft or Draft(based_on=shown.version.number, mapping=shown.version.mapping)


def _target(name: str) -> ZohoField:
    if name not in list(ZohoField):
        raise NoSuchThing(f"Zoho One has no field {name}")
    return ZohoField(name)


@blueprint.get("")
def table(store_id: str) -> View:
    return _table(the_store(store_id))


def _table(store: Store, wrong: InvalidMapping | None = None, status: int = 200, **values: object) -> View:
    shown = _shown(store)
    person = _person(store)
    changes = difference(shown.version.mapping, shown.mapping)
    return page(
        "console/mapping.html",
        status,
        **{
            "store": store,
            "shown": shown,
            "fields": ZOHO_FIELDS,
            "rules": {field: rule_for(shown.mapping, field) for field in ZohoField},
            "changes": changes,
            "changed": {change.target for change in changes},
            "person": person,
            "preview": _preview(store, shown.mapping, person),
            "faults": wrong.faults if wrong else (),
            "seen": fingerprint(store, Section.ATTRIBUTES),
            "next": after("mapping.table"),
            "attribute_fault": None,
            "both": (),
        }
        | values,
    )


def _person(store: Store) -> Listed | None:
    """Whom the preview is for: whoever was chosen, or the first."""
    chosen = request.values.get("person", "")
    if chosen:
        stored = parts().identities.read(store.id, chosen)
        if stored is not None:
            said = stored.identity.said
            return Listed(chosen, said.source.display_name or said.keys.user_name, said.keys.user_name, True)
    return next(iter(parts().identities.search(store.id, "", 1)), None)


def _preview(store: Store, mapping: Mapping, person: Listed | None) -> dict[ZohoField, PreviewLine]:
    if person is None:
        return {}
    try:
        check_mapping(mapping, store.zoho.extensions)
        lines = parts().mapping_preview.person(store, mapping, person.id)
    except (InvalidMapping, KeyError):
        return {}
    return {line.field: line for line in lines}


@blueprint.get("/fields/<target>")
def edit(store_id: str, target: str) -> View:
    store = the_store(store_id)
    field = _target(target)
    shown = _shown(store)
    return _edit(store, field, RuleForm.of(rule_for(shown.mapping, field)), {})


def _edit(store: Store, field: ZohoField, form: RuleForm, wrong: dict[str, str], status: int = 200) -> View:
    person = _person(store)
    return page(
        "console/mapping_field.html",
        status,
        store=store,
        field=field,
        facts=ZOHO_FIELDS[field],
        is_off=ZOHO_FIELDS[field].extension and field not in store.zoho.extensions,
        path=store.zoho.extensions.get(field),
        form=form,
        faults=wrong,
        azure_fields=AZURE_FIELDS,
        functions=sorted(FUNCTIONS),
        person=person,
        seen=fingerprint(store, Section.ZOHO),
        trial=_trial(store, field, form, person) if form.is_filled else None,
    )


@blueprint.post("/fields/<target>")
def change(store_id: str, target: str) -> View:
    """Put the field's new rule, or none, into the draft."""
    store, field = the_store(store_id), _target(target)
    draft = _draft(_shown(store))
    if request.form.get("do") == "remove":
        parts().mappings.keep_draft(store_id, admin().id, draft.without(field))
        return go(".table", store_id=store_id)
    form = RuleForm.model_validate(texts(request.form))
    try:
        rule = form.rule(field)
        wrong, _ = check_rule(rule, store.zoho.extensions)
        if wrong:
            return _edit(store, field, form, {"": "; ".join(fault.reason for fault in wrong)}, 422)
        parts().mappings.keep_draft(store_id, admin().id, draft.with_rule(rule))
    except ValidationError as error:
        return _edit(store, field, form, {name.rpartition(".")[2]: text for name, text in faults(error).items()}, 422)
    return go(".table", store_id=store_id, person=request.form.get("person", ""))


@dataclass(frozen=True)
class Trial:
    """What a rule that is being typed gives."""

    rule: Rule | None
    faults: list[tuple[int | None, str]]
    warnings: list[str]
    line: PreviewLine | None
    person: Listed | None


def _trial(store: Store, field: ZohoField, form: RuleForm, person: Listed | None) -> Trial:
    try:
        rule = form.rule(field)
    except ValidationError as error:
        return Trial(None, [(None, text) for text in faults(error).values()], [], None, person)
    wrong, doubtful = check_rule(rule, [*store.zoho.extensions, field])
    line = None
    if not wrong and person is not None:
        (line,) = parts().mapping_preview.person(store, Mapping(rules=(rule,)), person.id)
    return Trial(
        rule, [(fault.position, fault.reason) for fault in wrong], [fault.reason for fault in doubtful], line, person
    )


@blueprint.post("/fields/<target>/try")
def try_out(store_id: str, target: str) -> View:
    """What is being typed, for one person: a piece of the page."""
    store, field = the_store(store_id), _target(target)
    form = RuleForm.model_validate(texts(request.form))
    return page("console/mapping_trial.html", trial=_trial(store, field, form, _person(store)), form=form)


@blueprint.post("/fields/<target>/extension")
def extension(store_id: str, target: str) -> View:
    """Switch on a field that Zoho One is not documented to take over SCIM, or off again."""
    store, field, form = the_store(store_id), _target(target), texts(request.form)
    extensions = {name: path for name, path in store.zoho.extensions.items() if name is not field}
    if form.get("do") != "off":
        extensions[field] = form.get("path") or None
    try:
        zoho = ZohoConnection.model_validate(store.zoho.model_dump() | {"extensions": extensions})
        parts().settings.save(store_id, Section.ZOHO, form.get("seen", ""), lambda _: {"zoho": zoho}, str(admin()))
    except (ValidationError, SettingsChanged) as error:
        said = faults(error) if isinstance(error, ValidationError) else {}
        shown = next(iter(said.values()), "The store's connection was changed meanwhile: look, and try again.")
        form_now = RuleForm.of(rule_for(_shown(store).mapping, field))
        return _edit(the_store(store_id), field, form_now, {"path": shown}, 422)
    return go(".edit", store_id=store_id, target=target)


@blueprint.post("/attributes")
def attributes(store_id: str) -> View:
    store, names = the_store(store_id), tuple(request.form.get("custom_attributes", "").split())
    try:
        parts().settings.save(
            store_id,
            Section.ATTRIBUTES,
            request.form.get("seen", ""),
            lambda _: {"custom_attributes": names},
            str(admin()),
        )
    except ValidationError:
        reason = "A directory extension's name has letters, digits and underscores; there may be 50 of them."
        return _table(store, status=422, attribute_fault=reason)
    except SettingsChanged:
        return _table(
            the_store(store_id), status=409, attribute_fault="They were changed meanwhile: look, and try again."
        )
    return go(".table", store_id=store_id)


@blueprint.post("/impact")
def impact(store_id: str) -> View:
    """How many people the draft would change: a step of the count, whose answer asks for the next."""
    store = the_store(store_id)
    draft = _shown(store).draft
    if draft is None:
        return page("console/mapping_impact.html", tally=Tally(), done=True, valid=True)
    try:
        tally = Tally.model_validate_json(request.form.get("tally", "{}"))
        check_mapping(draft.mapping, store.zoho.extensions)
    except (ValidationError, InvalidMapping):
        return page("console/mapping_impact.html", tally=Tally(), done=True, valid=False)
    found, last = parts().mapping_preview.change_of_some(store, draft.mapping, tally.after, STEP)
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
    shown = _shown(store)
    if shown.draft is None:
        return go(".table", store_id=store_id)
    try:
        check_mapping(shown.draft.mapping, store.zoho.extensions)
        parts().mappings.save(
            store_id,
            shown.draft.mapping,
            based_on=shown.draft.based_on,
            by=str(admin()),
            at=parts().now(),
            why=request.form.get("why", "").strip() or "No reason given",
        )
    except InvalidMapping as invalid:
        return _table(store, invalid, 422)
    except SavedMeanwhile:
        return _table(store, status=409)
    parts().mappings.drop_draft(store_id, admin().id)
    return go(after("mapping.table") if is_setting_up() else ".table", store_id=store_id)


@blueprint.post("/discard")
def discard(store_id: str) -> View:
    the_store(store_id)
    parts().mappings.drop_draft(store_id, admin().id)
    return go(".table", store_id=store_id)


@blueprint.post("/rebase")
def rebase(store_id: str) -> View:
    """Put the draft's changes on top of what somebody else saved."""
    store = the_store(store_id)
    shown = _shown(store)
    both: tuple[ZohoField, ...] = ()
    if shown.draft is not None and shown.is_behind:
        base = parts().mappings.version(store_id, shown.draft.based_on)
        merged, both = rebased(
            shown.draft, base.mapping if base else shown.version.mapping, shown.version.mapping, shown.version.number
        )
        parts().mappings.keep_draft(store_id, admin().id, merged)
    return _table(store, both=both)


@blueprint.get("/versions")
def versions(store_id: str) -> View:
    the_store(store_id)
    return page("console/mapping_versions.html", versions=parts().mappings.versions(store_id), wrong=None)


@blueprint.post("/versions/<int:number>/restore")
def restore(store_id: str, number: int) -> View:
    store = the_store(store_id)
    earlier = parts().mappings.version(store_id, number)
    if earlier is None:
        raise NoSuchThing(f"There is no version {number}")
    try:
        check_mapping(earlier.mapping, store.zoho.extensions)
        based_on = int(request.form.get("based_on", "-1"))
        parts().mappings.restore(store_id, number, based_on=based_on, by=str(admin()), at=parts().now())
    except (InvalidMapping, SavedMeanwhile) as error:
        found = parts().mappings.versions(store_id)
        return page("console/mapping_versions.html", 409, versions=found, wrong=str(error))
    return go(".versions", store_id=store_id)


@blueprint.get("/export")
def export(store_id: str) -> Response:
    """The mapping that counts, or an earlier version, as a file."""
    the_store(store_id)
    number = request.args.get("version", type=int)
    version = parts().mappings.current(store_id) if number is None else parts().mappings.version(store_id, number)
    if version is None:
        raise NoSuchThing(f"There is no version {number}")
    text = version.mapping.model_dump_json(indent=2, exclude_defaults=False) + "\n"
    name = f"mapping-{store_id}-{version.number}.json"
    return Response(
        text, mimetype="application/json", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


@blueprint.post("/import")
def import_file(store_id: str) -> View:
    """A file becomes the draft: it is looked at, counted and saved like any other change."""
    store = the_store(store_id)
    file = request.files.get("file")
    text = file.read() if file else request.form.get("text", "").encode()
    try:
        mapping = read_mapping(text)
        check_mapping(mapping, store.zoho.extensions)
    except InvalidMapping as invalid:
        return _table(store, invalid, 422)
    current = parts().mappings.current(store_id)
    parts().mappings.keep_draft(store_id, admin().id, Draft(based_on=current.number, mapping=mapping))
    return go(".table", store_id=store_id)


@blueprint.get("/people")
def people(store_id: str) -> View:
    """Whom the preview could be for: a piece of the page, or the page without htmx."""
    the_store(store_id)
    if not is_live():
        return go(".table", store_id=store_id)
    found = parts().identities.search(store_id, request.args.get("typed", ""), 8)
    return page("console/mapping_people.html", found=found, store_id=store_id)
