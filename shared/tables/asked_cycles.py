"""The cycles that people asked for, until each has begun: a message may be lost, or find another cycle running.

They are rows ``<store>:<run id>`` of the partition ``asked`` in the table ``leases``.
"""

from azure.data.tables import TableClient

from shared.tables.errors import Stale
from shared.tables.service import our_errors

_PARTITION = "asked"


class AskedCycles:
    """Reads and writes requests, which are texts to it. Every method raises TablesBusy."""

    def __init__(self, leases: TableClient) -> None:
        self._table = leases

    def put(self, store: str, run_id: str, request: str) -> None:
        """Keep a request. One round trip."""
        with our_errors():
            self._table.upsert_entity({"PartitionKey": _PARTITION, "RowKey": f"{store}:{run_id}", "request": request})

    def all(self) -> dict[str, list[str]]:
        """The requests of each store, the newest first. One round trip for a thousand."""
        found: dict[str, list[str]] = {}
        with our_errors():
            for row in self._table.query_entities("PartitionKey eq @asked", parameters={"asked": _PARTITION}):
                found.setdefault(str(row["RowKey"]).partition(":")[0], []).append(str(row["request"]))
        return found

    def drop(self, store: str, run_id: str) -> None:
        """Forget a request. One round trip."""
        try:
            with our_errors():
                self._table.delete_entity({"PartitionKey": _PARTITION, "RowKey": f"{store}:{run_id}"})
        except Stale:
            return  # another worker was first

    def drop_all(self, store: str) -> None:
        """Forget every request of a store that is taken away."""
        with our_errors():
            rows = self._table.query_entities(
                "PartitionKey eq @asked and RowKey ge @start and RowKey lt @end",
                parameters={"asked": _PARTITION, "start": f"{store}:", "end": f"{store};"},
                select=["RowKey"],
            )
            keys = [str(row["RowKey"]) for row in rows]
        for key in keys:
            self.drop(store, key.partition(":")[2])
