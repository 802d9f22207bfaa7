"""The delivery pipeline runs the README's test command, and keeps no secret of Azure's."""

import re
from typing import Any

import yaml

from local.processes import ROOT

TEXT = (ROOT / ".github/workflows/deliver.yml").read_text()
PIPELINE: dict[Any, Any] = yaml.safe_load(TEXT)


def test_nothing_is_delivered_that_was_not_tested_and_scanned() -> None:
    jobs = PIPELINE["jobs"]
    assert set(jobs["deploy"]["needs"]) == {"test", "scan"}
    assert {step.get("run") for step in jobs["host"]["steps"]} >= {"make check-host", "func --version"}
    assert {step.get("run") for step in jobs["test"]["steps"]} >= {"make test", "make check-infra", "make package"}
    assert "make test" in (ROOT / "README.md").read_text()
    audit = next(step["run"] for step in jobs["scan"]["steps"] if "pip-audit" in step.get("run", ""))
    listed = {
        str(file.relative_to(ROOT))
        for file in (*ROOT.glob("requirements*.txt"), *ROOT.glob("infra/**/requirements.txt"))
    }
    assert listed <= set(audit.replace(";", " ").split()), "every list of libraries is looked at"


def test_what_was_tested_is_what_is_delivered_and_verified() -> None:
    deploy = PIPELINE["jobs"]["deploy"]["steps"]
    (published,) = [step["with"] for step in deploy if "functions-action" in step.get("uses", "")]
    assert (published["package"], published["remote-build"]) == ("entra-zoho-one-bridge.zip", False)
    assert "dist/entra-zoho-one-bridge.zip" in (ROOT / "Makefile").read_text()
    assert any("infra/scripts/verify.sh --logs" in step.get("run", "") for step in deploy)


def test_azure_is_entered_by_federated_identity() -> None:
    assert "secrets." not in TEXT
    assert PIPELINE["permissions"] == {"contents": "read"}
    deploy = PIPELINE["jobs"]["deploy"]
    assert deploy["permissions"] == {"contents": "read", "id-token": "write"}
    assert deploy["environment"] == "production", "the identity trusts no other"
    script = (ROOT / "infra/scripts/pipeline-identity.sh").read_text()
    printed = re.search(r"printf '(AZURE_.*?)'", script)
    assert printed is not None
    assert set(re.findall(r"vars\.(\w+)", TEXT)) == set(re.findall(r"(?:^|\\n)(\w+)=%s", printed[1]))


def test_actions_are_pinned() -> None:
    texts = [file.read_text() for file in (ROOT / ".github/workflows").glob("*.yml")]
    for used in re.findall(r"uses: (\S+)", "".join(texts)):
        assert re.fullmatch(r"[\w-]+/[\w/-]+@[0-9a-f]{40}", used), used


def test_every_kind_of_library_is_kept_up_to_date() -> None:
    updates = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text())["updates"]
    kept = {(update["package-ecosystem"], update["directory"]) for update in updates}
    assert kept == {
        ("github-actions", "/"),
        ("pip", "/"),
        ("pip", "/infra/checks"),
        ("npm", "/local"),
        ("npm", "/infra/checks"),
    }
