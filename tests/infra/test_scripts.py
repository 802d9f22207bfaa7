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
from tests.infra.azure_cli import port

SCRIPTS = ROOT / "infra/scripts"
FILES = sorted(SCRIPTS.glob("*.sh"))
STAND_IN = Path(__file__).parent / "az"
TOKEN = "sesame"

RUNS = {
    "sign-in-app.sh": "--redirect-uri https://app.example/console/sign-in/callback --identity the-identity "
    "--owner anna@contoso.example",
    "graph-permissions.sh": "--identity the-identity --mail",
    "encryption-key.sh": "--vault kv",
    "provisioning-app.sh": "--sync-endpoint https://app.example/scim/contoso",
    "pipeline-identity.sh": "--repository contoso/bridge --resource-group rg --app func",
}
HOOKS = {"package.sh", "administer.sh", "before-provision.sh", "after-provision.sh", "deploy.sh", "verify.sh"}
"""Run by tests of their own."""
READS = re.compile(r"^[a-z -]+? (list|list-deleted|show)\b|^rest .*loganalytics")
BUSY = "ERROR: Too Many Requests({'error': {'code': '429'}})"
NOT_COPIED = "ERROR: Resource 'app-1' does not exist or one of its queried reference-property objects are not present."
DOWN = "ERROR: Internal Server Error({'error': {'code': 'InternalServerError'}})"
OUTPUTS = {
    "KEY_VAULT_NAME": "kv",
    "SIGN_IN_CALLBACK_URL": "https://app.example/console/sign-in/callback",
    "IDENTITY_PRINCIPAL_ID": "the-identity",
    "FUNCTION_APP_NAME": "func",
    "AZURE_RESOURCE_GROUP": "rg",
}


@dataclass(frozen=True)
class Azure:
    """A tenant and a subscription that are only a file."""

    folder: Path

    def run(self, script: str, *arguments: str, **outputs: str) -> subprocess.CompletedProcess[str]:
        """Run a script on it; its calls before are forgotten."""
        self.given(calls=[])
        # The stand-in runs with the tests' own Python, which has no other az beside it.
        (self.folder / "python3").unlink(missing_ok=True)
        (self.folder / "python3").symlink_to(sys.executable)
        (self.folder / "az").unlink(missing_ok=True)
        (self.folder / "az").symlink_to(STAND_IN)
        environment = {
            "PATH": f"{self.folder}:/usr/bin:/bin",
            "AZ_STATE": str(self._file),
            "AZ_PORT": port(),
            "HOME": os.environ["HOME"],
        }
        environment |= {"PACE": "0"} | outputs
        command = ["bash", str(SCRIPTS / script), *arguments]
        return subprocess.run(
            command, env=environment, input=f"{TOKEN}\n", capture_output=True, text=True, timeout=60, check=False
        )

    def given(self, **what: Any) -> None:
        """Change what is there."""
        self._file.write_text(json.dumps((self.state if self._file.exists() else {}) | what))

    def failing(self, call: str, says: str, times: int = 1) -> None:
        """Let the next calls of a pattern fail."""
        self.given(faults=[{"call": call, "says": says, "times": times}])

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
    assert {file.name for file in FILES} == {*RUNS, *HOOKS, "common.sh"}
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
    app = graph["applications"]["app-1"]
    assert app["web"]["redirectUris"] == ["https://app.example/console/sign-in/callback"]
    assert not any(app["web"]["implicitGrantSettings"].values()), "a code is asked for, and nothing hands out tokens"
    assert graph["credentials"]["app-1"]["subject"] == "the-identity"
    assert graph["credentials"]["app-1"]["issuer"] == "https://login.microsoftonline.com/the-tenant/v2.0"
    assert graph["credentials"]["app-1"]["audiences"] == ["api://AzureADTokenExchange"]
    assert {role["value"] for role in app["appRoles"]} == {"Organization.Owner", "Organization.Admin"}
    (consent,) = graph["/grants"]
    assert (consent["consentType"], set(consent["scope"].split())) == (
        "AllPrincipals",
        {"openid", "profile", "email", "offline_access"},
    ), "where a role is required, nobody may consent for themselves"
    assert len(app["requiredResourceAccess"][0]["resourceAccess"]) == 4


