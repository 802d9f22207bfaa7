"""Azure's own host, checked: `make check-host`. It needs `func` on the PATH, and says so where it did not run.

First the app is started as README's "With Azure Functions Core Tools" says, step by step; then the tests that know no
difference between the two hosts run against it, and the walkthrough.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import requests

from local.host.process import FUNC_PATIENCE
from local.processes import ROOT, Processes
from local.store import new_key

URL = "http://localhost:7071"
SAMPLE = ROOT / "local.settings.sample.json"
TESTS = ("tests/local/host/test_host.py", "tests/local/host/test_triggers.py", "tests/host", "tests/conformance")
POLL_INTERVAL = 0.5
"""Seconds."""


def main() -> int:
    """Run all of it; the exit status is 0 where nothing failed, or where there is no func."""
    missing = [command for command in ("func", "azurite") if shutil.which(command) is None]
    if missing:
        print(
            f"NOT RUN: {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not on the PATH, so nothing was "
            "checked against Azure's own host. npm install -g azure-functions-core-tools@4 azurite"
        )
        return 0
    with tempfile.TemporaryDirectory() as folder:
        as_in_readme(Path(folder))
    environment = os.environ | {"BRIDGE_HOST": "func"}
    for command in (
        ["-m", "pytest", "-n", "1", "--timeout", "600", *TESTS],
        ["-m", "local", "run", "--once"],
    ):
        print(f"$ BRIDGE_HOST=func python {' '.join(command)}", flush=True)
        if status := subprocess.run([sys.executable, *command], cwd=ROOT, env=environment, check=False).returncode:
            return status
    return 0


def as_in_readme(folder: Path) -> None:
    """The steps of README, on a copy of the app. Raises AssertionError where one of them does not work."""
    app = folder / "app"
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S607
    for name in filter(None, tracked.stdout.split("\0")):
        if (ROOT / name).is_file():
            (app / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, app / name)
    settings = json.loads(SAMPLE.read_text())
    settings["Values"]["BRIDGE_ENCRYPTION_KEYS"] = "a key that is none"
    (app / "local.settings.json").write_text(json.dumps(settings))
    activated = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "VIRTUAL_ENV": sys.prefix}
    with Processes(folder / "logs") as processes:
        processes.start("azurite", ["azurite", "--skipApiVersionCheck", "--location", str(folder / "azurite")])
        _expect(processes, app, activated, 503, "BRIDGE_ENCRYPTION_KEYS: key 1 of 1 is no Fernet key")
        settings["Values"]["BRIDGE_ENCRYPTION_KEYS"] = new_key()
        (app / "local.settings.json").write_text(json.dumps(settings))
        _expect(processes, app, activated, 200, "Directory stores")
    print("README's steps work", flush=True)


def _expect(processes: Processes, app: Path, environment: Mapping[str, str], status: int, words: str) -> None:
    """``func start`` brings up a console that answers so. Raises AssertionError."""
    child = processes.start("func", ["func", "start"], environment, app)
    gives_up, seen = time.monotonic() + FUNC_PATIENCE, "no answer"
    while time.monotonic() < gives_up and child.is_running:
        try:
            page = requests.get(f"{URL}/console/", timeout=30)
        except requests.RequestException as error:
            seen = type(error).__name__
        else:
            seen = f"{page.status_code} {page.text[:2000]}"
            if page.status_code == status and words.lower() in page.text.lower():
                break
        time.sleep(POLL_INTERVAL)
    else:
        raise AssertionError(f"the console does not say {words!r}: {seen}\n{child.output.read_text()[-3000:]}")
    child.stop()


if __name__ == "__main__":
    sys.exit(main())
