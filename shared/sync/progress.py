"""What a step of the flow tells while it works: that it is alive, how far it came, what it did.

The steps know these protocols; sync/checkpoint.py and sync/run_record.py are what a cycle gives them. A step calls
``beat`` where it would have to begin again if it were ended, and ``may_end`` where another process can go on.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from shared.rules.on_demand import StepFound
from shared.rules.run import RunChange

PAGE = 1000
"""People or groups between two heartbeats, where each takes no round trip of its own."""


class Heartbeat(Protocol):
    """Keeps the lease of the work under way."""

    @property
    def must_end(self) -> str | None:
        """Why no further change may begin, a sentence; None: the work goes on. No round trip. Threads may ask."""
        ...

    def beat(self) -> None:
        """Keep the lease. Raises only where nothing may be done any more: the lease is lost, provisioning stopped."""
        ...

    def may_end(self) -> None:
        """Keep the lease, at a place from which the work can be gone on with: raises also where its time is over."""
        ...


class Checkpoint[T](Heartbeat, Protocol):
    """How far a reading came. What is kept is the place from which another process goes on."""

    @property
    def reached(self) -> T:
        """The place itself."""
        ...

    def move(self, reached: T) -> None:
        """Another place. Nothing was written since the last one, so it need not be kept at once."""
        ...

    def keep(self, reached: T) -> None:
        """Another place, kept now."""
        ...


class Progress(Protocol):
    """Hears which step is under way, for a page or a terminal."""

    def tell(self, step: str, done: int = 0, of: int = 0) -> None:
        """A step's name, how much of it is done, and of how much; 0 where that is not known."""
        ...


class Results(Protocol):
    """Hears what became of planned changes."""

    def add(self, changes: Sequence[RunChange]) -> None:
        """Some of them, in any order."""
        ...


class Steps(Protocol):
    """Hears the steps of provisioning on demand, each as it happens."""

    def step(self, person: str, found: StepFound) -> None:
        """What a step found; ``person``: the object id of the person or group."""
        ...


class Unkept[T]:
    """The checkpoint of work that has no lease and is not gone on with: a dry run, a single person."""

    must_end: str | None = None

    def __init__(self, reached: T) -> None:
        self.reached = reached

    def move(self, reached: T) -> None:
        """Another place."""
        self.reached = reached

    def keep(self, reached: T) -> None:
        """Another place, which nobody else hears of."""
        self.reached = reached

    def beat(self) -> None:
        """There is no lease."""

    def may_end(self) -> None:
        """It ends when it has ended."""


class _Silent:
    """Progress and steps that nobody looks at."""

    def tell(self, step: str, done: int = 0, of: int = 0) -> None:
        """Nothing."""

    def step(self, person: str, found: StepFound) -> None:
        """Nothing."""


NO_LEASE: Heartbeat = Unkept(None)
SILENT = _Silent()


def beating[T](items: Iterable[T], heartbeat: Heartbeat, every: int = PAGE) -> Iterator[T]:
    """The items, with a beat before each so many."""
    for number, item in enumerate(items):
        if number % every == 0:
            heartbeat.beat()
        yield item
