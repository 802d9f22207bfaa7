"""How often something happened lately, by minute: what the guard of groups counts."""

from datetime import datetime
from typing import Self

from pydantic import ConfigDict

from shared.model import Model
from shared.rules.guard import INTERVAL

_MINUTE = 60


class MinuteCounts(Model):
    """Counts within INTERVAL; there are never more numbers than the interval has minutes.

    Unknown names are ignored: rows of earlier releases hold a store's count of people beside these numbers.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    by_minute: dict[int, int] = {}
    """Counts by minutes since 1970, UTC."""

    def within(self, now: datetime) -> int:
        """The count of the interval that ends now; its first minute counts whole."""
        return sum(self._recent(now).values())

    def plus(self, now: datetime, count: int) -> Self:
        """The counts with so many more now, and without those from before the interval."""
        recent, minute = self._recent(now), _minute(now)
        recent[minute] = recent.get(minute, 0) + count
        return self.model_copy(update={"by_minute": recent})

    def _recent(self, now: datetime) -> dict[int, int]:
        # A count that another instance, whose clock is ahead, has noted is recent too.
        start = _minute(now - INTERVAL)
        return {minute: count for minute, count in self.by_minute.items() if minute >= start}


def _minute(at: datetime) -> int:
    return int(at.timestamp()) // _MINUTE
