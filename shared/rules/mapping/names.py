"""The names of attributes that a store's rules may read: the catalogue, and the directory extensions of the tenant.

Any other name would have no value for anybody, so it is refused where a rule is saved or tried.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from shared.rules.azure_user import AZURE_FIELDS, ENTRA_NAMES

EXTENSION = "extension_"
"""Prefix of every directory extension's name in Graph; a name without it can only come from a push."""

KNOWN_NAMES = frozenset([*AZURE_FIELDS, *ENTRA_NAMES, "IsSoftDeleted"])
"""The names that an expression may use in brackets in every store."""

ROLES = "appRoleAssignments"


@dataclass(frozen=True)
class CustomNames:
    """The directory extensions, and other attributes, that reach a store beyond the catalogue."""

    listed: frozenset[str] = frozenset()
    """What a push may contain: the store's custom attributes."""
    reads_graph: bool = True
    """Whether the store reads Graph, which has every directory extension, and refuses a name that it does not have."""

    knows_default_domain: bool = True
    """Whether the function DefaultDomain has a value."""

    def why_not(self, name: str) -> str | None:
        """Return why a custom attribute reaches the store from nowhere, with what to do; None: it does."""
        if name in self.listed or (self.reads_graph and name.startswith(EXTENSION)):
            return None
        if close := _similar(name, self.listed) or _other_case(name, AZURE_FIELDS):
            return f"there is no custom attribute {name}; did you mean {close}?"
        if name.startswith(EXTENSION):
            return f"{name} is not one of the store's custom attributes, so no push brings it: add it there"
        return f"{name} is not one of the store's custom attributes, so it would be empty for everybody: add it there"

    def why_unknown(self, name: str) -> str | None:
        """Return why a name in an expression's brackets is no attribute, with the likely intention; None: it is one."""
        if name in KNOWN_NAMES or self.why_not(name) is None:
            return None
        if close := _similar(name, KNOWN_NAMES | self.listed):
            return f"there is no attribute {name}; did you mean {close}?"
        if name == ROLES:
            return (
                f"neither Microsoft Graph's users nor a push have {name}: to use it, add {name}[] to the store's "
                "custom attributes, and to the target attributes in Entra"
            )
        return f"there is no attribute {name}; if your tenant has it, add it to the store's custom attributes"


def misspelt(names: Iterable[str]) -> str | None:
    """Return why one of these names looks misspelt, where no store says which custom attributes there are."""
    for name in sorted(set(names) - KNOWN_NAMES):
        if not name.startswith(EXTENSION) and (close := _similar(name, KNOWN_NAMES)):
            return f"there is no attribute {name}; did you mean {close}?"
    return None


def _similar(name: str, known: Iterable[str]) -> str | None:
    names = sorted(known)
    if other_case := _other_case(name, names):
        return other_case
    close = get_close_matches(name, names, n=1, cutoff=0.75)
    return close[0] if close else None


def _other_case(name: str, known: Iterable[str]) -> str | None:
    return next((each for each in known if each.lower() == name.lower()), None)


def unknown_name(name: str) -> str:
    """Return why a profile field is refused, with the likely intention."""
    if name in ENTRA_NAMES:
        return f"there is no profile field {name}; Microsoft Graph calls it {ENTRA_NAMES[name]}"
    close = _similar(name, AZURE_FIELDS) or next(iter(get_close_matches(name, AZURE_FIELDS, n=1)), None)
    return f"there is no profile field {name}" + (f"; did you mean {close}?" if close else "")
