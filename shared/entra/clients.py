"""A client of Microsoft Graph for each store, which keeps its access token between two cycles."""

from collections.abc import Callable
from threading import Lock

import requests

from shared.entra.credentials import EntraTokens
from shared.entra.graph_client import GraphClient
from shared.rules.store import Store

SECRET = "entra-secret"  # noqa: S105 - the name it is kept under
"""Of a store's client secret or certificate, among its secrets."""


class GraphClients:
    """Threads may share it."""

    def __init__(self, session: requests.Session, secret: Callable[[str], str]) -> None:
        """``secret``: a store's client secret or certificate, empty where it has none, by the store's id."""
        self._session = session
        self._secret = secret
        self._clients: dict[str, tuple[str, GraphClient]] = {}
        self._lock = Lock()

    def of(self, store: Store) -> GraphClient:
        """The client for a store that reads Graph."""
        connection = store.entra
        assert connection is not None  # the caller has seen to that
        described = connection.model_dump_json()
        with self._lock:
            known = self._clients.get(store.id)
            if known is None or known[0] != described:
                tokens = EntraTokens(connection, self._session, lambda: self._secret(store.id))
                known = described, GraphClient(connection, self._session, tokens)
                self._clients[store.id] = known
            return known[1]
