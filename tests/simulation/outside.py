"""Every call that leaves a process, and what may go wrong with it."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from tests.simulation.schedule import Death, Schedule


class Fault(StrEnum):
    """What becomes of one outside call."""

    DIES_BEFORE = "dies before"
    DIES_AFTER = "dies after"
    UNSENT = "not reached"
    BUSY = "refused: busy"
    THROTTLED = "refused: too many"
    BUSY_DONE = "done, answered busy"
    LOST = "done, answer lost"
    LATE = "done after the time-out"
    LIE = "answered 200 with something else"
    LIE_DONE = "done, answered with something else"
    SLOW = "slow"


DEATHS = (Fault.DIES_BEFORE, Fault.DIES_AFTER)
LATE_BY = (5.0, 90.0)
"""Seconds after the caller gave up."""
SLOW_BY = (2.0, 40.0)


class Medium(Protocol):
    """What is called: how its failures look to the caller."""

    timeout: float
    """Seconds until the caller gives up."""

    def failure(self, fault: Fault) -> Any:
        """The answer that a fault gives, or raises what the client's library raises."""
        ...


@dataclass(frozen=True)
class Line:
    """One outside call, as the replay shows it."""

    at: float
    process: str
    task: str
    what: str
    fault: Fault | None


@dataclass
class Outside:
    """Where all calls pass. ``planned``: what becomes of the n-th call since the step began, ``of_zoho``: of the n-th
    call to Zoho One, of which there are few.
    """

    schedule: Schedule
    chance: random.Random
    planned: dict[int, Fault] = field(default_factory=dict)
    of_zoho: dict[int, Fault] = field(default_factory=dict)
    number: int = 0
    number_of_zoho: int = 0
    quiet: bool = False
    """Whether nothing goes wrong any more."""
    seen: Counter[str] = field(default_factory=Counter)
    cut: Counter[tuple[str, Fault]] = field(default_factory=Counter)
    cut_at: dict[str, float] = field(default_factory=dict)
    """When something last went wrong with each kind of call."""
    told: Callable[[Line], None] | None = None
    slow: float = 1.0
    """How many times the usual time calls take just now."""

    def step(self, planned: dict[int, Fault], of_zoho: dict[int, Fault], seed: int) -> None:
        """A step begins."""
        self.planned, self.number = dict(planned), 0
        self.of_zoho, self.number_of_zoho = dict(of_zoho), 0
        self.chance.seed(seed)

    def call(self, medium: Medium, what: str, act: Callable[[], Any]) -> Any:
        """One call: its effect, its answer, and the time it takes."""
        schedule = self.schedule
        schedule.check()
        fault = self._planned(what)
        self.seen[what] += 1
        if fault is not None:
            self.cut[what, fault] += 1
            self.cut_at[what] = schedule.seconds
        if self.told is not None:
            self._tell(what, fault)
        if fault is Fault.DIES_BEFORE:
            self._die()
        schedule.sleep(self._pause(fault))
        if fault in (None, Fault.SLOW):
            answer, error = self._tried(act)
        elif fault is Fault.DIES_AFTER:
            self._tried(act)
            self._die()
        else:
            answer, error = self._faulty(medium, fault, act)
        schedule.sleep(self._pause(None))
        if error is not None:
            raise error
        return answer

    def _planned(self, what: str) -> Fault | None:
        """What goes wrong with the call that is next."""
        self.number += 1
        fault = self.planned.pop(self.number, None)
        if what.startswith("zoho "):
            self.number_of_zoho += 1
            fault = self.of_zoho.pop(self.number_of_zoho, fault)
        return None if self.quiet else fault

    def _pause(self, fault: Fault | None) -> float:
        if fault is Fault.SLOW:
            return self.chance.uniform(*SLOW_BY)
        return self.slow * self.chance.uniform(0.002, 0.02)

    def _tried(self, act: Callable[[], Any]) -> tuple[Any, Exception | None]:
        try:
            return act(), None
        except Exception as error:
            return None, error

    def _faulty(self, medium: Medium, fault: Fault, act: Callable[[], Any]) -> tuple[Any, Exception | None]:
        if fault in (Fault.BUSY_DONE, Fault.LOST, Fault.LIE_DONE):
            self._tried(act)
        if fault is Fault.LATE:
            self.schedule.at(medium.timeout + self.chance.uniform(*LATE_BY), lambda: self._tried(act))
        if fault in (Fault.LATE, Fault.LOST):
            self.schedule.sleep(medium.timeout)
        return self._tried(lambda: medium.failure(fault))

    def _tell(self, what: str, fault: Fault | None) -> None:
        task = self.schedule.current
        who, name = (task.process.name, task.name) if task else ("-", "-")
        assert self.told is not None
        self.told(Line(self.schedule.seconds, who, name, what, fault))

    def _die(self) -> None:
        task = self.schedule.current
        assert task is not None  # calls are made by tasks
        self.schedule.kill(task.process)
        raise Death
