"""One person in one store: what Entra says, what Zoho One should hold, what it was last confirmed to hold."""

from datetime import datetime
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict

from shared.directory.azure_user import AzureUser
from shared.directory.keys import Keys
from shared.directory.status import Standing
from shared.directory.zoho_user import Desired, ZohoUser


class Account(BaseModel):
    """An account in Zoho One and what it was last confirmed to hold."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    holds: ZohoUser
    deactivated_by: Literal["bridge", "hand"] | None = None
    """Of an inactive account: whether the bridge made it so, or somebody in Zoho One."""

    @property
    def standing(self) -> Standing:
        """What status sync knows of it."""
        if self.holds.active:
            return Standing.ACTIVE
        return Standing.DEACTIVATED_BY_HAND if self.deactivated_by == "hand" else Standing.DEACTIVATED_BY_BRIDGE


class Said(BaseModel):
    """What Entra says of a person, and what Zoho One should therefore hold."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    resource: str
    """The SCIM User as Entra wrote it, as JSON: what a SCIM read answers."""
    keys: Keys
    source: AzureUser
    desired: Desired
    modified: datetime


class Pending(BaseModel):
    """What is under way to Zoho One and not confirmed: until it is, ``applied`` cannot be relied on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: str
    before: Said | None
    """What to go back to when Zoho One refuses; None for a person who was not there before."""
    attempted: tuple[str, ...] = ()
    """Each userName that Zoho One may have made an account for."""
    password_due: bool = False
    """A one-time password comes with the creation: Zoho One had no such account when it began, so one found is ours."""
    leaving: bool = False
    """Entra deleted the person: the identity goes when Zoho One has confirmed."""
    failure: str | None = None
    """Why the last try did not go through."""
    writer: str | None = None
    """Who holds the lease; None once he let go."""
    lease_ends: datetime


class Identity(BaseModel):
    """One person in one directory store."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    said: Said
    account: Account | None = None
    pending: Pending | None = None
    created: datetime

    @property
    def standing(self) -> Standing:
        """What status sync knows of his account. One whose creation is not confirmed may exist, so it counts."""
        if self.account is not None:
            return self.account.standing
        return Standing.ACTIVE if self.pending is not None and self.pending.attempted else Standing.NONE

    def leased_until(self, now: datetime) -> datetime | None:
        """When another writer may start, or None when he may now."""
        if self.pending is None or self.pending.writer is None or self.pending.lease_ends <= now:
            return None
        return self.pending.lease_ends

    def settled(self, account: Account | None) -> Self:
        """The identity once Zoho One has confirmed what it holds."""
        return self.model_copy(update={"account": account, "pending": None})
