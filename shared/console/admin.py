"""Who is signed in to the pages.

In Azure that is App Service Authentication's say. It takes these headers away from every request that comes from
outside and sets its own, but only where it is switched on; where it is not, anybody could set them.
https://learn.microsoft.com/azure/app-service/configure-authentication-user-identities
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ConfigDict, Field, ValidationError

from shared.model import Model
from shared.settings import Platform

OWNER = "Organization.Owner"
ADMIN_ROLES = frozenset({OWNER, "Organization.Admin"})
"""App roles with the names of those who may do this in Zoho One: "Roles required to perform this action"."""

_PRINCIPAL = "x-ms-client-principal"
_OBJECT_ID = frozenset({"oid", "http://schemas.microsoft.com/identity/claims/objectidentifier"})
_NAMES = (
    "name",
    "preferred_username",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
)
"""Claims that hold what somebody is called, the best first."""
_LOCAL_ID = "local"


class PagesClosed(Exception):
    """Nobody can be told from anybody else here; the message says what to switch on."""


class NotSignedIn(Exception):
    """The platform says that nobody is signed in."""


class NotAnAdmin(Exception):
    """Somebody is signed in who has neither of the roles."""


@dataclass(frozen=True)
class Admin:
    """Somebody who may configure directory stores."""

    id: str
    """His object id in Entra."""
    name: str = ""
    """What he is called, as far as the platform says."""
    is_owner: bool = False
    """An owner may also delete a store."""

    def __str__(self) -> str:
        """As the record of changes names him."""
        return f"{self.name} ({self.id})" if self.name else self.id


class _Claim(Model):
    model_config = ConfigDict(extra="ignore")

    typ: str
    val: str


class Principal(Model):
    """Who is signed in, as App Service Authentication writes it into X-MS-CLIENT-PRINCIPAL."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    auth_typ: str
    role_typ: str = "roles"
    claims: tuple[_Claim, ...] = Field(default=(), repr=False)

    @property
    def id(self) -> str | None:
        """The object id in Entra."""
        return next((claim.val for claim in self.claims if claim.typ in _OBJECT_ID), None)

    @property
    def name(self) -> str:
        """What he is called, or nothing."""
        found = {claim.typ: claim.val for claim in self.claims}
        return next((found[claim] for claim in _NAMES if found.get(claim)), "")

    @property
    def roles(self) -> frozenset[str]:
        """The app roles. The claim's type depends on how the platform maps claims, so it says which it is."""
        return frozenset(claim.val for claim in self.claims if claim.typ in (self.role_typ, "roles"))


def signed_in_admin(platform: Platform, headers: Mapping[str, str]) -> Admin:
    """The admin whose request this is. ``headers`` by their names in small letters.

    Raises PagesClosed, NotSignedIn and NotAnAdmin.
    """
    if platform.local_admin is not None:
        return _local_admin(platform, platform.local_admin)
    if not platform.signs_in:
        raise PagesClosed(
            "App Service Authentication is off, so nobody can be told from anybody else: switch it on for this "
            "function app, with Microsoft as the identity provider"
        )
    principal = _principal(headers.get(_PRINCIPAL))
    if principal is None or principal.auth_typ != "aad" or principal.id is None:
        raise NotSignedIn
    if not principal.roles & ADMIN_ROLES:
        raise NotAnAdmin
    return Admin(principal.id, principal.name, OWNER in principal.roles)


def _local_admin(platform: Platform, roles: str) -> Admin:
    if platform.is_azure:
        raise PagesClosed("BRIDGE_LOCAL_ADMIN signs anybody in and is for one machine only: remove this app setting")
    given = {role.strip() for role in roles.split(",")}
    if not given & ADMIN_ROLES:
        raise NotAnAdmin
    return Admin(_LOCAL_ID, is_owner=OWNER in given)


def _principal(header: str | None) -> Principal | None:
    try:
        return Principal.model_validate_json(base64.b64decode(header or "", validate=True))
    except (binascii.Error, ValidationError):
        return None
