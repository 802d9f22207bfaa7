"""Cycles in a process of their own: `python -m local.bench.cycle_process STORE KIND TIMES`, with the app's settings.

It says in a line of JSON that it begins, and in another one how they went; then it waits to be ended. Of several the
first is not reported: it opens connections and fetches tokens, which a worker process does once in an hour.
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
    """How one cycle went."""

    seconds: float
    steps: dict[str, float]
    """Seconds of each step that the cycle reports."""
    calls: dict[str, int]
    """To Graph, to Zoho One and to the tables."""
    results: dict[str, int]
    """People by what became of them."""
    errors: tuple[str, ...]
    cpu_seconds: float
    """Of this process."""


@dataclass
class Steps:
    """How long each step of a cycle lasts, by what it reports."""

    seconds: dict[str, float] = field(default_factory=dict)
    _name: str = "beginning"
    _since: float = field(default_factory=time.perf_counter)

    def __call__(self, name: str, *_: int) -> None:
        """Hear a report. The last step ends with the cycle."""
        now = time.perf_counter()
        self.seconds[self._name] = self.seconds.get(self._name, 0.0) + now - self._since
        self._name, self._since = name, now


def run_one(bridge: Bridge, store: str, kind: RunKind) -> CycleRun:
    """Run one cycle."""
    steps, started, cpu = Steps(), time.perf_counter(), time.process_time()
    with counted() as calls:  # also those that come after the run's own record of them
        run = bridge.reconciler.cycles.run(CycleRequest(store=store, kind=kind, asked_by="bench"), steps).run
    steps("end", 0, 0)
    results = {str(result): count for result, count in run.results.items()}
    errors = (*run.errors, *(() if run.state == "done" else (f"The cycle is {run.state}",)))
    spent, used = time.perf_counter() - started, time.process_time() - cpu
    return CycleRun(spent, steps.seconds, calls.taken(), results, errors, used)


def main() -> None:
    """Run what the command line says."""
    store, kind, times = sys.argv[1:]
    bridge = Bridge(Settings())  # pydantic-settings reads the environment
    print(json.dumps({"store": store}), flush=True)
    runs = [asdict(run_one(bridge, store, RunKind(kind))) for _ in range(int(times))]
    print(json.dumps({"runs": runs[1:] or runs}), flush=True)
    threading.Event().wait()  # so that what it used can be looked up


if __name__ == "__main__":
    main()
