"""The directory stores in Table Storage, a row each, and a short memory of them.

Beside a store's row stand the rows ``~<id>:<time>``, newest first: what administrators changed in it. They are in the
same partition, so that a change and its record are one transaction. No id begins with a tilde.
"""

import re
import secrets
import time
from collections.abc import Callable
from itertools import islice
from threading import Lock

from azure.core import MatchConditions
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient, UpdateMode

from shared.rules.admin_change import AdminChange
from shared.rules.store import STORE_ID, Store
from shared.tables.by_time import new_id
from shared.tables.entity_text import gather, spread
from shared.tables.errors import Stale
from shared.tables.service import our_errors

REMEMBERED = 30.0
"""Seconds until a worker sees what another has changed in a store."""

PARTITION = "store"
_RECORDS = "~"
_ID = re.compile(STORE_ID)


def new_incarnation() -> str:
    """What tells a store from one that had its id before."""
    return secrets.token_hex(8)


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

    def all(self) -> list[Store]:
        """Every store, as it is now."""
        with our_errors():
            rows = self._table.query_entities(
                "PartitionKey eq @store and RowKey lt @records", parameters={"store": PARTITION, "records": _RECORDS}
            )
            return [Store.model_validate_json(gather(row, "store")) for row in rows]

    def read(self, store_id: str) -> Store | None:
        """A store as it is now, or None. One round trip."""
        if not _ID.fullmatch(store_id):
            return None
        with our_errors():
            try:
                entity = self._table.get_entity(PARTITION, store_id)
            except ResourceNotFoundError:
                return None
        return Store.model_validate_json(gather(entity, "store"))

    def started(self) -> list[Store]:
        """The stores that take changes to Zoho One, as they are now."""
        return [store for store in self.all() if store.is_started]

    def put(self, store: Store) -> None:
        """Keep a store in place of what was there."""
        with our_errors():
            self._table.upsert_entity(_row(store), mode=UpdateMode.REPLACE)
        with self._lock:
            self._remember(store.id, store)

    def create(self, store: Store, record: AdminChange) -> Store:
        """Keep a new store, as an incarnation of its own. Raises Conflict where there is one with its id."""
        new = store.model_copy(update={"incarnation": new_incarnation()})
        with our_errors():
            self._table.submit_transaction([("create", _row(new)), ("create", _record_row(new.id, record))])
        return new

    def change(
        self,
        store_id: str,
        change: Callable[[Store], Store],
        record: Callable[[Store, Store], AdminChange] | None = None,
    ) -> Store:
        """Put a changed store in the place of what is there now, whoever writes it at the same time.

        ``change`` may be called more than once. ``record``: what is kept of it, from the store before and after, in the
        same transaction. Raises KeyError where the store is gone.
        """
        while True:
            with our_errors():
                try:
                    entity = self._table.get_entity(PARTITION, store_id)
                except ResourceNotFoundError:
                    raise KeyError(store_id) from None
            before = Store.model_validate_json(gather(entity, "store"))
            changed = change(before)
            guard = {"etag": entity.metadata["etag"], "match_condition": MatchConditions.IfNotModified}
            operations: list[tuple[object, ...]] = [("update", _row(changed), guard | {"mode": UpdateMode.REPLACE})]
            if record is not None:
                operations.append(("create", _record_row(store_id, record(before, changed))))
            try:
                with our_errors():
                    self._table.submit_transaction(operations)  # type: ignore[arg-type]  # of two or three parts each
            except Stale:
                continue
            with self._lock:
                self._remember(store_id, changed)
            return changed

    def delete(self, store_id: str, record: AdminChange) -> None:
        """Take a store away; what administrators did to it stays on record. Raises Stale where it is gone."""
        row = {"PartitionKey": PARTITION, "RowKey": store_id}
        with our_errors():
            self._table.submit_transaction([("delete", row), ("create", _record_row(store_id, record))])
        with self._lock:
            self._seen.pop(store_id, None)

    def record(self, store_id: str, record: AdminChange) -> None:
        """Keep what an administrator did that changed no setting."""
        with our_errors():
            self._table.create_entity(_record_row(store_id, record))

    def records(self, store_id: str, count: int) -> list[AdminChange]:
        """What administrators did to a store, newest first. One round trip."""
        start = records_of(store_id)
        with our_errors():
            rows = self._table.query_entities(
                "PartitionKey eq @store and RowKey ge @start and RowKey lt @end",
                parameters={"store": PARTITION, "start": start, "end": f"{start}~"},
                results_per_page=count,
            )
            return [AdminChange.model_validate_json(gather(row, "record")) for row in islice(rows, count)]

    def _remember(self, store_id: str, store: Store | None) -> None:
        """With the lock held."""
        if store is not None and store.is_started:
            self._seen[store_id] = (self._monotonic(), store)
        else:
            self._seen.pop(store_id, None)


def records_of(store_id: str) -> str:
    """How the keys of a store's records begin."""
    return f"{_RECORDS}{store_id}:"


def _row(store: Store) -> dict[str, str]:
    return {"PartitionKey": PARTITION, "RowKey": store.id, **spread("store", store.model_dump_json())}


def _record_row(store_id: str, record: AdminChange) -> dict[str, str]:
    key = records_of(store_id) + new_id(record.at)
    return {"PartitionKey": PARTITION, "RowKey": key, **spread("record", record.model_dump_json())}
