"""One person as a SCIM User: what Entra's default attribute mapping would have pushed if Graph reported them first."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from pydantic import JsonValue

from shared.rules.azure_user import (
    EXTENDED_SOURCES,
    OBJECT_ID,
    SCIM_SOURCES,
    AzureUser,
    Value,
    from_scim,
    value_of,
)
from shared.rules.scim_path import ENTRA, SEVERAL, USER, Resource, ScimPath
from shared.rules.user_name import folded

_APART = frozenset({"accountEnabled", "manager", "mailNickname", "userPrincipalName", "originalUserPrincipalName"})
"""``active`` is also false for unassigned people; a manager is named by their id in the bridge; externalId may be the
object id, and userName a guest's original name.
"""

_FORMATTED = ScimPath.parse("name.formatted")
"""Entra's default mapping joins it from first and last name."""


def onto_scim(
    resource: Mapping[str, JsonValue],
    person: AzureUser,
    *,
    active: bool,
    manager: str | None,
    custom: tuple[str, ...],
    pushed_first: bool = False,
) -> Resource:
    """Return the User that a sync endpoint shows, with Graph's values in place of the pushed ones.

    ``manager``: the manager's id in the bridge. ``custom``: the directory extensions that the sync endpoint accepts.
    ``pushed_first``: whether a push made the person. Pushed values that Graph does not have, such as a nickname, stay,
    and so does the form in which a push wrote a guest's name: Entra finds the user by it.
    """
    shown: Resource = deepcopy(dict(resource))
    shown["active"] = active
    for name, path in {**EXTENDED_SOURCES, **SCIM_SOURCES}.items():
        if name not in _APART:
            value = value_of(name)(person)
            _set(shown, path, value if isinstance(value, tuple) and path.type is None else _text(value))
    original, place = person.original_user_principal_name, EXTENDED_SOURCES["originalUserPrincipalName"]
    written = str(resource.get("userName"))
    is_original = original is not None and folded(written) == folded(original)
    stays = is_original and (pushed_first or place.get(resource) is not None)
    _set(shown, SCIM_SOURCES["userPrincipalName"], written if stays else person.user_principal_name)
    _set(shown, place, original)
    external = str(resource.get("externalId"))
    by_id = OBJECT_ID.fullmatch(external) is not None and external.lower() == person.object_id
    place, other = EXTENDED_SOURCES["mailNickname"], SCIM_SOURCES["mailNickname"]
    _set(shown, place, person.mail_nickname if by_id else None)
    _set(shown, other, external if by_id else person.mail_nickname)
    _set(shown, _FORMATTED, " ".join(filter(None, (person.given_name, person.surname))))
    _set(shown, SCIM_SOURCES["manager"], manager)
    for name in custom:
        bare = name.removesuffix(SEVERAL)
        value = person.custom.get(bare)
        _set(shown, ScimPath.parse(f"{ENTRA}:{bare}"), value if name != bare else _text(value))
    urns = [name for name in shown if name.startswith("urn:")]
    shown["schemas"] = [USER, *sorted(urns)]
    return shown


def pushed_onto(
    known: AzureUser | None, earlier: Mapping[str, JsonValue], resource: Mapping[str, JsonValue]
) -> AzureUser:
    """Return the person after a push: with the pushed changes, otherwise as known before.

    ``earlier``: what the sync endpoint showed before. A push contains less than Graph knows. A new person without
    ``active`` may sign in (RFC 7643 §4.1.1). Raises pydantic.ValidationError if the resource is not a valid SCIM User.
    """
    said = from_scim(resource)
    if known is None:
        return said
    before = from_scim(earlier)
    changed = {
        name: value for name in AzureUser.model_fields if (value := getattr(said, name)) != getattr(before, name)
    }
    for part in ("extension_attributes", "custom"):
        if part in changed:
            changed[part] = _merged(getattr(known, part), getattr(before, part), changed[part])
    if said.original_user_principal_name is None and said.user_principal_name == known.user_principal_name:
        changed.pop("original_user_principal_name", None)  # most mappings push the mapped name alone
    active = new_active(earlier, resource)
    return known.model_copy(update=changed | {"account_enabled": known.account_enabled if active is None else active})


def new_active(earlier: Mapping[str, JsonValue], resource: Mapping[str, JsonValue]) -> bool | None:
    """Return a changed ``active`` from a push; None if the push does not contain it, or does not change it.

    A missing, null or removed ``active`` means nothing: silence neither grants access nor removes it.
    """
    said = resource.get("active")
    return said if isinstance(said, bool) and said is not earlier.get("active") else None


def completed(person: AzureUser, resource: Mapping[str, JsonValue]) -> AzureUser:
    """Return the person with what an earlier release stored in the resource, and did not read from it."""
    said = from_scim(resource)
    late = {name: getattr(said, name) for name in _READ_LATE if getattr(person, name) is None and getattr(said, name)}
    return person.model_copy(update=late) if late else person


_READ_LATE = ("object_id", "employee_org_data_division", "employee_org_data_cost_center")
"""Properties that a resource could hold before this release read them from it."""


def _merged(known: dict[str, Any], before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """Return what is known with what a push changed: other names, of which it says nothing, stay."""
    gone = before.keys() - now.keys()
    changed = {name: value for name, value in now.items() if before.get(name) != value}
    return {name: value for name, value in known.items() if name not in gone} | changed


def _set(resource: Resource, path: ScimPath, value: str | tuple[str, ...] | None) -> None:
    if value:
        path.put(resource, list(value) if isinstance(value, tuple) else value)
    else:
        path.take_away(resource)


def _text(value: Value) -> str | None:
    """Return one text, as SCIM requires it. Of several values the first."""
    if isinstance(value, tuple):
        return value[0] if value else None
    return value if isinstance(value, str) else None
