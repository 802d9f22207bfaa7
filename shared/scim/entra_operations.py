"""The operations of Entra's PATCH, each converted to the standard's shape."""

import json
from collections.abc import Collection
from dataclasses import dataclass

from pydantic import JsonValue
from scim2_models import InvalidPathException, Path
from scim2_models.path import AttrPath

from shared.rules.groups.group import GROUP
from shared.rules.scim_path import ENTERPRISE, ENTRA, USER, Resource
from shared.scim.entra_values import (
    entries,
    extension_value,
    is_active,
    is_written_as_json,
    only_named,
    readable_active,
    standard_manager,
    standard_roles,
)

_SCHEMAS = (USER, GROUP, ENTERPRISE, ENTRA)
_KEYS = {"op", "path", "value"}
_MANAGER = f"{ENTERPRISE}:manager"
_MEMBERS = {"members", "members.value", f"{GROUP.lower()}:members", f"{GROUP.lower()}:members.value"}
_TEXTS: Resource = {"true": True, "false": False}
_ROLES = {"roles", f"{USER.lower()}:roles"}


@dataclass(frozen=True)
class Operations:
    """Converts them; ``multi_valued`` names the attributes, in lower case, that hold several values."""

    multi_valued: Collection[str]

    def standard(self, operation: Resource) -> list[JsonValue]:
        """Convert one operation; one without a path may become several. Raises InvalidValueException."""
        operation = {key.lower() if key.lower() in _KEYS else key: part for key, part in operation.items()}
        path, value = operation.get("path"), operation.get("value")
        if isinstance(path, str) and path and not (_is_core(path) and isinstance(value, dict)):
            return self._at(operation, _standard_path(path), value)
        if not isinstance(value, dict) or _is_removal(operation):
            return [operation]
        # In a value without a path, keys may be paths themselves. The library reads dotted ones and URNs, not filters.
        keyed = {_standard_path(key): part for key, part in _spread(value).items()}
        keyed = {key: self._typed(key, part) for key, part in keyed.items()}
        apart = {key: part for key, part in keyed.items() if _stands_apart(key, part)}
        together = {key: part for key, part in keyed.items() if key not in apart}
        rest = {key: part for key, part in operation.items() if key != "path"}
        standard: list[JsonValue] = [rest | {"value": together}] if together or not apart else []
        return standard + [one for key, part in apart.items() for one in self._at(operation, key, part)]

    def _at(self, operation: Resource, path: str, value: JsonValue) -> list[JsonValue]:
        """Convert an operation on one path; for the enterprise extension as an object, the manager becomes one of its
        own.
        """
        if path.lower() == ENTERPRISE.lower() and isinstance(value, dict) and not _is_removal(operation):
            keyed = {_standard_path(f"{ENTERPRISE}:{key}"): part for key, part in value.items()}
            managers = {key: part for key, part in keyed.items() if _is_manager(key)}
            rest = {key.removeprefix(f"{ENTERPRISE}:"): part for key, part in keyed.items() if key not in managers}
            whole: list[JsonValue] = [operation | {"path": path, "value": rest}] if rest or not managers else []
            return whole + [one for key, part in managers.items() for one in self._at(operation, key, part)]
        if _is_manager(path):
            return [_of_manager(operation, path, value)]
        if path.lower() in _MEMBERS:
            shape = entries(value) if isinstance(value, str | list) else value
            return [operation | {"path": path, "value": shape} if _has_value(operation, value) else operation]
        if _is_removal(operation):
            return [self._removal(operation, path, value)]
        if path.lower() in _ROLES and value is not None:
            return _of_roles(operation, path, value)
        value = self._typed(path, value)
        if is_active(path) and _has_value(operation, value):
            value = readable_active(value)
        return [operation | {"path": path, "value": value} if _has_value(operation, value) else operation]

    def standard_entra(self, extension: Resource) -> Resource:
        """Convert the attributes of the bridge's own extension, of any data type, to text."""
        return {
            key: value if value is None else extension_value(value, several=key.lower() in self.multi_valued)
            for key, value in extension.items()
        }

    def _typed(self, path: str, value: JsonValue) -> JsonValue:
        """Convert the value of an attribute of the bridge's own extension; any other stays."""
        if path == ENTRA and isinstance(value, dict):
            return self.standard_entra(value)
        name = path.removeprefix(f"{ENTRA}:")
        if name == path or value is None or "[" in name:
            return value
        return extension_value(value, several=name.lower() in self.multi_valued)

    def _removal(self, operation: Resource, path: str, value: JsonValue) -> Resource:
        """Convert a removal: the path says what goes; a value selects entries only for a path to several values without
        a filter.
        """
        verb: Resource = {"op": operation.get("op"), "path": path}
        if value in (None, "", {}) or (several := self._several(path)) is None:
            return verb
        named = entries(value)
        if several.lower() in _ROLES:
            # What Entra sends of a role beside its name may differ from what it was added with.
            named = [only_named(role) for role in named]
        return verb | {"path": several, "value": [_selecting(entry) for entry in named]}

    def _several(self, path: str) -> str | None:
        """Return the multi-valued attribute that a path names as a whole, or by its ``value``; otherwise None."""
        try:
            node = Path(path).ast
        except InvalidPathException:
            return None
        if not isinstance(node, AttrPath) or (node.sub_attr or "value").lower() != "value":
            return None
        if node.attr.lower() not in self.multi_valued or node.uri not in (None, *_SCHEMAS):
            return None
        return f"{node.uri}:{node.attr}" if node.uri else node.attr