@pytest.mark.parametrize(("says", "times"), [(BUSY, 1), (NOT_COPIED, 2)])
@pytest.mark.parametrize("script", RUNS)
def test_what_entra_has_not_copied_yet_is_waited_for(azure: Azure, script: str, says: str, times: int) -> None:
    azure.failing(r"applications/|sp create|appRoleAssignments|synchronization|method put|role assignment", says, times)
    done = azure.run(script, *RUNS[script].split())
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("not yet: again") == times
    assert azure.state["faults"][0]["times"] == 0


def test_it_is_not_waited_for_ever(azure: Azure) -> None:
    azure.failing("sp create", NOT_COPIED, times=99)
    done = azure.run("sign-in-app.sh")
    assert (done.returncode != 0, done.stderr.count("not yet: again"), NOT_COPIED in done.stderr) == (True, 7, True)


@pytest.mark.parametrize("script", RUNS)
def test_a_look_up_that_fails_is_never_not_there(azure: Azure, script: str) -> None:
    """Whatever read fails, the script ends, and nothing is made that may be there already."""
    dry = azure.run(script, *RUNS[script].split(), "--dry-run")
    assert dry.returncode == 0
    reads = [call for call in azure.state["calls"] if READS.match(" ".join(call)) or {"get", "GET"} & {*call}]
    lookups = {" ".join(call) for call in reads if call[:2] != ["account", "show"]}
    assert lookups
    for lookup in sorted(lookups):
        azure.given(graph={})
        azure.failing(re.escape(lookup), DOWN)
        done = azure.run(script, *RUNS[script].split())
        assert done.returncode != 0, (lookup, done.stderr)
        made = [call for call in azure.changes if lookup.split("--")[0] in call and " create" in call]
        assert made == [], lookup
        assert "key" not in azure.state["graph"], lookup


def test_a_second_environment_leaves_the_first_alone(azure: Azure) -> None:
    for name in ("prod", "test", "prod"):
        before = azure.run("before-provision.sh", AZURE_ENV_NAME=name, DEPLOYED_BY="az")
        client = re.findall(r"SIGN_IN_CLIENT_ID=(\S+)", before.stdout)
        outputs = OUTPUTS | {
            "SIGN_IN_CALLBACK_URL": f"https://{name}.example/console/sign-in/callback",
            "IDENTITY_PRINCIPAL_ID": f"identity-{name}",
        }
        done = azure.run("after-provision.sh", AZURE_ENV_NAME=name, SIGN_IN_CLIENT_ID=client[0], **outputs)
        assert done.returncode == 0, done.stderr
    graph = azure.state["graph"]
    found = {app["displayName"]: app["web"]["redirectUris"] for app in graph["applications"].values()}
    assert found == {
        f"Zoho One bridge ({name})": [f"https://{name}.example/console/sign-in/callback"] for name in ("prod", "test")
    }
    assert [graph["credentials"][app]["subject"] for app in graph["applications"]] == ["identity-prod", "identity-test"]


def test_an_environments_name_of_40_characters_with_dots(azure: Azure) -> None:
    name = "(zoho.one.bridge)_for-everybody.in-2026x"
    assert len(name) == 40
    done = azure.run("before-provision.sh", AZURE_ENV_NAME=name, DEPLOYED_BY="az")
    assert done.returncode == 0, done.stderr
    assert azure.state["graph"]["applications"]["app-1"]["displayName"] == f"Zoho One bridge ({name})"


def test_an_app_of_somebody_else_is_not_taken_over(azure: Azure) -> None:
    stranger = {"displayName": "Zoho One bridge", "appId": "theirs", "appRoles": []}
    azure.given(graph={"applications": {"theirs": stranger}})
    done = azure.run("sign-in-app.sh")
    assert (done.returncode, "another app registration called Zoho One bridge" in done.stderr) == (1, True)
    assert azure.state["graph"]["applications"] == {"theirs": stranger}
    twins = {f"app-{n}": stranger | {"tags": ["entra-zoho-one-bridge"], "appId": str(n)} for n in (1, 2)}
    azure.given(graph={"applications": twins})
    done = azure.run("sign-in-app.sh")
    assert (done.returncode, "there are several of: app registration" in done.stderr) == (1, True)
    done = azure.run("sign-in-app.sh", SIGN_IN_CLIENT_ID="2")
    assert (done.returncode, done.stdout) == (0, "2\n"), "azd keeps which one it is"


