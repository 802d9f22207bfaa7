"""Whom a full round of Graph's has listed so far, a row for each page: who is not in it by its end is not there."""

from collections.abc import Iterator, Sequence

from shared.tables.by_time import drop
from shared.tables.entity_text import gather, spread
from shared.tables.record_table import AFTER_ALL, RecordTable, keyed

_ALL = 1_000_000


class SeenPages(RecordTable):
    """Keeps and reads pages, in the partition of their store. Every method raises TablesBusy."""

    def put(self, store: str, page: int, object_ids: Sequence[str]) -> None:
        """Keep whom a page lists. One that is kept again takes the place of itself."""
        self._put(keyed(store, f"seen:{page:07d}", spread("ids", " ".join(object_ids))))

    def everybody(self, store: str) -> Iterator[str]:
        """Whom the pages list."""
        for row, _ in self._range(store, "seen:", "seen" + AFTER_ALL):
            yield from gather(row, "ids").split()

    def forget(self, store: str) -> None:
        """The round has ended, or begins anew."""
        drop(self._table, store, "seen:", "seen" + AFTER_ALL, _ALL)
