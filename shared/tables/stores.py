"""The directory stores in Table Storage, a row each, and a short memory of them."""

import re
import time
from collections.abc import Callable
from threading import Lock

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient, UpdateMode

from shared.directory.store import STORE_ID, Store
from shared.tables.entity_text import gather, spread
from shared.tables.service import our_errors

REMEMBERED = 30.0
"""Seconds until a worker sees what another has changed in a store."""

_PARTITION = "store"
_ID = re.compile(STORE_ID)


class Stores:
    """Reads and writes directory stores. Every method raises TablesBusy."""

    def __init__(self, table: TableClient, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._table = table
        self._monotonic = monotonic
        self._seen: dict[str, tuple[float, Store]] = {}
        self._lock = Lock()

    def get(self, store_id: str) -> Store | None:
        """A store, at most half a minute old, or None."""
        if not _ID.fullmatch(store_id):
            return None
        with self._lock:
            seen = self._seen.get(store_id)
        if seen is not None and self._monotonic() - seen[0] < REMEMBERED:
            return seen[1]
        store = self._read(store_id)
        with self._lock:
            if store is None:
                self._seen.pop(store_id, None)
            else:
                self._seen[store_id] = (self._monotonic(), store)
        return store

    def put(self, store: Store) -> None:
        """Keep a store in place of what was there."""
        row = {"PartitionKey": _PARTITION, "RowKey": store.id, **spread("store", store.model_dump_json())}
        with our_errors():
            self._table.upsert_entity(row, mode=UpdateMode.REPLACE)
        with self._lock:
            self._seen[store.id] = (self._monotonic(), store)

    def _read(self, store_id: str) -> Store | None:
        with our_errors():
            try:
                entity = self._table.get_entity(_PARTITION, store_id)
            except ResourceNotFoundError:
                return None
        return Store.model_validate_json(gather(entity, "store"))
