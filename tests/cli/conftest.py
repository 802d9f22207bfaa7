"""The bridge that the commands work on, and what a package-less Python gets."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest

from local.processes import ROOT


@pytest.fixture(scope="package")
def served() -> Iterator[dict[str, Any]]:
    """Twelve people that a push has brought over."""
    command = [sys.executable, "-m", "local", "serve", "--people", "12", "--no-timers"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        process.send_signal(signal.SIGTERM)


@pytest.fixture(scope="package")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has the packages of requirements.txt and nothing else: links to the files of those here."""
    folder = tmp_path_factory.mktemp("alone")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, timeout=60)
    (packages,) = folder.glob("lib/python*/site-packages")
    for name, version in re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE):
        found = distribution(name)
        assert found.version == version, f"{name} is not the one that is pinned: run make setup"
        for file in found.files or ():
            link = packages / file
            if ".." not in file.parts and "__pycache__" not in file.parts:
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(file.locate())
    return folder / "bin/python"
