"""The properties of a person that a store's rules read."""

from collections.abc import Iterable, Iterator, Set

from shared.rules.azure_user import AZURE_FIELDS
from shared.rules.criteria import Group, conditions
from shared.rules.expressions import compile_expression
from shared.rules.mapping.mapping import CustomAttribute, ExpressionSource, Mapping, ProfileField
from shared.rules.mapping.names import EXTENSION, KNOWN_NAMES
from shared.rules.zoho_user import ZohoField

_ONLY_IF_READ = frozenset({"manager", "employeeLeaveDateTime"})
"""A relation, which costs a request of its own, and what Graph shows only to apps with a further permission."""


def fields_read(
    mapping: Mapping, criteria: Group | None, custom: Set[str], expressions: Iterable[str] = ()
) -> frozenset[str]:
    """Return the names, as in Graph or on Entra's mapping pages, that the reconciler has to request from Graph.

    They include all properties that the sync endpoint shows, mapped or not, so that a changed mapping rarely requires
    reading everybody again. ``custom``: the directory extensions that the sync endpoint accepts; ``expressions``: of
    further rules.
    """
    names = set(AZURE_FIELDS) - _ONLY_IF_READ | custom
    for rule in mapping.rules:
        match rule.source:
            case ProfileField(field=field):
                names.add(field)
            case CustomAttribute(name=name):
                names.add(name)
            case ExpressionSource(expression=text):
                names |= set(compile_expression(text).attributes)
            case _:
                pass
    for text in expressions:
        names |= set(compile_expression(text).attributes)
    names |= {condition.attribute for condition in conditions(criteria)} if criteria else set()
    return frozenset(name for name in names if name.startswith(EXTENSION) or not _is_custom(name))


def custom_read(mapping: Mapping) -> Iterator[tuple[ZohoField, str]]:
    """Yield each custom attribute that a rule reads, with the rule's target."""
    for rule in mapping.rules:
        match rule.source:
            case CustomAttribute(name=name):
                yield rule.target, name
            case ExpressionSource(expression=text):
                yield from ((rule.target, name) for name in compile_expression(text).attributes if _is_custom(name))
            case _:
                pass


def _is_custom(name: str) -> bool:
    return name not in KNOWN_NAMES
