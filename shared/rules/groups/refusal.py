"""A change of a group that Zoho One refuses: told once, told once more when it is parked, then tried once a day."""

import hashlib
from datetime import UTC, datetime
from typing import Self

from pydantic import AwareDatetime, ConfigDict

from shared.model import Model
from shared.rules.identity import PARKED_AFTER, PARKED_FOR

FORGOTTEN_AFTER = 2 * PARKED_FOR
"""Age of a refusal that nobody has repeated: whoever asked for the change has given it up."""


class GroupRefusal(Model):
    """What Zoho One refused last of a group."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    of: str
    """The digest of the change."""
    told: str
    """Zoho One's reason."""
    at: AwareDatetime
    refusals: int = 1
    """How often Zoho One has refused for this reason, one time after the other."""
    next_try: AwareDatetime | None = None
    """The same change is not tried before; None: it may be tried at any time."""

    @property
    def is_parked(self) -> bool:
        """Whether the change was refused so often that it is tried once a day."""
        return self.refusals >= PARKED_AFTER

    @classmethod
    def after(cls, earlier: Self | None, of: str, told: str, now: datetime, spread: float) -> Self:
        """The refusal of a change. ``spread``: 0 to 1, so that not all parked groups come at once."""
        refusals = earlier.refusals + 1 if earlier is not None and earlier.told == told else 1
        next_try = now + PARKED_FOR * (0.9 + spread / 5) if refusals >= PARKED_AFTER else None
        return cls(of=of, told=told, at=now, refusals=refusals, next_try=next_try)

    def waits(self, of: str, now: datetime) -> str | None:
        """Why a change is not tried now, a sentence; None: it is. A different change is tried at once."""
        if of != self.of or self.next_try is None or now >= self.next_try:
            return None
        again = f"{self.next_try.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        return f"Zoho One refused it {self.refusals} times ({self.told}); it is tried again at {again}."

    def kept(self, of: str, now: datetime) -> Self | None:
        """What remains of the refusal after another change of the group went through; None: nothing."""
        return self if of != self.of and now - self.at < FORGOTTEN_AFTER else None


def change_digest(*parts: object) -> str:
    """The digest of a change: the same for a request that is sent again."""
    return hashlib.sha256("\n".join(map(repr, parts)).encode()).hexdigest()
