"""When a store's cycle is due.

A tick comes every minute and enqueues every store that is due. The worker that takes a store from the queue checks
again under the store's lease, and stores the start in the same write: of two ticks, or two instances, only one runs the
cycle.
"""

from datetime import UTC, datetime, timedelta
from typing import Self

from pydantic import AwareDatetime, ConfigDict, Field

from shared.model import Model

GRID = timedelta(minutes=5)
"""Grid of starts: multiples of it since 1970, UTC, so that a late tick does not move the next start."""

RETRY_AFTER = timedelta(minutes=2)
"""Pause before a failed cycle is retried. It doubles with each further failure, up to the interval."""

LOOK_AGAIN_AFTER = timedelta(minutes=1)
"""Pause before the cycle that looks for people whom another process was writing. The lease of one that was killed ends
within a minute and a half.
"""

EARLY = timedelta(seconds=30)
"""Tolerance for an early tick: a timer may fire early, and the clocks of two instances differ."""

DEFAULT_INTERVAL = 40
"""In minutes. The seed: "sync the users' information at 40 minute intervals"."""

_MOST_DOUBLINGS = 12
"""More doublings than the longest interval, a day, needs."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Schedule(Model):
    """The schedule chosen by an administrator: a setting of the store."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    interval_minutes: int = Field(
        default=DEFAULT_INTERVAL, ge=5, le=1440, multiple_of=5, description="From one start to the next"
    )
    started_at: AwareDatetime | None = Field(default=None, description="None: provisioning is stopped")
    paused_until: AwareDatetime | None = None

    @property
    def interval(self) -> timedelta:
        """Time from one start to the next."""
        return timedelta(minutes=self.interval_minutes)

    def started(self, now: datetime) -> Self:
        """Return the schedule with provisioning running, with a cycle at the next tick. It ends a pause."""
        return self.model_copy(update={"started_at": now, "paused_until": None})

    def stopped(self) -> Self:
        """Return the schedule with provisioning stopped until it is started."""
        return self.model_copy(update={"started_at": None, "paused_until": None})

    def paused(self, until: datetime) -> Self:
        """Return the schedule with provisioning paused until this time, when it resumes by itself."""
        return self.model_copy(update={"paused_until": until})


class CycleTimes(Model):
    """What is stored of a store's cycles: the note of its lease, written by the lease holder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    due_from: AwareDatetime | None = None
    """The last start on the grid, from which the interval is counted."""
    serves: AwareDatetime | None = None
    """The ``started_at`` for which the last cycle ran."""
    last_started: AwareDatetime | None = None
    last_ended: AwareDatetime | None = None
    failures: int = 0
    """Number of successive cycles that failed."""
    retry_at: AwareDatetime | None = None
    """When the work of a failed cycle is retried; None: at the end of the interval."""


class Closed(Model):
    """Why a store accepts nothing now, and until when if known: the 503 answer to a push."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: str
    until: datetime | None


def closed(now: datetime, schedule: Schedule) -> Closed | None:
    """Return why the store's provisioning does not run now, or None."""
    if schedule.started_at is None:
        return Closed(reason="Provisioning is stopped for this directory store.", until=None)
    if schedule.paused_until is not None and now < schedule.paused_until:
        until = schedule.paused_until
        text = f"{until.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        return Closed(reason=f"Provisioning is paused for this directory store until {text}.", until=until)
    return None


def why_halted(now: datetime, schedule: Schedule | None) -> str | None:
    """Return why a store's work in progress has to end, or None. ``schedule``: None if the store was deleted."""
    if schedule is None:
        return "The directory store was deleted."
    shut = closed(now, schedule)
    return shut.reason if shut else None


def next_due(schedule: Schedule, times: CycleTimes) -> datetime | None:
    """Return when the next cycle is due; None: at the next tick, because none has run since provisioning was
    started.
    """
    if times.due_from is None or times.serves != schedule.started_at:
        return None
    at = times.due_from + schedule.interval
    return at if times.retry_at is None else min(at, times.retry_at)


def due(now: datetime, schedule: Schedule, times: CycleTimes) -> bool:
    """Return whether a cycle is to start on this tick. The lease decides whether one is running."""
    if closed(now, schedule) is not None:
        return False
    at = next_due(schedule, times)
    if at is None or now >= at - EARLY:
        return True
    # A start in the future comes from a wrong clock, then or now: waiting for it could take years.
    return times.due_from is not None and times.due_from > now + GRID


def after_start(now: datetime, schedule: Schedule, times: CycleTimes) -> CycleTimes:
    """Return what to store when a cycle starts."""
    steps = (now + EARLY - _EPOCH) // GRID
    changes = {"due_from": _EPOCH + steps * GRID, "serves": schedule.started_at, "last_started": now, "retry_at": None}
    return times.model_copy(update=changes)


def after_end(
    now: datetime, schedule: Schedule, times: CycleTimes, *, failed: bool, look_again: bool = False
) -> CycleTimes:
    """Return what to store when a cycle ends. A cycle longer than the interval is followed by the next one on the next
    tick; missed ones are not made up for.

    ``failed``: work was left undone that may succeed soon. ``look_again``: somebody was left to another process.
    """
    failures = times.failures + 1 if failed else 0
    pause = RETRY_AFTER * 2 ** (failures - 1) if failed and failures < _MOST_DOUBLINGS else schedule.interval
    retry_at = now + pause if failed and pause < schedule.interval else None
    if look_again:
        retry_at = now + LOOK_AGAIN_AFTER
    return times.model_copy(update={"last_ended": now, "failures": failures, "retry_at": retry_at})
