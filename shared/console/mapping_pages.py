"""Attribute mapping: the table, and the change of one field with a preview while it is typed."""

from dataclasses import dataclass, replace

from flask import Blueprint, request
from pydantic import ValidationError

from shared.admin.store_settings import Section, SettingsChanged, fingerprint
from shared.console.context import (
    NoSuchThing,
    View,
    admin,
    faults,
    go,
    go_saved,
    is_live,
    page,
    parts,
    texts,
    the_store,
)
from shared.console.mapping_view import draft_of, mapping_table, person_shown, shown_to_admin
from shared.console.rule_form import RuleForm
from shared.rules.azure_user import AZURE_FIELDS
from shared.rules.criteria import conditions
from shared.rules.expressions.table import FUNCTIONS
from shared.rules.mapping.check import check_rule
from shared.rules.mapping.draft import rule_for
from shared.rules.mapping.fields_read import custom_read
from shared.rules.mapping.mapping import Mapping, Rule
from shared.rules.mapping.preview import PreviewLine
from shared.rules.scim_path import SEVERAL
from shared.rules.store import CustomField, Store
from shared.rules.zoho_user import ZOHO_FIELDS, ZohoField
from shared.tables.identity_rows import Listed

blueprint = Blueprint("mapping", __name__, url_prefix="/console/stores/<store_id>/mapping")


def _target(name: str) -> ZohoField:
    if name not in list(ZohoField):
        raise NoSuchThing(f"Zoho One has no field {name}")
    return ZohoField(name)


@blueprint.get("")
def table(store_id: str) -> View:
    return mapping_table(the_store(store_id))


@blueprint.get("/fields/<target>")
def edit(store_id: str, target: str) -> View:
    store = the_store(store_id)
    field = _target(target)
    shown = shown_to_admin(store)
    return _edit(store, field, RuleForm.of(rule_for(shown.mapping, field)), {})


def _edit(store: Store, field: ZohoField, form: RuleForm, wrong: dict[str, str], status: int = 200) -> View:
    person = person_shown(store)
    return page(
        "console/mapping_field.html",
        status,
        store=store,
        field=field,
        facts=store.zoho.known_fields.get(field, ZOHO_FIELDS[field]),
        is_off=ZOHO_FIELDS[field].extension and field not in store.zoho.extensions,
        path=store.zoho.extensions.get(field),
        form=form,
        faults=wrong,
        azure_fields=AZURE_FIELDS,
        functions=FUNCTIONS.values(),
        person=person,
        seen=fingerprint(store, Section.ZOHO),
        trial=_trial(store, field, form, person) if form.is_filled else None,
    )


@blueprint.post("/fields/<target>")
def change(store_id: str, target: str) -> View:
    """Put the field's new rule, or none, into the draft."""
    store, field = the_store(store_id), _target(target)
    draft = draft_of(shown_to_admin(store))
    if request.form.get("do") == "remove":
        parts().mappings.versions.keep_draft(store_id, admin().id, draft.without(field))
        return go(".table", store_id=store_id)
    form = RuleForm.sent(texts(request.form))
    try:
        rule = form.rule(field)
        wrong, _ = check_rule(rule, store.zoho.extensions, store.custom_names)
        if wrong:
            return _edit(store, field, form, {"": "; ".join(fault.reason for fault in wrong)}, 422)
        parts().mappings.versions.keep_draft(store_id, admin().id, draft.with_rule(rule))
    except ValidationError as error:
        return _edit(store, field, form, {name.rpartition(".")[2]: text for name, text in faults(error).items()}, 422)
    return go(".table", store_id=store_id, person=request.form.get("person", ""))


@dataclass(frozen=True)
class Trial:
    """Result of a rule as typed."""

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
    wrong, doubtful = check_rule(rule, [*store.zoho.extensions, field], store.custom_names)
    line = None
    if not wrong and person is not None:
        (line,) = parts().mappings.preview.person(store, Mapping(rules=(rule,)), person.id)
    return Trial(
        rule, [(fault.position, fault.reason) for fault in wrong], [fault.reason for fault in doubtful], line, person
    )


@blueprint.post("/fields/<target>/try")
def try_out(store_id: str, target: str) -> View:
    """Preview of the rule as typed, for one person: a piece of the page."""
    store, field = the_store(store_id), _target(target)
    form = RuleForm.sent(texts(request.form))
    return page("console/mapping_trial.html", trial=_trial(store, field, form, person_shown(store)), form=form)


