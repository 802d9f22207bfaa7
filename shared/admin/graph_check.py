"""Whether a store can read Microsoft Graph, and if not, why."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import requests
from pydantic import ConfigDict

from shared.entra.answers import Permission
from shared.entra.clients import SECRET
from shared.entra.credentials import EntraTokens
from shared.entra.domains import verified_domains
from shared.entra.errors import GraphError, GraphNotFound
from shared.entra.graph_client import GraphClient
from shared.model import Model
from shared.rules.entra_connection import EntraConnection, Scope
from shared.rules.store import Store
from shared.tables.errors import Unreadable
from shared.tables.secrets import Secrets

PATIENCE = 5.0
"""Seconds that the test waits when Graph asks for it: an administrator is waiting for the result."""


class GraphStep(StrEnum):
    """The steps of the test, in order."""

    TOKEN = "Entra gives the app a token"  # noqa: S105 - words for an admin
    USERS = "People can be read"
    ASSIGNMENTS = "The enterprise application's assignments can be read"
    DOMAINS = "Verified domains can be read (needed only for reading them into the settings)"


@dataclass(frozen=True)
class GraphResult:
    """The result of one step."""

    step: GraphStep
    seconds: float
    reason: str | None = None
    """Why it failed; None if it passed."""


class _Any(Model):
    model_config = ConfigDict(extra="ignore")


@dataclass(frozen=True)
class GraphCheck:
    """Tests a store's connection to Microsoft Graph, by reading only."""

    secrets: Secrets
    session: requests.Session
    clock: Callable[[], float] = time.perf_counter
    local: bool = False
    """Whether this is the app on one machine."""

    def __call__(self, store: Store) -> tuple[GraphResult, ...]:
        """Run the steps up to the first failure that later steps depend on. Raises ValueError without a
        connection, TablesBusy.
        """
        connection, graph, tokens = self._reader(store)
        results = [self._taken(GraphStep.TOKEN, tokens.current)]
        if results[0].reason is None:
            results += [
                self._taken(step, _reading(graph, url, needs)) for step, url, needs in _reads(graph, connection)
            ]
        return tuple(results)

    def quick(self, store: Store) -> str | None:
        """Return why Entra issues no token or Graph refuses to list people, or None. Two calls. Raises as above."""
        connection, graph, _ = self._reader(store)
        step, url, needs = _reads(graph, connection)[0]
        return self._taken(step, _reading(graph, url, needs)).reason

    def domains(self, store: Store) -> frozenset[str]:
        """Return the tenant's verified domains. Raises GraphError, and ValueError without a connection."""
        _, graph, _ = self._reader(store)
        return verified_domains(graph)

    def _reader(self, store: Store) -> tuple[EntraConnection, GraphClient, EntraTokens]:
        if store.entra is None:
            raise ValueError("The store has no connection to Microsoft Graph yet")
        tokens = EntraTokens(store.entra, self.session, lambda: self._secret(store.id), local=self.local)
        return store.entra, GraphClient(store.entra, self.session, tokens, patience=PATIENCE), tokens

    def _taken(self, step: GraphStep, take: Callable[[], object]) -> GraphResult:
        started = self.clock()
        try:
            take()
        except GraphError as error:
            return GraphResult(step, self.clock() - started, str(error))
        return GraphResult(step, self.clock() - started)

    def _secret(self, store_id: str) -> str:
        try:
            return self.secrets.get(store_id, SECRET) or ""
        except Unreadable:
            return ""


def _reads(graph: GraphClient, connection: EntraConnection) -> list[tuple[GraphStep, str, Permission]]:
    users = graph.url("/users", {"$select": "id", "$top": "1"})
    domains = graph.url("/domains", {"$select": "id"})
    reads = [(GraphStep.USERS, users, Permission.USERS)]
    if connection.scope is Scope.ASSIGNED:
        path = f"/servicePrincipals/{connection.enterprise_app}/appRoleAssignedTo"
        reads.append((GraphStep.ASSIGNMENTS, graph.url(path, {"$top": "1"}), Permission.ASSIGNMENTS))
    return [*reads, (GraphStep.DOMAINS, domains, Permission.DOMAINS)]


def _reading(graph: GraphClient, url: str, needs: Permission) -> Callable[[], object]:
    def read() -> object:
        try:
            return graph.page(_Any, url, needs)
        except GraphNotFound:
            raise GraphNotFound(
                "Microsoft Graph does not know it: copy the Object ID from Enterprise applications, not from App "
                "registrations"
            ) from None

    return read
