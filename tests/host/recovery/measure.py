"""One fault, and how long each kind of work took to go on after it."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from local.processes import ChildFailedError
from tests.host.recovery.parts import PLATFORM_SECONDS, Parts, parts
from tests.host.recovery.works import TITLE, WORKS, Work

LIMIT = 180.0
"""Seconds within which work goes on after any fault."""
WATCHED = 420.0
"""Seconds that are waited until all is done."""
AWAY = 20.0
"""Seconds that storage or Zoho One is away."""


@dataclass
class Recovery:
    """Seconds from the fault, or from the end of an outage; None: not within the time that was watched."""

    gone_on: float | None = None
    done: float | None = None
    told: str | None = None
    """It is not gone on with: whoever asked for it was told this."""


@dataclass(frozen=True)
class Measured:
    """One fault."""

    fault: str
    works: dict[str, Recovery]
    wrong: list[str]
    """What is not as it should be afterwards."""
    load: float
    """The machine's, over the last minute, at the end."""


def _worker_killed(parts: Parts) -> None:
    parts.host.worker().kill()


def _host_killed(parts: Parts) -> None:
    parts.host.process.kill()
    time.sleep(PLATFORM_SECONDS)
    parts.start_host()


def _terminated(parts: Parts) -> None:
    parts.host.process.send(signal.SIGTERM)
    parts.start_host()


def _storage_away(parts: Parts) -> None:
    parts.storage_away.set()
    time.sleep(AWAY)
    parts.storage_away.clear()


def _zoho_one_away(parts: Parts) -> None:
    for directory in parts.directories.values():
        directory.zoho_one.fail(drop="before", times=10**6)
    time.sleep(AWAY)
    for directory in parts.directories.values():
        directory.zoho_one.forget_faults()


@dataclass(frozen=True)
class Fault:
    """What happens."""

    strike: Callable[[Parts], None]
    kills: bool = False
    is_outage: bool = False
    """The time counts from its end."""


FAULTS = {
    "worker killed": Fault(_worker_killed, kills=True),
    "host killed": Fault(_host_killed, kills=True),
    "SIGTERM": Fault(_terminated),
    "storage away": Fault(_storage_away, is_outage=True),
    "Zoho One away": Fault(_zoho_one_away, is_outage=True),
}


def measure(fault: str, logs: Path) -> Measured:
    """Begin all kinds of work, let the fault come, and watch. Takes three to seven minutes, most of them waiting."""
    try:
        return _measure(fault, logs)
    except (AssertionError, ChildFailedError, TimeoutError) as error:
        wrong = [f"it could not be measured: {error!r}", f"logs in {logs}"]
        return Measured(fault, {work.name: Recovery() for work in WORKS}, wrong, os.getloadavg()[0])


def _measure(name: str, logs: Path) -> Measured:
    logs.mkdir(parents=True, exist_ok=True)
    fault = FAULTS[name]
    with parts(logs, tuple(work.name for work in WORKS)) as scene:
        works = [work(scene) for work in WORKS]
        for work in works:
            work.prepare()
        _everybody_moves(scene)
        scene.start_host()
        for work in works:
            work.begin()
        for work in works:
            work.strike(kills=fault.kills)
        began = time.monotonic()
        fault.strike(scene)
        for work in works:
            work.struck()
        if fault.is_outage:
            began = time.monotonic()
        found = _watched(works, began)
        wrong = _wrong(scene, works, found)
        if wrong:
            wrong.append(f"logs in {logs}")
        return Measured(name, found, wrong, os.getloadavg()[0])


def _everybody_moves(scene: Parts) -> None:
    state = scene.entra.control.get(f"{scene.entra.ready['url']}/_state", timeout=5).json()
    scene.entra.act(*({"do": "change", "id": user["id"], "values": {"jobTitle": TITLE}} for user in state["users"]))


def _watched(works: list[Work], began: float) -> dict[str, Recovery]:
    found = {work.name: Recovery() for work in works}
    open_works = list(works)
    while open_works and time.monotonic() - began < WATCHED:
        for work in list(open_works):
            recovery, now = found[work.name], time.monotonic() - began
            if recovery.gone_on is None and (work.gone_on() or work.done()):
                recovery.gone_on = now
            if recovery.gone_on is not None and work.done():
                recovery.done, recovery.told = now, work.told
                open_works.remove(work)
        time.sleep(0.25)
    return found


def _wrong(scene: Parts, works: list[Work], found: dict[str, Recovery]) -> list[str]:
    wrong = []
    for work in works:
        recovery = found[work.name]
        if recovery.gone_on is None or recovery.gone_on > LIMIT:
            wrong.append(f"{work.what} went on after {recovery.gone_on} s")
        if recovery.done is None:
            wrong.append(f"{work.what} was not done within {WATCHED:.0f} s")
            continue
        try:
            work.check()
        except AssertionError as error:
            wrong.append(f"{work.what}: {error}")
    if "impaired" in (health := scene.health()):
        wrong.append(f"/health?ready says: {health}")
    return wrong
