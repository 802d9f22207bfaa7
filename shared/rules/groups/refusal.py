"""A group change that Zoho One refuses: reported once, once more when it is parked, then tried once a day."""

from datetime import UTC, datetime
from typing import Self

from pydantic import AwareDatetime

from shared.rules.pending import PARKED_FOR, Refusals

FORGOTTEN_AFTER = 2 * PARKED_FOR
"""Age at which an unrepeated refusal is dropped: the change is no longer wanted."""


class GroupRefusal(Refusals):
    """The latest refusal of a change of a group."""

    of: str
    """The digest of the change."""
    told: str
    """Zoho One's reason."""
    at: AwareDatetime
    refusals: int = 1
    """Number of successive refusals of this change, or for this reason."""

    @classmethod
    def after(cls, earlier: Self | None, of: str, told: str, now: datetime, spread: float) -> Self:
        """Return the refusal of a change. ``spread``: as in ``waiting``.

        Refusals of the same change count together, whatever the reason, and so do refusals for the same reason: the
        retry of a change that partly took effect has another digest.
        """
        again = earlier is not None and (earlier.told == told or earlier.of == of)
        refusals = earlier.refusals + 1 if earlier is not None and again else 1
        return cls(of=of, told=told, at=now, refusals=refusals).waiting(now, spread)

    def waits(self, of: str, now: datetime) -> str | None:
        """Return why a change is not tried now, a sentence, or None if it is. A different change is tried at once."""
        if of != self.of or self.next_try is None or now >= self.next_try:
            return None
        again = f"{self.next_try.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        return f"Zoho One refused it {self.refusals} times ({self.told}); it is tried again at {again}."

    def kept(self, of: str, now: datetime) -> Self | None:
        """Return what remains of the refusal after another change of the group succeeded; None: nothing."""
        return self if of != self.of and now - self.at < FORGOTTEN_AFTER else None
