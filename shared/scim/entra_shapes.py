"""Entra's own ways of writing SCIM, brought into the standard's before the library reads them.

What scim2-models tolerates by policy is not repeated here. The shapes are those of Microsoft's page "Known issues and
resolutions with SCIM 2.0 protocol compliance of the Microsoft Entra user provisioning service".
"""

from dataclasses import replace

from pydantic import JsonValue, TypeAdapter, ValidationError
from scim2_models import ScimFilter
from scim2_models.path import AttrPath, Comparison, FilterNode, LogicalExpr, Not, Present

from shared.directory.group import GROUP
from shared.directory.scim_path import ENTERPRISE, Resource
from shared.model import HIDDEN

_JSON = TypeAdapter[JsonValue](JsonValue, config=HIDDEN)
_MANAGER = f"{ENTERPRISE}:manager"
_MEMBER_NAMES = {"members", "members.value", f"{GROUP.lower()}:members", f"{GROUP.lower()}:members.value"}
_MANAGER_NAMES = {"manager", "manager.value", _MANAGER.lower(), f"{_MANAGER.lower()}.value"}


def standard_body(body: bytes) -> bytes:
    """The body of a write in the standard's shapes; one that is no JSON object stays for the library to refuse."""
    try:
        value = _JSON.validate_json(body)
    except ValidationError:
        return body
    if not isinstance(value, dict):
        return body
    return _JSON.dump_json(_standard_payload(value))


def standard_filter(text: str) -> str:
    """A filter in which ``manager`` stands for the enterprise extension's manager id, as in Entra's reference check.

    So does ``manager.value``. One that does not parse stays for the library to refuse.
    """
    if "manager" not in text.lower():
        return text
    try:
        tree = ScimFilter(text).ast
    except ValueError:
        return text
    return str(_with_manager(tree))


def _standard_payload(payload: Resource) -> Resource:
    """A PATCH, a bulk request, or a resource."""
    operations = next((value for key, value in payload.items() if key.lower() == "operations"), None)
    if not isinstance(operations, list):
        return _standard_resource(payload)
    rest = {key: value for key, value in payload.items() if key.lower() != "operations"}
    return rest | {"Operations": [standard for operation in operations for standard in _standard_operations(operation)]}


def _standard_resource(resource: Resource) -> Resource:
    extension = resource.get(ENTERPRISE)
    if isinstance(extension, dict) and "manager" in extension:
        manager = _manager(extension["manager"])
        rest = {key: value for key, value in extension.items() if key != "manager"}
        resource = resource | {ENTERPRISE: rest | {"manager": manager} if manager else rest}
    if "roles" in resource:
        resource = resource | {"roles": _entries(resource["roles"])}
    return resource


def _standard_operations(operation: JsonValue) -> list[JsonValue]:
    """One operation of a PATCH or of a bulk request; a path-less one may become several."""
    if not isinstance(operation, dict):
        return [operation]
    if isinstance(data := operation.get("data"), dict):
        return [operation | {"data": _standard_payload(data)}]
    path, value = operation.get("path"), operation.get("value")
    if isinstance(path, str):
        return _operations_at(operation, path, value)
    if not isinstance(value, dict):
        return [operation]
    # In a value without a path, keys may be paths themselves. The library reads dotted ones and URNs, not filters.
    apart = {key: part for key, part in value.items() if _stands_apart(key, part)}
    together = {key: part for key, part in value.items() if key not in apart}
    standard: list[JsonValue] = [operation | {"value": together}] if together or not apart else []
    return standard + [standard for key, part in apart.items() for standard in _operations_at(operation, key, part)]


def _operations_at(operation: Resource, path: str, value: JsonValue) -> list[JsonValue]:
    """An operation on one path; of the enterprise extension as an object, the manager becomes one of its own."""
    if path.lower() != ENTERPRISE.lower() or not isinstance(value, dict):
        return [_standard_operation(operation, path, value)]
    managers = [_standard_operation(operation, _MANAGER, part) for key, part in value.items() if _is_manager(key)]
    rest = {key: part for key, part in value.items() if not _is_manager(key)}
    return [*([operation | {"path": path, "value": rest}] if rest or not managers else []), *managers]


def _stands_apart(key: str, part: JsonValue) -> bool:
    name = key.lower()
    return "[" in key or name == "roles" or name in _MEMBER_NAMES or _is_manager(key) or _is_extension(name, part)


def _is_extension(name: str, part: JsonValue) -> bool:
    return name == ENTERPRISE.lower() and bool(part)


def _is_manager(key: str) -> bool:
    return key.lower() in _MANAGER_NAMES


def _standard_operation(operation: Resource, path: str, value: JsonValue) -> Resource:
    verb = {"op": operation.get("op")}
    if path.lower() in _MANAGER_NAMES:
        manager = None if str(verb["op"]).lower() == "remove" else _manager(value)
        return verb | {"path": _MANAGER, "value": manager} if manager else {"op": "remove", "path": _MANAGER}
    if path.lower() == "roles" and "value" in operation | {"value": value}:
        return verb | {"path": path, "value": _entries(value)} if value is not None else verb | {"path": path}
    if path.lower() in _MEMBER_NAMES and isinstance(value, str | list):
        return verb | {"path": path, "value": _entries(value)}
    return operation | {"path": path, "value": value} if value is not None or "value" in operation else operation


def _manager(value: JsonValue) -> Resource | None:
    """A manager written as an id, an object, or a list of one; empty in any of these ways is none."""
    if isinstance(value, list):
        value = value[0] if value else None
    if not isinstance(value, dict):
        value = {"value": value}
    return {key: part for key, part in value.items() if part is not None} if value.get("value") else None


def _entries(value: JsonValue) -> JsonValue:
    """Roles or members that are JSON written into a string, or bare strings in the place of objects."""
    if isinstance(value, str):
        try:
            value = _JSON.validate_json(value)
        except ValidationError:
            value = {"value": value}
    entries = value if isinstance(value, list) else [value]
    return [{"value": entry} if isinstance(entry, str) else entry for entry in entries]


def _with_manager(node: FilterNode) -> FilterNode:
    match node:
        case Comparison(attr_path=path) | Present(attr_path=path):
            if path.attr.lower() == "manager" and (path.sub_attr or "value").lower() == "value":
                return replace(node, attr_path=AttrPath("manager", "value", ENTERPRISE))
            return node
        case Not(expr=inner):
            return Not(_with_manager(inner))
        case LogicalExpr(terms=terms):
            return replace(node, terms=tuple(_with_manager(term) for term in terms))
        case _:
            return node
