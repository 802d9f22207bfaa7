"""The rows of one store in all tables that a cycle writes, which can be taken back to what they were."""

from itertools import batched
from typing import Any

from azure.data.tables import TableClient, TableServiceClient, UpdateMode

from shared.sync.cycle_note import lease_name
from shared.tables.portions import MOST_ROWS

type _Rows = dict[str, dict[str, Any]]


class TableRows:
    """Keeps and restores. What did not change in between is not written."""

    def __init__(self, connection_string: str, store: str) -> None:
        service = TableServiceClient.from_connection_string(connection_string)
        self._parts = [(service.get_table_client(name), store, "") for name in ("identities", "entra", "runs")]
        self._parts.append((service.get_table_client("leases"), "lease", lease_name(store)))
        self._kept: list[_Rows] = []

    def keep(self) -> None:
        """Remember them as they are now."""
        self._kept = [_rows(*part) for part in self._parts]

    def go_back(self) -> None:
        """Let them be as they were when they were last kept."""
        for (table, partition, key), kept in zip(self._parts, self._kept, strict=True):
            now = _rows(table, partition, key)
            operations: list[Any] = [
                ("delete", {"PartitionKey": partition, "RowKey": each}) for each in now.keys() - kept.keys()
            ]
            operations += [
                ("upsert", row, {"mode": UpdateMode.REPLACE}) for each, row in kept.items() if now.get(each) != row
            ]
            for portion in batched(operations, MOST_ROWS, strict=False):
                table.submit_transaction(portion)


def _rows(table: TableClient, partition: str, key: str) -> _Rows:
    query = "PartitionKey eq @partition" + (" and RowKey eq @key" if key else "")
    found = table.query_entities(query, parameters={"partition": partition, "key": key})
    return {str(row["RowKey"]): dict(row) for row in found}
