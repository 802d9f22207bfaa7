"""`python -m local plan|sync|provision|start|stop|runs|approve|discard --store S`: the reconciler from a terminal.

They work on the storage that the settings name: the environment's, or those of a file like local.settings.json.
"""

import argparse
import getpass
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from shared.bridge import Bridge
from shared.directory.held_plan import CannotBecome
from shared.directory.on_demand import StepFound
from shared.directory.plan_report import as_json, as_markdown, as_text
from shared.directory.run import Result, Run, RunKind, RunState
from shared.directory.store import Store
from shared.entra.errors import GraphError
from shared.provisioning.cycle import NotNow
from shared.provisioning.cycle_note import CycleRequest
from shared.provisioning.decisions import NothingHeld
from shared.provisioning.on_demand import CannotProvision
from shared.provisioning.one_cycle import Done
from shared.provisioning.start import CannotStart
from shared.settings import Settings, SettingsWrong, read_settings
from shared.tables.errors import Changed, TablesError
from shared.zoho.errors import ZohoError

FINE, FAILED, HELD, NOT_NOW = 0, 1, 3, 4
"""Exit statuses; 2 is argparse's, for a command that is not understood."""

_out, _err = Console(), Console(stderr=True)


class NoSuchStore(Exception):
    """The message names it."""


_TOLD = (SettingsWrong, NoSuchStore, CannotStart, CannotProvision, NothingHeld, CannotBecome, GraphError, ZohoError)
"""Errors whose own words say what to do."""


def add_cycle_commands(commands: Any) -> None:
    """Let a parser know the commands. ``commands``: what argparse's add_subparsers gives."""
    plan = _command(commands, "plan", "show what the next cycle would do; nothing is changed")
    plan.add_argument("--format", choices=("text", "markdown", "json"), default="text")
    sync = _command(commands, "sync", "run a cycle now")
    sync.add_argument("--full", action="store_true", help="compare everybody in Zoho One too")
    provision = _command(commands, "provision", "provision up to five people now, showing each step")
    provision.add_argument("people", nargs="*", metavar="OBJECT-ID", help="of a user in Entra")
    provision.add_argument("--group", metavar="OBJECT-ID", help="of a group in Entra; the people are members of it")
    _command(commands, "start", "test the connection, then start provisioning")
    _command(commands, "stop", "stop provisioning")
    runs = _command(commands, "runs", "list the last runs")
    runs.add_argument("--count", type=int, default=10)
    for name, text in (("approve", "let the next cycle apply the held plan"), ("discard", "discard the held plan")):
        _command(commands, name, text).add_argument("--plan", help="its id; the one that is held unless given")


def _command(commands: Any, name: str, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text)
    parser.add_argument("--store", required=True, help="the directory store's id")
    parser.add_argument("--settings", type=Path, help="a file like local.settings.json; else the environment counts")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def run_cycle_command(arguments: argparse.Namespace) -> int:
    """Carry one out; the exit status."""
    try:
        bridge = Bridge(_settings(arguments.settings))
        return CYCLE_COMMANDS[arguments.command](bridge, _store(bridge, arguments.store), arguments)
    except NotNow as reason:
        _err.print(str(reason), markup=False)
        return NOT_NOW
    except _TOLD as error:
        _err.print(str(error), markup=False)
        return FAILED
    except Changed:
        _err.print("Somebody else decided at the same moment: look again")
        return FAILED
    except (TablesError, OSError, ValueError) as error:
        _err.print(f"{type(error).__name__}: {error}", markup=False)
        return FAILED


def _store(bridge: Bridge, store_id: str) -> Store:
    store = bridge.stores.read(store_id)
    if store is None:
        raise NoSuchStore(f"there is no directory store {store_id!r}")
    return store


def _settings(file: Path | None) -> Settings:
    if file is not None:
        os.environ |= {name: str(value) for name, value in json.loads(file.read_text())["Values"].items()}
    return read_settings()


def _plan(bridge: Bridge, store: Store, arguments: argparse.Namespace) -> int:
    with _err.status("reading Entra, without keeping anything"):
        preview = bridge.reconciler.dry_run(store)
    written = {"text": as_text, "markdown": as_markdown, "json": as_json}
    form = "json" if arguments.json else arguments.format
    sys.stdout.write(written[form](preview.plan, preview.breaches))
    for trouble in preview.troubles:
        _err.print(trouble, markup=False)
    return HELD if preview.breaches else FINE


