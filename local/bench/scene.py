"""The measured parts, each a process of its own, and the resources that each has used so far."""

import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil
import requests

from local.bench.azurite_modes import SwitchableAzurite
from local.bench.load import Plan, Request, Result, write_plan
from local.bench.seeding import Seeder
from local.host.gate import Call, Gate, Moment
from local.parts import STORE, app_settings, start_zoho_one
from local.processes import Child, Processes
from local.store import add_store, new_key
from shared.app.container import Bridge
from shared.rules.guard_limits import GuardLimits, Threshold
from shared.settings import Settings
from shared.tables.service import connect

SAMPLING = 0.05  # seconds between two samples of the host's memory
PATIENCE = 60  # seconds for one answer
NO_LIMIT = 10**9  # people


class Scene:
    """Azurite, the simulated Zoho One and one connected store; hosts are started as needed."""

    def __init__(self, processes: Processes, folder: Path) -> None:
        self._processes, self._plan_file, self._key = processes, folder / "plan.json", new_key()
        self.tables = SwitchableAzurite(processes)
        self._zoho_one, self._zoho_one_process = start_zoho_one(processes), processes.children[-1]
        self.token = add_store(self._connection_string, self._key, self._zoho_one, STORE)
        bridge = Bridge(Settings.model_validate(self._settings(self._connection_string)))
        # The same people are switched off and on, and the same members removed, which the guard would rightly stop.
        unlimited = Threshold(count=NO_LIMIT, percent=100)
        limits = GuardLimits(leavings=unlimited, leavings_share=None, leavings_most=None, members=unlimited)
        bridge.stores.change(STORE, lambda store: store.model_copy(update={"guard": limits}))
        self.identities, store = bridge.identities, bridge.stores.read(STORE)
        assert store is not None  # it was added above
        self.identities_table = connect(self._connection_string).get_table_client("identities")
        self.seeder = Seeder(store, bridge.push, self.identities_table)

    def _settings(self, connection_string: str) -> dict[str, str]:
        return app_settings(connection_string, self._key, self._zoho_one)

    @property
    def _connection_string(self) -> str:
        return self.tables.azurite.connection_string

    def start_host(self, gate: Gate | None = None) -> "Host":
        """Start a function host; its calls to the tables go through the gate, if there is one."""
        connection_string = self._connection_string
        if gate is not None:
            origin = self.tables.azurite.table_url.rpartition("/")[0]
            connection_string = connection_string.replace(origin, gate.url)
        environment = self._settings(connection_string)
        process, ready = self._processes.start_module(
            "local.host", "--port", "0", "--one-process", "--no-timers", environment=environment
        )
        return Host(process, ready["url"], self.token)

    def tables_gate(self, counter: "Counter") -> Gate:
        """Return a proxy for Azurite's tables that counts."""
        return Gate("tables", self.tables.azurite.table_url.rpartition("/")[0], counter)

    def load(self, host: "Host", plan: dict[str, Any]) -> Result:
        """Carry out a plan against a host, in the generator's own process."""
        address, port = host.url.removeprefix("http://").split(":")
        write_plan(Plan(address, int(port), self.token, **plan), self._plan_file)
        child, result = self._processes.start_module("local.bench.load", str(self._plan_file))
        child.stop()
        return Result(**result)

    def accounts(self) -> list[dict[str, Any]]:
        """Return the accounts in the simulated Zoho One."""
        held: list[dict[str, Any]] = requests.get(f"{self._zoho_one.url}/_state", timeout=PATIENCE).json()["users"]
        return held

    def zoho_calls(self) -> int:
        """Return the number of SCIM calls that the simulated Zoho One has received."""
        calls: dict[str, int] = requests.get(f"{self._zoho_one.url}/_state", timeout=PATIENCE).json()["calls"]
        return sum(count for kind, count in calls.items() if "/oauth/" not in kind)

    def answer_at_once(self, method: str, path: str, status: int, times: int) -> None:
        """Make the simulated Zoho One answer the next calls of a kind without carrying them out."""
        fault = {"method": method, "path": path, "status": status, "times": times}
        requests.post(f"{self._zoho_one.url}/_faults", json=[fault], timeout=PATIENCE).raise_for_status()

    def cpu_seconds(self, host: "Host") -> tuple[float, float, float]:
        """Return the processor time of the host, Azurite and the simulated Zoho One since their start."""
        return cpu_seconds(host.process), cpu_seconds(self.tables.azurite.process), cpu_seconds(self._zoho_one_process)


class Host:
    """A running function host."""

    def __init__(self, process: Child, url: str, token: str) -> None:
        self.process, self.url = process, url
        self._session = requests.Session()
        self._session.headers.update({"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"})

    def send(self, request: Request, status: int) -> dict[str, Any]:
        """Send one untimed request. Raises RuntimeError if the answer is not the expected one."""
        url, body = self.url + request.path, request.body.encode() or None
        answer = self._session.request(request.method, url, data=body, timeout=PATIENCE)
        if answer.status_code != status:
            raise RuntimeError(f"{request.method} was answered {answer.status_code}: {answer.text}")
        content: dict[str, Any] = answer.json() if answer.content else {}
        return content


class Counter:
    """Counts the calls through a gate."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, _: Call, moment: Moment) -> None:
        self.calls += moment == "before"


class PeakMemory:
    """The largest memory of a process that was sampled within a `with` block."""

    def __init__(self, process: Child) -> None:
        self.mib = 0.0
        self._process = psutil.Process(process.pid)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.is_set() and self._process.is_running():
            self.mib = max(self.mib, self._process.memory_info().rss / 2**20)
            time.sleep(SAMPLING)


def cpu_seconds(process: Child) -> float:
    """Return the processor time that a process has used."""
    times = psutil.Process(process.pid).cpu_times()
    return times.user + times.system


def busy_seconds() -> float:
    """Return the processor time that all programs of the machine have used."""
    times = psutil.cpu_times()
    return times.user + times.nice + times.system