@blueprint.post("/fields/<target>/extension")
def extension(store_id: str, target: str) -> View:
    """Enable a field that Zoho One does not document for SCIM, or disable it."""
    store, field, form = the_store(store_id), _target(target), texts(request.form)
    try:
        zoho = store.zoho.without_extension(field)
        if form.get("do") != "off":
            extensions = {**zoho.extensions, field: form.get("path") or None}
            zoho = zoho.changed({"extensions": extensions})
        parts().stores.settings.save(
            store_id, Section.ZOHO, form.get("seen", ""), lambda _: {"zoho": zoho}, str(admin())
        )
    except (ValidationError, SettingsChanged) as error:
        said = faults(error) if isinstance(error, ValidationError) else {}
        shown = next(iter(said.values()), "The store's connection was changed meanwhile: check it, and try again.")
        return _edit(the_store(store_id), field, _typed(store, field), {"path": shown}, 422)
    return _edit(the_store(store_id), field, _typed(store, field), {})


def _typed(store: Store, field: ZohoField) -> RuleForm:
    """The rule in the boxes. What was typed is kept, whatever else changes on the page."""
    if "kind" not in request.form:
        return RuleForm.of(rule_for(shown_to_admin(store).mapping, field))
    return RuleForm.sent(texts(request.form))


@blueprint.post("/custom-field")
def custom_field(store_id: str) -> View:
    """Define a field of Zoho One's by its SCIM path, type and label."""
    store, form = the_store(store_id), texts(request.form)
    try:
        custom = CustomField.model_validate({name: form.get(name, "") for name in ("label", "type")})
        zoho = store.zoho.with_custom_field(form.get("path", "").strip(), custom)
        parts().stores.settings.save(
            store_id, Section.ZOHO, form.get("seen", ""), lambda _: {"zoho": zoho}, str(admin())
        )
    except SettingsChanged:
        changed = "The store's connection was changed meanwhile: check it, and try again."
        return mapping_table(the_store(store_id), status=409, field_fault=changed)
    except ValidationError as error:
        return mapping_table(store, status=422, field_fault="; ".join(faults(error).values()))
    except ValueError as error:
        return mapping_table(store, status=422, field_fault=str(error))
    return go_saved(".table", store_id=store_id)


@blueprint.post("/attributes")
def attributes(store_id: str) -> View:
    store, names = the_store(store_id), tuple(request.form.get("custom_attributes", "").split())
    if reasons := _still_read(store, names):
        return mapping_table(store, status=422, attribute_fault=f"Not saved, because {' and '.join(reasons)}.")
    try:
        parts().stores.settings.save(
            store_id,
            Section.ATTRIBUTES,
            request.form.get("seen", ""),
            lambda standing: {
                "custom_attributes": names,
                "default_domain": request.form.get("default_domain", standing.default_domain or "").strip() or None,
            },
            str(admin()),
        )
    except ValidationError as error:
        if error.errors()[0]["loc"][:1] == ("default_domain",):
            return mapping_table(store, status=422, domain_fault="That is not the name of a domain.")
        reason = "The name of a directory extension contains letters, digits and underscores; at most 50 are allowed."
        return mapping_table(store, status=422, attribute_fault=reason)
    except SettingsChanged:
        store = the_store(store_id)
        saved = ", ".join(store.custom_attributes) or "none"
        reason = f"Another administrator saved meanwhile: {saved}. Yours are in the box."
        return mapping_table(store, status=409, attribute_fault=reason)
    return go_saved(".table", store_id=store_id)


def _still_read(store: Store, names: tuple[str, ...]) -> list[str]:
    """Why attributes cannot be left out: the mapping or the criteria read them, and nothing else brings them."""
    left = replace(store.custom_names, listed=frozenset(name.removesuffix(SEVERAL) for name in names))
    gone = {name for name in store.custom_names.listed - left.listed if left.why_not(name) is not None}
    if not gone:
        return []
    mapping = parts().mappings.versions.current(store.id).mapping
    found = [f"the rule for {target} reads {name}" for target, name in custom_read(mapping) if name in gone]
    asked = conditions(store.criteria) if store.criteria else ()
    return found + [f"the criteria look at {each.attribute}" for each in asked if each.attribute in gone]


@blueprint.get("/people")
def people(store_id: str) -> View:
    """People to choose for the preview: a piece of the page. Without htmx, the page."""
    the_store(store_id)
    if not is_live():
        return go(".table", store_id=store_id)
    found = parts().people.identities.search(store_id, request.args.get("typed", ""), 8)
    return page("console/mapping_people.html", found=found, store_id=store_id)
