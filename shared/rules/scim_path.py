"""Attribute paths in a SCIM resource: reading and writing plain JSON."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from pydantic import JsonValue

type Resource = dict[str, JsonValue]

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
ENTRA = "urn:ietf:params:scim:schemas:extension:entra:2.0:User"
"""The bridge's own extension of the sync endpoint: properties that Entra has and SCIM does not define."""

SEVERAL = "[]"
"""Stands after the name of a custom attribute that holds several values."""

_PATH = re.compile(
    r"""(?:(?P<schema>urn:[^\[\]"]+):)?
        (?P<attribute>[A-Za-z$][\w$-]*)
        (?:\[type\ eq\ "(?P<type>[^"]+)"\])?
        (?:\.(?P<sub>[A-Za-z$][\w$-]*))?""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class ScimPath:
    """One attribute of a SCIM resource (RFC 7644 §3.10), in the few forms that Entra's mappings use.

    Those are ``userName``, ``name.givenName``, ``emails[type eq "work"].value`` and the same with a schema URN prefix.
    """

    text: str
    schema: str | None
    attribute: str
    type: str | None
    sub: str | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a path. Raises ValueError if it has another form."""
        match = _PATH.fullmatch(text)
        if match is None:
            raise ValueError(f"not an attribute path: {text!r}")
        return cls(text, match["schema"], match["attribute"], match["type"], match["sub"])

    def get(self, resource: Mapping[str, JsonValue]) -> JsonValue:
        """Return the value at this path, or None."""
        host: JsonValue | Mapping[str, JsonValue] = _value(resource, self.schema) if self.schema else resource
        value = _value(host, self.attribute)
        if self.type is not None:
            value = self._entry(value)
        if self.sub is not None:
            value = _value(value, self.sub)
        return value

    def _entry(self, entries: JsonValue) -> JsonValue:
        """Return the entry of this path's type in a multi-valued attribute."""
        for entry in entries if isinstance(entries, list) else []:
            if isinstance(entry, Mapping) and str(_value(entry, "type")).lower() == self.type:
                return entry
        return None

    def put(self, resource: Resource, value: JsonValue) -> None:
        """Write a value into a resource, creating the containers of the path; what is no container is replaced."""
        host = resource
        if self.schema is not None:
            host = _member(resource, self.schema)
        if self.type is not None:
            entries = host.get(self.attribute)
            if not isinstance(entries, list):
                entries = host[self.attribute] = []
            entry = self._entry(entries)
            if not isinstance(entry, dict):
                entry = {"type": self.type}
                entries.append(entry)
            entry[self.sub or "value"] = value
        elif self.sub is not None:
            _member(host, self.attribute)[self.sub] = value
        else:
            host[self.attribute] = value

    def take_away(self, resource: Resource) -> None:
        """Remove the value from a resource, with containers that become empty."""
        host = resource.get(self.schema) if self.schema is not None else resource
        if not isinstance(host, dict):
            return
        value = host.get(self.attribute)
        if self.type is not None and isinstance(value, list):
            entry = self._entry(value)
            if isinstance(entry, dict):
                entry.pop(self.sub or "value", None)
                if not entry.keys() - {"type", "primary"}:
                    value.remove(entry)
        elif self.sub is not None and isinstance(value, dict):
            value.pop(self.sub, None)
        else:
            host.pop(self.attribute, None)
        if host.get(self.attribute) in ({}, []):
            del host[self.attribute]
        if self.schema is not None and not host:
            del resource[self.schema]


def _value(place: JsonValue | Mapping[str, JsonValue], name: str) -> JsonValue:
    """Return an attribute's value; its name counts in any letter case (RFC 7643 §2.1)."""
    if not isinstance(place, Mapping):
        return None
    if name in place:
        return place[name]
    return next((value for key, value in place.items() if key.lower() == name.lower()), None)


def _member(resource: Resource, name: str) -> Resource:
    member = resource.get(name)
    if not isinstance(member, dict):
        member = resource[name] = {}
    return member
