"""The reconciler from a terminal, as a user of `python -m local serve` has it."""

import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from typing import Any
from unittest.mock import patch

import requests

from cli.__main__ import main
from local.processes import ROOT


def _arguments(served: dict[str, Any], *arguments: str) -> list[str]:
    return [*arguments, "--store", served["store"], "--settings", served["settings"]]


def _cli(served: dict[str, Any], *arguments: str) -> tuple[int, str, str]:
    """A command in this process, which has the imports; with an environment of its own."""
    out, err = StringIO(), StringIO()
    with (
        patch.dict(os.environ),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        status = main(_arguments(served, *arguments))
    return status, out.getvalue(), err.getvalue()


def _act(served: dict[str, Any], *actions: dict[str, Any]) -> None:
    url = served["graph"].removesuffix("/v1.0")
    assert requests.post(f"{url}/_people", json=list(actions), timeout=10).status_code == 204


def _people(served: dict[str, Any]) -> list[str]:
    url = served["graph"].removesuffix("/v1.0")
    return [user["id"] for user in requests.get(f"{url}/_state", timeout=10).json()["users"]]


def test_plan_sync_runs_and_a_held_plan(served: dict[str, Any]) -> None:
    people = _people(served)
    _act(served, {"do": "change", "id": people[0], "values": {"jobTitle": "Countess"}})
    status, out, err = _cli(served, "plan", "--json")
    planned = json.loads(out)
    assert (status, planned["counts"]) == (0, {"update": 1}), err
    assert _cli(served, "plan", "--format", "markdown")[1].startswith("# Plan for contoso: 1 changes")
    status, out, err = _cli(served, "sync", "--json")
    run = json.loads(out)
    assert (status, run["state"], run["digest"]) == (0, "done", planned["digest"]), err
    _act(served, *({"do": "unassign", "id": person} for person in people[:11]))
    status, _, err = _cli(served, "plan")
    assert status == 3, err
    status, out, _ = _cli(served, "sync")
    assert (status, "would be deactivated or deleted" in " ".join(out.split())) == (3, True)
    status, out, err = _cli(served, "approve")
    assert (status, "is approved" in out) == (0, True), err
    assert _cli(served, "discard")[1].strip().endswith("is discarded.")
    assert _cli(served, "discard")[0] == 1
    _act(served, *({"do": "assign", "id": person} for person in people[:11]))
    assert _cli(served, "sync", "--full")[0] == 0
    status, out, _ = _cli(served, "runs", "--json")
    assert [(each["kind"], each["state"]) for each in json.loads(out)] == [
        ("full cycle", "done"),
        ("cycle", "held"),
        ("cycle", "done"),
    ]


def test_provision_shows_its_steps(served: dict[str, Any]) -> None:
    person = _people(served)[1]
    _act(served, {"do": "change", "id": person, "values": {"jobTitle": "Baron"}})
    status, out, err = _cli(served, "provision", person)
    assert status == 0, err
    assert [line.split()[2] for line in out.splitlines() if line.startswith("✓")] == [
        "import:",
        "scope:",
        "match:",
        "map:",
        "action:",
    ]
    status, out, _ = _cli(served, "provision", "00000000-0000-0000-0000-000000000000", "--json")
    (report,) = json.loads(out)
    assert (status, report["steps"][-1]["told"]) == (1, "Entra has no such user, or only in its recycle bin.")


def test_a_group_is_provisioned_with_a_member(served: dict[str, Any]) -> None:
    person, group = _people(served)[2], "00000000-0000-0000-0000-00000000000a"
    _act(served, {"do": "put group", "id": group, "members": [person]}, {"do": "assign group", "id": group})
    status, out, _ = _cli(served, "provision", person, "--group", group)
    assert (status, "not assigned to the enterprise application, as of the last" in " ".join(out.split())) == (1, True)
    status, out, err = _cli(served, "plan")
    assert (status, "create           1 groups" in out) == (0, True), out + err
    status, out, err = _cli(served, "sync", "--json")
    assert (status, json.loads(out)["groups"]) == (0, {"create": 1}), err
    status, out, err = _cli(served, "provision", person, "--group", group)
    assert status == 0, err
    assert "Zoho One holds what it should, as far as these members go." in " ".join(out.split())


def test_a_store_is_stopped_and_started(served: dict[str, Any]) -> None:
    assert _cli(served, "stop")[0] == 0
    status, _, err = _cli(served, "sync")
    assert (status, "Provisioning is stopped" in err) == (4, True)
    told = json.loads(_cli(served, "observe", "--json")[1])
    assert (told["started"], told["observes"]) == (False, True)
    status, out, _ = _cli(served, "sync", "--json")
    run = json.loads(out)
    assert (status, run["state"]) == (0, "observed")
    assert _cli(served, "start", "--plan", "another")[0] == 1
    assert json.loads(_cli(served, "start", "--plan", run["plan"], "--json")[1])["started"] is True
    assert _cli(served, "sync")[0] == 0


def test_mistakes_are_told_in_a_sentence(served: dict[str, Any], tmp_path: Any) -> None:
    command = [sys.executable, "-m", "cli", *_arguments({**served, "store": "nobody"}, "runs")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr.strip()) == (1, "", "there is no directory store 'nobody'")
    empty = tmp_path / "settings.json"
    empty.write_text('{"Values": {"AzureWebJobsStorage": "nonsense"}}')
    status, _, err = _cli({**served, "settings": str(empty)}, "runs")
    assert (status, "Traceback" in err, "BRIDGE_ENCRYPTION_KEYS" in err) == (1, False, True)


def test_a_store_is_connected_by_a_scim_token(served: dict[str, Any]) -> None:
    for token, status, words in (("", 1, "visible ASCII"), ("wrong", 1, "SCIM token"), ("right", 0, "works")):
        typed = served["zoho_scim_token"] if token == "right" else token
        with patch("sys.stdin", StringIO(typed + "\n")):
            found, out, err = _cli(served, "scim-token")
        assert (found, words in out + err, typed in (out + err or "?")) == (status, True, not typed), out + err


def test_a_probe_says_how_zoho_one_behaves(served: dict[str, Any]) -> None:
    status, out, err = _cli(served, "probe", "--try", "bridge-test@contoso.example")
    assert (status, "settings go with this Zoho One" in out) == (0, True), out + err
    status, out, err = _cli(served, "probe", "--json")
    assert (status, json.loads(out)["facts"]["accounts"]) == (0, 12), err
    assert _cli(served, "probe", "--try", "ada@contoso.example")[0] == 1