@pytest.mark.parametrize("script", RUNS)
def test_the_subscription_is_azds_and_not_azs(azure: Azure, script: str) -> None:
    azure.given(accounts={"one": "the-tenant", "two": "the-tenant"}, default="one")
    done = azure.run(script, *RUNS[script].split(), AZURE_SUBSCRIPTION_ID="two", AZURE_TENANT_ID="the-tenant")
    assert done.returncode == 0, done.stderr
    named = [call[call.index("--subscription") + 1] for call in azure.state["calls"] if "--subscription" in call]
    assert set(named) == {"two"}


def test_another_tenant_than_azds_is_refused(azure: Azure) -> None:
    azure.given(accounts={"one": "tenant-1", "two": "tenant-2"}, default="one")
    for environment, told in (
        ({"AZURE_SUBSCRIPTION_ID": "two"}, "az account set --subscription two"),
        ({"AZURE_SUBSCRIPTION_ID": "three"}, "az login --tenant"),
        ({"AZURE_SUBSCRIPTION_ID": "one", "AZURE_TENANT_ID": "tenant-2"}, "azd env set AZURE_TENANT_ID tenant-1"),
    ):
        done = azure.run("sign-in-app.sh", **environment)
        assert (done.returncode, told in done.stderr) == (1, True), done.stderr
        assert azure.changes == []


def test_a_guest_who_deploys_is_the_owner_by_object_id(azure: Azure) -> None:
    done = azure.run("after-provision.sh", **OUTPUTS)
    assert done.returncode == 0, done.stderr
    assert not any(call[:3] == ["ad", "user", "show"] for call in azure.state["calls"])
    assigned = azure.state["graph"]["/servicePrincipals/sp-client-app-1/appRoleAssignedTo"]
    assert [each["principalId"] for each in assigned] == ["0b0e4c6a-0000-4000-8000-000000000007"]
    azure.given(user="servicePrincipal", graph={})
    done = azure.run("after-provision.sh", **OUTPUTS)
    assert done.returncode == 0, "a pipeline is no user"


def test_a_vault_that_was_deleted_comes_back(azure: Azure) -> None:
    deleted = [
        ["kv-old", "westeurope", "/subscriptions/s/resourceGroups/rg-zoho-bridge-prod/providers/x/kv-old"],
        ["kv-other", "eastus", "/subscriptions/s/resourceGroups/rg-zoho-bridge-prod/providers/x/kv-other"],
    ]
    azure.given(deleted=deleted)
    dry = azure.run("before-provision.sh", "--dry-run", AZURE_LOCATION="westeurope")
    assert "would run: az keyvault recover --name kv-old" in dry.stderr
    done = azure.run("before-provision.sh", AZURE_LOCATION="westeurope", DEPLOYED_BY="az")
    assert done.returncode == 0, done.stderr
    assert azure.state["graph"]["recovered"] == ["kv-old"]


def test_a_private_networks_resource_provider_is_registered(azure: Azure) -> None:
    azure.run("before-provision.sh", DEPLOYED_BY="az")
    assert "provider" not in azure.state["graph"]
    done = azure.run("before-provision.sh", PRIVATE_NETWORK="true", DEPLOYED_BY="az")
    assert (done.returncode, azure.state["graph"]["provider"]) == (0, "Registered")


def test_whoever_deploys_is_mailed_unless_somebody_else_is(azure: Azure) -> None:
    assert "export ALERT_EMAILS=anna@contoso.example" in azure.run("before-provision.sh", DEPLOYED_BY="az").stdout
    other = azure.run("before-provision.sh", DEPLOYED_BY="az", ALERT_EMAILS="team@contoso.example")
    assert "ALERT_EMAILS" not in other.stdout
    assert "would run: azd env set ALERT_EMAILS" in azure.run("before-provision.sh", "--dry-run").stderr


