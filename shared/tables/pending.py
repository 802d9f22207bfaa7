"""What waits for a cycle: a store's pending marks, which are found without reading any record."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import batched

from shared.rules.identity import Identity
from shared.tables.errors import Stale
from shared.tables.group_rows import HELD
from shared.tables.identity_rows import (
    GUARD,
    MANAGER,
    REMOVED,
    UNVERIFIED,
    Stored,
    arrival_key,
    removed_key,
    rows_of,
)
from shared.tables.portions import MOST_ROWS, portions
from shared.tables.record_table import AFTER_ALL, Operation, RecordTable, Row, keyed, update


@dataclass(frozen=True)
class Waiting:
    """Ids of what waits."""

    people: tuple[str, ...]
    """People whose change Zoho One has not confirmed yet."""
    arrived: tuple[str, ...]
    """People who got an account for which others may have waited."""
    groups: tuple[str, ...] = ()
    """Groups whose deletion waits for a decision."""
    unverified: tuple[str, ...] = ()
    """Object ids of people whom Graph reported, and a push wrote since: to be read again."""
    removed: Mapping[str, str] = field(default_factory=dict)
    """The same of people whom a push deleted, each with the mark's ETag."""
    is_guarded: bool = False
    """Whether the guard holds somebody back; a cycle looks whether that is over."""


class PendingChanges(RecordTable):
    """Reads pending marks in the table of identities, and takes the leases in them. Every method raises TablesBusy."""

    def waiting(self, store: str) -> Waiting:
        """Return everything that waits. One round trip for a thousand."""
        rows = self._range(store, "pending:", "pending" + AFTER_ALL, ("RowKey",))
        ids = {row["RowKey"].removeprefix("pending:"): etag for row, etag in rows}

        def about(kind: str) -> tuple[str, ...]:
            return tuple(each.removeprefix(kind) for each in ids if each.startswith(kind))

        return Waiting(
            people=tuple(each for each in ids if not each.startswith((GUARD, HELD, MANAGER, REMOVED, UNVERIFIED))),
            arrived=about(MANAGER),
            groups=about(HELD),
            unverified=about(UNVERIFIED),
            removed={each: ids[REMOVED + each] for each in about(REMOVED)},
            is_guarded=any(each.startswith(GUARD) for each in ids),
        )

    def lease(self, store: str, people: Sequence[tuple[Stored, Identity]]) -> list[Stored]:
        """Write the leases in these people's pending changes: each as it was read, and with the lease. Keeps the order.

        One round trip for up to a hundred; no other row of a person may change by it. People that another request wrote
        meanwhile are left out.
        """
        return [leased for some in self.portions(store, people) for leased in self._each(store, some)]

    def portions(
        self, store: str, people: Sequence[tuple[Stored, Identity]]
    ) -> Iterator[Sequence[tuple[Stored, Identity]]]:
        """Return the people in order, each portion small enough for a transaction with one row more."""
        for some in batched(people, MOST_ROWS - 1, strict=False):
            start = 0
            for rows in portions(_row(store, after) for _, after in some):
                yield some[start : start + len(rows)]
                start += len(rows)

    def lease_at_once(
        self, store: str, people: Sequence[tuple[Stored, Identity]], more: Sequence[Operation] = ()
    ) -> tuple[list[Stored], list[str]]:
        """Write one portion's leases in one transaction with other rows; return the people, and those rows' ETags.

        Raises Stale or Conflict where another request wrote any of it meanwhile; then nothing is written.
        """
        etags = self._transact([*(update(_row(store, after), before.etag) for before, after in people), *more])
        leased = [Stored(after, etag) for (_, after), etag in zip(people, etags, strict=False)]
        return leased, etags[len(people) :]

    def forget_arrival(self, store: str, identity_id: str) -> None:
        """Delete the mark on a person who got an account: nobody waits for it any more."""
        self._delete(store, arrival_key(identity_id))

    def forget_removed(self, store: str, object_id: str, etag: str) -> None:
        """Delete the mark on somebody whom a push deleted, unless another push has done so since."""
        self._take(store, removed_key(object_id), etag)

    def _each(self, store: str, people: Sequence[tuple[Stored, Identity]]) -> list[Stored]:
        """Lease all at once, or one by one where another request wrote one of them."""
        try:
            return self.lease_at_once(store, people)[0]
        except Stale:
            return [one for each in people for one in self._each(store, [each])] if len(people) > 1 else []


def _row(store: str, identity: Identity) -> Row:
    key = f"id:{identity.id}"
    return keyed(store, key, rows_of(identity)[key])
