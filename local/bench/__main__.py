"""Measures the bridge on this machine: `python -m local.bench [--only push|groups|cycle]`; `--help` shows more."""

import argparse
import json
import signal
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from local.bench.cycle_figures import CycleFigures
from local.bench.cycle_measure import Sizes, measure_cycles
from local.bench.cycle_report import print_cycle_report
from local.bench.figures import Figures
from local.bench.group_figures import GroupFigures
from local.bench.group_measure import measure_groups
from local.bench.group_report import print_group_report
from local.bench.measure import Tell, measure
from local.bench.report import print_report
from local.bench.scene import Scene
from local.processes import ChildFailedError, Processes

PARTS = ("push", "groups", "cycle")
LONGEST = 20.0  # seconds; the generator's process has to be done within local.processes.START_PATIENCE


def main() -> int:
    """Measure and print. The exit status is 0 if every request was answered and every cycle ran as expected."""
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    folder = Path(tempfile.mkdtemp(prefix="bridge-bench-"))
    progress = Console(stderr=True)
    try:
        with progress.status("starting") as status:
            wanted = {arguments.only} if arguments.only else set(PARTS)
            push = _push(arguments, folder, status.update) if "push" in wanted else None
            groups = _groups(arguments, folder, status.update) if "groups" in wanted else None
            cycles = _cycles(arguments, folder, status.update) if "cycle" in wanted else None
    except (ChildFailedError, FileNotFoundError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1
    if arguments.json:
        figures = zip(PARTS, (push, groups, cycles), strict=True)
        print(json.dumps({each: found.described() for each, found in figures if found}))
    else:
        _print(push, groups, cycles)
    return 1 if push and any(rate.refused for rate in push.rates) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.bench", description=__doc__)
    parser.add_argument("--only", choices=PARTS, help="measure one of the three")
    push = parser.add_argument_group("push")
    push.add_argument("--people", type=_sizes, default=(1_000, 10_000), help="in the store; several with commas")
    push.add_argument("--seconds", type=_seconds, default=5.0, help=f"of each timed run, at most {LONGEST:g}")
    groups = parser.add_argument_group("groups")
    groups.add_argument("--members", type=_sizes, default=(1_000, 50_000), help="in a group; several with commas")
    cycle = parser.add_argument_group("cycle")
    sizes = (100, 1_000, 10_000, 100_000)
    cycle.add_argument("--known", type=_sizes, default=sizes, help="people known to the store; several with commas")
    cycle.add_argument("--first-sync", type=int, default=5_000, help="people created by a first cycle")
    cycle.add_argument("--planned", type=int, default=20_000, help="people in the plan that is measured")
    cycle.add_argument("--accounts", type=int, default=100_000, help="accounts that are there before a first plan")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    return parser.parse_args()


def _push(arguments: argparse.Namespace, folder: Path, tell: Tell) -> Figures:
    with Processes(folder) as processes:
        return measure(processes, folder, arguments.people, arguments.seconds, tell)


def _groups(arguments: argparse.Namespace, folder: Path, tell: Tell) -> GroupFigures:
    with Processes(folder) as processes:
        return measure_groups(Scene(processes, folder), arguments.members, tell)


def _cycles(arguments: argparse.Namespace, folder: Path, tell: Tell) -> CycleFigures:
    return measure_cycles(
        folder, Sizes(arguments.known, arguments.first_sync, arguments.planned, arguments.accounts), tell
    )


def _print(push: Figures | None, groups: GroupFigures | None, cycles: CycleFigures | None) -> None:
    if push:
        print_report(push, Console())
    if groups:
        print_group_report(groups, Console())
    if cycles:
        print_cycle_report(cycles, Console())


def _sizes(text: str) -> tuple[int, ...]:
    sizes = tuple(sorted({int(size) for size in text.split(",")}))
    if sizes[0] < 1:
        raise ValueError(text)
    return sizes


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= LONGEST:
        raise ValueError(text)
    return seconds


if __name__ == "__main__":
    sys.exit(main())
