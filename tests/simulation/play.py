"""A history, played from its beginning to the end, and what was wrong with it."""

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import tests.simulation.bridge_acts as bridge_acts
import tests.simulation.entra_acts  # noqa: F401 - it registers its actions
from shared.rules.entra_connection import Scope
from shared.rules.run import RunKind
from tests.simulation.judging import checked
from tests.simulation.outside import Fault, Line
from tests.simulation.registry import ACTS
from tests.simulation.steps import History, Step
from tests.simulation.world import Plan, World

INTERVAL = 40 * 60.0
LONG = 600.0
"""Seconds; what waits for longer lets the timers run at its beginning and its end only."""
END = "at the end"


@dataclass
class Played:
    """What came of a history."""

    history: History
    world: World
    wrong: list[str] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)


class _Defects(logging.Handler):
    """Hears what the app logs as a defect of its own."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        told = record.getMessage()
        if told.startswith("defect ") or "A defect of the bridge" in told:
            self.found.append(told)


_DEFECTS = _Defects()
logging.getLogger("bridge").addHandler(_DEFECTS)
logging.getLogger("bridge").propagate = False
logging.getLogger("bridge").setLevel(logging.WARNING)


def play(history: History, tell: Callable[[str], None] | None = None) -> Played:
    """Play it. ``tell`` hears of each step and outside call, as a line for a person."""
    _DEFECTS.found.clear()
    scope = Scope.ALL_USERS if history.everybody else Scope.ASSIGNED
    world = World(
        Plan(
            history.seed,
            history.people,
            history.push,
            history.graph,
            scope,
            history.processes,
            history.strict,
            history.accounts,
        )
    )
    played = Played(history, world)
    if tell is not None:
        world.outside.told = lambda line: tell(_told(line))
    for number, step in enumerate(history.steps):
        if tell is not None:
            tell(f"{world.schedule.now():%d %b %H:%M:%S} step {number + 1}: {step}")
        _do(world, step)
        played.done[step.do] += 1
    if tell is not None:
        tell(f"{world.schedule.now():%d %b %H:%M:%S} {END}: no more faults")
    _end(world, history)
    played.wrong += checked(world)
    played.wrong += [f"the app told of a defect: {each}" for each in dict.fromkeys(_DEFECTS.found)]
    played.wrong += [f"a function failed: {each}" for each in dict.fromkeys(world.host.defects)]
    world.schedule.close()
    return played


def _told(line: Line) -> str:
    fault = f"   ← {line.fault}" if line.fault else ""
    return f"    {line.at:10.2f} {line.process:6} {line.task:14} {line.what}{fault}"


def _do(world: World, step: Step) -> None:
    world.outside.step(dict(step.faults), dict(step.zoho_faults), step.seed)
    world.outside.slow = step.slow
    world.host.chance = Random(step.seed)
    ACTS[step.do](world, step.a, step.b)
    world.observer.look()
    pass_time(world, step.wait)


def pass_time(world: World, seconds: float) -> None:
    """Let time pass, with the timers of each minute; of a long time with those of its two ends."""
    ends = world.schedule.seconds + seconds
    if seconds > LONG:
        world.schedule.run(60)
        world.host.tick()
        world.schedule.run(60)
        world.schedule.run_until(max(world.schedule.seconds, ends - 60))
        world.host.tick()
    while world.schedule.seconds + 60 <= ends:
        world.schedule.run(60)
        world.host.tick()
    world.schedule.run_until(ends)


def _end(world: World, history: History) -> None:
    """Faults stop, the store is started, and quiet cycles run."""
    world.outside.quiet = world.host.quiet = True
    world.outside.slow = 1.0
    world.host.chance = Random(history.seed)
    world.schedule.run(700)  # the leases of the dead end, and their messages come back
    if any(step.do == "revoke" for step in history.steps):
        bridge_acts.reconnect(world)
        world.schedule.run(60)
    bridge_acts.start(world)
    world.schedule.run(120)
    for _ in range(2):
        world.push()
        pass_time(world, INTERVAL + 60)
        if history.approves:
            bridge_acts.decide(world, approve=True)
            world.schedule.run(120)
    world.observer.quiet_since = world.schedule.now()
    for kind in (RunKind.FULL_CYCLE, RunKind.CYCLE, RunKind.FULL_CYCLE):
        bridge_acts.ask_cycle(world, kind)
        world.schedule.run(INTERVAL)


def cut(fault: Fault) -> bool:
    """Whether a fault ends a process."""
    return fault in (Fault.DIES_BEFORE, Fault.DIES_AFTER)
