"""A cycle of the bridge, requested through the queue of the function host, and waited for."""

from dataclasses import dataclass
from time import monotonic, sleep

from rich.console import Console
from rich.markup import escape

from local.host.admin import fire
from shared.app.container import Bridge
from shared.rules.run import Run, RunState
from shared.sync.cycle_note import CycleRequest

PATIENCE = 60.0  # seconds until a requested cycle has ended


class CycleMissing(Exception):
    """The function host ran no cycle."""


@dataclass(frozen=True)
class RequestedCycle:
    """Runs cycles of one store, and shows what came of each."""

    host: str
    store: str
    bridge: Bridge
    console: Console

    def run(self) -> Run:
        """Request a cycle and wait for it. Raises CycleMissing."""
        runs = self.bridge.runs
        before = {run.id for run in runs.newest(self.store)}
        request = CycleRequest(store=self.store, asked_by="local admin")
        fire(self.host, "run_cycle", request.model_dump_json())
        gives_up = monotonic() + PATIENCE
        while monotonic() < gives_up:
            run = next((run for run in runs.newest(self.store) if run.id not in before), None)
            if run is not None and run.state is not RunState.RUNNING:
                self._print(run)
                return run
            sleep(0.1)
        raise CycleMissing("The function host ran no cycle in time")

    def _print(self, run: Run) -> None:
        changes = [f"{count} {kind}" for kind, count in run.planned.items()]
        changes += [f"{count} {kind} of a group with {run.members} members" for kind, count in run.groups.items()]
        planned = ", ".join(changes) or "nothing to change"
        seconds = run.duration.total_seconds() if run.duration else 0.0
        self.console.print(f"The {run.kind}: {run.state} after {seconds:.1f} s; {planned}.")
        for error in run.errors:
            self.console.print(f"[yellow]{escape(error)}[/]")
