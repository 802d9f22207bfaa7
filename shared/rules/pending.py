"""The life cycle that a person's and a group's pending change share, as data.

A change is written down as pending, with a lease, before Zoho One is called. Then it is confirmed, reverted, or given
back for a later try; shared/sync/apply/settlement.py does that, for both.
"""

from datetime import datetime, timedelta
from typing import Any, Self

from pydantic import AwareDatetime, ConfigDict

from shared.model import Model

PARKED_AFTER = 5
"""Refusals one after the other: by then neither a moment's disorder nor the order of changes is the reason."""

PARKED_FOR = timedelta(days=1)
"""Time until a parked change is tried again. Somebody may have put right in Zoho One what was wrong."""


class Pending[Source: Model](Model):
    """A change under way to Zoho One and not confirmed: until it is, the confirmed state cannot be relied on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: str
    before: Source | None
    """The source state that is restored when Zoho One refuses; None for somebody or something that was not there."""
    attempted: tuple[str, ...] = ()
    """Each name for which Zoho One may have made an account or a group."""
    counted: bool = False
    """The guard has let the deprovisioning pass and counted it: another try is not judged or counted again."""
    failure: str | None = None
    """Why the last try did not go through."""
    writer: str | None = None
    """Who holds the lease; None once it was given back."""
    lease_ends: datetime

    def leased_until(self, now: datetime) -> datetime | None:
        """When another writer may start; None: now."""
        return self.lease_ends if self.writer is not None and self.lease_ends > now else None

    def leased(self, writer: str, until: datetime) -> Self:
        """With a lease."""
        return self.model_copy(update={"writer": writer, "lease_ends": until})

    def given_back(self, failure: str) -> Self:
        """After a try that did not go through: anybody may try again at once."""
        return self.model_copy(update={"writer": None, "failure": failure})


class Refusals(Model):
    """How often Zoho One refused a change, and when it is tried again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    refusals: int = 0
    """How often Zoho One has refused, one time after the other."""
    next_try: AwareDatetime | None = None
    """The same change is not tried before; None: it may be tried at any time."""

    @property
    def is_parked(self) -> bool:
        """Whether it was refused so often that it is tried once a day."""
        return self.refusals >= PARKED_AFTER

    def waiting(self, now: datetime, spread: float) -> Self:
        """With the time of the next try. ``spread``: 0 to 1, so that parked changes do not all come at once."""
        return self.model_copy(update={"next_try": now + PARKED_FOR * (0.9 + spread / 5) if self.is_parked else None})


class Managed[Change: Pending[Any], Account: Model](Model):
    """A person or a group in one store, and what it is in Zoho One."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    account: Account | None = None
    """What Zoho One was last confirmed to hold."""
    pending: Change | None = None

    def leased_until(self, now: datetime) -> datetime | None:
        """When another writer may start; None: now."""
        return self.pending.leased_until(now) if self.pending is not None else None

    @property
    def is_being_created(self) -> bool:
        """Whether it was not there before, and Zoho One has not confirmed anything yet."""
        return self.account is None and self.pending is not None and self.pending.before is None

    def settled(self, account: Account | None) -> Self:
        """The same once Zoho One has confirmed what it holds."""
        return self.model_copy(update={"account": account, "pending": None})