def test_the_azure_cli_alone_deploys(azure: Azure, tmp_path: Path) -> None:
    options = ("--name", "prod", "--location", "westeurope")
    package = tmp_path / "bridge.zip"
    package.write_bytes(b"PK")
    dry = azure.run("deploy.sh", *options, "--package", str(package), "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert azure.changes == []
    assert "would run: az deployment sub create" in dry.stderr
    azure.given(outputs=OUTPUTS | {"CONSOLE_URL": "http://127.0.0.1:9/console"})
    done = azure.run("deploy.sh", *options, "--package", str(package), LIMIT="0")
    assert azure.state["graph"]["package"] == str(package), done.stderr
    assert azure.state["graph"]["credentials"]["app-1"]["subject"] == "the-identity"
    assert "error: not ready: The functions are listed" in done.stderr, "it verifies what it has deployed"
    wrong = azure.run("deploy.sh", "--name", "prod", "--location", "atlantis")
    assert "atlantis is no region" in wrong.stderr


def test_the_key_is_a_key_and_rotation_keeps_the_old_one(azure: Azure) -> None:
    azure.run("encryption-key.sh", "--vault", "kv")
    first = azure.state["graph"]["key"]
    Fernet(first)
    azure.run("encryption-key.sh", "--vault", "kv")
    assert azure.state["graph"]["key"] == first
    azure.given(faults=[{"call": r"--method get .*encryption-keys", "says": DOWN, "times": 1}])
    refused = azure.run("encryption-key.sh", "--vault", "kv")
    assert (refused.returncode, "does not say whether it has a key" in refused.stderr) == (1, True)
    assert azure.state["graph"]["key"] == first, "or nothing could be read any more"
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
    assert "would run: azd env set SIGN_IN_CLIENT_ID" in before.stderr
    dry = azure.run("after-provision.sh", "--dry-run", **OUTPUTS)
    assert dry.returncode == 0, dry.stderr
    assert azure.changes == []
    steps = re.findall(r"^# (.+)$", dry.stderr, re.MULTILINE)
    assert [step.split()[0] for step in steps[:2]] == ["The", "Whether"], "the key first: the app waits for it"
    after = azure.run("after-provision.sh", **OUTPUTS)
    assert after.returncode == 0, after.stderr
    graph = azure.state["graph"]
    assert Fernet(graph["key"])
    assert graph["refreshed"], "or the app sees the key a day later"
    assert {one["appRoleId"] for one in graph["/servicePrincipals/the-identity/appRoleAssignments"]} == {
        "role-User.Read.All",
        "role-GroupMember.Read.All",
        "role-Application.Read.All",
        "role-Domain.Read.All",
    }
    missing = azure.run("after-provision.sh", KEY_VAULT_NAME="kv")
    assert missing.returncode == 1
    assert "FUNCTION_APP_NAME: is an output of the template" in missing.stderr


def test_after_the_button_the_outputs_are_the_deployments(azure: Azure) -> None:
    first = azure.run("sign-in-app.sh", "--name", "Zoho One bridge (prod)")
    azure.given(outputs=OUTPUTS | {"SIGN_IN_CLIENT_ID": first.stdout.strip()})
    done = azure.run("after-provision.sh", "--deployment", "Microsoft.Template-20261127")
    assert done.returncode == 0, done.stderr
    assert azure.state["graph"]["credentials"]["app-1"]["subject"] == "the-identity"
    assert list(azure.state["graph"]["applications"]) == ["app-1"]


def test_references_that_are_not_read_at_once_do_not_end_the_deployment(azure: Azure) -> None:
    azure.failing("configreferences/appsettings/refresh", DOWN)
    done = azure.run("after-provision.sh", **OUTPUTS)
    assert done.returncode == 0, done.stderr
    assert "when it starts next" in done.stderr


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


@pytest.mark.parametrize(
    ("cloud", "issuer", "audience"),
    [
        ("AzureUSGovernment", "login.microsoftonline.us", "api://AzureADTokenExchangeUSGov"),
        ("AzureChinaCloud", "login.partner.microsoftonline.cn", "api://AzureADTokenExchangeChina"),
    ],
)
def test_a_script_names_the_hosts_of_its_cloud(azure: Azure, cloud: str, issuer: str, audience: str) -> None:
    azure.given(cloud=cloud)
    done = azure.run("sign-in-app.sh", *RUNS["sign-in-app.sh"].split())
    assert done.returncode == 0, done.stderr
    (credential,) = azure.state["graph"]["credentials"].values()
    assert credential["issuer"].startswith(f"https://{issuer}/")
    assert credential["audiences"] == [audience]
    urls = [call[call.index("--url") + 1] for call in azure.state["calls"] if "--url" in call]
    assert not [url for url in urls if "graph.microsoft.com" in url]


def test_a_script_stops_in_a_cloud_that_it_does_not_know(azure: Azure) -> None:
    azure.given(cloud="AzureGermanCloud")
    done = azure.run("graph-permissions.sh", *RUNS["graph-permissions.sh"].split())
    assert done.returncode != 0
    assert "AzureGermanCloud" in done.stderr
    assert azure.changes == []
