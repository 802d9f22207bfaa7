"""Cycles in a process of their own: `python -m local.bench.cycle_process STORE KIND TIMES`, with the app's settings.

It prints one line of JSON when it starts and another one with the results; then it waits to be ended. Of several cycles
the first is not reported: it opens connections and fetches tokens, which a worker process does once an hour.
"""

import json
import sys
import threading
import time
from dataclasses import asdict, dataclass, field

from shared.app.container import Bridge
from shared.calls import counted
from shared.rules.run import RunKind
from shared.settings import Settings
from shared.sync.cycle_note import CycleRequest


@dataclass(frozen=True)
class CycleRun:
    """The measurements of one cycle."""

    seconds: float
    steps: dict[str, float]
    """Seconds of each step that the cycle reports."""
    calls: dict[str, int]
    """Calls to Graph, to Zoho One and to the tables."""
    results: dict[str, int]
    """People by result."""
    errors: tuple[str, ...]
    cpu_seconds: float
    """Processor time of this process."""


@dataclass
class Steps:
    """The duration of each step of a cycle, from its progress reports."""

    seconds: dict[str, float] = field(default_factory=dict)
    _name: str = "beginning"
    _since: float = field(default_factory=time.perf_counter)

    def tell(self, step: str, done: int = 0, of: int = 0) -> None:  # noqa: ARG002 - it counts seconds
        """Receive a step. The last one ends with the cycle."""
        now = time.perf_counter()
        self.seconds[self._name] = self.seconds.get(self._name, 0.0) + now - self._since
        self._name, self._since = step, now


def run_one(bridge: Bridge, store: str, kind: RunKind) -> CycleRun:
    """Run one cycle."""
    steps, started, cpu = Steps(), time.perf_counter(), time.process_time()
    with counted() as calls:  # also those that follow the run's own record of them
        run = bridge.cycles.run(CycleRequest(store=store, kind=kind, asked_by="bench"), steps).run
    steps.tell("end")
    results = {str(result): count for result, count in run.results.items()}
    errors = (*run.errors, *(() if run.state == "done" else (f"The cycle is {run.state}",)))
    spent, used = time.perf_counter() - started, time.process_time() - cpu
    return CycleRun(spent, steps.seconds, calls.taken(), results, errors, used)


def main() -> None:
    """Run the cycles named on the command line."""
    store, kind, times = sys.argv[1:]
    bridge = Bridge(Settings())  # pydantic-settings reads the environment
    print(json.dumps({"store": store}), flush=True)
    runs = [asdict(run_one(bridge, store, RunKind(kind))) for _ in range(int(times))]
    print(json.dumps({"runs": runs[1:] or runs}), flush=True)
    threading.Event().wait()  # so that its resource usage can be read


if __name__ == "__main__":
    main()
