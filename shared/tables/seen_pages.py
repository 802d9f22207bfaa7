"""Users that a full round of Graph has listed so far, one row per page: users missing at its end do not exist."""

from collections.abc import Iterator, Sequence

from shared.tables.by_time import drop
from shared.tables.entity_text import gather, spread
from shared.tables.record_table import AFTER_ALL, RecordTable, keyed

_ALL = 1_000_000


class SeenPages(RecordTable):
    """Writes and reads pages, in the partition of their store. Every method raises TablesBusy."""

    def put(self, store: str, page: int, object_ids: Sequence[str]) -> None:
        """Store the users of a page. A page that is stored again replaces itself."""
        self._put(keyed(store, f"seen:{page:07d}", spread("ids", " ".join(object_ids))))

    def everybody(self, store: str) -> Iterator[str]:
        """Return the users that the pages list."""
        for row, _ in self._range(store, "seen:", "seen" + AFTER_ALL):
            yield from gather(row, "ids").split()

    def forget(self, store: str) -> None:
        """Delete all pages: the round has ended, or starts again."""
        drop(self._table, store, "seen:", "seen" + AFTER_ALL, _ALL)
