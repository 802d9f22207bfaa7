"""The properties of a person that a store's rules read."""

from shared.rules.azure_user import AZURE_FIELDS, ENTRA_NAMES
from shared.rules.criteria import Group, conditions
from shared.rules.expressions import compile_expression
from shared.rules.mapping.mapping import CustomAttribute, ExpressionSource, Mapping, ProfileField

EXTENSION = "extension_"
"""Prefix of every directory extension's name in Graph; a name without it can only come from a push."""

_ONLY_IF_READ = frozenset({"manager"})
"""Relations, each of which costs a request of its own."""


def fields_read(mapping: Mapping, criteria: Group | None, custom: tuple[str, ...]) -> frozenset[str]:
    """Return the names, as in Graph or on Entra's mapping pages, that the reconciler has to request from Graph.

    They include all properties that the sync endpoint shows, mapped or not, so that a changed mapping rarely requires
    reading everybody again. ``custom``: the directory extensions that the sync endpoint accepts.
    """
    names = set(AZURE_FIELDS) - _ONLY_IF_READ | set(custom)
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
    names |= {condition.attribute for condition in conditions(criteria)} if criteria else set()
    return frozenset(name for name in names if name.startswith(EXTENSION) or not _is_custom(name))


def _is_custom(name: str) -> bool:
    return name not in AZURE_FIELDS and name not in ENTRA_NAMES and name != "IsSoftDeleted"
