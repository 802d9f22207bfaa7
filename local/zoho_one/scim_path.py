"""The paths Entra's attribute mappings use for a SCIM attribute: read from, or written into, a user's JSON."""

import re
from dataclasses import dataclass
from typing import Any, Self

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
ZOHO_ONE = "urn:ietf:params:scim:schemas:extension:zohoone:2.0:User"

FORM = re.compile(
    rf"(?:(?P<extension>{re.escape(ENTERPRISE)}|{re.escape(ZOHO_ONE)}):)?"
    r'(?P<attribute>\w+)(?:\[type eq "(?P<kind>\w+)"\])?(?:\.(?P<sub>\w+))?'
)


@dataclass(frozen=True)
class ScimPath:
    """One place in a SCIM user, such as `title`, `name.givenName` or `emails[type eq "work"].value`."""

    text: str
    extension: str | None
    attribute: str
    kind: str | None  # the `type` that picks the entry of a multi-valued attribute
    sub: str | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the path a mapping names.

        Raises ValueError for anything that is not one of the forms above: mappings are written by hand.
        """
        match = FORM.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not a SCIM path of an attribute mapping")
        return cls(text, **match.groupdict())

    def read(self, user: dict[str, Any]) -> str | None:
        """Return what the user holds there as Entra compares it: text, with booleans as "True" and "False"."""
        place: Any = user.get(self.extension) or {} if self.extension else user
        value = place.get(self.attribute)
        if self.kind:
            value = next((entry for entry in value or () if entry.get("type") == self.kind), None)
        if self.sub:
            value = (value or {}).get(self.sub)
        return None if value is None else str(value)

    def write(self, user: dict[str, Any], value: str | bool) -> None:
        """Put a value there, making the entry or object around it where there is none."""
        place = user.setdefault(self.extension, {}) if self.extension else user
        if self.kind:
            entries = place.setdefault(self.attribute, [])
            place = next((entry for entry in entries if entry["type"] == self.kind), None)
            if place is None:
                place = {"type": self.kind}
                entries.append(place)
        elif self.sub:
            place = place.setdefault(self.attribute, {})
        place[self.sub or self.attribute] = value
