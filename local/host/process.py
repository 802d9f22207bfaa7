"""A function host as a process: the local one, or Azure's own where `BRIDGE_HOST=func` says so.

`func` is the command of Azure Functions Core Tools, which carry the host that runs in Azure:
https://learn.microsoft.com/azure/azure-functions/functions-core-tools-reference#func-start.
"""

import os
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil
import requests

from local.processes import ROOT, Child, ChildFailedError, Processes
from local.serving import LOOPBACK, listen

FUNC_PATIENCE = 180.0
"""Seconds until func is up: at its first start it fetches the extension bundle."""
POLL_INTERVAL = 0.25
"""Seconds."""
TIMERS = ("tick", "ticks")
"""Of the app and of the tests' sample app."""


@dataclass(frozen=True)
class RunningHost:
    """A host that answers."""

    process: Child
    url: str

    def worker(self) -> psutil.Process:
        """The process in which the app's Python runs."""
        for process in psutil.Process(self.process.pid).children(recursive=True):
            line = " ".join(process.cmdline())
            if "local.host.worker_process" in line or "azure_functions_worker" in line or "workers/python" in line:
                return process
        raise ProcessLookupError("the host has no worker")


def is_func() -> bool:
    """Whether hosts are Azure's own."""
    return os.environ.get("BRIDGE_HOST") == "func"


def start_host(
    processes: Processes,
    *,
    app: Path = ROOT,
    port: int = 0,
    environment: Mapping[str, str] | None = None,
    timers: bool = True,
    time_scale: float = 1.0,
) -> RunningHost:
    """Start a host and wait until it answers.

    ``timers``: whether functions also run by the clock. ``time_scale``: see `python -m local.host --help`; Azure's own
    host keeps the real time. Raises ChildFailedError, and FileNotFoundError where func is to be used and is not there.
    """
    if is_func():
        return _start_func(processes, app, port, environment or {}, timers)
    arguments = ["--port", str(port), "--app", str(app), "--time-scale", str(time_scale)]
    process, ready = processes.start_module(
        "local.host", *arguments, *(() if timers else ("--no-timers",)), environment=environment
    )
    return RunningHost(process, ready["url"])


def _start_func(
    processes: Processes, app: Path, port: int, environment: Mapping[str, str], timers: bool
) -> RunningHost:
    func = shutil.which("func")
    if func is None:
        raise FileNotFoundError("BRIDGE_HOST=func needs Azure Functions Core Tools on the PATH")
    if port == 0:
        with listen(0) as free:
            port = free.getsockname()[1]
    settings = {
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "AzureWebJobsDisableHomepage": "true",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "languageWorkers__python__defaultExecutablePath": sys.executable,
        "FUNCTIONS_CORE_TOOLS_TELEMETRY_OPTOUT": "1",
        **({} if timers else {f"AzureWebJobs.{timer}.Disabled": "true" for timer in TIMERS}),
        **environment,
    }
    process = processes.start("func", [func, "start", "--port", str(port)], settings, app)
    url = f"http://{LOOPBACK}:{port}"
    gives_up = time.monotonic() + FUNC_PATIENCE
    while time.monotonic() < gives_up and process.is_running:
        if _is_up(url):
            return RunningHost(process, url)
        time.sleep(POLL_INTERVAL)
    raise ChildFailedError(f"func did not come up: {process.output.read_text()[-2000:]}")


def _is_up(url: str) -> bool:
    try:
        answer = requests.get(f"{url}/admin/host/status", timeout=5)
        return answer.ok and answer.json().get("state") == "Running"
    except (requests.RequestException, ValueError):
        return False
