"""The rows of one store in a table: read by key, and from one key up to another."""

from collections.abc import Iterator, Sequence
from itertools import batched

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient, TableEntity

from shared.tables.errors import Stale
from shared.tables.identity_rows import Row
from shared.tables.portions import MOST_ROWS
from shared.tables.service import our_errors

type Operation = tuple[str, Row] | tuple[str, Row, dict[str, object]]

AFTER_ALL = ";"
"""Sorts right behind ``:``, so that ``id:`` up to ``id;`` is every row of that kind."""


def remove_rows(table: TableClient, store: str, keys: Sequence[str]) -> None:
    """Take rows away, those that are there. One round trip for a hundred, as long as all are. Raises TablesBusy."""
    for portion in batched(keys, MOST_ROWS, strict=False):
        rows = [{"PartitionKey": store, "RowKey": key} for key in portion]
        try:
            with our_errors():
                table.submit_transaction([("delete", row) for row in rows])
        except Stale:
            for row in rows:
                with our_errors():
                    table.delete_entity(row)  # one that is not there is no error


class StoreRows:
    """Reads the rows of a partition. Every method raises TablesBusy."""

    def __init__(self, table: TableClient) -> None:
        self._table = table

    def _get(self, store: str, key: str, select: tuple[str, ...] | None = None) -> tuple[Row, str] | None:
        """One row and its ETag, or None."""
        with our_errors():
            try:
                return _texts(self._table.get_entity(store, key, select=list(select) if select else None))
            except ResourceNotFoundError:
                return None

    def _range(
        self, store: str, start: str, end: str, select: tuple[str, ...] | None = None, page: int | None = None
    ) -> Iterator[tuple[Row, str]]:
        """The rows from one key up to, not including, another, with their ETags; a page at a time."""
        with our_errors():
            found = self._table.query_entities(
                "PartitionKey eq @store and RowKey ge @start and RowKey lt @end",
                parameters={"store": store, "start": start, "end": end},
                select=list(select) if select else None,
                results_per_page=page,
            )
            for entity in found:
                yield _texts(entity)


def _texts(entity: TableEntity) -> tuple[Row, str]:
    """An entity's text properties, the only kind that is written here, and its ETag."""
    return {name: value for name, value in entity.items() if isinstance(value, str)}, str(entity.metadata["etag"])
