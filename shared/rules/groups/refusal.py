"""A change of a group that Zoho One refuses: told once, told once more when it is parked, then tried once a day."""

from datetime import UTC, datetime
from typing import Self

from pydantic import AwareDatetime

from shared.rules.pending import PARKED_FOR, Refusals

FORGOTTEN_AFTER = 2 * PARKED_FOR
"""Age of a refusal after which nobody asks for the change any more."""


class GroupRefusal(Refusals):
    """What Zoho One refused last of a group."""

    of: str
    """The digest of the change."""
    told: str
    """Zoho One's reason."""
    at: AwareDatetime
    refusals: int = 1
    """How often Zoho One has refused this change, or for this reason, one time after the other."""

    @classmethod
    def after(cls, earlier: Self | None, of: str, told: str, now: datetime, spread: float) -> Self:
        """The refusal of a change. ``spread``: as of ``waiting``.

        Refusals count together for the same change, whatever the reason, and for the same reason: a change that is
        tried again by itself, after a part of it came through, has another digest.
        """
        again = earlier is not None and (earlier.told == told or earlier.of == of)
        refusals = earlier.refusals + 1 if earlier is not None and again else 1
        return cls(of=of, told=told, at=now, refusals=refusals).waiting(now, spread)

    def waits(self, of: str, now: datetime) -> str | None:
        """Why a change is not tried now, a sentence; None: it is. A different change is tried at once."""
        if of != self.of or self.next_try is None or now >= self.next_try:
            return None
        again = f"{self.next_try.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        return f"Zoho One refused it {self.refusals} times ({self.told}); it is tried again at {again}."

    def kept(self, of: str, now: datetime) -> Self | None:
        """What remains of the refusal after another change of the group went through; None: nothing."""
        return self if of != self.of and now - self.at < FORGOTTEN_AFTER else None
