"""Whom a full round of Graph's has listed so far, a row for each page: who is not in it by its end is not there."""

from collections.abc import Iterator, Sequence

from azure.data.tables import TableClient, UpdateMode

from shared.tables.by_time import drop
from shared.tables.entity_text import gather, spread
from shared.tables.service import our_errors

_ALL = 1_000_000


class SeenPages:
    """Keeps and reads pages, in the partition of their store. Every method raises TablesBusy."""

    def __init__(self, table: TableClient) -> None:
        self._table = table

    def put(self, store: str, page: int, object_ids: Sequence[str]) -> None:
        """Keep whom a page lists. One that is kept again takes the place of itself."""
        row = {"PartitionKey": store, "RowKey": f"seen:{page:07d}", **spread("ids", " ".join(object_ids))}
        with our_errors():
            self._table.upsert_entity(row, mode=UpdateMode.REPLACE)

    def everybody(self, store: str) -> Iterator[str]:
        """Whom the pages list."""
        with our_errors():
            rows = self._table.query_entities(
                "PartitionKey eq @store and RowKey ge 'seen:' and RowKey lt 'seen;'", parameters={"store": store}
            )
            for row in rows:
                yield from gather(row, "ids").split()

    def forget(self, store: str) -> None:
        """The round has ended, or begins anew."""
        drop(self._table, store, "seen:", "seen;", _ALL)
