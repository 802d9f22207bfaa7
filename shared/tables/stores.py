"""The directory stores in Table Storage, a row each, and a short memory of them."""

import re
import time
from collections.abc import Callable
from threading import Lock

from azure.core import MatchConditions
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient, UpdateMode

from shared.directory.store import STORE_ID, Store
from shared.tables.entity_text import gather, spread
from shared.tables.errors import Changed
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
        """A store, at most half a minute old, or None. A stopped one is read anew, so that a start is seen at once."""
        if not _ID.fullmatch(store_id):
            return None
        with self._lock:
            seen = self._seen.get(store_id)
        if seen is not None and self._monotonic() - seen[0] < REMEMBERED:
            return seen[1]
        store = self.read(store_id)
        with self._lock:
            self._remember(store_id, store)
        return store

    def read(self, store_id: str) -> Store | None:
        """A store as it is now, or None. One round trip."""
        with our_errors():
            try:
                entity = self._table.get_entity(_PARTITION, store_id)
            except ResourceNotFoundError:
                return None
        return Store.model_validate_json(gather(entity, "store"))

    def started(self) -> list[Store]:
        """The stores that take changes to Zoho One, as they are now."""
        with our_errors():
            rows = list(self._table.query_entities("PartitionKey eq @store", parameters={"store": _PARTITION}))
        stores = [Store.model_validate_json(gather(row, "store")) for row in rows]
        return [store for store in stores if store.is_started]

    def put(self, store: Store) -> None:
        """Keep a store in place of what was there."""
        row = {"PartitionKey": _PARTITION, "RowKey": store.id, **spread("store", store.model_dump_json())}
        with our_errors():
            self._table.upsert_entity(row, mode=UpdateMode.REPLACE)
        with self._lock:
            self._remember(store.id, store)

    def change(self, store_id: str, change: Callable[[Store], Store]) -> Store:
        """Put a changed store in the place of what is there now, whoever writes it at the same time.

        ``change`` may be called more than once. Raises KeyError where the store is gone.
        """
        while True:
            with our_errors():
                try:
                    entity = self._table.get_entity(_PARTITION, store_id)
                except ResourceNotFoundError:
                    raise KeyError(store_id) from None
            changed = change(Store.model_validate_json(gather(entity, "store")))
            row = {"PartitionKey": _PARTITION, "RowKey": store_id, **spread("store", changed.model_dump_json())}
            etag = entity.metadata["etag"]
            try:
                with our_errors():
                    self._table.update_entity(
                        row, mode=UpdateMode.REPLACE, etag=etag, match_condition=MatchConditions.IfNotModified
                    )
            except Changed:
                continue
            with self._lock:
                self._remember(store_id, changed)
            return changed

    def _remember(self, store_id: str, store: Store | None) -> None:
        """With the lock held."""
        if store is not None and store.is_started:
            self._seen[store_id] = (self._monotonic(), store)
        else:
            self._seen.pop(store_id, None)
