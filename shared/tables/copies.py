"""Export and import of a directory store's rows: mappings, people, history, runs, administrators' changes.

Not copied: what the next cycle makes again (how far Microsoft Graph was read, who is in scope, a plan that waits for an
administrator), jobs, and what expires (leases, pending consent requests). These rows belong to the store that was there
before, and are deleted when a store is imported. Secrets are rows of their own and are copied as they are stored:
encrypted.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime

from azure.data.tables import TableClient, TableServiceClient

from shared.tables.cycle_leases import LEASES, CycleLeases
from shared.tables.partitions import Partitions
from shared.tables.portions import portions
from shared.tables.record_table import Row, delete, keyed, upsert
from shared.tables.service import our_errors
from shared.tables.stores import PARTITION, records_of

COPIED = ("mappings", "identities", "runs", "stores")
"""Copied tables, in import order. In each the store has a partition; in the last it shares one with others, and only
the record of administrators' changes is copied.
"""
NOT_COPIED = ("heldplans", "entra", "errands", "accounts")
"""Tables in which the store has a partition that is not copied."""
SECRETS = "secrets"
SHARED = "stores"


class Copies:
    """Reads and writes whole stores. Every method raises TablesBusy."""

    def __init__(self, service: TableServiceClient) -> None:
        self._service = service

    def rows(self, store: str, table: str) -> Iterator[Row]:
        """Return a store's rows in one table by key. Raises TypeError for a value that is not text."""
        for row in self._of(store, table):
            kept = {name: value for name, value in row.items() if name != "PartitionKey"}
            for name, value in kept.items():
                if not isinstance(value, str):
                    raise TypeError(f"{table} holds something else than text in {name}")
            yield {name: str(value) for name, value in kept.items()}

    def put(self, store: str, table: str, rows: Iterable[Row]) -> None:
        """Write rows in place of those with the same keys. One round trip for a hundred."""
        client, partition = self._table(table), self._partition(store, table)
        for portion in portions({"PartitionKey": partition, **row} for row in rows):
            with our_errors():
                client.submit_transaction([upsert(row) for row in portion])

    def drop_others(self, store: str, table: str, kept: frozenset[str]) -> int:
        """Delete a store's rows with other keys than these; return their number. The record of changes stays."""
        if table == SHARED:
            return 0
        client, dropped = self._table(table), 0
        others = (str(row["RowKey"]) for row in self._of(store, table, ["RowKey"]) if row["RowKey"] not in kept)
        for portion in portions(keyed(store, key) for key in others):
            with our_errors():
                client.submit_transaction([delete(row) for row in portion])
            dropped += len(portion)
        return dropped

    def drop_not_copied(self, store: str) -> None:
        """Delete a store's rows that are not copied: they are about the store that was there before."""
        while not self._partitions.drop_some(store):
            pass

    def cycle_leases(self, now: Callable[[], datetime]) -> CycleLeases:
        """Return the leases of the stores' cycles and jobs in the same storage account."""
        return self._partitions.work(now)

    @property
    def _partitions(self) -> Partitions:
        return Partitions([self._table(table) for table in (*NOT_COPIED, LEASES)])

    def _of(self, store: str, table: str, columns: list[str] | None = None) -> Iterator[Mapping[str, object]]:
        where, values = "PartitionKey eq @partition", {"partition": self._partition(store, table)}
        if table == SHARED:
            where += " and RowKey ge @start and RowKey lt @end"
            values |= {"start": records_of(store), "end": f"{records_of(store)}~"}
        with our_errors():
            yield from self._table(table).query_entities(where, parameters=values, select=columns)

    def _partition(self, store: str, table: str) -> str:
        return PARTITION if table == SHARED else store

    def _table(self, table: str) -> TableClient:
        return self._service.get_table_client(table)
