"""Where each ``startIndex`` is among all resources, so that a page of 100,000 people costs what the page costs.

Table Storage finds a row by its key alone: the 50,000th comes after the 49,999 before it. Entra's Account Discovery
asks for page after page of everybody. So the first page of such a walk counts the keys of all, a thousand in a round
trip, and every STEP-th is remembered in the process; a later page begins at the nearest of them.

What comes or goes during a walk moves the places after it by one up to the next key that is remembered, as RFC 7644
§3.4.2.4 allows: a walk is no snapshot, and the next one is right again.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self

STEP = 100
"""Resources from one remembered key to the next: as many may be read in vain for a page. 100,000 people take 80 KB."""
REMEMBERED = 3600.0
"""Seconds after which a later page of a walk counts again."""


@dataclass(frozen=True)
class Places:
    """The number of all resources of a type, and some of their ids with their places."""

    total: int
    marks: tuple[str, ...]
    """The ids before every STEP-th place; before the first one the empty id."""
    at: float

    @classmethod
    def of(cls, ids: Iterable[str], at: float) -> Self:
        """Return the places of ids that come in order."""
        total, marks = 0, [""]
        for total, each in enumerate(ids, 1):
            if total % STEP == 0:
                marks.append(each)
        return cls(total, tuple(marks), at)

    def before(self, index: int) -> tuple[str, int]:
        """Return the nearest id before a place that is counted from 0, and the number of resources between them."""
        return self.marks[index // STEP], index % STEP


class KnownPlaces:
    """The places that a process remembers. Threads may share it: what two of them count, they count alike."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._known: dict[tuple[str, ...], Places] = {}

    def counted(self, key: tuple[str, ...], ids: Iterable[str]) -> Places:
        """Count the resources now. One round trip for a thousand."""
        places = self._known[key] = Places.of(ids, self._clock())
        return places

    def known(self, key: tuple[str, ...], ids: Callable[[], Iterable[str]]) -> Places:
        """Return the places of a walk that is under way; count where none is."""
        places = self._known.get(key)
        if places is None or self._clock() - places.at >= REMEMBERED:
            return self.counted(key, ids())
        return places