def _sync(bridge: Bridge, store: Store, arguments: argparse.Namespace) -> int:
    kind = RunKind.FULL_CYCLE if arguments.full else RunKind.CYCLE
    request: CycleRequest | None = CycleRequest(store=store.id, kind=kind, asked_by=_who())
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=_err, transient=True) as progress:
        task = progress.add_task("starting", total=None)
        while request is not None:
            done: Done = bridge.reconciler.cycles.run(
                request,
                lambda step, done, of: progress.update(task, description=step, completed=done, total=of or None),
            )
            request = done.goes_on
    if arguments.json:
        print(done.run.model_dump_json(indent=2))
    else:
        _out.print(_table([done.run]))
        for told in (*done.run.findings, *done.run.errors):
            _out.print(told, markup=False)
    return _status_of(done.run)


def _provision(bridge: Bridge, store: Store, arguments: argparse.Namespace) -> int:
    def show(person: str, found: StepFound) -> None:
        mark = "[green]✓[/]" if found.passed else "[red]✗[/]"
        _out.print(f"{mark} {person} {found.step}: {escape(found.told)}")
        for name, value in found.details:
            _out.print(f"      {name}: {value}", markup=False, highlight=False)

    tell = (lambda *_: None) if arguments.json else show
    reconciler = bridge.reconciler
    if arguments.group:
        run, reports = reconciler.group_on_demand.provision(store, arguments.group, arguments.people, _who(), tell)
    else:
        run, reports = reconciler.on_demand.provision(store, arguments.people, _who(), tell)
    if arguments.json:
        print(json.dumps([report.model_dump(mode="json") for report in reports], ensure_ascii=False, indent=2))
    failed = run.state is RunState.FAILED or any(not step.passed for report in reports for step in report.steps)
    return FAILED if failed else FINE


def _start(bridge: Bridge, store: Store, arguments: argparse.Namespace) -> int:
    report = bridge.switch.start(store)
    steps = [{"step": taken.step, "ms": round(taken.seconds * 1000)} for taken in report.steps]
    _say(arguments, {"store": store.id, "started": True, "steps": steps}, f"Provisioning of {store.id} is started.")
    return FINE


def _stop(bridge: Bridge, store: Store, arguments: argparse.Namespace) -> int:
    bridge.switch.stop(store)
    _say(arguments, {"store": store.id, "started": False}, f"Provisioning of {store.id} is stopped.")
    return FINE


def _runs(bridge: Bridge, store: Store, arguments: argparse.Namespace) -> int:
    found = bridge.reconciler.runs.newest(store.id, arguments.count)
    if arguments.json:
        print(json.dumps([run.model_dump(mode="json") for run in found], indent=2))
    else:
        _out.print(_table(found))
    return FINE


def _approve(bridge: Bridge, store: Store, arguments: argparse.Namespace) -> int:
    return _decide(bridge, store, arguments, approve=True)


def _discard(bridge: Bridge, store: Store, arguments: argparse.Namespace) -> int:
    return _decide(bridge, store, arguments, approve=False)


def _decide(bridge: Bridge, store: Store, arguments: argparse.Namespace, *, approve: bool) -> int:
    newest = bridge.reconciler.held_plans.newest(store.id)
    if newest is None:
        raise NothingHeld
    decisions, plan = bridge.reconciler.decisions, arguments.plan or newest.held.id
    held = (decisions.approve if approve else decisions.discard)(store.id, plan, _who()).held
    _say(arguments, held.model_dump(mode="json"), f"The plan {held.id} is {held.state}.")
    return FINE


CYCLE_COMMANDS: dict[str, Callable[[Bridge, Store, argparse.Namespace], int]] = {
    "plan": _plan,
    "sync": _sync,
    "provision": _provision,
    "start": _start,
    "stop": _stop,
    "runs": _runs,
    "approve": _approve,
    "discard": _discard,
}


def _say(arguments: argparse.Namespace, content: object, text: str) -> None:
    if arguments.json:
        print(json.dumps(content, indent=2))
    else:
        _out.print(text, markup=False)


def _status_of(run: Run) -> int:
    if run.state is RunState.HELD:
        return HELD
    whole = run.state is RunState.DONE and not (run.results.keys() - {Result.DONE})
    return FINE if whole else FAILED


def _table(runs: list[Run]) -> Table:
    table = Table("started (UTC)", "kind", "asked by", "state", "planned", "groups", "results", "calls", "seconds")
    for run in runs:
        table.add_row(
            f"{run.started:%Y-%m-%d %H:%M:%S}",
            run.kind,
            escape(run.asked_by),
            run.state,
            _counts(run.planned),
            _counts(run.groups),
            _counts(run.results),
            _counts(run.calls),
            f"{run.duration.total_seconds():.1f}" if run.duration else "–",
        )
    return table


def _counts(counts: dict[Any, int]) -> str:
    return "\n".join(f"{count} {name}" for name, count in counts.items()) or "–"


def _who() -> str:
    """Who asked, for the record."""
    return f"{getpass.getuser()} (terminal)"
