"""`python -m cli plan|sync|provision|observe|start|stop|runs|approve|discard --store S`: cycles from a terminal."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from cli.terminal import FAILED, FINE, HELD, StoreCommand, add_store_command, err, operator, out, say
from shared.admin.switch import NEWEST
from shared.admin.zoho_check import ZohoReport
from shared.app.container import Bridge
from shared.rules.on_demand import StepFound
from shared.rules.plan_report import as_json, as_markdown, as_text
from shared.rules.run import Result, Run, RunKind, RunState
from shared.rules.store import Store
from shared.sync.cycle import Done
from shared.sync.cycle_note import CycleRequest
from shared.sync.guard.decisions import NothingHeld
from shared.sync.progress import SILENT, Steps


def add_cycle_commands(commands: Any) -> None:
    """Add the commands to a parser. ``commands``: the result of argparse's add_subparsers."""
    plan = _command(commands, "plan", _plan, "show what the next cycle would do; nothing is changed")
    plan.add_argument("--format", choices=("text", "markdown", "json"), default="text")
    sync = _command(commands, "sync", _sync, "run a cycle now")
    sync.add_argument("--full", action="store_true", help="compare everybody in Zoho One too")
    provision = _command(commands, "provision", _provision, "provision up to five people now, showing each step")
    provision.add_argument("people", nargs="*", metavar="OBJECT-ID", help="of a user in Entra")
    provision.add_argument("--group", metavar="OBJECT-ID", help="of a group in Entra; the people are members of it")
    _command(commands, "observe", _observe, "run cycles that plan and write nothing in Zoho One")
    start = _command(commands, "start", _start, "test the connection, then start provisioning")
    start.add_argument("--plan", default=NEWEST, help="id of the observed plan to start with; by default the last one")
    _command(commands, "stop", _stop, "stop provisioning")
    runs = _command(commands, "runs", _runs, "list the last runs")
    runs.add_argument("--count", type=int, default=10)
    approve = _command(commands, "approve", _approve, "let the next cycle apply the held plan")
    discard = _command(commands, "discard", _discard, "discard the held plan")
    for decision in (approve, discard):
        decision.add_argument("--plan", help="its id; by default the held one")


def _command(commands: Any, name: str, carry_out: StoreCommand, text: str) -> argparse.ArgumentParser:
    parser = add_store_command(commands, name, carry_out, text)
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _plan(bridge: Bridge, store: Store, arguments: argparse.Namespace) -> int:
    with err.status("reading Entra, without keeping anything"):
        preview = bridge.dry_run(store)
    written = {"text": as_text, "markdown": as_markdown, "json": as_json}
    form = "json" if arguments.json else arguments.format
    sys.stdout.write(written[form](preview.plan, preview.breaches))
    for trouble in preview.troubles:
        err.print(trouble, markup=False)
    return HELD if preview.breaches else FINE


def _sync(bridge: Bridge, store: Store, arguments: argparse.Namespace) -> int:
    kind = RunKind.FULL_CYCLE if arguments.full else RunKind.CYCLE
    request: CycleRequest | None = CycleRequest(store=store.id, kind=kind, asked_by=operator())
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task("starting", total=None)
        while request is not None:
            done: Done = bridge.cycles.run(request, _Bar(progress, task))
            request = done.goes_on
    if arguments.json:
        print(done.run.model_dump_json(indent=2))
    else:
        out.print(runs_table([done.run]))
        for sentence in (*done.run.findings, *done.run.errors):
            out.print(sentence, markup=False)
    return _status_of(done.run)


@dataclass(frozen=True)
class _Bar:
    """Shows the step that is under way."""

    progress: Progress
    task: TaskID

    def tell(self, step: str, done: int = 0, of: int = 0) -> None:
        """So much of it is done."""
        self.progress.update(self.task, description=step, completed=done, total=of or None)


class _Steps:
    """Prints the steps of provisioning on demand."""

    def step(self, person: str, found: StepFound) -> None:
        """A person's, or the group's."""
        mark = "[green]✓[/]" if found.passed else "[red]✗[/]"
        out.print(f"{mark} {person} {found.step}: {escape(found.told)}")
        for name, value in found.details:
            out.print(f"      {name}: {value}", markup=False, highlight=False)


