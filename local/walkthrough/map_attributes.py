"""Attribute mapping as in the guide's step 7: a hard-coded value, and a field from an expression."""

from collections.abc import Callable

from shared.app.container import Bridge
from shared.rules.mapping.check import check_mapping
from shared.rules.mapping.mapping import HardCodedValue, Mapping, Rule
from shared.rules.store import Store
from shared.rules.zoho_user import ZohoField

WORK_LOCATION = "Main Building"


def map_attributes(store_id: str, bridge: Bridge, tell: Callable[[str, str], None]) -> None:
    """Give every person the same Work Location, which is an extension that the store switches on."""
    store = bridge.stores.change(store_id, _with_work_location)
    current = bridge.mappings.current(store_id)
    rule = Rule(target=ZohoField.WORK_LOCATION, source=HardCodedValue(value=WORK_LOCATION))
    mapping = Mapping(rules=(*current.mapping.rules, rule))
    check_mapping(mapping, store.zoho.extensions, store.custom_names)
    saved = bridge.mappings.save(
        store_id, mapping, based_on=current.number, by="local admin", at=bridge.push.now(), why="The guide's step 7"
    )
    expression = next(rule for rule in mapping.rules if rule.target is ZohoField.FORMATTED_NAME)
    tell(
        "The bridge: Attribute Mapping",
        f'Work Location is the hard-coded value "{WORK_LOCATION}" for everybody, the full name is the expression '
        f"{expression.source}. Saved as version {saved.number}.".replace("[", "\\["),
    )


def _with_work_location(store: Store) -> Store:
    extensions = store.zoho.extensions | {ZohoField.WORK_LOCATION: None}
    return store.model_copy(update={"zoho": store.zoho.model_copy(update={"extensions": extensions})})
