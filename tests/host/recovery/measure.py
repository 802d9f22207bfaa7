"""One fault, and how long each kind of work took to go on after it."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from local.processes import ChildFailedError
from tests.host.recovery.parts import ENDS_WITHIN, PLATFORM_SECONDS, Parts, parts, until
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
    ending = parts.host.process
    ending.send(signal.SIGTERM)
    parts.start_host()
    until(lambda: not ending.is_running, ENDS_WITHIN, "the host ends after SIGTERM")


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


FAULTS: dict[str, tuple[Callable[[Parts], None], bool]] = {
    # what happens, and whether it is an outage, from whose end the time counts
    "worker killed": (_worker_killed, False),
    "host killed": (_host_killed, False),
    "SIGTERM": (_terminated, False),
    "storage away": (_storage_away, True),
    "Zoho One away": (_zoho_one_away, True),
}


def measure(fault: str, logs: Path) -> Measured:
    """Begin all kinds of work, let the fault come, and watch. Takes three to seven minutes, most of them waiting."""
    try:
        return _measure(fault, logs)
    except (AssertionError, ChildFailedError, TimeoutError) as error:
        wrong = [f"it could not be measured: {error!r}", f"logs in {logs}"]
        return Measured(fault, {work.name: Recovery() for work in WORKS}, wrong, os.getloadavg()[0])


def _measure(fault: str, logs: Path) -> Measured:
    logs.mkdir(parents=True, exist_ok=True)
    strike, is_outage = FAULTS[fault]
    with parts(logs, tuple(work.name for work in WORKS)) as scene:
        works = [work(scene) for work in WORKS]
        for work in works:
            work.prepare()
        _everybody_moves(scene)
        scene.start_host()
        for work in works:
            work.begin()
        for work in works:
            work.strike()
        began = time.monotonic()
        strike(scene)
        if is_outage:
            began = time.monotonic()
            for work in works:
                work.calls_before = work.directory.calls()
        found = _watched(works, began)
        wrong = _wrong(scene, works, found)
        if wrong:
            wrong.append(f"logs in {logs}")
        return Measured(fault, found, wrong, os.getloadavg()[0])


def _everybody_moves(scene: Parts) -> None:
    state = scene.entra.control.get(f"{scene.entra.ready['url']}/_state", timeout=5).json()
    scene.entra.act(*({"do": "change", "id": user["id"], "values": {"jobTitle": TITLE}} for user in state["users"]))


def _watched(works: list[Work], began: float) -> dict[str, Recovery]:
    found = {work.name: Recovery() for work in works}
    open_works = list(works)
    while open_works and time.monotonic() - began < WATCHED:
        for work in list(open_works):
            recovery, now = found[work.name], time.monotonic() - began
            if recovery.gone_on is None and work.gone_on():
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
