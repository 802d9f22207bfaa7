"""What threads share, for greenlets of a schedule: locks, events, conditions, threads and pools of them.

Each has the part of the standard library's interface that the app uses. There is one world at a time.
"""

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any, Self

from tests.simulation.schedule import Process, Schedule, Stuck, Task

_OUTSIDE = Process("outside")
_now: list[Schedule] = [Schedule()]


def enter(schedule: Schedule) -> None:
    """From now on everything waits by this schedule."""
    _now[0] = schedule


def schedule() -> Schedule:
    """Of the world there is."""
    return _now[0]


def _process() -> Process:
    task = schedule().current
    return task.process if task else _OUTSIDE


class Lock:
    """A lock that may be entered again by its holder where ``again`` says so."""

    again = False

    def __init__(self) -> None:
        self._holder: Task | None = None
        self._depth = 0
        self._waiting: deque[Callable[[], None]] = deque()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        world = schedule()
        if self._depth and not (self.again and self._holder is world.current):
            if not blocking:
                return False
            if world.current is None:
                raise Stuck("the hub waits for a lock")
            ends = world.seconds + timeout if timeout >= 0 else None
            while self._depth:
                left = None if ends is None else ends - world.seconds
                if left is not None and left <= 0:
                    return False
                self._waiting.append(world.waker())
                world.wait(left)
        self._holder = world.current
        self._depth += 1
        return True

    def release(self) -> None:
        if not self._depth:
            raise RuntimeError("release unlocked lock")
        self._depth -= 1
        if not self._depth:
            self._holder = None
            waiting, self._waiting = self._waiting, deque()
            for wake in waiting:
                wake()

    def locked(self) -> bool:
        return bool(self._depth)

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class RLock(Lock):
    """The one that its holder may enter again."""

    again = True


class Condition(RLock):
    """A lock that one may wait in."""

    def __init__(self, lock: Lock | None = None) -> None:
        super().__init__()
        self._sleepers: deque[Callable[[], None]] = deque()

    def wait(self, timeout: float | None = None) -> bool:
        world, depth = schedule(), self._depth
        self._sleepers.append(world.waker())
        self._depth = 1
        self.release()
        woken = False
        try:
            woken = world.wait(timeout)
        finally:
            while not self.acquire():
                pass
            self._depth = depth
        return woken

    def notify_all(self) -> None:
        sleepers, self._sleepers = self._sleepers, deque()
        for wake in sleepers:
            wake()

    notify = notify_all


class Event:
    """A flag that one may wait for."""

    def __init__(self) -> None:
        self._set = False
        self._waiting: list[Callable[[], None]] = []

    def is_set(self) -> bool:
        return self._set

    def set(self) -> None:
        self._set = True
        waiting, self._waiting = self._waiting, []
        for wake in waiting:
            wake()

    def clear(self) -> None:
        self._set = False

    def wait(self, timeout: float | None = None) -> bool:
        if not self._set:
            world = schedule()
            if world.current is None:
                return False
            self._waiting.append(world.waker())
            world.wait(timeout)
        return self._set


class Thread:
    """A thread of the process that starts it."""

    def __init__(
        self, target: Callable[..., Any], name: str = "thread", daemon: bool = False, args: Iterable[Any] = ()
    ) -> None:
        self._target, self.name, self._args = target, name, tuple(args)
        self._task: Task | None = None

    def start(self) -> None:
        self._task = schedule().spawn(_process(), self.name, lambda: self._target(*self._args))

    def join(self, timeout: float | None = None) -> None:
        if self._task is not None and schedule().current is not None:
            schedule().join(self._task, timeout)

    def is_alive(self) -> bool:
        return self._task is not None and not self._task.done


class _Result(Future[Any]):
    """What a pool's work comes to."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.task = task

    def result(self, timeout: float | None = None) -> Any:
        if not schedule().join(self.task, timeout):
            raise TimeoutError
        return self.task.result()

    def exception(self, timeout: float | None = None) -> BaseException | None:
        if not schedule().join(self.task, timeout):
            raise TimeoutError
        return self.task.error

    def done(self) -> bool:
        return self.task.done


class Pool:
    """A ThreadPoolExecutor: so many pieces of work at a time."""

    def __init__(self, max_workers: int | None = None, thread_name_prefix: str = "pool") -> None:
        self._free, self._name = max_workers or 8, thread_name_prefix
        self._turn = Condition()
        self._tasks: list[Task] = []

    def submit(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Future[Any]:
        def run() -> Any:
            with self._turn:
                while not self._free:
                    self._turn.wait()
                self._free -= 1
            try:
                return work(*args, **kwargs)
            finally:
                self._free += 1
                self._turn.notify_all()

        task = schedule().spawn(_process(), self._name, run)
        self._tasks.append(task)
        return _Result(task)

    def map(self, work: Callable[..., Any], *items: Iterable[Any]) -> list[Any]:
        return [each.result() for each in [self.submit(work, *args) for args in zip(*items, strict=False)]]

    def shutdown(self, wait: bool = True, cancel_futures: bool = False) -> None:
        if wait:
            for task in self._tasks:
                schedule().join(task)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()


def wait_for_futures(futures: Iterable[Any], timeout: float | None = None) -> None:
    """``concurrent.futures.wait`` for those of a pool."""
    world = schedule()
    ends = None if timeout is None else world.seconds + timeout
    for each in futures:
        world.join(each.task, None if ends is None else max(0.0, ends - world.seconds))
