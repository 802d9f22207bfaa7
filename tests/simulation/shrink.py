"""The shortest history that still fails as a longer one did."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.simulation.play import play
from tests.simulation.steps import History, Step

_IDS = re.compile(
    r"[0-9a-f]{8}-[0-9a-f-]{27}|z\d{31}|[0-9a-f]{32}|\d[\d:. +-]*|'(?!true|false|in'|out')[^']*'|renamed\d+|new\d+"
)


def kind_of(wrong: str) -> str:
    """What is wrong, whoever it is about."""
    return _IDS.sub("…", wrong)


def still_wrong(history: History, kind: str) -> bool:
    """Whether a history fails in this way."""
    return any(kind_of(each) == kind for each in play(history).wrong)


def shortest(history: History, kind: str, seconds: float = 60.0) -> History:
    """The shortest that is found in that time."""
    ends = time.monotonic() + seconds

    def better(candidates: Callable[[History], Iterator[History]], now: History) -> History:
        found = True
        while found:
            found = False
            for candidate in candidates(now):
                if time.monotonic() > ends:
                    return now
                if still_wrong(candidate, kind):
                    now, found = candidate, True
                    break
        return now

    history = _without_runs(history, kind, ends)
    return better(_simpler, better(_without_one, better(_simpler, history)))


def _without_runs(history: History, kind: str, ends: float) -> History:
    """Without long runs of steps, as far as they do not matter."""
    size = len(history.steps) // 2
    while size and time.monotonic() < ends:
        start = len(history.steps) - size
        while start > -size and time.monotonic() < ends:
            steps = history.steps[: max(0, start)] + history.steps[start + size :]
            candidate = history.with_steps(steps)
            if len(steps) < len(history.steps) and still_wrong(candidate, kind):
                history = candidate
            start -= size
        size //= 2
    return history


def _without_one(history: History) -> Iterator[History]:
    for place in reversed(range(len(history.steps))):
        yield history.with_steps(history.steps[:place] + history.steps[place + 1 :])


def _simpler(history: History) -> Iterator[History]:
    if history.processes > 1:
        yield replace(history, processes=1)
    for place, step in enumerate(history.steps):
        for simpler in _simpler_steps(step):
            yield history.with_steps((*history.steps[:place], simpler, *history.steps[place + 1 :]))


def _simpler_steps(step: Step) -> Iterator[Step]:
    if step.slow != 1:
        yield replace(step, slow=1.0)
    for number in range(len(step.faults)):
        yield replace(step, faults=step.faults[:number] + step.faults[number + 1 :])
    for number in range(len(step.zoho_faults)):
        yield replace(step, zoho_faults=step.zoho_faults[:number] + step.zoho_faults[number + 1 :])
    if step.wait > 2460:
        yield replace(step, wait=2460.0)
    if step.wait not in (2460.0, 0.0):
        yield replace(step, wait=2460.0)
