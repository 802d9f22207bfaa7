"""One table of an account in memory."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple, Protocol, Self

from azure.core import MatchConditions
from azure.core.exceptions import ResourceNotFoundError
from azure.core.paging import ItemPaged
from azure.data.tables import TableClient, TableEntity, UpdateMode

from tests.tables.memory.filters import EVERYTHING, Filter, filter_of
from tests.tables.memory.limits import LARGEST_PAGE, Key, Refusal, Values, check_transaction
from tests.tables.memory.operations import Operation, alone, guard, in_transaction, key_of
from tests.tables.memory.rows import Row, Rows


class Call(NamedTuple):
    """One round trip."""

    table: str
    """Empty where it is about tables."""
    operation: str
    """The method of the client's; ``query`` for each page of a query."""
    keys: tuple[Key, ...]
    """Of the rows it is about; of a query the key from which on rows are asked for."""


class Account(Protocol):
    """What a table needs of its account."""

    def rows(self, table: str) -> Rows:
        """A table's. Raises TablesBusy where it is missing."""

    def stamp(self) -> tuple[str, datetime]:
        """The ETag and time of a write."""

    def round_trip[T](self, call: Call, work: Callable[[], T]) -> T:
        """Do some work as the service does."""


class MemoryTable(TableClient):
    """A table of an account in memory."""

    def __init__(self, service: Account, name: str) -> None:
        self._service = service
        self.table_name = name

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def close(self) -> None: ...

    def get_entity(
        self, partition_key: str, row_key: str, *, select: str | Sequence[str] | None = None, **_: Any
    ) -> TableEntity:
        key = Key(partition_key, row_key)
        row = self._service.round_trip(Call(self.table_name, "get_entity", (key,)), lambda: self._found(key))
        return _entity(row, _names(select))

    def query_entities(
        self,
        query_filter: str,
        *,
        results_per_page: int | None = None,
        select: str | Sequence[str] | None = None,
        parameters: Mapping[str, Any] | None = None,
        **_: Any,
    ) -> ItemPaged[TableEntity]:
        return self._pages(filter_of(query_filter, parameters or {}), results_per_page, select)

    def list_entities(
        self, *, results_per_page: int | None = None, select: str | Sequence[str] | None = None, **_: Any
    ) -> ItemPaged[TableEntity]:
        return self._pages(EVERYTHING, results_per_page, select)

    def create_entity(self, entity: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        return self._alone("create_entity", alone("create", entity))

    def upsert_entity(self, entity: Mapping[str, Any], mode: UpdateMode = UpdateMode.MERGE, **_: Any) -> dict[str, Any]:
        return self._alone("upsert_entity", alone("upsert", entity, mode))

    def update_entity(
        self,
        entity: Mapping[str, Any],
        mode: UpdateMode = UpdateMode.MERGE,
        *,
        etag: str | None = None,
        match_condition: MatchConditions | None = None,
        **_: Any,
    ) -> dict[str, Any]:
        return self._alone("update_entity", alone("update", entity, mode, guard(entity, etag, match_condition)))

    def delete_entity(
        self,
        *of: Any,
        etag: str | None = None,
        match_condition: MatchConditions | None = None,
        **_: Any,
    ) -> None:
        """By its keys, or by an entity. One that is not there is no error, whatever ETag it should have."""
        entity = of[0] if isinstance(of[0], Mapping) else {"PartitionKey": of[0], "RowKey": of[1]}
        operation = Operation("delete", key_of(entity), {}, guard(entity, etag, match_condition))
        try:
            self._alone("delete_entity", operation)
        except ResourceNotFoundError:
            return

    def submit_transaction(self, operations: Iterable[tuple[Any, ...]], **_: Any) -> list[Mapping[str, Any]]:
        """As shared/tables/transactions.py does it: rows hold text alone."""
        todo = [in_transaction(*operation) for operation in operations]
        if not todo:
            return []
        if len({operation.key.partition for operation in todo}) > 1:
            raise ValueError("a transaction is about rows of one partition")
        keys = tuple(operation.key for operation in todo)

        def submit() -> list[Mapping[str, Any]]:
            check_transaction(keys, (operation.values for operation in todo))
            return self._written(todo)

        return self._service.round_trip(Call(self.table_name, "submit_transaction", keys), submit)

    def _alone(self, name: str, operation: Operation) -> dict[str, Any]:
        call = Call(self.table_name, name, (operation.key,))
        return dict(self._service.round_trip(call, lambda: self._written([operation]))[0])

    def _found(self, key: Key) -> Row:
        row = self._service.rows(self.table_name).get(key)
        if row is None:
            raise Refusal(404, "ResourceNotFound", "The specified resource does not exist.")
        return row

    def _written(self, operations: Sequence[Operation]) -> list[Mapping[str, Any]]:
        """Do all or none."""
        rows = self._service.rows(self.table_name)
        results: list[Values | None] = []
        for index, operation in enumerate(operations):
            try:
                results.append(operation.outcome(rows.get(operation.key)))
            except Refusal as refusal:
                refusal.index = index
                raise
        written: list[Mapping[str, Any]] = []
        for operation, values in zip(operations, results, strict=True):
            if values is None:
                rows.remove(operation.key)
                written.append({})
            else:
                etag, at = self._service.stamp()
                rows.put(operation.key, Row(values, etag, at))
                written.append({"etag": etag})
        return written

    def _pages(self, asked: Filter, per_page: int | None, select: str | Sequence[str] | None) -> ItemPaged[TableEntity]:
        names, size = _names(select), LARGEST_PAGE if per_page is None else per_page

        def page(token: Mapping[str, str] | None) -> list[Row]:
            start = Key(token["PartitionKey"], token["RowKey"]) if token else None
            call = Call(self.table_name, "query", (start or Key(asked.partition or "", asked.starts),))
            return self._service.round_trip(call, lambda: self._page(asked, start, size))

        def read(found: list[Row]) -> tuple[Mapping[str, str] | None, Iterator[TableEntity]]:
            after = found[size].values if len(found) > size else None
            token = {name: str(after[name]) for name in ("PartitionKey", "RowKey")} if after else None
            return token, iter([_entity(row, names) for row in found[:size]])

        return ItemPaged(page, read)

    def _page(self, asked: Filter, start: Key | None, size: int) -> list[Row]:
        """The rows of a page, and the one after it."""
        if not 0 < size <= LARGEST_PAGE:
            raise Refusal(400, "InvalidInput", "A page has 1 to 1,000 entities.")
        return list(islice(self._service.rows(self.table_name).found(asked, start), size + 1))


def _names(select: str | Sequence[str] | None) -> tuple[str, ...] | None:
    return tuple(select.split(",")) if isinstance(select, str) else tuple(select) if select else None


def _entity(row: Row, names: tuple[str, ...] | None) -> TableEntity:
    """As it is read: a copy. Of a part of it the service tells no time."""
    values = row.values
    entity = TableEntity(values if names is None else {name: values[name] for name in names if name in values})
    entity._metadata = {"etag": row.etag, "timestamp": row.at if names is None else None}
    return entity
