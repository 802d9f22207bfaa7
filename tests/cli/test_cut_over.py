"""docs/cut-over.md, played from its first command to its last: what the page says is what happens."""

import json
import os
import re
import shlex
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from unittest.mock import patch

import pytest

from cli.__main__ import main
from local.entra.people import PEOPLE
from local.parts import app_settings
from local.processes import ROOT
from shared.app.container import Bridge
from shared.rules.change import ChangeKind
from shared.rules.run import Result, Run, RunState
from shared.rules.store import Store
from tests.conftest import Entra, ZohoOne
from tests.in_memory import *  # noqa: F403 - fixtures, in the place of processes
from tests.sync.reconciled import Reconciled

STEP = re.compile(r"\$ \.venv/bin/python -m cli (.+)")
PEOPLE_HERE = [person for person in PEOPLE if person.account_enabled][:6]
COMMANDS = STEP.findall((ROOT / "docs/cut-over.md").read_text())


@pytest.fixture
def reconciled(reading_bridge: Bridge, store: Store, entra: Entra, zoho_one: ZohoOne) -> Reconciled:
    """A store that is stopped, with people for whom the wizard made accounts."""
    found = Reconciled.start(reading_bridge, store, entra, zoho_one, schedule=store.schedule.stopped())
    entra.act(*({"do": "unassign", "id": person.id} for person in PEOPLE if person not in PEOPLE_HERE))
    wizard = [
        {"userName": person.user_principal_name.upper(), "displayName": person.display_name, "active": True}
        for person in PEOPLE_HERE[:5]
    ]
    zoho_one.add(*wizard, {"userName": "service@contoso.example", "displayName": "A service", "active": True})
    return found


@pytest.fixture
def operator(reconciled: Reconciled, azurite: str, key: str, tmp_path: Path) -> Callable[[str], tuple[int, str]]:
    """Types a command of the page, for this store."""
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"Values": app_settings(azurite, key, reconciled.zoho_one.parts)}))
    known = {
        "contoso": reconciled.store_id,
        "local.settings.json": str(settings),
        "before.jsonl.gz": str(tmp_path / "before.jsonl.gz"),
    }

    def typed(command: str) -> tuple[int, str]:
        told = StringIO()
        with patch.dict(os.environ), redirect_stdout(told), redirect_stderr(told):
            status = main([known.get(word, word) for word in shlex.split(command)])
        return status, told.getvalue()

    return typed


def _written(reconciled: Reconciled) -> int:
    calls = reconciled.zoho_one.calls()
    return sum(count for call, count in calls.items() if not call.startswith("GET"))


def _last(reconciled: Reconciled) -> Run:
    (run,) = reconciled.bridge.runs.newest(reconciled.store_id, 1)
    return run


def test_the_page_is_played_in_its_order(reconciled: Reconciled, operator: Callable[[str], tuple[int, str]]) -> None:
    before, steps = reconciled.accounts(), iter(COMMANDS)

    def next_step(word: str) -> str:
        command = next(steps)
        assert command.startswith(word), f"the page has {command!r} here: play that"
        status, told = operator(command)
        assert status == 0, (command, told)
        return told

    # Before the day: a week of observing.
    assert "nothing is written" in next_step("observe")
    next_step("sync --full")
    seen = _last(reconciled)
    assert (seen.state, seen.planned) == (RunState.OBSERVED, {ChangeKind.ADOPT: 5, ChangeKind.CREATE: 1})
    assert "observed" in next_step("runs")
    # The day.
    next_step("stop")
    assert "exported" in next_step("backup export")
    next_step("observe")
    next_step("sync --full")
    assert _last(reconciled).digest == seen.digest, "that of last night"
    assert (_written(reconciled), reconciled.accounts()) == (0, before)
    next_step("start")
    assert operator(f"sync --store {reconciled.store_id} --settings local.settings.json")[0] == 0
    first = _last(reconciled)
    assert (first.digest, first.results) == (seen.digest, {Result.DONE: 6})
    assert len(reconciled.zoho_one.users()) == len(before) + 1, "nobody has two accounts"
    next_step("sync --full")
    assert (_last(reconciled).planned, _last(reconciled).drifted) == ({}, 0)
    # Going back.
    next_step("stop")
    changed = reconciled.bridge.runs.changes(reconciled.store_id, first.id)
    titles = {part.before for each in changed for part in each.change.fields if part.field == "title"}
    assert titles == {None}, "the file says what was there"
    done = reconciled.accounts()
    next_step("backup import")
    assert (reconciled.accounts(), reconciled.store.has_cycles) == (done, False)
    assert next(steps, None) is None, "the page has more commands than this test"