def _provision(bridge: Bridge, store: Store, arguments: argparse.Namespace) -> int:
    steps: Steps = SILENT if arguments.json else _Steps()
    if arguments.group:
        run, reports = bridge.group_on_demand.provision(store, arguments.group, arguments.people, operator(), steps)
    else:
        run, reports = bridge.on_demand.provision(store, arguments.people, operator(), steps)
    if arguments.json:
        print(json.dumps([report.model_dump(mode="json") for report in reports], ensure_ascii=False, indent=2))
    failed = run.state is RunState.FAILED or any(not step.passed for report in reports for step in report.steps)
    return FAILED if failed else FINE


def _start(bridge: Bridge, store: Store, arguments: argparse.Namespace) -> int:
    report = bridge.switch.start(store, operator(), shown=arguments.plan)
    told = {"store": store.id, "started": True, "steps": _steps(report)}
    say(arguments, told, f"Provisioning of {store.id} is started.")
    return FINE


def _observe(bridge: Bridge, store: Store, arguments: argparse.Namespace) -> int:
    report = bridge.switch.observe(store, operator())
    told = {"store": store.id, "started": False, "observes": True, "steps": _steps(report)}
    say(arguments, told, f"Provisioning of {store.id} observes: nothing is written in Zoho One.")
    return FINE


def _steps(report: ZohoReport) -> list[dict[str, object]]:
    return [{"step": taken.step, "ms": round(taken.seconds * 1000)} for taken in report.steps]


def _stop(bridge: Bridge, store: Store, arguments: argparse.Namespace) -> int:
    bridge.switch.stop(store, operator())
    say(arguments, {"store": store.id, "started": False}, f"Provisioning of {store.id} is stopped.")
    return FINE


def _runs(bridge: Bridge, store: Store, arguments: argparse.Namespace) -> int:
    found = bridge.runs.newest(store.id, arguments.count)
    if arguments.json:
        print(json.dumps([run.model_dump(mode="json") for run in found], indent=2))
    else:
        out.print(runs_table(found))
    return FINE


def _approve(bridge: Bridge, store: Store, arguments: argparse.Namespace) -> int:
    return _decide(bridge, store, arguments, approve=True)


def _discard(bridge: Bridge, store: Store, arguments: argparse.Namespace) -> int:
    return _decide(bridge, store, arguments, approve=False)


def _decide(bridge: Bridge, store: Store, arguments: argparse.Namespace, *, approve: bool) -> int:
    newest = bridge.held_plans.newest(store.id)
    if newest is None:
        raise NothingHeld
    decisions, plan = bridge.decisions, arguments.plan or newest.held.id
    held = (decisions.approve if approve else decisions.discard)(store.id, plan, operator()).held
    say(arguments, held.model_dump(mode="json"), f"The plan {held.id} is {held.state}.")
    return FINE


def _status_of(run: Run) -> int:
    if run.state is RunState.HELD:
        return HELD
    if run.state is RunState.OBSERVED:
        return FAILED if run.errors else FINE
    whole = run.state is RunState.DONE and not (run.results.keys() - {Result.DONE})
    return FINE if whole else FAILED


def runs_table(runs: Sequence[Run]) -> Table:
    """Return a table that fits into 80 columns: related values share a column, one below the other."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("started (UTC)", no_wrap=True)
    table.add_column("run", max_width=28, overflow="fold")
    table.add_column("planned, done, called", overflow="fold")
    for run in runs:
        seconds = f" in {run.duration.total_seconds():.1f} s" if run.duration else ""
        asked = escape(run.asked_by)
        counts: dict[str, Mapping[Any, int]] = {
            "people": run.planned,
            "groups": run.groups,
            "results": run.results,
            "calls": run.calls,
        }
        table.add_row(
            f"{run.started:%Y-%m-%d %H:%M:%S}",
            f"{run.kind}: {run.state}{seconds}\n{asked}",
            "\n".join(f"{name}: {_counts(each)}" for name, each in counts.items() if each) or "–",
            end_section=True,
        )
    return table


def _counts(counts: Mapping[Any, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())
