"""One person in one store: what Entra says, what Zoho One should hold, what it was last confirmed to hold."""

from datetime import datetime, timedelta
from typing import Literal, Self

from pydantic import ConfigDict

from shared.directory.azure_user import AzureUser
from shared.directory.keys import Keys
from shared.directory.status import Standing, Status
from shared.directory.zoho_user import Desired, ZohoUser
from shared.model import Model

PARKED_AFTER = 5
"""Refusals one after the other: by then neither a moment's disorder nor the order of changes is the reason."""

PARKED_FOR = timedelta(days=1)
"""Until a parked person is tried again. Somebody may have put right in Zoho One what was wrong."""


class Account(Model):
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


class Said(Model):
    """What Entra says of a person, and what Zoho One should therefore hold."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    resource: str
    """The SCIM User as Entra wrote it, as JSON: what a SCIM read answers."""
    keys: Keys
    source: AzureUser
    desired: Desired
    status: Status | None = None
    """What Graph tells of him; None: what a push can tell, which is in the source."""
    awaits: str | None = None
    """Whom he waits for: his manager, by the bridge's id or Entra's, who has no account in Zoho One yet."""
    modified: datetime


class Pending(Model):
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
    begun: bool = True
    """Whether Zoho One may have heard of it, so that one looks there first."""
    failure: str | None = None
    """Why the last try did not go through."""
    refusals: int = 0
    """How often Zoho One has refused, one time after the other."""
    next_try: datetime | None = None
    """Not before; None: as soon as there is a cycle."""
    writer: str | None = None
    """Who holds the lease; None once he let go."""
    lease_ends: datetime

    @property
    def is_parked(self) -> bool:
        """Whether it was refused so often that it is tried once a day."""
        return self.refusals >= PARKED_AFTER

    def busy(self, failure: str) -> Self:
        """After a try that Zoho One could not answer: the lease is given back."""
        return self.model_copy(update={"writer": None, "failure": failure})

    def refused(self, failure: str, now: datetime, spread: float) -> Self:
        """After a try that Zoho One refused. ``spread``: 0 to 1, so that not all of the parked come at once."""
        counted = self.model_copy(update={"writer": None, "failure": failure, "refusals": self.refusals + 1})
        if not counted.is_parked:
            return counted
        return counted.model_copy(update={"next_try": now + PARKED_FOR * (0.9 + spread / 5)})


class Identity(Model):
    """One person in one directory store."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    object_id: str | None = None
    """Entra's id of him, once Graph has named him; a push does not bring it."""
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


def id_of_object(object_id: str) -> str:
    """The id in the bridge of whom, or what, Microsoft Graph named first: whoever creates it creates the same."""
    return object_id.replace("-", "")
