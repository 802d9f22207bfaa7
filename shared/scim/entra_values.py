"""Values as Entra writes them, converted to the standard's shapes: managers, roles, members, and ``active``."""

from pydantic import JsonValue, TypeAdapter, ValidationError
from scim2_models import InvalidValueException

from shared.model import HIDDEN
from shared.rules.azure_user import extension_text
from shared.rules.scim_path import USER, Resource

_JSON = TypeAdapter[JsonValue](JsonValue, config=HIDDEN)
_ACTIVE = {"active", f"{USER.lower()}:active"}


def is_active(path: str) -> bool:
    """Whether a path, or a key that is a path, leads to ``active``."""
    return path.lower() in _ACTIVE


def readable_active(value: JsonValue) -> bool | None:
    """Return ``active`` as true, false or None. Entra writes a boolean or its text.

    Raises InvalidValueException for anything else: pydantic would read "on" or 1 as true, and a guess lets people in.
    """
    if value is None or isinstance(value, bool):
        return value
    text = value.strip().lower() if isinstance(value, str) else ""
    if text not in ("true", "false"):
        raise InvalidValueException(detail=f'"active" must be true or false, not {str(value)[:40]!r}')
    return text == "true"


def standard_manager(value: JsonValue) -> Resource | None:
    """Return the id of a manager written as an id, an object, or a list of one; None if any of these is empty."""
    if isinstance(value, list):
        value = value[0] if value else None
    if not isinstance(value, dict):
        value = {"value": value}
    return {key: part for key, part in value.items() if part is not None} if value.get("value") else None


def entries(value: JsonValue) -> list[JsonValue]:
    """Return values that are JSON in a string, or bare strings in place of objects, as objects."""
    if isinstance(value, str):
        value = _read(value) or {"value": value}
    return [{"value": entry} if isinstance(entry, str) else entry for entry in _listed(value)]


def extension_value(value: JsonValue, *, several: bool) -> JsonValue:
    """Convert the value of an attribute of the bridge's own extension, of any data type that Entra has, to text.

    ``several``: whether the attribute holds several values, each of which may be wrapped as ``{"value": …}``.
    """
    texts = [_extension_text(each) for each in _listed(value)]
    if several:
        return [each for each in texts if each not in (None, "")]
    return texts[0] if len(texts) == 1 else value


def _extension_text(value: JsonValue) -> JsonValue:
    return extension_text(value["value"] if isinstance(value, dict) and set(value) == {"value"} else value)


def standard_roles(value: JsonValue) -> list[JsonValue]:
    """Convert roles, each of which may be JSON in its own ``value``, as SingleAppRoleAssignment writes it.

    https://learn.microsoft.com/entra/identity/app-provisioning/customize-application-attributes, "Provisioning a role".
    """
    return [_role(role) for role in entries(value)]


def is_written_as_json(role: JsonValue) -> bool:
    """Whether a role is JSON in its ``value``, and has its name there."""
    return _role(role) != role


def only_named(role: JsonValue) -> JsonValue:
    """Return a role by its name alone where it is JSON in its ``value``; any other unchanged."""
    standard = _role(role)
    return {"value": standard["value"]} if isinstance(standard, dict) and standard != role else role


def _role(role: JsonValue) -> JsonValue:
    if not isinstance(role, dict) or not isinstance(text := role.get("value"), str):
        return role
    written = _read(text)
    if not isinstance(written, dict) or not isinstance(name := written.get("value"), str) or not name:
        return role
    display = written.get("displayName", written.get("display"))
    shown: Resource = {"display": display} if isinstance(display, str) and display else {}
    return role | shown | {"value": name}


def _read(text: str) -> JsonValue:
    """Return the object or array in a text, or None."""
    try:
        value = _JSON.validate_json(text)
    except ValidationError:
        return None
    return value if isinstance(value, dict | list) else None


def _listed(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else [value]
