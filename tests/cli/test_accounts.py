"""Accounts that Zoho One already has, from a terminal: proposals out as CSV, decisions in."""

import csv
import io
from pathlib import Path

import pytest

import cli.terminal
from cli.__main__ import main
from shared.app.container import Bridge
from shared.rules.store import Store
from tests.conftest import Entra, ZohoOne
from tests.in_memory import *  # noqa: F403 - fixtures, in the place of processes
from tests.sync.existing_accounts import ANNA, BEN, let_two_wait, user_names
from tests.sync.reconciled import Reconciled


@pytest.fixture
def proposed(
    reading_bridge: Bridge, store: Store, entra: Entra, zoho_one: ZohoOne, monkeypatch: pytest.MonkeyPatch
) -> Reconciled:
    """Two people wait, and a scanner's account is nobody's."""
    monkeypatch.setattr(cli.terminal, "settings_of", lambda _: None)
    monkeypatch.setattr(cli.terminal, "Bridge", lambda _: reading_bridge)
    reconciled = Reconciled.start(reading_bridge, store, entra, zoho_one)
    let_two_wait(reconciled)
    return reconciled


def test_proposals_go_out_as_csv_and_come_back_decided(
    proposed: Reconciled, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["proposals", "--store", proposed.store_id, "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {row["user name in Zoho One"] for row in rows} == {"anna.old@zoho.example", "ben.old@zoho.example"}
    file = tmp_path / "decided.csv"
    with file.open("w", newline="") as written:
        writer = csv.DictWriter(written, rows[0])
        writer.writeheader()
        for row in rows:
            writer.writerow(row | {"decision": "accept" if row["name"] == ANNA.display_name else "reject"})
    assert main(["decide", "--store", proposed.store_id, str(file)]) == 0
    assert "2 of 2 rows decided" in capsys.readouterr().out
    proposed.cycle()
    names = user_names(proposed)
    assert "anna.old@zoho.example" not in names
    assert {ANNA.user_principal_name, BEN.user_principal_name, "ben.old@zoho.example"} <= names
    assert main(["decide", "--store", proposed.store_id, str(file)]) == 1
    assert "line 2: The last plan does not propose this any more." in capsys.readouterr().err


def test_what_waits_and_what_nobody_manages_is_listed(proposed: Reconciled, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["proposals", "--store", proposed.store_id]) == 0
    shown = capsys.readouterr().out
    assert "anna.old@zoho.example" in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert main(["unmanaged", "--store", proposed.store_id]) == 0
    shown = capsys.readouterr().out
    assert "Scanner" in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert main(["unmanaged", "--store", proposed.store_id, "--csv"]) == 0
    assert len(list(csv.DictReader(io.StringIO(capsys.readouterr().out)))) == 3


def test_a_file_that_says_something_else_is_told(
    proposed: Reconciled, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "decided.csv"
    file.write_text("person,account,decision\np,a,perhaps\n")
    assert main(["decide", "--store", proposed.store_id, str(file)]) == 1
    assert "Line 2: the decision is accept, reject or link, not 'perhaps'" in capsys.readouterr().err
