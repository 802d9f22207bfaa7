"""The guard's record of recent deprovisionings, however they began, and of those that administrators refused."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from pydantic import AwareDatetime, ConfigDict

from shared.model import Model
from shared.rules.guard import Breach, check_deprovisionings
from shared.rules.guard_limits import INTERVAL, GuardLimits
from shared.rules.identity import Identity

_MINUTE = 60


@dataclass(frozen=True)
class Deprovisionings:
    """Deprovisionings that are about to begin, all in one transaction."""

    ids: tuple[str, ...]
    """Ids of everybody to be deprovisioned."""
    count: int
    """Number of these that the guard has not counted at an earlier attempt."""
    active: int
    """Number of these with an active account."""
    is_approved: bool = False
    """Whether an administrator approved the plan that contains them."""
    counted_at: tuple[datetime, ...] = ()
    """When the guard counted people of these who came back since, and who count once."""

    @classmethod
    def among(cls, people: Iterable[Identity], *, approved: bool = False) -> Self:
        """Return the deprovisionings among people with pending changes, before they are marked as counted."""
        going = [each for each in people if each.is_deprovisioning]
        new = [each for each in going if each.pending is None or not each.pending.counted]
        active = [each for each in new if each.account is not None and each.account.holds.active]
        counted_at = tuple(each.left_at for each in active if each.left_at is not None)
        return cls(tuple(each.id for each in going), len(new), len(active), approved, counted_at)


class Discarded(Model):
    """Where the discarded deprovisionings are stored, and the digest of them all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    digest: str


class RecentDeprovisionings(Model):
    """A store's deprovisionings within INTERVAL, by minute: there are never more numbers than the interval has
    minutes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    active_users: int = 0
    """Counted at ``counted_at``, minus later deprovisionings: never more than the true number, except for changes
    by hand.
    """
    counted_at: AwareDatetime | None = None
    by_minute: dict[int, int] = {}
    """Deprovisionings by minutes since 1970, UTC, without those that an administrator approved."""
    held: bool = False
    """Whether a limit was passed: every further deprovisioning waits for a decision, or until none is left."""
    discarded: Discarded | None = None
    """Deprovisionings that wait, whatever the counts, until Entra reverts them or an administrator approves them."""
    marked: bool = False
    """Whether a row among the pending ones tells each cycle that the guard needs attention."""

    @property
    def needs_attention(self) -> bool:
        """Whether the next cycle has to look, even if nothing else is pending."""
        return self.held or self.discarded is not None

    def within(self, now: datetime) -> int:
        """Return the count within the interval that ends now; its first minute counts whole."""
        return sum(self._recent(now).values())

    def breach(
        self, now: datetime, limits: GuardLimits, deprovisionings: Deprovisionings, *, is_counted: bool = True
    ) -> Breach | None:
        """Return the limit that these deprovisionings would pass. ``is_counted``: as of check_deprovisionings."""
        inactive = deprovisionings.count - deprovisionings.active
        recent = self.without(deprovisionings.counted_at).within(now)
        return check_deprovisionings(
            deprovisionings.count, self.active_users, limits, recent, inactive, is_counted=is_counted
        )

    def begun(self, now: datetime, deprovisionings: Deprovisionings) -> Self:
        """Return the record with these begun. Approved ones leave the active people and do not count against a
        limit.
        """
        others = self.without(deprovisionings.counted_at)
        if deprovisionings.is_approved:
            return others.without_active(deprovisionings.active)
        return others.with_deprovisionings(now, deprovisionings.count, deprovisionings.active)

    def without(self, counted_at: Iterable[datetime]) -> Self:
        """Return the record without these counts: of people who came back, and are counted again or approved."""
        counts = dict(self.by_minute)
        for minute in map(_minute, counted_at):
            if counts.get(minute):
                counts[minute] -= 1
        return self.model_copy(update={"by_minute": {minute: count for minute, count in counts.items() if count}})

    def with_deprovisionings(self, now: datetime, count: int, active: int | None = None) -> Self:
        """Return the record with ``count`` more, without those from before the interval. ``active``: how many of
        them had an active account; None: all.
        """
        recent, minute = self._recent(now), _minute(now)
        if count:
            recent[minute] = recent.get(minute, 0) + count
        return self.without_active(count if active is None else active).model_copy(update={"by_minute": recent})

    def without_active(self, count: int) -> Self:
        """Return the record with this number of active, managed accounts fewer."""
        return self.model_copy(update={"active_users": max(0, self.active_users - count)})

    def with_arrivals(self, count: int) -> Self:
        """Return the record with this number of active accounts more."""
        return self.model_copy(update={"active_users": self.active_users + count})

    def counted(self, active_users: int, now: datetime) -> Self:
        """Return the record with the active people counted from their rows."""
        return self.model_copy(update={"active_users": active_users, "counted_at": now})

    def hold(self) -> Self:
        """Return the record with every further deprovisioning held."""
        return self.model_copy(update={"held": True})

    def opened(self) -> Self:
        """Return the record with only the discarded deprovisionings held; the counts stay."""
        return self.model_copy(update={"held": False})

    def _recent(self, now: datetime) -> dict[int, int]:
        # A count stored by an instance with a fast clock is recent too.
        start = _minute(now - INTERVAL)
        return {minute: count for minute, count in self.by_minute.items() if minute >= start}


def _minute(at: datetime) -> int:
    return int(at.timestamp()) // _MINUTE
