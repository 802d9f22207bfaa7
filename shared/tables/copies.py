"""A directory store's rows, taken out of the tables and put back: mappings, people, history, runs, what admins did.

Left out is what the next cycle makes again (how far Microsoft Graph was read, who is in scope, a plan that waits for an
administrator), what was asked for on pages, and what ends by itself (leases, consents under way). What is left out
belongs to the store that was there before, and is dropped when a store is put back. Secrets are rows of their own, as
they are stored: encrypted.
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
"""In the order in which they are put back. In each the store has a partition. In the last it shares one with others:
there, what is copied is the record of what administrators did."""
NOT_COPIED = ("heldplans", "entra", "errands")
"""Tables in which the store has a partition that is not copied."""
SECRETS = "secrets"
SHARED = "stores"


class Copies:
    """Reads and writes whole stores. Every method raises TablesBusy."""

    def __init__(self, service: TableServiceClient) -> None:
        self._service = service

    def rows(self, store: str, table: str) -> Iterator[Row]:
        """A store's rows in one table, in the order of their keys. Raises TypeError for a value that is no text."""
        for row in self._of(store, table):
            kept = {name: value for name, value in row.items() if name != "PartitionKey"}
            for name, value in kept.items():
                if not isinstance(value, str):
                    raise TypeError(f"{table} holds something else than text in {name}")
            yield {name: str(value) for name, value in kept.items()}

    def put(self, store: str, table: str, rows: Iterable[Row]) -> None:
        """Write rows in place of those with their keys. A hundred in a round trip."""
        client, partition = self._table(table), self._partition(store, table)
        for portion in portions({"PartitionKey": partition, **row} for row in rows):
            with our_errors():
                client.submit_transaction([upsert(row) for row in portion])

    def drop_others(self, store: str, table: str, kept: frozenset[str]) -> int:
        """Delete a store's rows with other keys than these; how many it were. What is on record stays."""
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
        """Delete what is known of a store and not copied: it is about the store that was there before."""
        while not self._partitions.drop_some(store):
            pass

    def cycle_leases(self, now: Callable[[], datetime]) -> CycleLeases:
        """The leases under which the stores' work is done, in the same storage account."""
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
