"""When a store's cycle is due.

A tick comes every minute; on it every store that is due is enqueued. The worker that takes a store from the queue asks
again, with the store's lease in hand, and notes the start in the same write: so of two ticks, or two instances, one
runs it.
"""

from datetime import UTC, datetime, timedelta
from typing import Self

from pydantic import AwareDatetime, ConfigDict, Field

from shared.model import Model

GRID = timedelta(minutes=5)
"""Starts are noted as multiples of it since 1970, UTC, so that a late tick does not move the next start."""

RETRY_AFTER = timedelta(minutes=2)
"""Pause before a cycle that failed is tried again. It doubles with each further failure, up to the interval."""

EARLY = timedelta(seconds=30)
"""A tick this much before the time counts: a timer may fire early, and the clocks of two instances differ."""

DEFAULT_INTERVAL = 40
"""Minutes. The seed: "sync the users' information at 40 minute intervals"."""

_MOST_DOUBLINGS = 12
"""More than a day by then, the longest interval."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Schedule(Model):
    """What an administrator has chosen: a setting of the store."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    interval_minutes: int = Field(
        default=DEFAULT_INTERVAL, ge=5, le=1440, multiple_of=5, description="From one start to the next"
    )
    started_at: AwareDatetime | None = Field(default=None, description="None: provisioning is stopped")
    paused_until: AwareDatetime | None = None

    @property
    def interval(self) -> timedelta:
        """From one start to the next."""
        return timedelta(minutes=self.interval_minutes)

    def started(self, now: datetime) -> Self:
        """Provisioning runs from now on, with a cycle at the next tick. One that is paused runs again."""
        return self.model_copy(update={"started_at": now, "paused_until": None})

    def stopped(self) -> Self:
        """Provisioning does not run until it is started."""
        return self.model_copy(update={"started_at": None, "paused_until": None})

    def paused(self, until: datetime) -> Self:
        """Provisioning does not run until then, and goes on by itself."""
        return self.model_copy(update={"paused_until": until})


class CycleTimes(Model):
    """What is remembered of a store's cycles: the note of its lease, written by who holds it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    due_from: AwareDatetime | None = None
    """The place of the last start on the grid, from where the interval is counted."""
    serves: AwareDatetime | None = None
    """The ``started_at`` that the last cycle ran for."""
    last_started: AwareDatetime | None = None
    last_ended: AwareDatetime | None = None
    failures: int = 0
    """Number of cycles that failed, one after the other."""
    retry_at: AwareDatetime | None = None
    """When the work of a cycle that failed is tried again; None: at the interval's end."""


class Closed(Model):
    """Why a store takes nothing now, and until when if that is known: what a push is answered with 503."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: str
    until: datetime | None


def closed(now: datetime, schedule: Schedule) -> Closed | None:
    """Why the store's provisioning does not run now, or None."""
    if schedule.started_at is None:
        return Closed(reason="Provisioning is stopped for this directory store.", until=None)
    if schedule.paused_until is not None and now < schedule.paused_until:
        until = schedule.paused_until
        text = f"{until.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        return Closed(reason=f"Provisioning is paused for this directory store until {text}.", until=until)
    return None


def why_halted(now: datetime, schedule: Schedule | None) -> str | None:
    """Why work of a store that has begun has to end, or None. ``schedule``: None where the store is gone."""
    if schedule is None:
        return "The directory store was deleted."
    shut = closed(now, schedule)
    return shut.reason if shut else None


def next_due(schedule: Schedule, times: CycleTimes) -> datetime | None:
    """When the next cycle is due; None: at the next tick, because none has run since provisioning was started."""
    if times.due_from is None or times.serves != schedule.started_at:
        return None
    at = times.due_from + schedule.interval
    return at if times.retry_at is None else min(at, times.retry_at)


def due(now: datetime, schedule: Schedule, times: CycleTimes) -> bool:
    """Whether a cycle is to start on this tick. Whether one is running is for the lease to say."""
    if closed(now, schedule) is not None:
        return False
    at = next_due(schedule, times)
    if at is None or now >= at - EARLY:
        return True
    # A start in the future was noted by a clock that was wrong, or this one is: waiting for it may take years.
    return times.due_from is not None and times.due_from > now + GRID


def after_start(now: datetime, schedule: Schedule, times: CycleTimes) -> CycleTimes:
    """What to note when a cycle starts."""
    steps = (now + EARLY - _EPOCH) // GRID
    changes = {"due_from": _EPOCH + steps * GRID, "serves": schedule.started_at, "last_started": now, "retry_at": None}
    return times.model_copy(update=changes)


def after_end(now: datetime, schedule: Schedule, times: CycleTimes, *, failed: bool) -> CycleTimes:
    """What to note when a cycle ends. One that took longer than the interval is followed by the next on the next tick,
    and those it missed are not made up for.

    ``failed``: something that ought to have been done was not, and may go through soon.
    """
    failures = times.failures + 1 if failed else 0
    pause = RETRY_AFTER * 2 ** (failures - 1) if failed and failures < _MOST_DOUBLINGS else schedule.interval
    retry_at = now + pause if failed and pause < schedule.interval else None
    return times.model_copy(update={"last_ended": now, "failures": failures, "retry_at": retry_at})
