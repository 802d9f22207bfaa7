"""The directory stores in Table Storage, one row each, and a short-lived cache of them.

Beside a store's row are the rows ``~<id>:<time>``, newest first: administrators' changes to it. They are in the same
partition, so that a change and its record are one transaction. No id begins with a tilde.
"""

import re
import secrets
import time
from collections.abc import Callable
from functools import lru_cache
from itertools import islice
from threading import Lock

from azure.data.tables import TableClient

from shared.rules.admin_change import AdminChange
from shared.rules.store import STORE_ID, Store
from shared.tables.by_time import new_id
from shared.tables.entity_text import gather, spread
from shared.tables.errors import Stale
from shared.tables.record_table import RecordTable, Row, create, delete, keyed, update

REMEMBERED = 30.0
"""Seconds until a worker sees another's change to a store."""

PARTITION = "store"
_RECORDS = "~"
_ID = re.compile(STORE_ID)


def new_incarnation() -> str:
    """Return what distinguishes a store from an earlier one with the same id."""
    return secrets.token_hex(8)


class Stores(RecordTable):
    """Reads and writes directory stores. Every method raises TablesBusy."""

    def __init__(self, table: TableClient, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__(table)
        self._monotonic = monotonic
        self._seen: dict[str, tuple[float, Store]] = {}
        self._lock = Lock()

    def get(self, store_id: str) -> Store | None:
        """Return a store, at most half a minute old, or None. A stopped one is always read, so that a start is seen at
        once.
        """
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
        """Return every store as it is now."""
        return [_store_of(gather(row, "store")) for row, _ in self._range(PARTITION, "", _RECORDS)]

    def read(self, store_id: str) -> Store | None:
        """Return a store as it is now, or None. One round trip."""
        if not _ID.fullmatch(store_id):
            return None
        found = self._get(PARTITION, store_id)
        return _store_of(gather(found[0], "store")) if found else None

    def started(self) -> list[Store]:
        """Return the started stores as they are now."""
        return [store for store in self.all() if store.is_started]

    def with_cycles(self) -> list[Store]:
        """Return the started stores and those that observe, as they are now."""
        return [store for store in self.all() if store.has_cycles]

    def put(self, store: Store) -> None:
        """Store a directory store in place of the former one."""
        self._put(_row(store))
        with self._lock:
            self._remember(store.id, store)

    def create(self, store: Store, record: AdminChange) -> Store:
        """Create a new store as an incarnation of its own. Raises Conflict where its id is in use."""
        new = store.model_copy(update={"incarnation": new_incarnation()})
        self._transact([create(_row(new)), create(_record_row(new.id, record))])
        return new

    def change(
        self,
        store_id: str,
        change: Callable[[Store], Store],
        record: Callable[[Store, Store], AdminChange] | None = None,
    ) -> Store:
        """Change a store, whatever other writers do at the same time.

        ``change`` may be called more than once. ``record``: makes the record of the change from the store before and
        after, in the same transaction. Raises KeyError where the store is gone.
        """
        while True:
            found = self._get(PARTITION, store_id)
            if found is None:
                raise KeyError(store_id)
            before = _store_of(gather(found[0], "store"))
            changed = change(before)
            operations = [update(_row(changed), found[1])]
            if record is not None:
                operations.append(create(_record_row(store_id, record(before, changed))))
            try:
                self._transact(operations)
            except Stale:
                continue
            with self._lock:
                self._remember(store_id, changed)
            return changed

    def delete(self, store_id: str, record: AdminChange) -> None:
        """Delete a store; the record of administrators' changes stays. Raises Stale where it is gone."""
        self._transact([delete(keyed(PARTITION, store_id)), create(_record_row(store_id, record))])
        with self._lock:
            self._seen.pop(store_id, None)

    def record(self, store_id: str, record: AdminChange) -> None:
        """Record what an administrator did that changed no setting."""
        self._create(_record_row(store_id, record))

    def records(self, store_id: str, count: int) -> list[AdminChange]:
        """Return administrators' changes to a store, newest first. One round trip."""
        start = records_of(store_id)
        rows = islice(self._range(PARTITION, start, f"{start}~", page=count), count)
        return [AdminChange.model_validate_json(gather(row, "record")) for row, _ in rows]

    def _remember(self, store_id: str, store: Store | None) -> None:
        """Update the cache; the caller holds the lock."""
        if store is not None and store.is_started:
            self._seen[store_id] = (self._monotonic(), store)
        else:
            self._seen.pop(store_id, None)


def records_of(store_id: str) -> str:
    """Return the beginning of the keys of a store's records."""
    return f"{_RECORDS}{store_id}:"


@lru_cache(maxsize=64)
def _store_of(text: str) -> Store:
    """Return the store that a row holds: it is read each minute and at each request, and seldom changes."""
    return Store.model_validate_json(text)


def _row(store: Store) -> Row:
    return keyed(PARTITION, store.id, spread("store", store.model_dump_json()))


def _record_row(store_id: str, record: AdminChange) -> Row:
    return keyed(PARTITION, records_of(store_id) + new_id(record.at), spread("record", record.model_dump_json()))
