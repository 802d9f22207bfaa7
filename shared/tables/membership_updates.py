"""Membership updates: people whose groups have to follow them, as rows ``regroup:<person>`` of their store.

Such a row is written in the transaction that confirms the account or deletes the identity, so that a crash after it
loses no membership.
"""

from collections.abc import Iterator
from contextlib import suppress

from shared.tables.errors import Stale
from shared.tables.identity_rows import MembershipUpdate, StoredMembershipUpdate
from shared.tables.record_table import AFTER_ALL, RecordTable, Row


class MembershipUpdates(RecordTable):
    """Reads and ends membership updates. Every method raises TablesBusy."""

    def of(self, store: str, person: str) -> MembershipUpdate | None:
        """Return the membership update of a person, if one waits. One round trip."""
        found = self._get(store, f"regroup:{person}")
        return _note(found[0]) if found else None

    def waiting(self, store: str) -> Iterator[StoredMembershipUpdate]:
        """Return all membership updates of a store. One round trip for a thousand."""
        for row, etag in self._range(store, "regroup:", "regroup" + AFTER_ALL):
            yield StoredMembershipUpdate(_note(row), etag)

    def end(self, store: str, stored: StoredMembershipUpdate) -> None:
        """Delete an update once the groups have followed. One round trip. Does nothing where a newer one was written
        since.
        """
        with suppress(Stale):
            self._delete(store, f"regroup:{stored.note.person}", stored.etag)


def _note(row: Row) -> MembershipUpdate:
    return MembershipUpdate(row["id"], row["reason"], row["gone"] == "yes", row["account"])
