"""Which properties of a person a store's rules look at."""

from shared.rules.azure_user import AZURE_FIELDS, ENTRA_NAMES
from shared.rules.criteria import Group, conditions
from shared.rules.expressions import compile_expression
from shared.rules.mapping.mapping import CustomAttribute, ExpressionSource, Mapping, ProfileField

EXTENSION = "extension_"
"""What the name of every directory extension begins with in Graph; another name can only come by a push."""

_ONLY_IF_READ = frozenset({"manager"})
"""A relation, each of which costs a reading of its own to follow."""


def fields_read(mapping: Mapping, criteria: Group | None, custom: tuple[str, ...]) -> frozenset[str]:
    """The names, as in Graph or on Entra's mapping pages, that the reconciler has to ask Graph for.

    All properties that the sync endpoint shows, whether mapped or not, so that a changed mapping rarely needs everybody
    to be read again. ``custom``: the directory extensions that the sync endpoint takes.
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
