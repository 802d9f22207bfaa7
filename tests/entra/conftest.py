"""The simulated Entra in a process of its own, seen from a test."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from local.processes import Processes
from shared.directory.entra_connection import Credential, EntraConnection
from shared.entra.credentials import EntraTokens
from shared.entra.graph_client import GraphClient
from shared.entra.session import new_session


@dataclass
class Entra:
    """One simulated Entra: what it said when it was ready, and its face for tests."""

    ready: dict[str, Any]
    control: requests.Session = field(default_factory=requests.Session)
    slept: list[float] = field(default_factory=list)
    """What the clients waited, without waiting."""

    def __post_init__(self) -> None:
        self.session = new_session(Path(self.ready["certificate"]))

    def connection(self, **changes: Any) -> EntraConnection:
        """A store's connection to it."""
        values = {
            "tenant_id": self.ready["tenant_id"],
            "client_id": self.ready["client_id"],
            "credential": Credential.CLIENT_SECRET,
            "enterprise_app": self.ready["enterprise_app"],
            "graph": self.ready["url"],
            "login": self.ready["login"],
        }
        return EntraConnection.model_validate(values | changes)

    def tokens(self, secret: Callable[[], str] | None = None, **changes: Any) -> EntraTokens:
        """Tokens for it."""
        return EntraTokens(self.connection(**changes), self.session, secret or (lambda: self.ready["client_secret"]))

    def client(self, patience: float = 60) -> GraphClient:
        """A client for it that notes how long it would wait."""
        return GraphClient(self.connection(), self.session, self.tokens(), patience=patience, sleep=self.slept.append)

    def set(self, **settings: Any) -> None:
        """Change how it behaves: see GraphSettings."""
        self._ask("PATCH", "/_settings", settings)

    def act(self, *actions: dict[str, Any]) -> None:
        """Do what an administrator does: see graph_people.py."""
        self._ask("POST", "/_people", list(actions))

    def fail(self, path: str, **fault: Any) -> None:
        """A fault for the next calls of a kind of path."""
        self._ask("POST", "/_faults", [{"path": path, **fault}])

    def forget(self, what: str) -> None:
        """End all ``tokens`` or ``links``, or forget all ``calls`` or the whole ``state``."""
        self._ask("DELETE", f"/_{what}")

    def calls(self) -> dict[str, int]:
        """How often Graph was called, by method and kind of path; signing in left out."""
        calls: dict[str, int] = self.control.get(f"{self.ready['url']}/_calls", timeout=5).json()
        return {kind: count for kind, count in calls.items() if "/v1.0/" in kind}

    def sign_ins(self) -> int:
        """How many tokens were asked for."""
        calls: dict[str, int] = self.control.get(f"{self.ready['url']}/_calls", timeout=5).json()
        return calls.get("POST /{tenant}/oauth2/v2.0/token", 0) + calls.get("GET /msi/token", 0)

    def _ask(self, method: str, path: str, content: object = None) -> None:
        answer = self.control.request(method, f"{self.ready['url']}{path}", json=content, timeout=10)
        assert answer.status_code == 204, answer.text


@pytest.fixture(scope="session")
def entra_process(processes: Processes) -> Iterator[Entra]:
    """This worker's Entra, with 25 realistic people."""
    _, ready = processes.start_module("local.entra", "--port", "0")
    entra = Entra(ready)
    yield entra
    entra.session.close()
    entra.control.close()


@pytest.fixture
def entra(entra_process: Entra) -> Entra:
    """An Entra as it began; it knows one tenant and one secret."""
    entra_process.forget("state")
    entra_process.slept.clear()
    entra_process.set(tenant=entra_process.ready["tenant_id"], client_secret=entra_process.ready["client_secret"])
    return entra_process
