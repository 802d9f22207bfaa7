"""The plans that the guard holds, in Table Storage, whole.

The partition is the store. The row ``plan:<id>`` says what is known of a plan and what became of it; the rows
``part:<id>:<number>`` hold its changes. An id begins with the inverted time, so that the newest plan, the only one that
can be open, is the first of its range.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from azure.core import MatchConditions
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient, TableEntity, UpdateMode

from shared.rules.guard import Breach
from shared.rules.held_plan import HeldPlan, HeldState, Move
from shared.rules.plan import Plan
from shared.tables.by_time import MOST_DROPPED, drop, inverted, new_id
from shared.tables.entity_text import gather, spread
from shared.tables.errors import Conflict, Stale
from shared.tables.plan_parts import PlanParts
from shared.tables.service import our_errors

PAGE = 50

type Row = dict[str, str]
type Operation = tuple[str, Row] | tuple[str, Row, dict[str, object]]


@dataclass(frozen=True)
class StoredPlan:
    """What is known of a held plan, with the ETag that guards the next change of its state."""

    held: HeldPlan
    etag: str


class HeldPlans:
    """Reads and writes held plans. Every method raises TablesBusy."""

    def __init__(self, table: TableClient) -> None:
        self._table = table
        self._parts = PlanParts(table)

    def hold(self, plan: Plan, breaches: tuple[Breach, ...], active_users: int, by: str, at: datetime) -> StoredPlan:
        """Keep a plan whole until somebody decides; an earlier one that is open is overtaken.

        A plan that does the same as the open one is that one. Raises Stale where an administrator has decided on the
        earlier plan meanwhile, and CannotBecome where that is being applied.
        """
        earlier = self.newest(plan.store)
        if earlier is not None and earlier.held.is_open and earlier.held.digest == plan.digest:
            return earlier
        first = Move(state=HeldState.HELD, by=by, at=at, why=" ".join(map(str, breaches)))
        held = HeldPlan(
            id=new_id(at),
            store=plan.store,
            digest=plan.digest,
            counts=plan.counts,
            group_counts=plan.group_counts,
            breaches=breaches,
            active_users=active_users,
            moves=(first,),
        )
        operations: list[Operation] = [("create", _row(held))]
        if earlier is not None and earlier.held.is_open:
            why = "Another plan is held in its place."
            overtaken = earlier.held.moved(Move(state=HeldState.OVERTAKEN, by=by, at=at, why=why))
            operations.append(("update", _row(overtaken), _guard(earlier.etag)))
        # What nobody points to if this ends half-way is dropped with the plans of its day.
        self._parts.put(held.id, plan)
        return StoredPlan(held, self._decisive(operations))

    def newest(self, store: str) -> StoredPlan | None:
        """The plan that was held last, open or not; None where none ever was. One round trip."""
        return next(iter(self.all(store, 1)), None)

    def all(self, store: str, count: int = PAGE) -> list[StoredPlan]:
        """The plans that were held, newest first. One round trip."""
        rows = islice(self._range(store, "plan:", "plan;", count), count)
        return [_stored(row) for row in rows]

    def plan(self, held: HeldPlan) -> Plan:
        """Its changes, just as they were held. One round trip for some ten thousand.

        Raises PlanLost: what cannot be shown cannot be approved.
        """
        return self._parts.read(held.store, held.id, held.digest)

    def move(self, stored: StoredPlan, move: Move) -> StoredPlan:
        """Change a plan's state. One round trip.

        Raises CannotBecome, and Stale where somebody else has changed it since it was read.
        """
        held = stored.held.moved(move)
        return StoredPlan(held, self._decisive([("update", _row(held), _guard(stored.etag))]))

    def drop_before(self, store: str, cutoff: datetime, most: int = MOST_DROPPED) -> int:
        """Forget the plans that were held before, at most so many rows, but never the newest, which may be open."""
        newest = self.newest(store)
        if newest is None:
            return 0
        start = max(inverted(cutoff), f"{newest.held.id}~")
        dropped = self._parts.drop(store, start, most)
        return dropped + drop(self._table, store, f"plan:{start}", "plan;", most - dropped)

    def _decisive(self, operations: list[Operation]) -> str:
        """The ETag of the first row written. Raises Stale, but not for our own write that the SDK sent twice."""
        try:
            return self._submit(operations)
        except (Stale, Conflict):
            row = operations[0][1]
            with our_errors():
                try:
                    there = self._table.get_entity(row["PartitionKey"], row["RowKey"])
                except ResourceNotFoundError:
                    raise Stale from None
            if gather(there, "held") != gather(row, "held"):
                raise Stale from None
            return str(there.metadata["etag"])

    def _submit(self, operations: list[Operation]) -> str:
        with our_errors():
            return str(self._table.submit_transaction(operations)[0].get("etag", ""))

    def _range(self, store: str, start: str, end: str, page: int) -> Iterator[TableEntity]:
        with our_errors():
            yield from self._table.query_entities(
                "PartitionKey eq @store and RowKey ge @start and RowKey lt @end",
                parameters={"store": store, "start": start, "end": end},
                results_per_page=page,
            )


def _stored(row: TableEntity) -> StoredPlan:
    return StoredPlan(HeldPlan.model_validate_json(gather(row, "held")), str(row.metadata["etag"]))


def _row(held: HeldPlan) -> Row:
    return {"PartitionKey": held.store, "RowKey": f"plan:{held.id}", **spread("held", held.model_dump_json())}


def _guard(etag: str) -> dict[str, object]:
    return {"etag": etag, "match_condition": MatchConditions.IfNotModified, "mode": UpdateMode.REPLACE}
