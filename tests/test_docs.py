"""What the pages say is true: every command runs, every link leads somewhere, what is generated is up to date."""

import json
import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from local.processes import ROOT
from local.store import new_key
from shared.rules.mapping.check import check_mapping, read_mapping
from shared.rules.zoho_user import ZOHO_FIELDS
from shared.settings import Platform, Settings
from shared.zoho.data_centers import DATA_CENTERS
from tests.infra.azure_cli import port
from tools.cost import TABLE_CALLS, report
from tools.mapping_docs import PAGE, SCHEMA, page, schema
from tools.settings_docs import table

PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
COMMANDS = sorted(
    {
        line.strip().removeprefix("$ ")
        for file in PAGES
        for block in re.findall(r"```console\n(.*?)```", file.read_text(), re.DOTALL)
        for line in block.splitlines()
        if line.strip().startswith("$ ")
    }
)
PERSON = "5f2c1a7e-0d43-4c58-9b1e-6a2f7d3c8e90"
GROUP = "b7d4c2f0-91aa-4e36-8f0d-2c5e1a7b9d34"
ELSEWHERE = {
    "make test": "it is what runs this test, by .ci/run",
    ".venv/bin/python -m local serve": "stays up; tests/conformance/test_scim2_tester.py runs it",
    "make check-infra": "fetches tools of its own; the delivery pipeline runs it",
    **dict.fromkeys(
        (
            "az login",
            "azd auth login",
            "azd up",
            "azd env get-value CONSOLE_URL",
            "azd env get-value ZOHO_CALLBACK_URL",
        ),
        "needs a tenant and a subscription",
    ),
    **dict.fromkeys(
        (
            f".venv/bin/python -m cli {command} --store contoso --settings local.settings.json{whom}"
            for command, whom in (
                ("plan", ""),
                ("provision", f" {PERSON}"),
                ("provision", f" {PERSON} --group {GROUP}"),
                ("runs", ""),
                ("sync", ""),
            )
        ),
        "needs a store and its people; tests/cli/test_requirements_alone.py runs it",
    ),
    **dict.fromkeys(
        (
            *(
                f".venv/bin/python -m cli {command} --store contoso --settings local.settings.json"
                for command in ("observe", "sync --full", "start", "stop")
            ),
            ".venv/bin/python -m cli backup export contoso before.jsonl.gz --settings local.settings.json",
            ".venv/bin/python -m cli backup import before.jsonl.gz --replace --settings local.settings.json",
        ),
        "needs a store that observes; tests/cli/test_cut_over.py plays the whole page",
    ),
}
AZ = ROOT / "tests/infra"
"""Where the stand-in for the Azure CLI is."""


