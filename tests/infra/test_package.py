"""What is deployed is the app, and nothing beside it. `make check-infra` builds it and starts it."""

import json
import os
import re
import shutil
import zipfile
from pathlib import Path

import pytest
import yaml

from local.processes import ROOT
from tools.infra.evaluated import evaluated
from tools.infra.package import LIBRARIES, build_package, deployed_files, write_package


def test_the_package_holds_only_what_is_deployed() -> None:
    files = [path for path in deployed_files() if not path.startswith(".python_packages/")]
    top = {path for path in files if "/" not in path}
    assert top == {"function_app.py", "host.json", "requirements.txt", "requirements-ses.txt"}
    assert {path.partition("/")[0] for path in files if "/" in path} == {"functions", "shared"}
    beside_code = {path for path in files if Path(path).suffix not in (".py", ".html")} - top
    assert {str(Path(path).parent) for path in beside_code} <= {"shared/console/static", "shared/console/templates"}
    assert "shared/console/templates/console/bare.html" in files


def test_what_is_secret_or_of_one_machine_is_left_out(tmp_path: Path) -> None:
    kept = ["function_app.py", "shared/app/container.py", "shared/console/templates/page.html"]
    left = [".env", ".azure/prod/.env", "local.settings.json", ".venv/lib/x.py", "local/store.py", "tests/test_x.py"]
    left += ["shared/__pycache__/bridge.cpython-313.pyc", ".git/config", "azure.yaml", "infra/bicep/main.bicep"]
    for path in [*kept, *left]:
        (tmp_path / "app" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "app" / path).write_text("x")
    (tmp_path / "app/.funcignore").write_text((ROOT / ".funcignore").read_text())
    assert build_package(tmp_path / "package", tmp_path / "app") == sorted(kept)


def test_the_package_is_of_the_same_bytes_each_time(tmp_path: Path) -> None:
    app = tmp_path / "app"
    for path in ("function_app.py", "host.json", f"{LIBRARIES}/flask/app.py", "tests/test_x.py"):
        (app / path).parent.mkdir(parents=True, exist_ok=True)
        (app / path).write_text(path)
    (app / ".funcignore").write_text((ROOT / ".funcignore").read_text())
    first = write_package(tmp_path / "first.zip", app)
    os.utime(app / "host.json", (0, 0))
    assert write_package(tmp_path / "again/second.zip", app) == first
    with zipfile.ZipFile(tmp_path / "first.zip") as package:
        assert package.namelist() == [f"{LIBRARIES}/flask/app.py", "function_app.py", "host.json"]
    shutil.rmtree(app / ".python_packages")
    with pytest.raises(FileNotFoundError, match=r"run infra/scripts/package\.sh"):
        write_package(tmp_path / "third.zip", app)


def _pins(text: str) -> list[str]:
    """Each library with its version; every line is one of them, or one of its hashes."""
    pins = re.findall(r"^(\S+==\S+) \\\n(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+", text, re.MULTILINE)
    assert len(pins) + text.count("--hash=sha256:") == len(text.splitlines())
    return pins


@pytest.mark.parametrize("kind", ["", "-ses"])
def test_the_wheels_are_those_that_are_tested_and_named_by_their_hashes(kind: str) -> None:
    lock = (ROOT / f"infra/package{kind}.lock").read_text()
    assert _pins(lock) == _pins((ROOT / f"requirements{kind}.txt").read_text()), "run: make lock"
    script = (ROOT / "infra/scripts/package.sh").read_text()
    assert "--require-hashes" in script
    assert f"--python-version {(ROOT / '.python-version').read_text().strip()}" in script


def test_requirements_are_pinned_and_those_of_the_project() -> None:
    for list_ in (*ROOT.glob("requirements*.txt"), ROOT / "infra/checks/requirements.txt"):
        assert _pins(list_.read_text()), list_
    pinned = [pin.partition("==")[0] for pin in _pins((ROOT / "requirements.txt").read_text())]
    named = re.findall(
        r'^    "([\w-]+)",$', (ROOT / "pyproject.toml").read_text().partition("[project.opt")[0], re.MULTILINE
    )
    assert set(named) <= set(pinned)


def test_telemetry_that_alerts_read_is_not_sampled() -> None:
    options = json.loads((ROOT / "host.json").read_text())["logging"]["applicationInsights"]["samplingSettings"]
    assert {"Trace", "Exception"} <= set(options["excludedTypes"].split(";"))


def test_azd_finds_the_template_and_the_scripts() -> None:
    project = yaml.safe_load((ROOT / "azure.yaml").read_text())
    assert (ROOT / project["infra"]["path"] / f"{project['infra']['module']}.bicep").exists()
    bridge = project["services"]["bridge"]
    assert bridge["remoteBuild"] is False, "what was tested is what runs"
    for hook in [*project["hooks"].values(), *bridge["hooks"].values()]:
        assert (ROOT / hook["run"]).stat().st_mode & 0o111
    assert {evaluated("main").one("Microsoft.Web/sites")["tags"]["azd-service-name"]} == set(project["services"])
