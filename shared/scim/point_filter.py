"""Which filters one read can answer."""

from scim2_models.path import AttrPath, CompareOperator, Comparison, FilterNode, LogicalExpr, LogicalOperator, ValuePath

from shared.rules.scim_path import USER
from shared.tables.identity_rows import Lookup

_LOOKUPS = {"id": Lookup.ID, "username": Lookup.USER_NAME, "externalid": Lookup.EXTERNAL_ID}


def point_of(node: FilterNode | None) -> tuple[Lookup, str] | None:
    """What to look up so that everybody whom the filter can match is found, or None where all have to be read.

    ``userName eq "…"``, ``externalId eq "…"``, ``id eq "…"``, ``emails[type eq "work"].value eq "…"``, and any of
    them in a conjunction: who matches all its terms is among those found for one.
    """
    match node:
        case LogicalExpr(op=LogicalOperator.and_, terms=terms):
            return next((point for term in terms if (point := point_of(term)) is not None), None)
        case Comparison(attr_path=path, op=CompareOperator.eq, value=str(value)) if _is_core(path):
            lookup = _LOOKUPS.get(path.attr.lower())
            return (lookup, value) if lookup is not None and path.sub_attr is None else None
        case ValuePath(attr_path=path, val_filter=inner) if _is_core(path) and path.attr.lower() == "emails":
            return _work_address(inner)
        case _:
            return None


def _is_core(path: AttrPath) -> bool:
    return path.uri is None or path.uri.lower() == USER.lower()


def _work_address(inner: FilterNode) -> tuple[Lookup, str] | None:
    """``type eq "work" and value eq "…"``, in either order and perhaps with more."""
    if not isinstance(inner, LogicalExpr) or inner.op is not LogicalOperator.and_:
        return None
    equal = {
        term.attr_path.attr.lower(): term.value
        for term in inner.terms
        if isinstance(term, Comparison) and term.op is CompareOperator.eq
    }
    value = equal.get("value")
    return (Lookup.EMAIL, value) if str(equal.get("type")).lower() == "work" and isinstance(value, str) else None
