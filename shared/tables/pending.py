"""What waits for a cycle: the pending marks of a store, which are found without looking at anybody else."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import batched

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient

from shared.rules.identity import Identity
from shared.tables.errors import Stale
from shared.tables.group_rows import HELD
from shared.tables.identities import guarded_row
from shared.tables.identity_rows import GUARD, MANAGER, Stored, arrival_key, rows_of
from shared.tables.portions import MOST_ROWS, portions
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
    is_guarded: bool = False
    """The guard keeps somebody back: it looks whether that is over."""


class PendingChanges:
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
        people = tuple(each for each in ids if not each.startswith((GUARD, HELD, MANAGER)))
        return Waiting(people, arrived, groups, any(each.startswith(GUARD) for each in ids))

    def lease(self, store: str, people: Sequence[tuple[Stored, Identity]]) -> list[Stored]:
        """Write the leases in these people's marks: how each was read, and with the lease. In the order given.

        One round trip for up to a hundred; nobody's other rows may change by it. People whom another request wrote
        meanwhile are left out.
        """
        return [leased for some in self.portions(store, people) for leased in self._each(store, some)]

    def portions(
        self, store: str, people: Sequence[tuple[Stored, Identity]]
    ) -> Iterator[Sequence[tuple[Stored, Identity]]]:
        """The people in order, each portion small enough for a transaction with one row more."""
        for some in batched(people, MOST_ROWS - 1, strict=False):
            start = 0
            for rows in portions(_row(store, after) for _, after in some):
                yield some[start : start + len(rows)]
                start += len(rows)

    def lease_at_once(
        self, store: str, people: Sequence[tuple[Stored, Identity]], more: Sequence[Operation] = ()
    ) -> tuple[list[Stored], list[str]]:
        """Write one portion's leases in one transaction with other rows: the people, and those rows' ETags.

        Raises Stale, and Conflict, where another request wrote any of it meanwhile; then nothing is written.
        """
        operations: list[Operation] = [guarded_row(before, _row(store, after)) for before, after in people]
        with our_errors():
            results = self._table.submit_transaction([*operations, *more])
        etags = [str(result.get("etag", "")) for result in results]
        leased = [Stored(after, etag) for (_, after), etag in zip(people, etags, strict=False)]
        return leased, etags[len(people) :]

    def forget_arrival(self, store: str, identity_id: str) -> None:
        """Nobody waits for this account any more."""
        with our_errors():
            try:
                self._table.delete_entity(store, arrival_key(identity_id))
            except ResourceNotFoundError:
                return

    def _each(self, store: str, people: Sequence[tuple[Stored, Identity]]) -> list[Stored]:
        """At once, or one by one where another request wrote one of them."""
        try:
            return self.lease_at_once(store, people)[0]
        except Stale:
            return [one for each in people for one in self._each(store, [each])] if len(people) > 1 else []


def _row(store: str, identity: Identity) -> dict[str, str]:
    key = f"id:{identity.id}"
    return {"PartitionKey": store, "RowKey": key} | rows_of(identity)[key]
