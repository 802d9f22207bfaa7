"""What cycles are measured among: Azurite, the simulated Zoho One and Entra, each a process, and one store."""

import json
import os
import time
from dataclasses import dataclass
from typing import Any

import requests

from local.bench.azurite_modes import SwitchableAzurite
from local.bench.cycle_process import CycleRun
from local.bench.scene import PATIENCE, PeakMemory, busy_seconds, cpu_seconds
from local.parts import STORE, app_settings, start_zoho_one
from local.processes import Processes
from local.store import add_store, new_key
from shared.app.container import Bridge
from shared.entra.clients import SECRET
from shared.rules.entra_connection import Credential, EntraConnection, Scope
from shared.rules.groups.settings import GroupSettings, ResourceSync
from shared.rules.run import RunKind
from shared.rules.store import Store
from shared.settings import Settings

LATENCY_MS = 100.0
"""That each call of Zoho One's or Graph's takes at least."""
AT_ONCE = 16
"""Calls of Zoho One at the same time: the most that a store may be set to."""
ACCOUNTS = 1000
"""In a page of Zoho One's list."""
LONGEST = 1800.0  # seconds for one measured process


@dataclass(frozen=True)
class Measured:
    """What one process of cycles did, and what it took."""

    runs: tuple[CycleRun, ...]
    peak_mib: float
    cpu_shares: dict[str, float]
    """Processors that each process kept busy, from its start to its end: 1 is one of them, all of the time."""
    others_share: float
    """Of the machine's processors, taken by programs that are not measured here. The more, the less a time means."""


class CycleScene:
    """The parts, with so many people in Entra, none of whom the store knows yet."""

    def __init__(self, processes: Processes, people: int) -> None:
        self._processes = processes
        latency = ("--latency-ms", f"{LATENCY_MS:g}")
        self.tables = SwitchableAzurite(processes)
        self.zoho_one, zoho_one = start_zoho_one(processes, *latency), processes.children[-1]
        entra, self._ready = processes.start_module("local.entra", "--port", "0", "--people", str(people), *latency)
        self._simulated = {"Azurite": self.tables.azurite.process, "Zoho One": zoho_one, "Entra": entra}
        key, connection_string = new_key(), self.tables.azurite.connection_string
        add_store(connection_string, key, self.zoho_one, STORE)
        certificate = {"BRIDGE_ENTRA_CERTIFICATE": self._ready["certificate"]}
        self._environment = app_settings(connection_string, key, self.zoho_one) | certificate
        self.bridge = Bridge(Settings.model_validate(self._environment))
        self.bridge.secrets.put(STORE, SECRET, self._ready["client_secret"])
        self._control = requests.Session()

    def connect(self, scope: Scope) -> Store:
        """Let the store read Graph with this scope, and call Zoho One as often at the same time as it may.

        It brings people alone: what groups cost is counted in tests/sync/test_cycle_calls.py.
        """
        connection = EntraConnection.model_validate(
            {name: self._ready[name] for name in ("tenant_id", "client_id", "enterprise_app", "login")}
            | {"credential": Credential.CLIENT_SECRET, "graph": self._ready["url"], "scope": scope}
        )

        def connected(store: Store) -> Store:
            zoho = store.zoho.model_copy(update={"parallel_calls": AT_ONCE, "page_size": ACCOUNTS})
            groups = GroupSettings(resource_sync=ResourceSync.USERS)
            return store.model_copy(update={"entra": connection, "zoho": zoho, "groups": groups})

        self.bridge.stores.change(STORE, connected)
        store = self.bridge.stores.read(STORE)
        assert store is not None  # it has just been changed
        return store

    def act(self, actions: list[dict[str, Any]]) -> None:
        """Do what an administrator of Entra does: see local/entra/graph_people.py."""
        self._ask("POST", self._ready["url"] + "/_people", actions)

    def set_page_size(self, people: int) -> None:
        """Of the simulated Graph's delta query."""
        self._ask("PATCH", self._ready["url"] + "/_settings", {"page_size": people})

    def add_accounts(self, users: list[dict[str, Any]]) -> list[str]:
        """Accounts that Zoho One has already; their ids."""
        return [user["id"] for user in self._ask("POST", self.zoho_one.url + "/_users", users).json()]

    def run(self, kind: RunKind = RunKind.CYCLE, times: int = 1) -> Measured:
        """Cycles in a process of their own. Raises RuntimeError where one did not go as it should."""
        arguments = ("local.bench.cycle_process", STORE, kind, str(times))
        bridge, _ = self._processes.start_module(*arguments, environment=self._environment)
        measured = {"bridge": bridge} | self._simulated
        before = {name: cpu_seconds(process) for name, process in measured.items()}
        busy, started = busy_seconds(), time.perf_counter()
        with PeakMemory(bridge) as memory:
            runs = bridge.wait_until(_runs, LONGEST)
        seconds = time.perf_counter() - started
        used = {name: cpu_seconds(process) - before[name] for name, process in measured.items()}
        others = (busy_seconds() - busy - sum(used.values())) / seconds / (os.cpu_count() or 1)
        bridge.stop()
        if errors := [error for run in runs for error in run.errors]:
            raise RuntimeError(f"A cycle did not go as it should: {errors[0]}")
        return Measured(runs, memory.mib, {name: each / seconds for name, each in used.items()}, max(others, 0.0))

    def _ask(self, method: str, url: str, content: object) -> requests.Response:
        answer = self._control.request(method, url, json=content, timeout=PATIENCE)
        if not answer.ok:
            raise RuntimeError(f"{method} {url} was answered {answer.status_code}: {answer.text[:500]}")
        return answer


def _runs(output: str) -> tuple[CycleRun, ...] | None:
    """What the second line of a process of cycles says."""
    lines = output.splitlines(keepends=True)
    if len(lines) < 2 or not lines[1].endswith("\n"):
        return None
    return tuple(CycleRun(**run) for run in json.loads(lines[1])["runs"])
