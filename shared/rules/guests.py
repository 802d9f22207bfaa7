"""Guests: users who were invited from another organisation, and how Entra's provisioning service names them.

Entra stores ``ann@fabrikam.com`` as ``ann_fabrikam.com#EXT#@contoso.com``. Its provisioning service maps that without
``#EXT#`` and the tenant's domain, as ``ann@fabrikam.com``; the stored form is its attribute originalUserPrincipalName.
Microsoft Graph shows the stored form.
https://learn.microsoft.com/entra/identity/app-provisioning/how-provisioning-works, "B2B (guest) users".
"""

import re
from enum import StrEnum

_STORED = re.compile(r"(?P<alias>[^@\s]+)_(?P<domain>[^@_#\s]+)#EXT#@[^@\s]+", re.IGNORECASE)
"""A domain name has no underscore, so the last one stands for the @."""


class Guests(StrEnum):
    """Whether a store takes guests."""

    AS_OTHERS = "as others"
    NOT_AT_ALL = "not at all"


def mapped_name(user_principal_name: str) -> str:
    """Return the name as Entra's provisioning service maps it: a guest's own address; any other name unchanged."""
    stored = _STORED.fullmatch(user_principal_name)
    return f"{stored['alias']}@{stored['domain']}" if stored else user_principal_name
