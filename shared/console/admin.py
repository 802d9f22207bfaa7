"""Who may open the pages, and what they may do there."""

from dataclasses import dataclass

OWNER = "Organization.Owner"
ADMIN_ROLES = frozenset({OWNER, "Organization.Admin"})
"""App roles with the names of those who may do this in Zoho One: "Roles required to perform this action"."""


class PagesClosed(Exception):
    """Nobody can be told from anybody else here; the message says what to set."""


class NotSignedIn(Exception):
    """Nobody is signed in, or the session has ended."""


class NotAnAdmin(Exception):
    """Somebody is signed in who has neither of the roles."""


@dataclass(frozen=True)
class Admin:
    """Somebody who may configure directory stores."""

    id: str
    """Their object id in Entra."""
    name: str = ""
    """What they are called, as far as Entra says."""
    is_owner: bool = False
    """An owner may also delete a store, and end other admins' sessions."""

    def __str__(self) -> str:
        """As the record of changes names them."""
        return f"{self.name} ({self.id})" if self.name else self.id
