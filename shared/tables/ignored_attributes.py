"""What Entra sends and nothing uses, in the row ``ignored`` of a store's identities.

A process counts by itself. It writes a name that it has not written before at the end of the request, in two round
trips, and the counts with the first request ten minutes later: so a request costs no more than it did, but for the
first of a process that names something new. What a process has counted when it ends is lost: the names are not.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from azure.core import MatchConditions
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient, UpdateMode

from shared.rules.ignored_attributes import MOST, IgnoredAttributes
from shared.tables.entity_text import gather, spread
from shared.tables.errors import Conflict, Stale, TablesBusy
from shared.tables.service import our_errors

PAUSE = timedelta(minutes=10)
"""Between two writes of one process for one store."""
_KEY = "ignored"


@dataclass
class _Counted:
    """What this process has counted for one store and not written."""

    counts: Counter[str] = field(default_factory=Counter)
    told: set[str] = field(default_factory=set)
    """Names that it has written."""
    written: datetime | None = None


class IgnoredNotes:
    """Keeps and reads them."""

    def __init__(self, identities: TableClient, now: Callable[[], datetime]) -> None:
        self._table = identities
        self._now = now
        self._stores = defaultdict[str, _Counted](_Counted)
        self._lock = Lock()

    def note(self, store: str, names: Iterable[str]) -> None:
        """Count what one request named. Raises nothing: what cannot be written now is written later."""
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
            with self._lock:  # another process was faster, or nobody answers: with the next
                counted.counts.update(due)

    def read(self, store: str) -> IgnoredAttributes:
        """Those of a store, in one round trip. Raises TablesBusy."""
        return self._read(store)[0]

    def _read(self, store: str) -> tuple[IgnoredAttributes, str | None]:
        with our_errors():
            try:
                row = self._table.get_entity(store, _KEY)
            except ResourceNotFoundError:
                return IgnoredAttributes(), None
            return IgnoredAttributes.model_validate_json(gather(row, "attributes")), str(row.metadata["etag"])

    def _write(self, store: str, counts: Counter[str], now: datetime) -> None:
        known, etag = self._read(store)
        text = known.with_counts(counts, now).model_dump_json()
        row = {"PartitionKey": store, "RowKey": _KEY, **spread("attributes", text)}
        with our_errors():
            if etag is None:
                self._table.create_entity(row)
            else:
                self._table.update_entity(
                    row, mode=UpdateMode.REPLACE, etag=etag, match_condition=MatchConditions.IfNotModified
                )
