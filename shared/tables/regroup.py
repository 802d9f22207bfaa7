"""Notes that a person's groups have yet to follow him, as rows ``regroup:<person>`` in the partition of their store.

Such a row is written in the transaction that settles his account, or that takes his identity away, so that a crash
behind it loses no membership.
"""

from collections.abc import Iterator

from azure.core import MatchConditions
from azure.data.tables import TableClient

from shared.tables.errors import Stale
from shared.tables.identity_rows import MembershipUpdate, StoredMembershipUpdate
from shared.tables.service import our_errors


class MembershipUpdates:
    """Reads and ends notes. Every method raises TablesBusy."""

    def __init__(self, table: TableClient) -> None:
        self._table = table

    def waiting(self, store: str) -> Iterator[StoredMembershipUpdate]:
        """Everybody whose groups have yet to follow him. One round trip for a thousand."""
        with our_errors():
            found = self._table.query_entities(
                "PartitionKey eq @store and RowKey ge 'regroup:' and RowKey lt 'regroup;'", parameters={"store": store}
            )
            for row in found:
                note = MembershipUpdate(row["id"], row["reason"], row["gone"] == "yes", row["account"])
                yield StoredMembershipUpdate(note, str(row.metadata["etag"]))

    def end(self, store: str, stored: StoredMembershipUpdate) -> None:
        """His groups have followed. One round trip. Does nothing where he has been noted again since."""
        keys = {"PartitionKey": store, "RowKey": f"regroup:{stored.note.person}"}
        try:
            with our_errors():
                self._table.delete_entity(keys, etag=stored.etag, match_condition=MatchConditions.IfNotModified)
        except Stale:
            return
