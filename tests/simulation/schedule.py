"""The clock of a simulated world, and who runs when: greenlets, of which one runs at a time until it waits.

Every wait goes through here, so that one seed gives one order. Time is virtual and passes only when everybody waits.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import greenlet

ENDINGS = 5
"""How often somebody may wait once more while they end, as who joins a thread does."""
START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
"""A Monday, when every simulated world begins."""


class Death(BaseException):
    """The process ends here, without another call reaching the outside."""


class Stuck(Exception):
    """Somebody waits for what will never come: a deadlock, of the world or of the app."""


@dataclass(eq=False)
class Process:
    """What lives and dies together; ``app`` is what it holds in memory."""

    name: str
    app: Any = None
    alive: bool = True
    tasks: "set[Task]" = field(default_factory=set)


class Task:
    """Work that runs beside other work. ``error``: what it raised; ``value``: what it returned."""

    def __init__(self, schedule: "Schedule", process: Process, name: str, work: Callable[[], Any]) -> None:
        self.schedule, self.process, self.name, self.work = schedule, process, name, work
        self.done, self.number = False, next(schedule.order)
        self.value: Any = None
        self.error: BaseException | None = None
        self.turn = 0
        """The number of the wait that it is in: an older one wakes it no more."""
        self.greenlet = greenlet.greenlet(self._run, parent=schedule.hub)
        self.wakes: list[Callable[[], None]] = []
        process.tasks.add(self)
        schedule.tasks.add(self)

    def _run(self, *_: object) -> None:
        try:
            if not self.process.alive:
                raise Death  # noqa: TRY301 - it never began
            self.value = self.work()
        except greenlet.GreenletExit:
            self.error = Death()
        except BaseException as error:
            self.error = error
        self.done = True
        self.process.tasks.discard(self)
        self.schedule.tasks.discard(self)
        wakes, self.wakes = self.wakes, []
        for wake in wakes:
            wake()

    def result(self) -> Any:
        """What it returned, once it is done; or raises what it raised."""
        if self.error is not None:
            raise self.error
        return self.value


class Schedule:
    """Events by their time. The hub is the greenlet that made it; it runs them, and never waits itself."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.order = count()
        self.events: list[tuple[float, int, Callable[[], object]]] = []
        self.current: Task | None = None
        self.horizon = 0.0
        """Until when the hub lets events happen."""
        self.hub = greenlet.getcurrent()
        self.tasks: set[Task] = set()
        """Those that are not done."""
        self._now = 0.0, START

    def now(self) -> datetime:
        """The time of day."""
        at, now = self._now
        if at != self.seconds:
            now = START + timedelta(seconds=self.seconds)
            self._now = self.seconds, now
        return now

    def monotonic(self) -> float:
        """Seconds since some time before the world began."""
        return self.seconds + 1000.0

    def at(self, seconds: float, event: Callable[[], object]) -> None:
        """Let something happen so many seconds from now."""
        heapq.heappush(self.events, (self.seconds + max(0.0, seconds), next(self.order), event))

    def spawn(self, process: Process, name: str, work: Callable[[], Any], after: float = 0.0) -> Task:
        """Let work run in a process, beside everything else."""
        task = Task(self, process, name, work)
        self.at(after, lambda: self._switch(task))
        return task

    def _switch(self, task: Task) -> None:
        if task.done:
            return
        before, self.current = self.current, task
        try:
            task.greenlet.switch()
        finally:
            self.current = before

    def sleep(self, seconds: float) -> None:
        """Let time pass for whoever calls. Raises Death where the process ended meanwhile."""
        task = self.current
        if task is None:  # the hub: nobody else runs meanwhile
            self.seconds += seconds
            return
        ends = self.seconds + max(0.0, seconds)
        if ends <= self.horizon and (not self.events or self.events[0][0] > ends):
            self.seconds = ends  # nobody else has anything to do before
        else:
            self.wait(seconds)
        self.check()

    def check(self) -> None:
        """Raises Death where the process of whoever calls has ended."""
        if self.current is not None and not self.current.process.alive:
            raise Death

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until somebody calls what ``waker`` gave, or until the time is over: then False."""
        task = self.current
        if task is None:
            raise Stuck("the hub waits for nobody")
        task.turn += 1
        turn, woken = task.turn, True

        def late() -> None:
            nonlocal woken
            if task.turn == turn:
                woken = False
                self._switch(task)

        if seconds is not None:
            self.at(seconds, late)
        self.hub.switch()
        task.turn += 1
        self.check()
        return woken

    def waker(self) -> Callable[[], None]:
        """What ends the next wait of whoever calls now, as an event of its own."""
        task = self.current
        assert task is not None  # the hub does not wait
        turn = task.turn + 1

        def awake() -> None:
            if task.turn == turn:
                self._switch(task)

        return lambda: self.at(0, awake)

    def join(self, task: Task, seconds: float | None = None) -> bool:
        """Wait for a task; False where the time was over before."""
        if task.done:
            return True
        if self.current is None:
            raise Stuck("the hub waits for nobody")
        task.wakes.append(self.waker())
        self.wait(seconds)
        return task.done

    def kill(self, process: Process) -> None:
        """End a process: whoever waits in it goes no further."""
        process.alive = False
        for task in list(process.tasks):
            if task is not self.current:
                task.turn += 1
                self.at(0, lambda task=task: self._bury(task))  # type: ignore[misc]  # a default binds it now

    def _bury(self, task: Task) -> None:
        if not task.done:
            before, self.current = self.current, task
            try:
                task.greenlet.throw(Death())
            finally:
                self.current = before

    def close(self) -> None:
        """End everybody who still waits: later the garbage collector would, in the midst of another world."""
        self.events.clear()
        for _ in range(ENDINGS):
            for task in sorted(self.tasks, key=lambda each: each.number):
                task.process.alive = False
                task.turn += 1
                self._bury(task)
        for task in self.tasks:
            task.done = True
        self.tasks.clear()
        self.events.clear()

    def run(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self.run_until(self.seconds + seconds)

    def run_until(self, at: float, enough: Callable[[], bool] = lambda: False) -> None:
        """Let everything happen until then, or until it is enough."""
        self.horizon = at
        while self.events and self.events[0][0] <= at:
            if enough():
                return
            when, _, event = heapq.heappop(self.events)
            self.seconds = max(self.seconds, when)
            event()
        self.seconds = max(self.seconds, at)
