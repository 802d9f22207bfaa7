"""A table that is read as it is, and whose writes are kept in memory only: what a dry run works on."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from threading import RLock
from typing import Any, cast

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient, TableEntity

from shared.tables.errors import Conflict, Stale

_BOUND = re.compile(r"RowKey (ge|gt|lt) (?:@(\w+)|'([^']*)')")
_PARTITION = re.compile(r"PartitionKey eq @(\w+)")


def rehearsal_of(table: TableClient) -> TableClient:
    """A table for one dry run. Its guards see to what is there and what is not; nobody else writes it meanwhile."""
    return cast("TableClient", _Rehearsal(table))


class _Rehearsal:
    """The calls of TableClient that the bridge makes, in the forms in which it makes them."""

    def __init__(self, table: TableClient) -> None:
        self._table = table
        self._rows: dict[tuple[str, str], dict[str, Any] | None] = {}
        self._lock = RLock()

    def get_entity(self, partition_key: str, row_key: str, select: Sequence[str] | None = None) -> TableEntity:
        with self._lock:
            if (partition_key, row_key) not in self._rows:
                return self._table.get_entity(partition_key, row_key, select=list(select) if select else None)
            row = self._rows[partition_key, row_key]
        if row is None:
            raise ResourceNotFoundError("not there in this rehearsal")
        return _entity(row)

    def query_entities(
        self, query_filter: str, *, parameters: Mapping[str, str], **options: Any
    ) -> Iterator[TableEntity]:
        partition = parameters[_PARTITION.findall(query_filter)[0]]
        bounds = [(how, parameters[name] if name else text) for how, name, text in _BOUND.findall(query_filter)]
        with self._lock:
            written = {key: row for (of, key), row in self._rows.items() if of == partition and _within(key, bounds)}
        if select := options.get("select"):
            options["select"] = [*select, "RowKey"]  # the order of the two is by it
        ours = iter(sorted(key for key, row in written.items() if row is not None))
        mine = next(ours, None)
        for entity in self._table.query_entities(query_filter, parameters=dict(parameters), **options):
            while mine is not None and mine < entity["RowKey"]:
                yield _entity(written[mine] or {})
                mine = next(ours, None)
            if entity["RowKey"] not in written:
                yield entity
        while mine is not None:
            yield _entity(written[mine] or {})
            mine = next(ours, None)

    def submit_transaction(self, operations: Iterable[tuple[Any, ...]]) -> list[dict[str, str]]:
        with self._lock:
            checked = [(str(kind), dict(row)) for kind, row, *_ in operations]
            for kind, row in checked:
                there = kind != "upsert" and self._is_there(row)
                if kind == "create" and there:
                    raise Conflict
                if kind in ("update", "delete") and not there:
                    raise Stale
            for kind, row in checked:
                self._rows[row["PartitionKey"], row["RowKey"]] = None if kind == "delete" else row
        return [{"etag": "rehearsed"} for _ in checked]

    def create_entity(self, row: dict[str, Any]) -> dict[str, str]:
        return self.submit_transaction([("create", row)])[0]

    def upsert_entity(self, row: dict[str, Any], **_: Any) -> dict[str, str]:
        return self.submit_transaction([("upsert", row)])[0]

    def update_entity(self, row: dict[str, Any], **_: Any) -> dict[str, str]:
        return self.submit_transaction([("update", row)])[0]

    def delete_entity(self, partition_key: str | dict[str, str], row_key: str | None = None, **_: Any) -> None:
        keys = partition_key if isinstance(partition_key, dict) else {"PartitionKey": partition_key, "RowKey": row_key}
        with self._lock:
            self._rows[str(keys["PartitionKey"]), str(keys["RowKey"])] = None

    def _is_there(self, row: Mapping[str, Any]) -> bool:
        try:
            self.get_entity(row["PartitionKey"], row["RowKey"], select=["RowKey"])
        except ResourceNotFoundError:
            return False
        return True


def _within(key: str, bounds: Sequence[tuple[str, str]]) -> bool:
    fits = {"ge": key.__ge__, "gt": key.__gt__, "lt": key.__lt__}
    return all(fits[how](text) for how, text in bounds)


def _entity(row: Mapping[str, Any]) -> TableEntity:
    entity = TableEntity(**row)
    entity._metadata = {"etag": "rehearsed", "timestamp": None}
    return entity
