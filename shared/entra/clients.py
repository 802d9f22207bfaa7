"""One client of Microsoft Graph per store, which keeps its access token between two cycles."""

import time
from collections.abc import Callable
from threading import Lock

import requests

from shared.entra.credentials import EntraTokens
from shared.entra.graph_client import GraphClient
from shared.rules.store import Store

SECRET = "entra-secret"  # noqa: S105 - the name it is kept under
"""Name of a store's client secret or certificate among its secrets."""


class GraphClients:
    """Creates and keeps the clients. Threads may share it."""

    def __init__(
        self,
        session: requests.Session,
        secret: Callable[[str], str],
        sleep: Callable[[float], None] = time.sleep,
        *,
        local: bool = False,
    ) -> None:
        """``secret``: returns a store's client secret or certificate by the store's id, empty where it has none.
        ``local``: whether this is the app on one machine.
        """
        self._local = local
        self._session = session
        self._sleep = sleep
        self._secret = secret
        self._clients: dict[str, tuple[str, GraphClient]] = {}
        self._lock = Lock()

    def of(self, store: Store) -> GraphClient:
        """Return the client of a store that reads Graph."""
        connection = store.entra
        assert connection is not None  # the caller has checked it
        described = connection.model_dump_json()
        with self._lock:
            known = self._clients.get(store.id)
            if known is None or known[0] != described:
                tokens = EntraTokens(connection, self._session, lambda: self._secret(store.id), local=self._local)
                known = described, GraphClient(connection, self._session, tokens, sleep=self._sleep)
                self._clients[store.id] = known
            return known[1]
