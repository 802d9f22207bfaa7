"""The data of a pending change's life cycle, for people and groups.

A change is stored as pending, with a lease, before Zoho One is called. Then it is confirmed, reverted, or released for
a later attempt; shared/sync/apply/settlement.py does that, for both.
"""

from datetime import datetime, timedelta
from typing import Any, Self

from pydantic import AwareDatetime, ConfigDict

from shared.model import Model

PARKED_AFTER = 5
"""Successive refusals until a change is parked: by then neither a short disturbance nor the order is the cause."""

PARKED_FOR = timedelta(days=1)
"""Interval between attempts for a parked change, in which somebody may have corrected the cause in Zoho One."""


class Pending[Source: Model](Model):
    """A change that was sent, or is about to be sent, and is not confirmed: the confirmed state may be out of date."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: str
    before: Source | None
    """The source state to revert to when Zoho One refuses; None for a new person or group."""
    attempted: tuple[str, ...] = ()
    """Each name under which Zoho One may have created an account or a group."""
    counted: bool = False
    """Whether the guard let the deprovisioning pass and counted it: a retry is neither judged nor counted again."""
    failure: str | None = None
    """Why the last attempt failed."""
    writer: str | None = None
    """The lease holder; None after the release."""
    lease_ends: datetime

    def leased_until(self, now: datetime) -> datetime | None:
        """Return when another writer may start, or None if it may start now."""
        return self.lease_ends if self.writer is not None and self.lease_ends > now else None

    def leased(self, writer: str, until: datetime) -> Self:
        """Return the change with a lease."""
        return self.model_copy(update={"writer": writer, "lease_ends": until})

    def given_back(self, failure: str) -> Self:
        """Return the change after a failed attempt: every writer may retry at once."""
        return self.model_copy(update={"writer": None, "failure": failure})


class Refusals(Model):
    """The number of refusals of a change, and the time of the next attempt."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    refusals: int = 0
    """Number of successive refusals by Zoho One."""
    next_try: AwareDatetime | None = None
    """Earliest time of the next attempt at the same change; None: any time."""

    @property
    def is_parked(self) -> bool:
        """Whether the change was refused so often that it is tried once a day."""
        return self.refusals >= PARKED_AFTER

    def waiting(self, now: datetime, spread: float) -> Self:
        """Return the refusals with the next attempt. ``spread``: 0 to 1, distributes parked changes over time."""
        return self.model_copy(update={"next_try": now + PARKED_FOR * (0.9 + spread / 5) if self.is_parked else None})


class Managed[Change: Pending[Any], Account: Model](Model):
    """A person or a group in one store, with the account or group in Zoho One."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    account: Account | None = None
    """The confirmed state."""
    pending: Change | None = None

    def leased_until(self, now: datetime) -> datetime | None:
        """Return when another writer may start, or None if it may start now."""
        return self.pending.leased_until(now) if self.pending is not None else None

    @property
    def is_being_created(self) -> bool:
        """Whether the person or group is new, and Zoho One has not confirmed anything yet."""
        return self.account is None and self.pending is not None and self.pending.before is None

    def settled(self, account: Account | None) -> Self:
        """Return the person or group after Zoho One confirmed what it holds."""
        return self.model_copy(update={"account": account, "pending": None})
