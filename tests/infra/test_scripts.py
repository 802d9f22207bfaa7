"""The scripts around the template: sound shell, each step done once, and a dry run that changes nothing."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from local.processes import ROOT

SCRIPTS = ROOT / "infra/scripts"
FILES = sorted(SCRIPTS.glob("*.sh"))
STAND_IN = Path(__file__).parent / "az"
TOKEN = "sesame"

RUNS = {
    "sign-in-app.sh": "--redirect-uri https://app.example/.auth --identity the-identity --owner anna@contoso.example",
    "graph-permissions.sh": "--identity the-identity --mail",
    "encryption-key.sh": "--vault kv",
    "provisioning-app.sh": "--sync-endpoint https://app.example/scim/contoso",
    "pipeline-identity.sh": "--repository contoso/bridge --resource-group rg --app func",
}
READS = re.compile(r"^[a-z -]+? (list|show)\b")


@dataclass(frozen=True)
class Azure:
    """A tenant and a subscription that are only a file."""

    folder: Path

    def run(self, script: str, *arguments: str, **outputs: str) -> subprocess.CompletedProcess[str]:
        """Run a script on it; its calls before are forgotten."""
        if self._file.exists():
            self._file.write_text(json.dumps(self.state | {"calls": []}))
        # The stand-in runs with the tests' own Python, which has no other az beside it.
        (self.folder / "python3").unlink(missing_ok=True)
        (self.folder / "python3").symlink_to(sys.executable)
        (self.folder / "az").unlink(missing_ok=True)
        (self.folder / "az").symlink_to(STAND_IN)
        environment = {"PATH": f"{self.folder}:/usr/bin:/bin", "AZ_STATE": str(self._file), "HOME": os.environ["HOME"]}
        environment |= outputs
        command = ["bash", str(SCRIPTS / script), *arguments]
        return subprocess.run(
            command, env=environment, input=f"{TOKEN}\n", capture_output=True, text=True, timeout=60, check=False
        )

    @property
    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads(self._file.read_text())
        return state

    @property
    def changes(self) -> list[str]:
        """The calls that changed something, of the last run."""
        calls = [" ".join(call) for call in self.state["calls"]]
        return [call for call in calls if not READS.match(call) and not re.search(r"--method (GET|get)\b", call)]

    @property
    def _file(self) -> Path:
        return self.folder / "state.json"


@pytest.fixture
def azure(tmp_path: Path) -> Azure:
    return Azure(tmp_path)


def test_the_shell_is_sound() -> None:
    command = [str(Path(sys.executable).parent / "shellcheck"), "-x", "-P", str(SCRIPTS), *map(str, FILES), ".ci/run"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_script_is_run_here() -> None:
    assert {file.name for file in FILES} == {
        *RUNS,
        "common.sh",
        "administer.sh",
        "before-provision.sh",
        "after-provision.sh",
    }
    assert all(os.access(file, os.X_OK) for file in FILES if file.name != "common.sh")


@pytest.mark.parametrize("script", RUNS)
def test_a_dry_run_prints_each_step_and_changes_nothing(azure: Azure, script: str) -> None:
    done = azure.run(script, *RUNS[script].split(), "--dry-run")
    assert done.returncode == 0, done.stderr
    assert azure.changes == []
    steps, planned = done.stderr.count("\n# "), done.stderr.count("would run: az ")
    assert steps >= 3
    assert planned >= 1
    assert TOKEN not in done.stderr


@pytest.mark.parametrize("script", RUNS)
def test_what_is_done_already_is_not_done_again(azure: Azure, script: str) -> None:
    first = azure.run(script, *RUNS[script].split())
    assert first.returncode == 0, first.stderr
    assert azure.changes
    made = azure.state["graph"]
    second = azure.run(script, *RUNS[script].split())
    assert second.returncode == 0, second.stderr
    assert azure.state["graph"].keys() == made.keys()
    again = [
        call for call in azure.changes if re.search(r" create | POST ", f" {call} ") and "role assignment" not in call
    ]
    assert again == []
    assert second.stdout == first.stdout


def test_the_apps_identity_is_trusted_and_the_roles_are_those_of_the_pages(azure: Azure) -> None:
    azure.run("sign-in-app.sh", *RUNS["sign-in-app.sh"].split())
    graph = azure.state["graph"]
    assert graph["redirect"] == "https://app.example/.auth"
    assert graph["credential"]["subject"] == "the-identity"
    assert graph["credential"]["issuer"] == "https://login.microsoftonline.com/the-tenant/v2.0"
    (roles,) = graph["/applications/the-app"]
    assert {role["value"] for role in roles["appRoles"]} == {"Organization.Owner", "Organization.Admin"}


def test_the_key_is_a_key_and_rotation_keeps_the_old_one(azure: Azure) -> None:
    azure.run("encryption-key.sh", "--vault", "kv")
    first = azure.state["graph"]["key"]
    Fernet(first)
    azure.run("encryption-key.sh", "--vault", "kv")
    assert azure.state["graph"]["key"] == first
    done = azure.run("encryption-key.sh", "--vault", "kv", "--rotate")
    new, old = azure.state["graph"]["key"].split(",")
    assert old == first
    assert Fernet(new)
    assert first not in done.stdout + done.stderr
    assert not any(first in word for call in azure.state["calls"] for word in call), "no secret in a command line"


def test_the_secret_token_goes_by_standard_input(azure: Azure) -> None:
    done = azure.run("provisioning-app.sh", *RUNS["provisioning-app.sh"].split())
    (kept,) = azure.state["graph"]["/servicePrincipals/the-principal/synchronization/secrets"]
    assert {pair["key"]: pair["value"] for pair in kept["value"]} == {
        "BaseAddress": "https://app.example/scim/contoso?aadOptscim062020",
        "SecretToken": TOKEN,
        "SyncNotificationSettings": "{}",
    }
    assert TOKEN not in done.stdout + done.stderr
    assert not any(TOKEN in word for call in azure.state["calls"] for word in call)


def test_what_azd_runs_is_those_scripts(azure: Azure) -> None:
    before = azure.run("before-provision.sh", "--dry-run")
    assert before.returncode == 0, before.stderr
    assert "would run: azd env set AUTH_CLIENT_ID" in before.stderr
    outputs = {"KEY_VAULT_NAME": "kv", "SIGN_IN_CALLBACK_URL": "https://app.example/.auth"}
    outputs |= {"IDENTITY_PRINCIPAL_ID": "the-identity", "FUNCTION_APP_NAME": "func", "AZURE_RESOURCE_GROUP": "rg"}
    after = azure.run("after-provision.sh", **outputs)
    assert after.returncode == 0, after.stderr
    graph = azure.state["graph"]
    assert Fernet(graph["key"])
    assert graph["refreshed"], "or the app sees the key a day later"
    assert graph["credential"]["subject"] == "the-identity"
    assert {one["appRoleId"] for one in graph["/servicePrincipals/the-identity/appRoleAssignments"]} == {
        "role-User.Read.All",
        "role-GroupMember.Read.All",
        "role-Application.Read.All",
        "role-Domain.Read.All",
    }
    missing = azure.run("after-provision.sh", KEY_VAULT_NAME="kv")
    assert missing.returncode == 1
    assert "FUNCTION_APP_NAME: is an output of the template" in missing.stderr


def test_a_command_runs_with_the_apps_tables_and_keys(azure: Azure, tmp_path: Path) -> None:
    azure.run("encryption-key.sh", "--vault", "kv")
    options = ["--storage", "st", "--vault", "kv"]
    names = ["AzureWebJobsStorage__tableServiceUri", "AzureWebJobsStorage__credential", "BRIDGE_ENCRYPTION_KEYS"]
    (tmp_path / "cli").mkdir()
    (tmp_path / "cli/__main__.py").write_text(
        f"import os, sys\nif __name__ == '__main__': print(sys.argv[1:], [os.environ[name] for name in {names}])"
    )
    scripts = tmp_path / "infra/scripts"
    scripts.mkdir(parents=True)
    for file in FILES:
        (scripts / file.name).symlink_to(file)
    dry = azure.run(str(scripts / "administer.sh"), *options, "--dry-run", "--", "runs", "--store", "contoso")
    assert dry.returncode == 0, dry.stderr
    assert "-P -m cli runs --store contoso" in dry.stderr
    assert dry.stdout == ""
    done = azure.run(str(scripts / "administer.sh"), *options, "--", "runs", "--store", "contoso")
    key = azure.state["graph"]["key"]
    told = (["runs", "--store", "contoso"], ["https://st.table.core.windows.net/", "azurecli", key])
    assert done.stdout == "{} {}\n".format(*told), done.stderr
    assert key not in done.stderr
    assert azure.run("administer.sh", *options).stderr.startswith("error: no command")
    (tmp_path / "cli/__main__.py").write_text("import rich_is_missing")
    lacking = azure.run(str(scripts / "administer.sh"), *options, "--", "runs", "--store", "contoso")
    assert (lacking.returncode, "pip install -r requirements.txt" in lacking.stderr) == (1, True)


@pytest.mark.parametrize("script", RUNS)
def test_what_is_missing_or_misspelled_is_said(azure: Azure, script: str) -> None:
    done = azure.run(script, "--rotat")
    assert (done.returncode, done.stderr.strip()) == (1, "error: there is no option --rotat; --help names them")
    done = azure.run(script, "--help")
    assert done.returncode == 0
    assert f"  {script}" in done.stdout
