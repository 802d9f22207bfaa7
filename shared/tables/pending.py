"""What waits for a cycle: the pending marks of a store, which are found without looking at anybody else."""

from collections.abc import Sequence
from dataclasses import dataclass

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient

from shared.directory.identity import Identity
from shared.tables.errors import Changed
from shared.tables.group_rows import HELD
from shared.tables.identities import guarded_row
from shared.tables.identity_rows import MANAGER, Stored, arrival_key, rows_of
from shared.tables.portions import portions
from shared.tables.service import our_errors
from shared.tables.store_rows import Operation


@dataclass(frozen=True)
class Waiting:
    """Ids of identities."""

    people: tuple[str, ...]
    """Not confirmed by Zoho One yet."""
    arrived: tuple[str, ...]
    """Have an account since, for which others may have waited."""
    groups: tuple[str, ...] = ()
    """Groups whose deletion waits for a decision."""


class PendingMarks:
    """Reads marks, and takes the leases that stand in them. Every method raises TablesBusy."""

    def __init__(self, table: TableClient) -> None:
        """``table``: the one of the identities."""
        self._table = table

    def waiting(self, store: str) -> Waiting:
        """Everything that waits. One round trip for a thousand."""
        with our_errors():
            rows = self._table.query_entities(
                "PartitionKey eq @store and RowKey ge 'pending:' and RowKey lt 'pending;'",
                parameters={"store": store},
                select=["RowKey"],
            )
            ids = [str(row["RowKey"]).removeprefix("pending:") for row in rows]
        arrived = tuple(each.removeprefix(MANAGER) for each in ids if each.startswith(MANAGER))
        groups = tuple(each.removeprefix(HELD) for each in ids if each.startswith(HELD))
        return Waiting(tuple(each for each in ids if not each.startswith((MANAGER, HELD))), arrived, groups)

    def lease(self, store: str, people: Sequence[tuple[Stored, Identity]]) -> list[Stored]:
        """Write the leases in these people's marks: who was read, and how he is with the lease. In the order given.

        One round trip for up to a hundred; nobody's other rows may change by it. Whom somebody else wrote meanwhile is
        left out.
        """
        leased: list[Stored] = []
        rows = [_row(store, after) for _, after in people]
        for portion in portions(rows):
            some = people[len(leased) : len(leased) + len(portion)]
            leased += self._lease(store, some)
        return [each for each in leased if each.etag]

    def forget_arrival(self, store: str, identity_id: str) -> None:
        """Nobody waits for this account any more."""
        with our_errors():
            try:
                self._table.delete_entity(store, arrival_key(identity_id))
            except ResourceNotFoundError:
                return

    def _lease(self, store: str, people: Sequence[tuple[Stored, Identity]]) -> list[Stored]:
        """Whom somebody else wrote has no ETag in the answer."""
        operations: list[Operation] = [guarded_row(before, _row(store, after)) for before, after in people]
        try:
            with our_errors():
                results = self._table.submit_transaction(operations)
        except Changed:
            if len(people) == 1:
                return [Stored(people[0][1], "")]
            return [one for each in people for one in self._lease(store, [each])]
        written = zip(people, results, strict=True)
        return [Stored(after, str(result.get("etag", ""))) for (_, after), result in written]


def _row(store: str, identity: Identity) -> dict[str, str]:
    key = f"id:{identity.id}"
    return {"PartitionKey": store, "RowKey": key} | rows_of(identity)[key]
