"""Number of a store's recent group deletions: the row ``deletedGroups`` in the partition of its identities.

The row is written in the transaction that begins a deletion, guarded by its ETag, so that a killed process loses no
count and two writers cannot pass the same limit together.
"""

from dataclasses import dataclass
from datetime import datetime

from shared.rules.minute_counts import MinuteCounts
from shared.tables.record_table import Operation, RecordTable, create_or_update, keyed

_KEY = "deletedGroups"


@dataclass(frozen=True)
class StoredDeletions:
    """The counts as they were read; the ETag is empty while there is no row."""

    counts: MinuteCounts
    etag: str


class DeletedGroups(RecordTable):
    """Reads the counts and prepares their update. Its methods raise TablesBusy."""

    def read(self, store: str) -> StoredDeletions:
        """Return the counts. One round trip."""
        found = self._get(store, _KEY)
        if found is None:
            return StoredDeletions(MinuteCounts(), "")
        return StoredDeletions(MinuteCounts.model_validate_json(found[0]["counts"]), found[1])

    def one_more(self, store: str, before: StoredDeletions, now: datetime) -> Operation:
        """Return the operation that counts one more deletion, for the transaction that begins it."""
        row = keyed(store, _KEY, {"counts": before.counts.plus(now, 1).model_dump_json()})
        return create_or_update(row, before.etag)
