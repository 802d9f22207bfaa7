"""Which groups a filter can match, without reading the members of any."""

from collections.abc import Iterator
from dataclasses import dataclass

from scim2_models.path import (
    AttrPath,
    CompareOperator,
    Comparison,
    FilterNode,
    LogicalExpr,
    LogicalOperator,
    Not,
    Present,
    ValuePath,
)

from shared.rules.groups.group import GROUP
from shared.tables.groups import GroupLookup

_LOOKUPS = {"id": GroupLookup.ID, "displayname": GroupLookup.NAME, "externalid": GroupLookup.EXTERNAL_ID}


@dataclass(frozen=True)
class Asked:
    """What a filter asks of a group's members."""

    people: frozenset[str] = frozenset()
    """Who it asks for by id: whether they are members decides it."""
    everybody: bool = False
    """It asks something else, so that all members have to be read."""


def group_point_of(node: FilterNode | None) -> tuple[GroupLookup, str] | None:
    """What to look up so that every group that the filter can match is found, or None."""
    match node:
        case LogicalExpr(op=LogicalOperator.and_, terms=terms):
            return next((point for term in terms if (point := group_point_of(term)) is not None), None)
        case Comparison(attr_path=AttrPath(sub_attr=None) as path, op=CompareOperator.eq, value=str(value)):
            lookup = _LOOKUPS.get(path.attr.lower()) if _is_core(path) else None
            return (lookup, value) if lookup is not None else None
        case _:
            return None


def member_of(node: FilterNode | None) -> str | None:
    """Somebody who is a member of every group that the filter can match, or None."""
    match node:
        case LogicalExpr(op=LogicalOperator.and_, terms=terms):
            return next((person for term in terms if (person := member_of(term)) is not None), None)
        case Comparison() | ValuePath():
            asked = asked_of(node)
            return next(iter(asked.people)) if len(asked.people) == 1 and not asked.everybody else None
        case _:
            return None


def asked_of(node: FilterNode | None) -> Asked:
    """What of the members a filter depends on."""
    parts = list(_asked(node)) if node is not None else []
    people = frozenset(person for part in parts for person in part.people)
    return Asked(people, any(part.everybody for part in parts))


def _asked(node: FilterNode) -> Iterator[Asked]:
    match node:
        case Comparison(attr_path=path, op=CompareOperator.eq, value=str(value)) if _is_member_id(path):
            yield Asked(frozenset({value}))
        case ValuePath(
            attr_path=path,
            val_filter=Comparison(attr_path=AttrPath(attr="value"), op=CompareOperator.eq, value=str(value)),
            sub_attr=None,
        ) if _is_members(path):
            yield Asked(frozenset({value}))
        case Comparison(attr_path=path) | Present(attr_path=path) | ValuePath(attr_path=path):
            if _is_members(path):
                yield Asked(everybody=True)
        case Not(expr=inner):
            yield from _asked(inner)
        case LogicalExpr(terms=terms):
            for term in terms:
                yield from _asked(term)


def _is_core(path: AttrPath) -> bool:
    return path.uri is None or path.uri.lower() == GROUP.lower()


def _is_members(path: AttrPath) -> bool:
    return _is_core(path) and path.attr.lower() == "members"


def _is_member_id(path: AttrPath) -> bool:
    """``members eq "…"`` stands for ``members.value``, as in Entra's reference check."""
    return _is_members(path) and (path.sub_attr or "value").lower() == "value"