def _standard_path(path: str) -> str:
    """Return a path with a colon after its schema's URN, a manager's with the URN, and roles with JSON's booleans.

    ``…:2.0:User.employeeNumber`` is how Entra's older jobs write an attribute of an extension.
    """
    for schema in _SCHEMAS:
        if path.lower().startswith(f"{schema.lower()}.") or path.lower().startswith(f"{schema.lower()}:"):
            path = f"{schema}:{path[len(schema) + 1 :]}"
        elif path.lower() == schema.lower():
            path = schema
    name, bracket, rest = path.removeprefix(f"{ENTERPRISE}:").partition("[")
    if name.lower() in ("manager", "manager.value"):
        return f"{_MANAGER}{bracket}{rest}"
    return path


def _is_core(path: str) -> bool:
    return path.lower() in (USER.lower(), GROUP.lower())


def _spread(value: Resource) -> Resource:
    """Convert a value without a path, in which a resource's own schema may hold its attributes."""
    spread: Resource = {}
    for key, part in value.items():
        spread |= _spread(part) if _is_core(key) and isinstance(part, dict) else {key: part}
    return spread


def _stands_apart(key: str, part: JsonValue) -> bool:
    name = key.lower()
    if name == ENTERPRISE.lower():
        return bool(part)
    return "[" in key or name in _ROLES or name in _MEMBERS or is_active(key) or _is_manager(key)


def _is_manager(path: str) -> bool:
    return path == _MANAGER or path.startswith(f"{_MANAGER}[")


def _is_removal(operation: Resource) -> bool:
    return str(operation.get("op")).lower() == "remove"


def _has_value(operation: Resource, value: JsonValue) -> bool:
    return value is not None or "value" in operation


def _of_manager(operation: Resource, path: str, value: JsonValue) -> Resource:
    """Convert the setting of a manager, or the removal, perhaps only of the manager that the path's filter names."""
    path = path.removesuffix(".value")
    manager = None if _is_removal(operation) else standard_manager(value)
    verb: Resource = {"op": operation.get("op")}
    return verb | {"path": path, "value": manager} if manager else {"op": "remove", "path": path}


def _of_roles(operation: Resource, path: str, value: JsonValue) -> list[JsonValue]:
    """Convert roles; those that are JSON in a string are added by their name, so that none is added twice."""
    named = entries(value)
    if str(operation.get("op")).lower() != "add":
        return [operation | {"path": path, "value": standard_roles(named)}]
    written = [role for role in named if is_written_as_json(role)]
    plain: list[JsonValue] = [role for role in named if role not in written]
    standard: list[JsonValue] = [operation | {"path": path, "value": plain}] if plain or not written else []
    for role in standard_roles(written):
        assert isinstance(role, dict)  # is_written_as_json
        selected = f"{path}[value eq {json.dumps(role['value'])}]"
        standard.append(operation | {"path": selected, "value": role})
    return standard


def _selecting(entry: JsonValue) -> JsonValue:
    """Return a filter that finds entries like this one: missing parts are not compared, a boolean may be a text."""
    if not isinstance(entry, dict):
        return entry
    known = {key: part for key, part in entry.items() if part is not None}
    return {
        key: _TEXTS.get(str(part).lower(), part) if key.lower() == "primary" else part for key, part in known.items()
    }
