"""The Functions host of a simulated world: processes, queues and timers, with the times of the real one."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any

from shared.app.container import Bridge
from shared.scim.endpoint import HttpRequest, HttpResponse
from tests.simulation.schedule import Death, Process, Schedule, Task

AGAIN = 30.0
"""Seconds until a message comes back that failed, or whose worker died: host.json's visibilityTimeout."""
LEASE = 600.0
"""The same where the host died with its worker."""
TRIES = 5
RESTART = (3.0, 40.0)
"""Seconds until a process that died is followed by another."""

_log = logging.getLogger("simulation")


@dataclass
class Message:
    """One in a queue."""

    queue: str
    text: str
    number: int
    tries: int = 0


@dataclass
class Host:
    """Runs the functions, each in a process of its choice. ``build``: the app's parts for a new process."""

    schedule: Schedule
    chance: Random
    build: Callable[[], Bridge]
    processes: list[Process] = field(default_factory=list)
    poison: list[Message] = field(default_factory=list)
    deaths: int = 0
    defects: list[str] = field(default_factory=list)
    """What the app itself called a defect, or raised where nothing may be raised."""
    waiting: int = 0
    """Messages that are in a queue, or being worked on."""
    quiet: bool = False
    _numbers: Any = field(default_factory=count)

    def start(self, processes: int) -> None:
        """Let so many processes begin."""
        for _ in range(processes):
            self._begin()

    def _begin(self) -> None:
        process = Process(f"p{next(self._numbers)}")
        process.app = self.build()
        self.processes.append(process)

    def died(self, process: Process) -> None:
        """A process ended; another follows it."""
        if process in self.processes:
            self.processes.remove(process)
            self.deaths += 1
            self.schedule.at(self.chance.uniform(*RESTART), self._begin)

    def anywhere(self) -> Process | None:
        """A process that works, if there is one."""
        for process in [each for each in self.processes if not each.alive]:
            self.died(process)
        return self.chance.choice(self.processes) if self.processes else None

    def run(self, name: str, work: Callable[[Bridge], Any], then: Callable[[Task], None] = lambda _: None) -> None:
        """Let one function run in some process; where there is none, a second later."""
        process = self.anywhere()
        if process is None:
            self.schedule.at(1, lambda: self.run(name, work, then))
            return
        self.begin(process, name, work, then)

    def begin(self, process: Process, name: str, work: Callable[[Bridge], Any], then: Callable[[Task], None]) -> Task:
        """Let it run in this process."""
        task = self.schedule.spawn(process, name, lambda: work(process.app))
        task.wakes.append(lambda: then(task))
        return task

    def tick(self) -> None:
        """The timer of each minute."""

        def work(app: Bridge) -> None:
            found = app.tick()
            self.put("cycles", found.cycles)
            self.put("errands", found.jobs)
            app.try_again(found.stores)

        self.run("tick", work, lambda task: self._defect(task, "tick"))

    def put(self, queue: str, texts: list[str]) -> None:
        """Messages into a queue."""
        for text in texts:
            self.waiting += 1
            self._later(Message(queue, text, next(self._numbers)), self.chance.uniform(0.01, 2.0))

    def _later(self, message: Message, seconds: float) -> None:
        self.schedule.at(seconds, lambda: self._deliver(message))

    def _deliver(self, message: Message) -> None:
        process = self.anywhere()
        if process is None:
            self._later(message, 1)
            return
        message.tries += 1
        twice = not self.quiet and self.chance.random() < 0.03

        def work(app: Bridge) -> list[str]:
            if message.queue == "cycles":
                return app.run_cycle(message.text.encode())
            app.run_job(message.text.encode())
            return []

        def then(task: Task) -> None:
            if isinstance(task.error, Death):
                self._back(message, LEASE if self.chance.random() < 0.3 else AGAIN)
            elif task.error is not None:
                self._defect(task, message.queue)
                self._back(message, AGAIN)
            else:
                self.waiting -= 1
                self.put(message.queue, task.value)

        self.begin(process, f"{message.queue}#{message.number}", work, then)
        if twice:
            self.waiting += 1
            self._later(Message(message.queue, message.text, message.number, 1), self.chance.uniform(0.1, 60))

    def _back(self, message: Message, seconds: float) -> None:
        if message.tries >= TRIES:
            self.waiting -= 1
            self.poison.append(message)
        else:
            self._later(message, seconds)

    def _defect(self, task: Task, name: str) -> None:
        """What a function raised; the tables' silence may be raised, and what brings the message back by intent."""
        if task.error is not None and not isinstance(task.error, Death) and not _may_be_raised(task.error):
            self.defects.append(f"{name} raised {type(task.error).__name__}: {task.error}")

    def push(self, method: str, url: str, headers: Mapping[str, str], body: bytes, store: str) -> HttpResponse | None:
        """A request to the sync endpoint, for a caller that is a task; None where its process died."""
        while (process := self.anywhere()) is None:
            self.schedule.sleep(1)
        request = HttpRequest(method, url, headers, body)
        task = self.begin(
            process, f"push {method}", lambda app: app.sync_endpoint.handle(store, request), lambda _: None
        )
        self.schedule.join(task, 100)
        if not task.done or isinstance(task.error, Death):
            return None
        answer: HttpResponse = task.result()
        return answer


def _may_be_raised(error: BaseException) -> bool:
    return type(error).__name__ in ("TablesBusy", "_StillWritten", "LeaseLost")
