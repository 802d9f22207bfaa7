"""`make check-host` says that it did not run where it cannot, and does what README says where it can."""

from pathlib import Path

import pytest

from local.processes import ROOT
from tools import check_host


def test_without_func_it_says_that_nothing_was_checked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert check_host.main() == 0
    assert capsys.readouterr().out.startswith("NOT RUN: func and azurite are not on the PATH")


def test_the_steps_of_readme_are_those_that_are_checked() -> None:
    readme = (ROOT / "README.md").read_text()
    section = readme[readme.index("## With Azure Functions Core Tools") : readme.index("## For any SCIM client")]
    checked = (ROOT / "tools/check_host.py").read_text() + (ROOT / ".github/workflows/deliver.yml").read_text()
    assert "npm install -g azure-functions-core-tools@4 azurite" in section
    assert "npm install -g azure-functions-core-tools@4 azurite" in checked
    for step, check in (
        ("azurite --skipApiVersionCheck --location", '"azurite", "--skipApiVersionCheck", "--location"'),
        ("`func start`", '["func", "start"]'),
        ("`local.settings.sample.json`", '"local.settings.sample.json"'),
        ("http://localhost:7071/console", "/console/"),
        ("If a setting is wrong, the page says which", "is no Fernet key"),
        ("`make check-host`", "make check-host"),
    ):
        assert step in section, step
        assert check in checked, check
