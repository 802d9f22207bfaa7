"""The mapping as one administrator sees it: the current version, their draft, and its result for one person."""

from dataclasses import dataclass

from flask import request

from shared.admin.store_settings import Section, fingerprint
from shared.console.context import View, admin, page, parts
from shared.console.wizard import after
from shared.rules.expressions import ExpressionError
from shared.rules.mapping.check import Fault, InvalidMapping, check_mapping
from shared.rules.mapping.draft import Draft, rule_for
from shared.rules.mapping.mapping import Mapping, difference
from shared.rules.mapping.preview import PreviewLine
from shared.rules.store import Store, ValueType
from shared.rules.zoho_user import ZohoField
from shared.tables.identity_rows import Listed
from shared.tables.mappings import Version


@dataclass(frozen=True)
class Shown:
    """The mapping as this administrator sees it."""

    version: Version
    draft: Draft | None

    @property
    def mapping(self) -> Mapping:
        """The mapping with their changes, if there are any."""
        return self.draft.mapping if self.draft else self.version.mapping

    @property
    def is_behind(self) -> bool:
        """Whether someone else has saved since they began their draft."""
        return self.draft is not None and self.draft.based_on != self.version.number


def shown_to_admin(store: Store) -> Shown:
    """The current version and the administrator's draft. Two round trips."""
    return Shown(parts().mappings.versions.current(store.id), parts().mappings.versions.draft(store.id, admin().id))


def draft_of(shown: Shown) -> Draft:
    """The administrator's draft, or a new one."""
    return shown.draft or Draft(based_on=shown.version.number, mapping=shown.version.mapping)


def mapping_table(store: Store, wrong: InvalidMapping | None = None, status: int = 200, **values: object) -> View:
    """The page of the whole mapping. ``wrong``: why a change was refused. ``values``: further values of the page."""
    shown = shown_to_admin(store)
    person = person_shown(store)
    changes = difference(shown.version.mapping, shown.mapping)
    return page(
        "console/mapping.html",
        status,
        **{
            "store": store,
            "shown": shown,
            "fields": store.zoho.known_fields,
            "rules": {field: rule_for(shown.mapping, field) for field in ZohoField},
            "value_types": list(ValueType),
            "field_fault": None,
            "seen_zoho": fingerprint(store, Section.ZOHO),
            "changes": changes,
            "changed": {change.target for change in changes},
            "person": person,
            "preview": _preview(store, shown.mapping, person),
            "faults": wrong.faults if wrong else (),
            "standing": () if wrong else _standing(store, shown.mapping),
            "seen": fingerprint(store, Section.ATTRIBUTES),
            "next": after("mapping.table"),
            "attribute_fault": None,
            "domain_fault": None,
            "both": (),
        }
        | values,
    )


def _standing(store: Store, mapping: Mapping) -> tuple[Fault, ...]:
    """What is wrong with a mapping that an earlier release accepted, or whose attributes the store lists no longer."""
    try:
        check_mapping(mapping, store.zoho.extensions, store.custom_names)
    except InvalidMapping as invalid:
        return invalid.faults
    return ()


def person_shown(store: Store) -> Listed | None:
    """The person in the preview: the chosen one, or the first."""
    chosen = request.values.get("person", "")
    if chosen:
        stored = parts().people.identities.read(store.id, chosen)
        if stored is not None:
            said = stored.identity.said
            return Listed(chosen, said.source.display_name or said.keys.user_name, said.keys.user_name, True)
    return next(iter(parts().people.identities.search(store.id, "", 1)), None)


def _preview(store: Store, mapping: Mapping, person: Listed | None) -> dict[ZohoField, PreviewLine]:
    if person is None:
        return {}
    try:
        lines = parts().mappings.preview.person(store, mapping, person.id)
    except (ExpressionError, KeyError):
        return {}
    return {line.field: line for line in lines}
