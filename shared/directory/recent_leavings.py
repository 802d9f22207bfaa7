"""Who left lately, one push at a time: what the guard of a push counts."""

from datetime import datetime
from typing import Self

from pydantic import AwareDatetime, ConfigDict

from shared.directory.guard import INTERVAL, Breach, GuardLimits, check_leavings
from shared.model import Model

_MINUTE = 60


class RecentLeavings(Model):
    """The leavings of a store within INTERVAL, by minute: it never holds more numbers than the interval has minutes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    active_users: int = 0
    """Counted at ``counted_at``, less those who left since: never more than there are, but for changes by hand."""
    counted_at: AwareDatetime | None = None
    by_minute: dict[int, int] = {}
    """Leavings by minutes since 1970, UTC."""
    held: bool = False
    """A plan is held or about to be: nobody else leaves until an administrator has decided."""

    def within(self, now: datetime) -> int:
        """How many left in the interval that ends now; those of its first minute count whole."""
        return sum(self._recent(now).values())

    def breach(self, now: datetime, limits: GuardLimits) -> Breach | None:
        """The limit that one more would pass."""
        return check_leavings(1, self.active_users, limits, self.within(now))

    def with_leavings(self, now: datetime, count: int) -> Self:
        """With so many more, and without those of before the interval."""
        recent, minute = self._recent(now), _minute(now)
        recent[minute] = recent.get(minute, 0) + count
        return self.model_copy(update={"by_minute": recent, "active_users": max(0, self.active_users - count)})

    def with_arrivals(self, count: int) -> Self:
        """With so many more who have an active account."""
        return self.model_copy(update={"active_users": self.active_users + count})

    def counted(self, active_users: int, now: datetime) -> Self:
        """With the people counted anew."""
        return self.model_copy(update={"active_users": active_users, "counted_at": now})

    def is_stale(self, now: datetime) -> bool:
        """Whether the people should be counted anew before a store is held: creations since then are not in it."""
        return self.counted_at is None or now - self.counted_at >= INTERVAL

    def hold(self) -> Self:
        """With everybody else kept back."""
        return self.model_copy(update={"held": True})

    def decided(self) -> Self:
        """As an administrator's decision leaves it: what he has seen does not count against the next."""
        return self.model_copy(update={"held": False, "by_minute": {}})

    def _recent(self, now: datetime) -> dict[int, int]:
        # One that a clock ahead of ours noted is recent too.
        start = _minute(now - INTERVAL)
        return {minute: count for minute, count in self.by_minute.items() if minute >= start}


def _minute(at: datetime) -> int:
    return int(at.timestamp()) // _MINUTE
