"""How fast Zoho One is called, on a clock that nobody waits for."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, BrokenBarrierError

import pytest

from shared.zoho.errors import ZohoBusy
from shared.zoho.pace import Pace


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def _calls(pace: Pace, clock: Clock, *seconds: float) -> None:
    for each in seconds:
        with pace.slot(1):
            clock.now += each


def test_a_throttled_organisation_is_left_alone_and_then_called_less() -> None:
    clock = Clock()
    pace = Pace(16, None, lambda: 0.0, clock)
    pace.throttled(10)
    assert pace.limit == 8
    with pytest.raises(ZohoBusy) as busy, pace.slot(3):
        pass
    assert busy.value.retry_after == 10
    clock.now += 10
    _calls(pace, clock, *[0.1] * 20)
    assert 9 <= pace.limit <= 10, "it grows by one in as many calls as are let through at a time"


def test_slow_answers_let_less_through() -> None:
    clock = Clock()
    pace = Pace(8, None, lambda: 0.0, clock)
    _calls(pace, clock, *[0.2] * 10)
    assert pace.limit == 8
    _calls(pace, clock, *[2.0] * 3)
    assert pace.limit == 5
    _calls(pace, clock, *[0.4] * 40)
    assert pace.limit == 8, "what is less than half a second is never slow"


def test_the_rest_is_spread_by_chance() -> None:
    clock = Clock()
    pace = Pace(4, None, lambda: 1.0, clock)
    pace.throttled(8)
    with pytest.raises(ZohoBusy) as busy, pace.slot(9):
        pass
    assert busy.value.retry_after == 10


def test_no_more_at_a_time_than_allowed() -> None:
    pace, together = Pace(3, None, lambda: 0.0), Barrier(4)

    def call(_: int) -> bool:
        with pace.slot(20):
            try:
                together.wait(0.2)
            except BrokenBarrierError:
                return False
            return True

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(call, range(4))) == [False] * 4


def test_calls_a_second_are_a_setting() -> None:
    clock = Clock()
    pace = Pace(4, 0.5, lambda: 0.0, clock)
    _calls(pace, clock, 0.0)
    with pytest.raises(ZohoBusy), pace.slot(1):
        pass
    clock.now += 2
    _calls(pace, clock, 0.0)
