"""When cycles run: the rules, and a simulated week."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import settings
from pydantic import ValidationError

from shared.rules.schedule import (
    GRID,
    CycleTimes,
    Schedule,
    after_end,
    after_start,
    closed,
    due,
    next_due,
    no_cycle,
    why_halted,
)

NOON = datetime(2026, 3, 27, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RUNNING = Schedule().started(NOON)
SEEDS = {"quick": 1, "test": 2}.get(settings.get_current_profile_name(), 50)
"""Weeks, which take a second for each skew."""


def _times(start: datetime, schedule: Schedule = RUNNING) -> CycleTimes:
    return after_end(start + MINUTE, schedule, after_start(start, schedule, CycleTimes()), failed=False)


DUE = [
    # minutes after the last start was due, whether it is due
    (0, False),
    (35, False),
    (39.4, False),
    (39.5, True),  # a slow clock, or a timer that fires early
    (40, True),
    (300, True),
    (-4, False),  # another instance's clock
    (-6, True),  # the start was stored by a wrong clock
    (-60 * 24 * 365, True),
]


@pytest.mark.parametrize(("minutes", "expected"), DUE)
def test_due(minutes: float, expected: bool) -> None:
    assert due(NOON + minutes * MINUTE, RUNNING, _times(NOON)) is expected


def test_a_store_that_was_started_is_due_at_once_and_once() -> None:
    assert next_due(RUNNING, CycleTimes()) is None
    assert due(NOON, RUNNING, CycleTimes())
    times = _times(NOON)
    assert not due(NOON + MINUTE, RUNNING, times)
    again = RUNNING.stopped().started(NOON + 2 * MINUTE)
    assert due(NOON + 2 * MINUTE, again, times)
    assert not due(NOON + 3 * MINUTE, again, after_start(NOON + 2 * MINUTE, again, times))


def test_a_late_start_does_not_move_the_next() -> None:
    assert next_due(RUNNING, _times(NOON + 4 * MINUTE)) == NOON + 40 * MINUTE
    assert next_due(RUNNING, _times(NOON - MINUTE / 2)) == NOON + 40 * MINUTE
    # Late by more than a tick: the interval starts over, and missed cycles are not made up for.
    assert next_due(RUNNING, _times(NOON + 12 * MINUTE)) == NOON + 50 * MINUTE


def test_a_changed_interval_counts_at_once() -> None:
    shorter = RUNNING.model_copy(update={"interval_minutes": 10})
    assert due(NOON + 10 * MINUTE, shorter, _times(NOON))


def test_stopped_and_paused_stores_are_not_touched_and_say_why() -> None:
    stopped = RUNNING.stopped()
    answer = closed(NOON, stopped)
    assert answer is not None
    assert (answer.reason, answer.until) == ("Provisioning is stopped for this directory store.", None)
    paused = RUNNING.paused(NOON + timedelta(hours=2))
    answer = closed(NOON, paused)
    assert answer is not None
    assert answer.reason == "Provisioning is paused for this directory store until 2026-03-27 14:00 UTC."
    assert answer.until == NOON + timedelta(hours=2)
    for schedule in (Schedule(), stopped, paused):
        assert not due(NOON + timedelta(hours=1), schedule, _times(NOON))
    assert closed(NOON + timedelta(hours=2), paused) is None
    assert due(NOON + timedelta(hours=2), paused, _times(NOON)), "it goes on by itself"
    assert closed(NOON, paused.started(NOON)) is None


def test_a_store_that_observes_has_cycles_and_accepts_nothing() -> None:
    observing = RUNNING.observing(NOON + MINUTE)
    answer = closed(NOON, observing)
    assert answer is not None
    assert "only observes" in answer.reason
    assert no_cycle(NOON, observing) is None
    assert due(NOON + MINUTE, observing, _times(NOON)), "at once, though a cycle has just run"
    assert not due(NOON + 2 * MINUTE, observing, _times(NOON + MINUTE, observing))
    assert due(NOON + 2 * MINUTE, observing.started(NOON + 2 * MINUTE), _times(NOON + MINUTE, observing))
    assert closed(NOON, observing.started(NOON)) is None
    assert no_cycle(NOON, observing.stopped()) is not None


@pytest.mark.parametrize(
    ("schedule", "observes", "halts"),
    [
        (RUNNING, False, False),
        (RUNNING.stopped(), False, True),
        (RUNNING.observing(NOON), False, True),
        (RUNNING.observing(NOON), True, False),
        (RUNNING, True, False),
        (RUNNING.stopped(), True, True),
        (RUNNING.paused(NOON + MINUTE), True, True),
        (None, True, True),
    ],
)
def test_a_cycle_in_progress_ends_where_it_may_not_do_what_it_does(
    schedule: Schedule | None, observes: bool, halts: bool
) -> None:
    assert (why_halted(NOON, schedule, observes=observes) is not None) is halts


@pytest.mark.parametrize("minutes", [0, 4, 7, 1445])
def test_an_interval_that_no_tick_can_keep_is_refused(minutes: int) -> None:
    with pytest.raises(ValidationError):
        Schedule(interval_minutes=minutes)


@dataclass
class Store:
    """A store of the simulation, with its lease: the holder, and until when."""

    schedule: Schedule
    times: CycleTimes = field(default_factory=CycleTimes)
    busy_until: datetime = NOON
    starts: list[datetime] = field(default_factory=list)


@dataclass
class Week:
    """A week of ticks: late, double, seen by two instances with different clocks, with cycles of some minutes."""

    stores: dict[str, Store]
    chance: random.Random
    longest: timedelta

    def run(self, instances: tuple[timedelta, ...], zone: ZoneInfo) -> None:
        for tick in self._ticks():
            for store in self.stores.values():
                # Both instances may see the tick; what they read before either writes is the same.
                seen = [(skew, store.times) for skew in instances]
                for skew, times in seen:
                    if due((tick + skew).astimezone(zone), store.schedule, times):
                        self._take(store, tick, (tick + skew).astimezone(zone))

    def _ticks(self) -> Iterator[datetime]:
        for number in range(7 * 24 * 60):
            at = NOON + number * MINUTE + self.chance.choice([0, 0, 0, 1, 20, 50]) * timedelta(seconds=1)
            yield at
            if self.chance.random() < 0.1:
                yield at + timedelta(seconds=self.chance.randrange(20))

    def _take(self, store: Store, tick: datetime, clock: datetime) -> None:
        """Do what the queue's trigger does: under the lease, check again, store the start."""
        if tick < store.busy_until or not due(clock, store.schedule, store.times):
            return
        store.starts.append(tick)
        store.times = after_start(clock, store.schedule, store.times)
        store.busy_until = tick + self.chance.random() * self.longest
        store.times = after_end(store.busy_until, store.schedule, store.times, failed=False)


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("skew", [0, 25, -25])
def test_a_week(seed: int, skew: int) -> None:
    stores = {f"s{minutes}": Store(Schedule(interval_minutes=minutes).started(NOON)) for minutes in (10, 40, 45, 120)}
    stores["stopped"] = Store(Schedule())
    week = Week(stores, random.Random(seed), longest=timedelta(minutes=4))
    # The week contains the change to summer time, which a clock in UTC ignores.
    week.run((timedelta(), timedelta(seconds=skew)), ZoneInfo("Europe/Berlin"))
    assert stores.pop("stopped").starts == []
    for store in stores.values():
        gaps = [later - earlier for earlier, later in pairwise(store.starts)]
        assert all(abs(gap - store.schedule.interval) <= GRID for gap in gaps), (max(gaps), min(gaps))
        wanted = timedelta(days=7) / store.schedule.interval
        assert abs(len(store.starts) - wanted) <= 1, "no drift"


def test_a_cycle_longer_than_the_interval_is_followed_by_one_not_by_all_it_missed() -> None:
    store = Store(RUNNING)
    Week({"s": store}, random.Random(1), longest=timedelta(minutes=90)).run((timedelta(),), ZoneInfo("UTC"))
    gaps = [later - earlier for earlier, later in pairwise(store.starts)]
    assert min(gaps) >= timedelta(minutes=35)
    assert max(gaps) <= timedelta(minutes=100)


@pytest.mark.parametrize("jump", [timedelta(hours=-3), timedelta(hours=3), timedelta(days=-400), timedelta(days=400)])
def test_a_clock_that_is_set_costs_one_cycle_at_most(jump: timedelta) -> None:
    times, starts = CycleTimes(), list[int]()
    schedule = Schedule().started(NOON - timedelta(days=1))
    for number in range(7 * 24 * 12):
        clock = NOON + number * GRID + (jump if number > 1000 else timedelta())
        if due(clock, schedule, times):
            starts.append(number)
            times = after_end(clock, schedule, after_start(clock, schedule, times), failed=False)
    gaps = [later - earlier for earlier, later in pairwise(starts)]
    assert [gap for gap in gaps if gap != 8] == [1001 - max(n for n in starts if n <= 1000)]
