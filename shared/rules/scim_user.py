"""One person as a SCIM User: what Entra's default attribute mapping would have pushed, had Graph not told it first."""

from collections.abc import Mapping
from copy import deepcopy

from pydantic import JsonValue

from shared.rules.azure_user import EXTENDED_SOURCES, SCIM_SOURCES, AzureUser, Value, from_scim, value_of
from shared.rules.scim_path import ENTRA, USER, Resource, ScimPath

_APART = frozenset({"accountEnabled", "manager"})
"""``active`` is also false for those who are unassigned; a manager is named by the id that he has in the bridge."""

_FORMATTED = ScimPath.parse("name.formatted")
"""Entra's default mapping joins it from first and last name."""


def onto_scim(
    resource: Mapping[str, JsonValue], person: AzureUser, *, active: bool, manager: str | None, custom: tuple[str, ...]
) -> Resource:
    """The User that a sync endpoint shows, with what Graph says in the place of what was pushed.

    ``manager``: his manager's id in the bridge. ``custom``: the directory extensions that the sync endpoint takes.
    What a push brought and Graph does not know, such as a nick name, stays.
    """
    shown: Resource = deepcopy(dict(resource))
    shown["active"] = active
    for name, path in {**EXTENDED_SOURCES, **SCIM_SOURCES}.items():
        if name not in _APART:
            _set(shown, path, _text(value_of(name)(person)))
    _set(shown, EXTENDED_SOURCES["mailNickname"], None)  # it stands in externalId
    _set(shown, _FORMATTED, " ".join(filter(None, (person.given_name, person.surname))))
    _set(shown, SCIM_SOURCES["manager"], manager)
    for name in custom:
        path = ScimPath.parse(f"{ENTRA}:{name}")
        _set(shown, path, _text(person.custom.get(name)))
    urns = [name for name in shown if name.startswith("urn:")]
    shown["schemas"] = [USER, *sorted(urns)]
    return shown


def pushed_onto(
    known: AzureUser | None, earlier: Mapping[str, JsonValue], resource: Mapping[str, JsonValue]
) -> AzureUser:
    """The person after a push: what the push changed, and the rest as it was known.

    ``earlier``: what the sync endpoint showed before. A push brings less than Graph knows. A new person about whom
    nothing is said may sign in (RFC 7643 §4.1.1).
    Raises pydantic.ValidationError where the resource is not a valid SCIM User.
    """
    said = from_scim(resource)
    if known is None:
        return said
    before = from_scim(earlier)
    changed = {
        name: value for name in AzureUser.model_fields if (value := getattr(said, name)) != getattr(before, name)
    }
    active = new_active(earlier, resource)
    return known.model_copy(update=changed | {"account_enabled": known.account_enabled if active is None else active})


def new_active(earlier: Mapping[str, JsonValue], resource: Mapping[str, JsonValue]) -> bool | None:
    """Whether somebody may sign in, where a push says so and it is new; None where it says nothing, or the same.

    A missing, null or removed ``active`` says nothing: silence lets nobody in, and shuts nobody out.
    """
    said = resource.get("active")
    return said if isinstance(said, bool) and said is not earlier.get("active") else None


def _set(resource: Resource, path: ScimPath, text: str | None) -> None:
    if text:
        path.put(resource, text)
    else:
        path.take_away(resource)


def _text(value: Value) -> str | None:
    """As SCIM takes it: one text. Of several values the first."""
    if isinstance(value, tuple):
        return value[0] if value else None
    return value if isinstance(value, str) else None
