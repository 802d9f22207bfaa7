"""How fast one organisation of Zoho One is called: by push and cycle together, in this process.

Its limits are not documented, so they are found: each answer that is not slow lets a little more through at the same
time, an answer that is slow a little less, and a 429 half as much, and nothing until Zoho One wants to be asked again.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition

from shared.zoho.errors import ZohoBusy

SLOW = 3.0
"""Times the usual time: what takes longer than that says that Zoho One has enough to do."""
LEAST_SLOW = 0.5
"""Seconds; what takes less is not slow, whatever is usual."""
LONGEST_PAUSE = 60.0
"""Seconds in which nobody calls; who was told to wait for longer waits by himself, the others try."""
REMEMBERED = 0.05
"""The weight of the newest answer in what is usual."""


class Pace:
    """Lets calls through. Threads share it."""

    def __init__(
        self,
        most: int,
        per_second: float | None,
        spread: Callable[[], float],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``most``: calls at the same time. ``spread``: a number from 0 to 1, by chance."""
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
        """Calls that may be under way now."""
        return max(1, int(self._limit))

    @contextmanager
    def slot(self, patience: float) -> Iterator[None]:
        """Wait for one's turn. Raises ZohoBusy where it does not come within so many seconds."""
        self._enter(patience)
        started = self._monotonic()
        try:
            yield
        finally:
            self._leave(self._monotonic() - started)

    def throttled(self, retry_after: float) -> None:
        """Zoho One answered 429: nobody calls until then, and not all at once after it."""
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
