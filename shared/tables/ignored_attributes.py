"""Attributes that Entra sends and nothing uses, in the row ``ignored`` of a store's identities.

Each process counts on its own. It writes a new name at the end of the request, in two round trips, and the counts with
the first request ten minutes later. So only a process's first request with a new name costs more. Counts that a process
has not written when it ends are lost; names are not.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from azure.data.tables import TableClient

from shared.rules.ignored_attributes import MOST, IgnoredAttributes
from shared.tables.entity_text import gather, spread
from shared.tables.errors import Conflict, Stale, TablesBusy
from shared.tables.record_table import RecordTable, keyed

PAUSE = timedelta(minutes=10)
"""Time between two writes of one process for one store."""
_KEY = "ignored"


@dataclass
class _Counted:
    """Counts of one store that this process has not written."""

    counts: Counter[str] = field(default_factory=Counter)
    told: set[str] = field(default_factory=set)
    """Names that it has written."""
    written: datetime | None = None


class IgnoredNotes(RecordTable):
    """Keeps and reads these attributes."""

    def __init__(self, identities: TableClient, now: Callable[[], datetime]) -> None:
        super().__init__(identities)
        self._now = now
        self._stores = defaultdict[str, _Counted](_Counted)
        self._lock = Lock()

    def note(self, store: str, names: Iterable[str]) -> None:
        """Count the names of one request. Raises nothing: a failed write is repeated later."""
        with self._lock:
            counted, now = self._stores[store], self._now()
            counted.counts.update(set(names))
            if len(counted.counts) > MOST:
                counted.counts = Counter(dict(counted.counts.most_common(MOST)))
            is_due = counted.written is not None and now - counted.written >= PAUSE
            new = counted.counts.keys() - counted.told
            if not (counted.counts and (is_due or (new and len(counted.told) < MOST))):
                return
            due, counted.counts = counted.counts, Counter()
            counted.told |= new
            counted.written = now
        try:
            self._write(store, due, now)
        except (Stale, Conflict, TablesBusy):
            with self._lock:  # another process was faster, or the tables are busy: retried with the next request
                counted.counts.update(due)

    def read(self, store: str) -> IgnoredAttributes:
        """Return a store's ignored attributes. One round trip. Raises TablesBusy."""
        return self._read(store)[0]

    def _read(self, store: str) -> tuple[IgnoredAttributes, str | None]:
        found = self._get(store, _KEY)
        if found is None:
            return IgnoredAttributes(), None
        return IgnoredAttributes.model_validate_json(gather(found[0], "attributes")), found[1]

    def _write(self, store: str, counts: Counter[str], now: datetime) -> None:
        known, etag = self._read(store)
        text = known.with_counts(counts, now).model_dump_json()
        row = keyed(store, _KEY, spread("attributes", text))
        if etag is None:
            self._create(row)
        else:
            self._update(row, etag)
