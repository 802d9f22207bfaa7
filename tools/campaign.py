"""Everything that is too slow for `make test`, part after part: `make campaign [MINUTES=90]`.

Each part has a share of the minutes, and says what it ran and what it found. Properties and the simulation use their
share up, from other seeds each time; kills and measurements end when they are done. The status is 1 if there was a
violation anywhere, and 2 if a part had too little time to end: what it did not run is not proved.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Self

from local.processes import ROOT

DEFAULT_MINUTES = 90.0
FIRST_EXAMPLES = 100
"""Examples of each property in the first round; each further round has twice as many."""
ENDS_WITHIN = 30.0
"""Seconds from SIGINT, on which pytest says what it found so far, to SIGKILL."""
SEEDS = Path(".local/simulation.json")
"""Where the simulation notes its last seed, so that the next campaign goes on from there."""
FUZZER = "tests/security/test_fuzz.py"
COUNTS = re.compile(r"(\d+) (passed|failed|errors?|skipped)")


@dataclass(frozen=True)
class Outcome:
    """What a part found."""

    status: int
    """0: no violation; 1: a violation; 2: it was ended before it was done."""
    found: str


@dataclass(frozen=True)
class Part:
    """One part of the campaign."""

    name: str
    share: float
    """Of the minutes."""
    run: Callable[[float], Outcome]
    """Takes the seconds there are."""


def main() -> int:
    """Run all parts, and say what each found."""
    parser = argparse.ArgumentParser(prog="python -m tools.campaign", description=__doc__)
    parser.add_argument("--minutes", type=float, default=DEFAULT_MINUTES)
    parser.add_argument("--workers", default="2", help="pytest's processes")
    parser.add_argument("--part", action="append", help="these only")
    arguments = parser.parse_args()
    parts = [part for part in _parts(arguments.workers) if not arguments.part or part.name in arguments.part]
    outcomes, began = dict[str, Outcome](), time.monotonic()
    whole = sum(part.share for part in parts)
    for part in parts:
        seconds = arguments.minutes * 60 * part.share / whole
        print(f"\n== {part.name}: at most {seconds / 60:.0f} minutes", flush=True)
        since = time.monotonic()
        outcome = part.run(seconds)
        outcomes[f"{part.name}, {(time.monotonic() - since) / 60:.1f} min"] = outcome
    print(f"\n== the campaign, {(time.monotonic() - began) / 60:.0f} minutes")
    words = ("no violation", "VIOLATION", "NOT FINISHED")
    for name, outcome in outcomes.items():
        print(f"{name}: {words[outcome.status]}: {outcome.found}")
    statuses = {outcome.status for outcome in outcomes.values()}
    return 1 if 1 in statuses else max(statuses)


def _parts(workers: str) -> list[Part]:
    kills = partial(_tests, ["-n", workers, "--dist", "worksteal", "tests/faults", "tests/host/test_kills.py"])
    return [
        Part("properties", 0.15, partial(_properties, workers, ("--ignore", FUZZER, "tests"))),
        Part("fuzzer", 0.1, partial(_properties, workers, (FUZZER,))),
        Part("simulation", 0.2, _simulation),
        Part("kills", 0.3, kills),
        Part("recovery", 0.2, partial(_once, ["-m", "tests.host.recovery"])),
        Part("bench", 0.05, partial(_tests, ["-n", "1", "tests/local/test_bench.py"])),
    ]


def _properties(workers: str, where: tuple[str, ...], seconds: float) -> Outcome:
    """Rounds of the properties there, while the next one is expected to end in time."""
    ends, rounds, found = time.monotonic() + seconds, list[int](), ""
    for number in count():
        examples, since = FIRST_EXAMPLES * 2**number, time.monotonic()
        options = ["-n", workers, "--dist", "worksteal", "-m", "hypothesis", *where]
        environment = {"BRIDGE_CAMPAIGN_EXAMPLES": str(examples)}
        outcome = _tests(options, ends - time.monotonic() + ENDS_WITHIN, environment)
        if outcome.status == 2:
            if rounds:
                break  # a round that was begun in vain: those before it count
            return Outcome(2, f"the first round, of {examples} examples of each property, did not end: {outcome.found}")
        rounds.append(examples)
        found = outcome.found
        took = time.monotonic() - since
        if outcome.status or time.monotonic() + 2 * took > ends:
            return Outcome(outcome.status, f"{' + '.join(map(str, rounds))} examples of each property, last {found}")
    return Outcome(0, f"{' + '.join(map(str, rounds))} examples of each property, last {found}")


def _simulation(seconds: float) -> Outcome:
    """As many histories as there is time for."""
    command = ["-m", "tests.simulation", "--crowds", "--histories", "1000000000", "--seconds", str(int(seconds))]
    return _once([*command, "--go-on", str(SEEDS)], seconds + 2 * ENDS_WITHIN)


def _tests(options: list[str], seconds: float, environment: dict[str, str] | None = None) -> Outcome:
    """Tests in their long form; what failed is printed."""
    given = ["-m", "pytest", "-q", "--hypothesis-profile=campaign", "--timeout", "1800", *options]
    status, lines = _run(given, seconds, environment or {})
    last = next((line for line in reversed(lines) if COUNTS.search(line)), "nothing ran")
    last += "".join(f"; {line}" for line in lines if " processes killed" in line)
    if status == 0:
        return Outcome(0, last)
    failed = re.search(r"\d+ (failed|error)", last) is not None or status not in (2, -signal.SIGKILL)
    return Outcome(1 if failed else 2, last)


def _once(command: list[str], seconds: float) -> Outcome:
    """A program that says VIOLATION where it found one."""
    status, lines = _run(command, seconds, {})
    violations = [line for line in lines if "VIOLATION" in line]
    told = next((line for line in reversed(lines) if re.search(r"\d+ (histories|processors)", line)), "")
    if status == 0:
        return Outcome(0, told)
    if violations or status == 1:
        return Outcome(1, "; ".join(violations) or (lines[-1] if lines else "it printed nothing"))
    return Outcome(2, told)


def _run(command: list[str], seconds: float, environment: dict[str, str]) -> tuple[int, list[str]]:
    """Run Python, and show its output as it comes; the status, and the lines. It is ended when its time is over."""
    print(f"$ python {' '.join(command)}", flush=True)
    lines = []
    with (
        subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process,
        _Ending(process, seconds) as ending,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line.rstrip())
        status = process.wait()
    return (2 if ending.struck else status), lines


class _Ending:
    """Ends a process when its time is over: first so that it can say what it found, then in any case."""

    def __init__(self, process: subprocess.Popen[str], seconds: float) -> None:
        self._process, self.struck = process, False
        self._timers = [
            threading.Timer(max(seconds, 0), self._strike, [signal.SIGINT]),
            threading.Timer(max(seconds, 0) + ENDS_WITHIN, self._strike, [signal.SIGKILL]),
        ]

    def __enter__(self) -> Self:
        for timer in self._timers:
            timer.daemon = True
            timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        for timer in self._timers:
            timer.cancel()

    def _strike(self, by: signal.Signals) -> None:
        if self._process.poll() is None:
            self.struck = True
            os.killpg(self._process.pid, by)


if __name__ == "__main__":
    sys.exit(main())
