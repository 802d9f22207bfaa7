"""Measures the bridge on this machine: `python -m local.bench [--people 1000,10000] [--seconds N] [--json]`."""

import argparse
import json
import signal
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from local.bench.measure import measure
from local.bench.report import print_report
from local.processes import ChildFailedError, Processes

LONGEST = 20.0  # seconds; the generator's process has to be done within local.processes.START_PATIENCE


def main() -> int:
    """Measure and print. The exit status is 0 where every request was answered as it should be."""
    parser = argparse.ArgumentParser(prog="python -m local.bench", description=__doc__)
    parser.add_argument("--people", type=_sizes, default=(1_000, 10_000), help="in the store; several with commas")
    parser.add_argument("--members", type=_sizes, default=(1_000, 50_000), help="in a group; several with commas")
    parser.add_argument("--seconds", type=_seconds, default=5.0, help=f"of each timed run, at most {LONGEST:g}")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    folder = Path(tempfile.mkdtemp(prefix="bridge-bench-"))
    progress = Console(stderr=True)
    try:
        with Processes(folder) as processes, progress.status("starting") as status:
            figures = measure(processes, folder, arguments.people, arguments.members, arguments.seconds, status.update)
    except (ChildFailedError, FileNotFoundError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1
    if arguments.json:
        print(json.dumps(figures.described(), indent=2))
    else:
        print_report(figures, Console())
    return 1 if any(rate.refused for rate in figures.rates) else 0


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