@pytest.mark.parametrize("command", [command for command in COMMANDS if command not in ELSEWHERE])
def test_every_command_runs(command: str, tmp_path: Path) -> None:
    environment = {**os.environ, "PATH": f"{AZ}:{os.environ['PATH']}", "AZ_STATE": str(tmp_path / "az.json")}
    environment["AZ_PORT"] = port()
    done = subprocess.run(
        shlex.split(command), cwd=ROOT, env=environment, capture_output=True, text=True, timeout=110, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_exception_is_stale() -> None:
    assert set(ELSEWHERE) <= set(COMMANDS)


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.name)
def test_links_lead_somewhere(file: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", file.read_text()):
        path, _, heading = target.partition("#")
        there = file.parent / path if path else file
        on_github = path == "../../releases/latest"  # of whichever repository the page is shown in
        assert target.startswith("https://") or on_github or there.exists(), target
        if heading and not target.startswith("https://"):
            assert heading in _anchors(there), target


def _anchors(file: Path) -> set[str]:
    """What GitHub calls a page's headings in links."""
    headings = re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_target_of_make_that_is_named_is_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for file in PAGES:
        named = set(re.findall(r"`make ([a-z-]+)", file.read_text()))
        assert named <= targets, (file.name, named - targets)


def test_files_that_are_named_are_there() -> None:
    for file in PAGES:
        for path in re.findall(
            r"`((?:infra|shared|cli|local|tools|tests|docs|functions)/[\w/.-]+\.\w+)`", file.read_text()
        ):
            assert (ROOT / path).exists(), (file.name, path)


def test_the_map_lists_each_file_of_the_flow_once() -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    listed = re.findall(r"^\| `(shared/sync/[\w/]+\.py)` \|", text, re.MULTILINE)
    there = [file.relative_to(ROOT).as_posix() for file in (ROOT / "shared/sync").rglob("*.py")]
    assert sorted(listed) == sorted(path for path in there if not path.endswith("__init__.py"))


def test_the_places_of_each_recipe_are_there() -> None:
    """A place is a file, with the names in it that are to be touched: `file` (`name`, `name`)."""
    recipes = (ROOT / "docs/architecture.md").read_text().partition("\n## Recipes\n")[2].partition("\n## ")[0]
    places = re.findall(r"`([\w./-]+\.\w+)` \(([^)]*)\)", recipes)
    assert len(places) > 15
    for path, names in places:
        text = (ROOT / path).read_text()
        for name in re.findall(r"`(\w+)`", names):
            assert re.search(rf"\b{name}\b", text), (path, name)


def test_the_costs_are_those_of_the_counted_operations_and_the_prices() -> None:
    assert report() in (ROOT / "docs/cost.md").read_text(), "run: .venv/bin/python -m tools.cost"
    counted = (ROOT / "docs/architecture.md").read_text()
    for request, calls in {
        "GET by id": "GET",
        "POST": "POST",
        "PATCH or PUT that changes": "PATCH",
        "DELETE": "DELETE",
    }.items():
        row = re.search(rf"^\| {request}[^|]*\| (\d)", counted, re.MULTILINE)
        assert row is not None
        assert int(row[1]) == TABLE_CALLS[calls], request


def test_every_setting_is_described() -> None:
    assert table() in (ROOT / "docs/settings.md").read_text(), "run: .venv/bin/python -m tools.settings_docs"
    assert "None" not in table()


def test_the_reference_of_mappings_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "run: .venv/bin/python -m tools.mapping_docs"
    assert SCHEMA.read_text() == schema(), "run: .venv/bin/python -m tools.mapping_docs"


def test_the_endpoints_of_every_data_center_are_the_codes() -> None:
    text = (ROOT / "docs/connection.md").read_text()
    for data_center in DATA_CENTERS.values():
        assert f"\n{data_center.authorization_endpoint}\n{data_center.token_endpoint}\n" in text


def test_the_sample_settings_are_settings_of_the_app() -> None:
    values = json.loads((ROOT / "local.settings.sample.json").read_text())["Values"]
    known = {
        field.validation_alias
        for settings in (Settings, Platform)
        for field in settings.model_fields.values()
        if isinstance(field.validation_alias, str)
    }
    assert set(values) - known == {
        "FUNCTIONS_WORKER_RUNTIME",
        "AzureWebJobsDisableHomepage",
        "PYTHON_THREADPOOL_THREAD_COUNT",
    }, "the platform's own"
    required = {field.validation_alias for field in Settings.model_fields.values() if field.is_required()}
    assert required | {"AzureWebJobsStorage"} <= set(values)
    Settings.model_validate(values | {"BRIDGE_ENCRYPTION_KEYS": new_key()})


def test_the_mapping_in_the_text_is_the_example_and_is_valid() -> None:
    (text,) = re.findall(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert json.loads(text) == json.loads((ROOT / "docs/examples/mapping.json").read_text())
    extensions = [field for field, facts in ZOHO_FIELDS.items() if facts.extension]
    assert check_mapping(read_mapping(text), extensions) == ()


def test_every_test_that_the_threats_name_is_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs/security.md").read_text()))
    there = {
        name
        for file in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", file.read_text(), re.MULTILINE)
    }
    assert named
    assert named <= there
