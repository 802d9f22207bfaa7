"""Where a value stands in a SCIM resource: reading and writing plain JSON by attribute path."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from pydantic import JsonValue

type Resource = dict[str, JsonValue]

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
ENTRA = "urn:ietf:params:scim:schemas:extension:entra:2.0:User"
"""The bridge's own extension of the sync endpoint: what Entra holds and SCIM has no place for."""

_PATH = re.compile(
    r"""(?:(?P<schema>urn:[^\[\]"]+):)?
        (?P<attribute>[A-Za-z$][\w$-]*)
        (?:\[type\ eq\ "(?P<type>[^"]+)"\])?
        (?:\.(?P<sub>[A-Za-z$][\w$-]*))?""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class ScimPath:
    """One attribute of a SCIM resource (RFC 7644 §3.10), in the few forms Entra's mappings use.

    Those are ``userName``, ``name.givenName``, ``emails[type eq "work"].value`` and the same behind a schema URN.
    """

    text: str
    schema: str | None
    attribute: str
    type: str | None
    sub: str | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a path. Raises ValueError where it has another form."""
        match = _PATH.fullmatch(text)
        if match is None:
            raise ValueError(f"not an attribute path: {text!r}")
        return cls(text, match["schema"], match["attribute"], match["type"], match["sub"])

    def get(self, resource: Mapping[str, JsonValue]) -> JsonValue:
        """The value there, or None."""
        host: JsonValue | Mapping[str, JsonValue] = resource.get(self.schema) if self.schema else resource
        value = host.get(self.attribute) if isinstance(host, Mapping) else None
        if self.type is not None:
            value = self._entry(value)
        if self.sub is not None:
            value = value.get(self.sub) if isinstance(value, Mapping) else None
        return value

    def _entry(self, entries: JsonValue) -> JsonValue:
        """The entry of this path's type in a multi-valued attribute."""
        for entry in entries if isinstance(entries, list) else []:
            if isinstance(entry, Mapping) and str(entry.get("type")).lower() == self.type:
                return entry
        return None

    def put(self, resource: Resource, value: str | bool) -> None:
        """Write a value into a resource that is being built, making what leads to it."""
        host = resource
        if self.schema is not None:
            host = _member(resource, self.schema)
        if self.type is not None:
            entries = host.setdefault(self.attribute, [])
            entry = self._entry(entries)
            if not isinstance(entry, dict):
                entry = {"type": self.type}
                assert isinstance(entries, list)  # only paths with a type write this attribute
                entries.append(entry)
            entry[self.sub or "value"] = value
        elif self.sub is not None:
            _member(host, self.attribute)[self.sub] = value
        else:
            host[self.attribute] = value

    def take_away(self, resource: Resource) -> None:
        """Take the value out of a resource, and what is empty without it."""
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


def _member(resource: Resource, name: str) -> Resource:
    member = resource.setdefault(name, {})
    assert isinstance(member, dict)  # only paths with a sub-attribute write this attribute
    return member
