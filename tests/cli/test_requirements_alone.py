"""Each command that the pages name runs with the packages of requirements.txt and nothing else."""

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from itertools import zip_longest
from pathlib import Path
from typing import Any

import requests
from rich.console import Console
from rich.table import Table

from cli.__main__ import parser
from cli.cycles import runs_table
from local.processes import ROOT
from shared.rules.change import ChangeKind
from shared.rules.mapping.mapping import DEFAULT_MAPPING
from shared.rules.run import Result, Run, RunKind, RunState

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
GROUP = "00000000-0000-0000-0000-00000000000b"
REFUSED = {"approve", "discard", "scim-token"}
"""Refused with a sentence here, where no plan is held and no token is given: test_cycles.py has both.
"""

# One process for all, because each would need a second to import the app.
RUN_ALL = """
import contextlib, io, json, sys
from cli.__main__ import main

found = []
for words in json.load(sys.stdin):
    told = io.StringIO()
    with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
        status = main(words)
    found.append([status, told.getvalue()])
json.dump(found, sys.stdout)
"""
ORDER = [
    *("mapping", "reencrypt", "plan", "sync", "runs", "approve", "discard", "proposals", "unmanaged", "decide"),
    *("provision", "stop", "backup", "observe", "scim-token", "probe", "start"),
]


def _documented() -> Iterator[list[str]]:
    """The words after `python -m cli`, in blocks, in tables and by way of administer.sh."""
    for page in PAGES:
        text = page.read_text().replace("\\\n", " ")
        for line in re.findall(r"python -m cli (.+?)[`\n]", text):
            yield shlex.split(line)
        for line in re.findall(r"administer\.sh [^\n`]*? -- (.+?)[`\n]", text):
            yield shlex.split(line)
        for line in re.findall(
            r"`((?:start|stop|runs|approve|discard|proposals|decide|unmanaged) --store [^`]+)`", text
        ):
            yield shlex.split(line)


COMMANDS = sorted({shlex.join(words) for words in _documented() if not {"COMMAND", "…"} & {*words}})


def test_every_command_is_documented() -> None:
    commands = next(action for action in parser()._actions if action.dest == "command").choices
    assert {words.split()[0] for words in COMMANDS} == set(commands or ())


def _python(*command: Path | str, said: str = "") -> subprocess.CompletedProcess[str]:
    environment = {"COLUMNS": "80", "PATH": "/usr/bin:/bin"}
    return subprocess.run(
        command, cwd=ROOT, env=environment, input=said, capture_output=True, text=True, timeout=120, check=False
    )


def test_the_environment_holds_nothing_else(alone: Path) -> None:
    missing = [name for name in ("pytest", "uvicorn", "psutil", "azure.storage.queue") if not _has(alone, name)]
    assert missing == ["pytest", "uvicorn", "psutil", "azure.storage.queue"]
    assert _has(alone, "azure.data.tables")


def _has(python: Path, module: str) -> bool:
    return _python(python, "-c", f"import {module}").returncode == 0


def test_each_documented_command_runs(served: dict[str, Any], alone: Path, tmp_path: Path) -> None:
    served = served | {"person": _prepared(served)}
    lines = sorted(COMMANDS, key=lambda line: (ORDER.index(line.split()[0]), line))
    words = [list(_filled(shlex.split(line), served, tmp_path)) for line in lines]
    done = _python(alone, "-c", RUN_ALL, said=json.dumps(words))
    assert done.returncode == 0, done.stderr
    for line, (status, told) in zip(lines, json.loads(done.stdout), strict=True):
        if line.split()[0] in REFUSED:
            assert (status, "Traceback" in told) == (1, False), (line, told)
        else:
            assert status == 0, (line, told)


def _filled(words: list[str], served: dict[str, Any], folder: Path) -> Iterator[str]:
    """With the names of what is there in the place of the pages' own."""
    (folder / "mapping.json").write_text(DEFAULT_MAPPING.model_dump_json())
    (folder / "decided.csv").write_text("person,account,decision\n")
    known = {
        "contoso": served["store"],
        "STORE": served["store"],
        "<store>": served["store"],
        "local.settings.json": served["settings"],
        "FILE": str(folder / "mapping.json"),
        "decided.csv": str(folder / "decided.csv"),
    }
    known |= {name: str(folder / name) for name in words if name.endswith(".gz")}
    if "provision" in words:
        known |= dict(zip(_ids(words), (served["person"], GROUP), strict=False))
    yield from (known.get(word, word) for word in words)
    if "--settings" not in words and not {"check", "eval"} & {*words}:
        yield from ("--settings", served["settings"])


def _prepared(served: dict[str, Any]) -> str:
    """A person, and a group of theirs that the next cycle brings over."""
    url = served["graph"].removesuffix("/v1.0")
    person: str = requests.get(f"{url}/_state", timeout=10).json()["users"][0]["id"]
    actions = [{"do": "put group", "id": GROUP, "members": [person]}, {"do": "assign group", "id": GROUP}]
    assert requests.post(f"{url}/_people", json=actions, timeout=10).status_code == 204
    return person


def _ids(words: list[str]) -> list[str]:
    return [word for word in words if re.fullmatch(r"[0-9a-f-]{36}", word)]


def test_what_is_told_fits_into_80_columns(served: dict[str, Any], alone: Path) -> None:
    done = _python(alone, "-m", "cli", "runs", "--store", served["store"], "--settings", served["settings"])
    assert done.returncode == 0, done.stderr
    assert max(len(line) for line in done.stdout.splitlines()) <= 80
    table = _table_of_everything()
    console = Console(width=80, file=StringIO(), record=True)
    console.print(table)
    told = console.export_text()
    for whole in (*ChangeKind, *RunKind, *RunState, *Result, "anna@contoso.example", "23:59:59"):
        assert whole in told, told


def _table_of_everything() -> Table:
    """One run of each kind, with counts as long as they get."""
    begun = datetime(2026, 11, 27, 23, 59, 59, tzinfo=UTC)
    run = Run(
        id="0251-ab",
        store="contoso",
        kind=RunKind.CYCLE,
        asked_by="anna@contoso.example",
        started=begun,
        ended=begun + timedelta(minutes=29),
        planned=dict.fromkeys(ChangeKind, 99999),
        groups=dict.fromkeys(ChangeKind, 99999),
        results=dict.fromkeys(Result, 99999),
        calls={"graph": 99999, "zoho": 99999, "tables": 999999},
    )
    states = zip_longest(RunKind, RunState, fillvalue=None)
    return runs_table([run.model_copy(update={"kind": kind or run.kind, "state": state}) for kind, state in states])
