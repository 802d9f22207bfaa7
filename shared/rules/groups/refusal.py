"""A group change that Zoho One refuses: reported once, once more when it is parked, then tried once a day."""

import hashlib
from datetime import UTC, datetime
from typing import Self

from pydantic import AwareDatetime, ConfigDict

from shared.model import Model
from shared.rules.identity import PARKED_AFTER, PARKED_FOR

FORGOTTEN_AFTER = 2 * PARKED_FOR
"""Age at which an unrepeated refusal is dropped: the change is no longer wanted."""


class GroupRefusal(Model):
    """The latest refusal of a change of a group."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    of: str
    """The digest of the change."""
    told: str
    """Zoho One's reason."""
    at: AwareDatetime
    refusals: int = 1
    """Number of successive refusals for this reason."""
    next_try: AwareDatetime | None = None
    """Earliest time of the next attempt at the same change; None: any time."""

    @property
    def is_parked(self) -> bool:
        """Whether the change was refused so often that it is tried once a day."""
        return self.refusals >= PARKED_AFTER

    @classmethod
    def after(cls, earlier: Self | None, of: str, told: str, now: datetime, spread: float) -> Self:
        """Return the refusal of a change. ``spread``: 0 to 1, distributes the retries of parked groups over time."""
        refusals = earlier.refusals + 1 if earlier is not None and earlier.told == told else 1
        next_try = now + PARKED_FOR * (0.9 + spread / 5) if refusals >= PARKED_AFTER else None
        return cls(of=of, told=told, at=now, refusals=refusals, next_try=next_try)

    def waits(self, of: str, now: datetime) -> str | None:
        """Return why a change is not tried now, a sentence, or None if it is. A different change is tried at once."""
        if of != self.of or self.next_try is None or now >= self.next_try:
            return None
        again = f"{self.next_try.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        return f"Zoho One refused it {self.refusals} times ({self.told}); it is tried again at {again}."

    def kept(self, of: str, now: datetime) -> Self | None:
        """Return what remains of the refusal after another change of the group succeeded; None: nothing."""
        return self if of != self.of and now - self.at < FORGOTTEN_AFTER else None


def change_digest(*parts: object) -> str:
    """Return the digest of a change: the same for a repeated request."""
    return hashlib.sha256("\n".join(map(repr, parts)).encode()).hexdigest()
