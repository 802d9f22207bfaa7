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

OBSERVES = "Provisioning only observes for this directory store: it writes nothing in Zoho One."

_MOST_DOUBLINGS = 12
"""More doublings than the longest interval, a day, needs."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Schedule(Model):
    """The schedule chosen by an administrator: a setting of the store."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    interval_minutes: int = Field(
        default=DEFAULT_INTERVAL, ge=5, le=1440, multiple_of=5, description="From one start to the next"
    )
    started_at: AwareDatetime | None = Field(default=None, description="None: nothing is written in Zoho One")
    paused_until: AwareDatetime | None = None
    observing_since: AwareDatetime | None = Field(
        default=None, description="Set in a store that is not started: its cycles run, and write nothing in Zoho One"
    )

    @property
    def interval(self) -> timedelta:
        """Time from one start to the next."""
        return timedelta(minutes=self.interval_minutes)

    @property
    def is_observing(self) -> bool:
        """Whether cycles run and write nothing in Zoho One."""
        return self.started_at is None and self.observing_since is not None

    @property
    def began_at(self) -> datetime | None:
        """When the first cycle became due, that observes or applies; None: none is due."""
        return self.started_at or self.observing_since

    def started(self, now: datetime) -> Self:
        """Return the schedule with provisioning running, with a cycle at the next tick. It ends a pause."""
        return self.model_copy(update={"started_at": now, "paused_until": None, "observing_since": None})

    def observing(self, now: datetime) -> Self:
        """Return the schedule with cycles that write nothing in Zoho One, with one at the next tick."""
        return self.model_copy(update={"started_at": None, "paused_until": None, "observing_since": now})

    def stopped(self) -> Self:
        """Return the schedule with neither provisioning nor cycles until one of them is started."""
        return self.model_copy(update={"started_at": None, "paused_until": None, "observing_since": None})

    def paused(self, until: datetime) -> Self:
        """Return the schedule with provisioning paused until this time, when it resumes by itself."""
        return self.model_copy(update={"paused_until": until})


class CycleTimes(Model):
    """What is stored of a store's cycles: the note of its lease, written by the lease holder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    due_from: AwareDatetime | None = None
    """The last start on the grid, from which the interval is counted."""
    serves: AwareDatetime | None = None
    """The ``began_at`` for which the last cycle ran."""
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
    """Return why nothing may be written in Zoho One for the store now, or None."""
    if schedule.is_observing:
        return Closed(reason=OBSERVES, until=None)
    if schedule.started_at is None:
        return Closed(reason="Provisioning is stopped for this directory store.", until=None)
    if schedule.paused_until is not None and now < schedule.paused_until:
        until = schedule.paused_until
        text = f"{until.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        return Closed(reason=f"Provisioning is paused for this directory store until {text}.", until=until)
    return None


def no_cycle(now: datetime, schedule: Schedule) -> Closed | None:
    """Return why no cycle of the store may begin now, or None. One that observes writes nothing in Zoho One."""
    return None if schedule.is_observing else closed(now, schedule)


def why_halted(now: datetime, schedule: Schedule | None, *, observes: bool) -> str | None:
    """Return why a cycle in progress has to end, or None. ``schedule``: None if the store was deleted.

    ``observes``: the cycle writes nothing in Zoho One, so that it may also go on where the store was started meanwhile.
    """
    if schedule is None:
        return "The directory store was deleted."
    shut = no_cycle(now, schedule) if observes else closed(now, schedule)
    return shut.reason if shut else None


def next_due(schedule: Schedule, times: CycleTimes) -> datetime | None:
    """Return when the next cycle is due; None: at the next tick, because none has run since provisioning was
    started, or observing.
    """
    if times.due_from is None or times.serves != schedule.began_at:
        return None
    at = times.due_from + schedule.interval
    return at if times.retry_at is None else min(at, times.retry_at)


def due(now: datetime, schedule: Schedule, times: CycleTimes) -> bool:
    """Return whether a cycle is to start on this tick. The lease decides whether one is running."""
    if no_cycle(now, schedule) is not None:
        return False
    at = next_due(schedule, times)
    if at is None or now >= at - EARLY:
        return True
    # A start in the future comes from a wrong clock, then or now: waiting for it could take years.
    return times.due_from is not None and times.due_from > now + GRID


def after_start(now: datetime, schedule: Schedule, times: CycleTimes) -> CycleTimes:
    """Return what to store when a cycle starts."""
    steps = (now + EARLY - _EPOCH) // GRID
    changes = {"due_from": _EPOCH + steps * GRID, "serves": schedule.began_at, "last_started": now, "retry_at": None}
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
