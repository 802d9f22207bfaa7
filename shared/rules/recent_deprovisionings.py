"""The guard's ledger: who left lately, however it began, and what administrators have refused."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from pydantic import AwareDatetime, ConfigDict

from shared.model import Model
from shared.rules.guard import INTERVAL, Breach, GuardLimits, check_deprovisionings
from shared.rules.identity import Identity

_MINUTE = 60


@dataclass(frozen=True)
class Departures:
    """Deprovisionings that are about to begin, all in one transaction."""

    ids: tuple[str, ...]
    """Of everybody who goes."""
    count: int
    """Of them, those whom the guard has not counted at an earlier try."""
    active: int
    """Of ``count``, those whose account is active."""
    is_approved: bool = False
    """An administrator approved the plan that they stand in."""

    @classmethod
    def among(cls, people: Iterable[Identity], *, approved: bool = False) -> Self:
        """The departures among people with pending changes, before they are marked as counted."""
        going = [each for each in people if each.departs]
        new = [each for each in going if each.pending is None or not each.pending.counted]
        active = sum(each.account is not None and each.account.holds.active for each in new)
        return cls(tuple(each.id for each in going), len(new), active, approved)


class Discarded(Model):
    """Where the departures are kept that administrators discarded, and the digest of them all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    digest: str


class RecentDeprovisionings(Model):
    """The leavings of a store within INTERVAL, by minute: it never holds more numbers than the interval has minutes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    active_users: int = 0
    """Counted at ``counted_at``, less those who left since: never more than there are, but for changes by hand."""
    counted_at: AwareDatetime | None = None
    by_minute: dict[int, int] = {}
    """Leavings by minutes since 1970, UTC; those that an administrator approved are not in it."""
    held: bool = False
    """A limit was passed: nobody else leaves until an administrator has decided, or nobody is left who would."""
    discarded: Discarded | None = None
    """These departures wait, whatever the counts, until Entra takes them back or an administrator approves them."""
    marked: bool = False
    """A row among the pending ones tells each cycle that there is something to look at here."""

    @property
    def keeps_back(self) -> bool:
        """Whether the next cycle has to look, even if it has nothing to do."""
        return self.held or self.discarded is not None

    def within(self, now: datetime) -> int:
        """How many left in the interval that ends now; those of its first minute count whole."""
        return sum(self._recent(now).values())

    def breach(self, now: datetime, limits: GuardLimits, departures: Departures) -> Breach | None:
        """The limit that these would pass."""
        inactive = departures.count - departures.active
        return check_deprovisionings(departures.count, self.active_users, limits, self.within(now), inactive)

    def begun(self, now: datetime, departures: Departures) -> Self:
        """With these; what was approved is no longer among the active people, and does not count against a limit."""
        if departures.is_approved:
            return self.without_active(departures.active)
        return self.with_leavings(now, departures.count, departures.active)

    def with_leavings(self, now: datetime, count: int, active: int | None = None) -> Self:
        """With so many more, and without those of before the interval. ``active``: of them, or all."""
        recent, minute = self._recent(now), _minute(now)
        if count:
            recent[minute] = recent.get(minute, 0) + count
        return self.without_active(count if active is None else active).model_copy(update={"by_minute": recent})

    def without_active(self, count: int) -> Self:
        """With so many fewer active accounts that the store manages."""
        return self.model_copy(update={"active_users": max(0, self.active_users - count)})

    def with_arrivals(self, count: int) -> Self:
        """With so many more who have an active account."""
        return self.model_copy(update={"active_users": self.active_users + count})

    def counted(self, active_users: int, now: datetime) -> Self:
        """With the active people counted from their rows."""
        return self.model_copy(update={"active_users": active_users, "counted_at": now})

    def hold(self) -> Self:
        """With everybody else kept back."""
        return self.model_copy(update={"held": True})

    def opened(self) -> Self:
        """With nobody kept back but those whose departure was discarded; everything counted goes on counting."""
        return self.model_copy(update={"held": False})

    def _recent(self, now: datetime) -> dict[int, int]:
        # One that a clock ahead of ours noted is recent too.
        start = _minute(now - INTERVAL)
        return {minute: count for minute, count in self.by_minute.items() if minute >= start}


def _minute(at: datetime) -> int:
    return int(at.timestamp()) // _MINUTE
