"""How many histories it takes to notice each cure taken back: `python -m tests.simulation.mutations [NAME…]`.

A history that fails with the cure in place too says nothing of it, and is left out.
"""

import argparse
import re
import subprocess
import sys
import time

from tests.simulation.mutations import MUTATIONS

_FAILS = re.compile(r"seed (\d+) fails after (\d+) histories:\n  (.*)")
_PLAYED = re.compile(r"^(\d+) histories in", re.MULTILINE)


def main() -> int:
    """Try them one after the other; 1 where one was not noticed."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.mutations", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*MUTATIONS, []], metavar="NAME")
    parser.add_argument("--histories", type=int, default=5000, help="at most so many for each")
    parser.add_argument("--seconds", type=float, default=3600, help="at most so long for each")
    arguments = parser.parse_args()
    missed = 0
    for name in arguments.names or MUTATIONS:
        began = time.monotonic()
        played, wrong = _noticed(name, arguments.histories, began + arguments.seconds)
        missed += wrong is None
        told = f"not noticed in {played}" if wrong is None else f"after {played} histories: {wrong[:90]}"
        print(f"{name:22} {told}   ({time.monotonic() - began:.0f} s)", flush=True)
    return 1 if missed else 0


def _noticed(name: str, most: int, ends: float) -> tuple[int, str | None]:
    """How many histories were played, and what the last one found."""
    played = 0
    while played < most and time.monotonic() < ends:
        limits = ("--histories", str(most - played), "--seconds", f"{ends - time.monotonic():.0f}")
        told = _told("--start", str(played), *limits, "--patience", "0", "--wild", "--mutation", name)
        found, count = _FAILS.search(told), _PLAYED.search(told)
        assert count, told  # it ended by an error of its own
        played += int(count[1])
        if found is None:
            break
        if f"WRONG: {found[3]}" not in _told("--wild", "--seed", found[1]):
            return played, f"seed {found[1]} {found[3]}"
    return played, None


def _told(*arguments: str) -> str:
    command = [sys.executable, "-m", "tests.simulation", *arguments]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    return run.stdout + run.stderr


if __name__ == "__main__":
    sys.exit(main())
