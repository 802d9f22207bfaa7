"""The pace of calls to one organisation of Zoho One, shared by push and cycle in this process.

Zoho One's limits are not documented, so they are found: each answer in good time allows a few more calls at the same
time, a slow answer a few less, and a 429 half as many, and none until Zoho One wants to be called again.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition

from shared.zoho.errors import ZohoBusy

SLOW = 3.0
"""Multiple of the usual time above which an answer counts as slow."""
LEAST_SLOW = 0.5
"""Seconds below which no answer counts as slow, whatever is usual."""
LONGEST_PAUSE = 60.0
"""Longest pause in seconds for all callers; a caller told to wait longer waits alone, the others try."""
REMEMBERED = 0.05
"""Weight of the newest answer in the usual time."""


class Pace:
    """Limits calls at the same time. Threads share it."""

    def __init__(
        self,
        most: int,
        per_second: float | None,
        spread: Callable[[], float],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``most``: calls at the same time. ``spread``: returns a random number from 0 to 1."""
        self._most = most
        self._gap = 1 / per_second if per_second else 0.0
        self._spread = spread
        self._monotonic = monotonic
        self._free = Condition()
        self._under_way = 0
        self._limit = float(most)
        self._next = 0.0
        self._usual = 0.0

    def keeps(self, most: int, per_second: float | None) -> bool:
        """Whether it keeps to these limits of a store's settings."""
        return (self._most, self._gap) == (most, 1 / per_second if per_second else 0.0)

    @property
    def limit(self) -> int:
        """Calls that may run now."""
        return max(1, int(self._limit))

    @contextmanager
    def slot(self, patience: float) -> Iterator[None]:
        """Wait for a slot. Raises ZohoBusy where none is free within so many seconds."""
        self._enter(patience)
        started = self._monotonic()
        try:
            yield
        finally:
            self._leave(self._monotonic() - started)

    def throttled(self, retry_after: float) -> None:
        """Record a 429: nobody calls until the pause ends, and not all at once after it."""
        with self._free:
            self._limit = max(1.0, self._limit / 2)
            pause = min(retry_after, LONGEST_PAUSE) * (1 + self._spread() / 4)
            self._next = max(self._next, self._monotonic() + pause)

    def _enter(self, patience: float) -> None:
        ends = self._monotonic() + patience
        with self._free:
            while True:
                now = self._monotonic()
                if self._next > ends:
                    raise ZohoBusy("Zoho One asks to wait", max(1, round(self._next - now)))
                wait = self._next - now
                if wait <= 0 and self._under_way < self.limit:
                    self._under_way += 1
                    self._next = max(self._next, now) + self._gap if self._gap else self._next
                    return
                if now >= ends:
                    raise ZohoBusy("Too many calls to Zoho One are under way", 5)
                self._free.wait(min(wait, ends - now) if wait > 0 else ends - now)

    def _leave(self, seconds: float) -> None:
        with self._free:
            self._under_way -= 1
            slow = self._usual and seconds > max(SLOW * self._usual, LEAST_SLOW)
            step = -1.0 if slow else 1.0 / self._limit
            self._limit = min(float(self._most), max(1.0, self._limit + step))
            self._usual += REMEMBERED * (seconds - self._usual) if self._usual else seconds
            self._free.notify_all()
