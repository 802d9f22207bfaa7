"""Notes that a person's groups have yet to follow him, as rows ``regroup:<person>`` in the partition of their store.

Such a row is written in the transaction that settles his account, or that takes his identity away, so that a crash
behind it loses no membership.
"""

from collections.abc import Iterator
from contextlib import suppress

from shared.tables.errors import Stale
from shared.tables.identity_rows import MembershipUpdate, StoredMembershipUpdate
from shared.tables.record_table import AFTER_ALL, RecordTable


class MembershipUpdates(RecordTable):
    """Reads and ends notes. Every method raises TablesBusy."""

    def waiting(self, store: str) -> Iterator[StoredMembershipUpdate]:
        """Everybody whose groups have yet to follow him. One round trip for a thousand."""
        for row, etag in self._range(store, "regroup:", "regroup" + AFTER_ALL):
            note = MembershipUpdate(row["id"], row["reason"], row["gone"] == "yes", row["account"])
            yield StoredMembershipUpdate(note, etag)

    def end(self, store: str, stored: StoredMembershipUpdate) -> None:
        """His groups have followed. One round trip. Does nothing where he has been noted again since."""
        with suppress(Stale):
            self._delete(store, f"regroup:{stored.note.person}", stored.etag)
