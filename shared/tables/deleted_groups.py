"""How many groups of a store were deleted lately: the row ``deletedGroups`` in the partition of its identities.

The row is written in the transaction that begins a deletion, guarded by its ETag, so that no kill loses a count and no
two writers pass the same limit together.
"""

from dataclasses import dataclass
from datetime import datetime

from azure.core import MatchConditions
from azure.data.tables import UpdateMode

from shared.rules.minute_counts import MinuteCounts
from shared.tables.store_rows import Operation, StoreRows

_KEY = "deletedGroups"


@dataclass(frozen=True)
class StoredDeletions:
    """The counts as they were read; the ETag is empty where there are none yet."""

    counts: MinuteCounts
    etag: str


class DeletedGroups(StoreRows):
    """Reads the counts, and makes the operation that adds to them. Its methods raise TablesBusy."""

    def read(self, store: str) -> StoredDeletions:
        """The counts as they are. One round trip."""
        found = self._get(store, _KEY)
        if found is None:
            return StoredDeletions(MinuteCounts(), "")
        return StoredDeletions(MinuteCounts.model_validate_json(found[0]["counts"]), found[1])

    def one_more(self, store: str, before: StoredDeletions, now: datetime) -> Operation:
        """The operation that counts one more deletion, as part of the transaction that begins it."""
        row = {"PartitionKey": store, "RowKey": _KEY, "counts": before.counts.plus(now, 1).model_dump_json()}
        if not before.etag:
            return "create", row
        guard = {"etag": before.etag, "match_condition": MatchConditions.IfNotModified, "mode": UpdateMode.REPLACE}
        return "update", row, guard
