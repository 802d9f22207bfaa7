"""Administrators of the pages and what each of their roles allows."""

from dataclasses import dataclass

OWNER = "Organization.Owner"
ADMIN_ROLES = frozenset({OWNER, "Organization.Admin"})
"""App roles, named after those that Zoho One requires for the same actions: "Roles required to perform this action"."""


class PagesClosed(Exception):
    """Administrators cannot be identified here; the message says which setting is missing."""


class NotSignedIn(Exception):
    """No administrator is signed in, or the session has ended."""


class NotAnAdmin(Exception):
    """The signed-in user has neither of the roles."""


@dataclass(frozen=True)
class Admin:
    """A user who may configure directory stores."""

    id: str
    """Object id in Entra."""
    name: str = ""
    """Display name in Entra, if Entra sends one."""
    is_owner: bool = False
    """An owner may also delete a store, end other administrators' sessions, and decide who is mailed what."""
    address: str = ""
    """Sign-in name in Entra, the only address that an administrator may send a test mail to."""

    def __str__(self) -> str:
        """Name and id, as the record of changes shows them."""
        return f"{self.name} ({self.id})" if self.name else self.id
