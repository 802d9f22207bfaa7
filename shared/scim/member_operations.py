"""What a PATCH says of a group's members, taken out of it, so that no other member is ever read or written for it.

Entra's shapes are those of Microsoft's page "Known issues and resolutions with SCIM 2.0 protocol compliance of the
Microsoft Entra user provisioning service". Some of them make a strict reader empty the group, so what cannot be read
for certain is refused: a group is emptied only where a request says so in so many words.
"""

from typing import Any

from pydantic import JsonValue
from scim2_models import InvalidPathException, InvalidValueException, PatchOp, PatchOperation, Resource
from scim2_models.path import AttrPath, CompareOperator, Comparison, FilterNode, LogicalExpr, LogicalOperator, ValuePath

from shared.rules.groups.group import GROUP
from shared.rules.groups.member_change import MemberRequest
from shared.tables.identity_rows import is_id

_ATTRIBUTE = "members"


def member_request(patch: "PatchOp[Any]") -> tuple[MemberRequest, "PatchOp[Any] | None"]:
    """What a PATCH says of the members, and the rest of it, None where there is none.

    Raises InvalidPath- and InvalidValueException.
    """
    said, rest = MemberRequest(), list[PatchOperation[Any]]()
    for operation in patch.operations or ():
        path = operation.path.ast if operation.path is not None else None
        if path is None and isinstance(operation.value, dict):
            mine = {key: value for key, value in operation.value.items() if _is_members_key(key)}
            others = {key: value for key, value in operation.value.items() if key not in mine}
            for value in mine.values():
                said = _applied(said, operation.op, value, given=True)
            if others or not mine:
                rest.append(operation.model_copy(update={"value": others}))
        elif isinstance(path, AttrPath) and _is_members(path):
            said = _applied(said, operation.op, operation.value, given="value" in operation.model_fields_set)
        elif isinstance(path, ValuePath) and _is_members(path.attr_path):
            said = _removed_by_filter(said, operation.op, path, operation.value)
        else:
            rest.append(operation)
    return said, patch.model_copy(update={"operations": rest}) if rest else None


def members_of(resource: Resource[Any]) -> list[str] | None:
    """The members that a resource names; None where it says nothing of them. Raises InvalidValueException."""
    members = getattr(resource, _ATTRIBUTE, None)
    return None if members is None else [_id(str(member.value or "")) for member in members]


def _is_members(path: AttrPath) -> bool:
    core = path.uri is None or path.uri.lower() == GROUP.lower()
    return core and path.attr.lower() == _ATTRIBUTE and (path.sub_attr or "value").lower() == "value"


def _is_members_key(key: str) -> bool:
    return key.lower().removeprefix(f"{GROUP.lower()}:") in (_ATTRIBUTE, f"{_ATTRIBUTE}.value")


def _applied(said: MemberRequest, verb: PatchOperation.Op, value: JsonValue, *, given: bool) -> MemberRequest:
    if verb is PatchOperation.Op.remove and not given:
        return said.replace(())  # RFC 7644 §3.5.2.2: without a filter, all of them
    if value is None:
        raise InvalidValueException(
            detail='"members" with null would empty the group: name the members, or send an empty array'
        )
    people = _ids(value)
    match verb:
        case PatchOperation.Op.add:
            return said.add(people)
        case PatchOperation.Op.remove:
            return said.remove(people)
        case _:
            return said.replace(people)


def _removed_by_filter(
    said: MemberRequest, verb: PatchOperation.Op, path: ValuePath, value: JsonValue
) -> MemberRequest:
    """``members[value eq "…"]``, perhaps several with ``or``; an Add there names somebody who is to be a member."""
    people = _named(path.val_filter)
    if people is None or path.sub_attr not in (None, "value"):
        raise InvalidPathException(
            detail=f'The bridge cannot tell which members {path} means: use members[value eq "…"]'
        )
    if verb is PatchOperation.Op.remove:
        return said.remove(people)
    if value is not None and not isinstance(value, dict):
        people = [*people, *_ids(value)]
    return said.add(people)


def _named(node: FilterNode) -> list[str] | None:
    match node:
        case Comparison(attr_path=AttrPath(attr=attr, sub_attr=None), op=CompareOperator.eq, value=str(value)):
            return [_id(value)] if attr.lower() == "value" else None
        case LogicalExpr(op=LogicalOperator.or_, terms=terms):
            named = [_named(term) for term in terms]
            return [one for some in named if some for one in some] if all(named) else None
        case _:
            return None


def _ids(value: JsonValue) -> list[str]:
    """The ids in a value: an array or one alone, of objects or of bare strings."""
    return [_id(_value_of(entry)) for entry in (value if isinstance(value, list) else [value])]


def _value_of(entry: JsonValue) -> JsonValue:
    if not isinstance(entry, dict):
        return entry
    return next((part for key, part in entry.items() if key.lower() == "value"), None)


def _id(value: JsonValue) -> str:
    if not isinstance(value, str) or not value:
        raise InvalidValueException(detail='Each of "members" needs the id of a person as its "value"')
    if not is_id(value):
        raise InvalidValueException(detail=f"No person can have the id {value[:40]!r}")
    return value
