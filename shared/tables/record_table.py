"""The rows of one table: read by key and by range, and written alone or in transactions guarded by an ETag.

A record is a row of its own, by which the whole is guarded, and further rows (claims, marks, lookups) that change in
the same transaction.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import batched

from azure.core import MatchConditions
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient, TableEntity, UpdateMode

from shared.tables.errors import Stale
from shared.tables.portions import MOST_ROWS
from shared.tables.service import our_errors

type Row = dict[str, str]
type Operation = tuple[str, Row] | tuple[str, Row, dict[str, object]]

LARGEST_PAGE = 1_000
"""Rows that Table Storage gives in one answer at the most; a query that asks for more is refused.

https://learn.microsoft.com/rest/api/storageservices/query-timeout-and-pagination
"""

AFTER_ALL = ";"
"""The character that sorts right after ``:``, so that ``id:`` up to ``id;`` is every row of that kind."""


def keyed(partition: str, key: str, row: Mapping[str, str] | None = None) -> Row:
    """A row with its keys."""
    return {"PartitionKey": partition, "RowKey": key, **(row or {})}


def create(row: Row) -> Operation:
    """Write a row that does not exist yet."""
    return "create", row


def upsert(row: Row) -> Operation:
    """Write a row, whether it exists or not."""
    return "upsert", row, {"mode": UpdateMode.REPLACE}


def update(row: Row, etag: str) -> Operation:
    """Replace a row as it was read."""
    return "update", row, {**_unchanged(etag), "mode": UpdateMode.REPLACE}


def create_or_update(row: Row, etag: str | None) -> Operation:
    """Replace a row as it was read; without an ETag, create it."""
    return update(row, etag) if etag else create(row)


def delete(row: Row, etag: str | None = None) -> Operation:
    """Delete a row, with an ETag only as it was read; of the row, the keys are used."""
    return ("delete", row) if etag is None else ("delete", row, _unchanged(etag))


def record_changes(
    partition: str, key: str, etag: str | None, old: Mapping[str, Row], new: Mapping[str, Row]
) -> list[Operation]:
    """Return the operations from the rows of a record to those it should have.

    The first is on the record's own row, ``key``, and guards the transaction: ``etag`` is None where the record is new.
    A further row that stays the same is not written.
    """
    own = keyed(partition, key, new.get(key))
    operations = [create(own) if etag is None else update(own, etag) if key in new else delete(own, etag)]
    for other in {**old, **new}:
        row = keyed(partition, other, new.get(other))
        if other == key or old.get(other) == new.get(other):
            continue
        operations.append(delete(row) if other not in new else upsert(row) if other in old else create(row))
    return operations


class RecordTable:
    """Reads and writes the rows of one table. Every method raises TablesBusy."""

    def __init__(self, table: TableClient) -> None:
        self._table = table

    def _get(self, partition: str, key: str, select: tuple[str, ...] | None = None) -> tuple[Row, str] | None:
        """Return one row and its ETag, or None. One round trip."""
        with our_errors():
            try:
                return _texts(self._table.get_entity(partition, key, select=list(select) if select else None))
            except ResourceNotFoundError:
                return None

    def _range(
        self, partition: str, start: str, end: str, select: tuple[str, ...] | None = None, page: int | None = None
    ) -> Iterator[tuple[Row, str]]:
        """Return the rows from one key up to, not including, another, with their ETags; a page at a time.

        ``page``: how many rows are wanted at once; none, and for more than LARGEST_PAGE: as many as there may be.
        """
        with our_errors():
            found = self._table.query_entities(
                "PartitionKey eq @partition and RowKey ge @start and RowKey lt @end",
                parameters={"partition": partition, "start": start, "end": end},
                select=list(select) if select else None,
                results_per_page=min(page, LARGEST_PAGE) if page else None,
            )
            for entity in found:
                yield _texts(entity)

    def _transact(self, operations: Iterable[Operation]) -> list[str]:
        """Do all of at most 100 operations or none, in one round trip; return the ETag of each row, empty if deleted.

        Raises Conflict where a row to create exists, Stale where one to replace or delete has changed, and TooLarge.
        """
        with our_errors():
            results = self._table.submit_transaction(operations)
        return [str(result.get("etag", "")) for result in results]

    def _create(self, row: Row) -> str:
        """Write a row that does not exist yet and return its ETag. One round trip. Raises Conflict."""
        with our_errors():
            return str(self._table.create_entity(row)["etag"])

    def _put(self, row: Row) -> None:
        """Write a row in place of what is there. One round trip."""
        with our_errors():
            self._table.upsert_entity(row, mode=UpdateMode.REPLACE)

    def _update(self, row: Row, etag: str) -> str:
        """Replace a row as it was read and return its new ETag. One round trip. Raises Stale."""
        with our_errors():
            written = self._table.update_entity(
                row, mode=UpdateMode.REPLACE, etag=etag, match_condition=MatchConditions.IfNotModified
            )
        return str(written["etag"])

    def _delete(self, partition: str, key: str, etag: str | None = None) -> None:
        """Delete a row, with an ETag only as it was read; a missing row is no error. One round trip. Raises Stale."""
        with our_errors():
            if etag is None:
                self._table.delete_entity(partition, key)
            else:
                row = keyed(partition, key)
                self._table.delete_entity(row, etag=etag, match_condition=MatchConditions.IfNotModified)

    def _take(self, partition: str, key: str, etag: str) -> bool:
        """Delete a row as it was read; of two callers, the second is told False. One round trip."""
        try:
            # In a transaction, because alone the SDK reports the deletion of a missing row as a success.
            self._transact([delete(keyed(partition, key), etag)])
        except Stale:
            return False
        return True


def remove_rows(table: TableClient, partition: str, keys: Sequence[str]) -> None:
    """Delete these rows where they exist. One round trip for a hundred, as long as all exist. Raises TablesBusy."""
    for portion in batched(keys, MOST_ROWS, strict=False):
        rows = [keyed(partition, key) for key in portion]
        try:
            with our_errors():
                table.submit_transaction([delete(row) for row in rows])
        except Stale:
            for row in rows:
                with our_errors():
                    table.delete_entity(row)  # one that is not there is no error


def _unchanged(etag: str) -> dict[str, object]:
    """The options of a write that only succeeds while the row is as it was read."""
    return {"etag": etag, "match_condition": MatchConditions.IfNotModified}


def _texts(entity: TableEntity) -> tuple[Row, str]:
    """Return an entity's text properties, the only kind that is written here, and its ETag."""
    return {name: value for name, value in entity.items() if isinstance(value, str)}, str(entity.metadata["etag"])
