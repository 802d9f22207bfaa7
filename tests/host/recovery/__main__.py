"""`python -m tests.host.recovery [--fault "host killed"] [--at-once 2]`: measure, and print the table.

The status is 1 where work went on later than three minutes after a fault, or something is not as it should be.
"""

import argparse
import os
import platform
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from tests.host.recovery.measure import FAULTS, Measured, Recovery, measure
from tests.host.recovery.works import WORKS


def main() -> int:
    """What was asked for on the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.host.recovery", description=__doc__)
    parser.add_argument("--fault", action="append", choices=list(FAULTS), help="these only")
    parser.add_argument(
        "--at-once", type=int, default=2, help="faults measured at the same time, each on parts of its own"
    )
    arguments = parser.parse_args()
    logs = Path(tempfile.mkdtemp(prefix="recovery-"))
    found: list[Measured] = []
    with ThreadPoolExecutor(arguments.at_once) as pool:
        chosen = arguments.fault or list(FAULTS)
        for measured in pool.map(lambda fault: measure(fault, logs / fault.replace(" ", "-")), chosen):
            print(_row(measured), flush=True)
            found.append(measured)
    print(f"\n{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} processors, {platform.platform()}\n")
    print(f"| fault | {' | '.join(work.what for work in WORKS)} | load |\n|{' --- |' * (len(WORKS) + 2)}")
    for measured in found:
        print(_row(measured))
    violations = [f"VIOLATION after {each.fault}: {wrong}" for each in found for wrong in each.wrong]
    print("\n".join(["", *violations]))
    return 1 if violations else 0


def _row(measured: Measured) -> str:
    cells = (_cell(measured.works[work.name]) for work in WORKS)
    return f"| {measured.fault} | {' | '.join(cells)} | {measured.load:.1f} |"


def _cell(recovery: Recovery) -> str:
    """When it went on; in brackets, when it was done."""
    if recovery.told:
        return f"told after {recovery.done:.0f} s"
    gone_on, done = (f"{each:.0f} s" if each is not None else "not" for each in (recovery.gone_on, recovery.done))
    return gone_on if gone_on == done else f"{gone_on} ({done})"


if __name__ == "__main__":
    sys.exit(main())
