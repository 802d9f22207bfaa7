"""A table in memory, with ETags and transactions: for a test that makes thousands of them."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from threading import RLock
from typing import Any, cast

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient, TableEntity

from shared.tables.errors import Conflict, Stale

_BOUND = re.compile(r"RowKey (ge|lt) (?:@(\w+)|'([^']*)')")
_PARTITION = re.compile(r"PartitionKey eq @(\w+)")


def memory_table() -> TableClient:
    """An empty one."""
    return cast("TableClient", _MemoryTable())


class _MemoryTable:
    """The calls of TableClient that the bridge makes of it."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], tuple[dict[str, Any], str]] = {}
        self._etags = count()
        self._lock = RLock()

    def get_entity(self, partition_key: str, row_key: str, select: Sequence[str] | None = None) -> TableEntity:
        with self._lock:
            if (partition_key, row_key) not in self._rows:
                raise ResourceNotFoundError
            return _entity(*self._rows[partition_key, row_key])

    def query_entities(self, query: str, *, parameters: Mapping[str, str], **_: Any) -> Iterator[TableEntity]:
        partition = parameters[_PARTITION.findall(query)[0]]
        bounds = {how: parameters[name] if name else text for how, name, text in _BOUND.findall(query)}
        with self._lock:
            found = sorted(key for of, key in self._rows if of == partition and bounds["ge"] <= key < bounds["lt"])
            return iter([_entity(*self._rows[partition, key]) for key in found])

    def submit_transaction(self, operations: Iterable[tuple[Any, ...]]) -> list[dict[str, str]]:
        with self._lock:
            todo = [(kind, dict(row), (rest or [{}])[0]) for kind, row, *rest in operations]
            assert len({(row["PartitionKey"], row["RowKey"]) for _, row, _ in todo}) == len(todo) <= 100
            for kind, row, options in todo:
                there = self._rows.get((row["PartitionKey"], row["RowKey"]))
                if kind == "create" and there:
                    raise Conflict
                if kind in ("update", "delete") and (there is None or options.get("etag") not in (None, there[1])):
                    raise Stale
            etags = [str(next(self._etags)) for _ in todo]
            for (kind, row, _), etag in zip(todo, etags, strict=True):
                key = row["PartitionKey"], row["RowKey"]
                if kind == "delete":
                    del self._rows[key]
                else:
                    self._rows[key] = row, etag
            return [{"etag": etag} for etag in etags]


def _entity(row: Mapping[str, Any], etag: str) -> TableEntity:
    entity = TableEntity(**row)
    entity._metadata = {"etag": etag, "timestamp": None}
    return entity
