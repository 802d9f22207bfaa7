"""The plans that the guard holds, in Table Storage, whole.

The partition is the store. The row ``plan:<id>`` holds a plan's counts and states; the rows ``part:<id>:<number>`` hold
its changes. An id begins with the inverted time, so that the newest plan, the only one that can be open, is the first
of its range.
"""

from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from azure.data.tables import TableClient

from shared.rules.guard import Breach
from shared.rules.held_plan import HeldPlan, HeldState, Move
from shared.rules.plan import Plan
from shared.tables.by_time import MOST_DROPPED, drop, inverted, new_id
from shared.tables.entity_text import gather, spread
from shared.tables.errors import Conflict, Stale
from shared.tables.plan_parts import PlanParts
from shared.tables.record_table import AFTER_ALL, Operation, RecordTable, Row, create, keyed, update

PAGE = 50


@dataclass(frozen=True)
class StoredPlan:
    """A held plan's row, with the ETag that guards the next change of its state."""

    held: HeldPlan
    etag: str


class HeldPlans(RecordTable):
    """Reads and writes held plans. Every method raises TablesBusy."""

    def __init__(self, table: TableClient) -> None:
        super().__init__(table)
        self._parts = PlanParts(table)

    def hold(self, plan: Plan, breaches: tuple[Breach, ...], active_users: int, by: str, at: datetime) -> StoredPlan:
        """Store a plan whole until somebody decides on it; an earlier open plan is overtaken.

        A plan with the same changes as the open one is that one. Raises Stale where an administrator has decided on the
        earlier plan meanwhile, and CannotBecome where that one is being applied.
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
        operations = [create(_row(held))]
        if earlier is not None and earlier.held.is_open:
            why = "Another plan is held in its place."
            overtaken = earlier.held.moved(Move(state=HeldState.OVERTAKEN, by=by, at=at, why=why))
            operations.append(update(_row(overtaken), earlier.etag))
        # If this ends half-way, nothing refers to the parts; they are deleted with the plans of that day.
        self._parts.put(held.id, plan)
        return StoredPlan(held, self._decisive(operations))

    def newest(self, store: str) -> StoredPlan | None:
        """Return the plan that was held last, open or not, or None. One round trip."""
        return next(iter(self.all(store, 1)), None)

    def get(self, store: str, plan_id: str) -> HeldPlan | None:
        """Return a held plan by its id, or None. One round trip."""
        found = self._get(store, f"plan:{plan_id}")
        return HeldPlan.model_validate_json(gather(found[0], "held")) if found else None

    def all(self, store: str, count: int = PAGE) -> list[StoredPlan]:
        """Return the held plans, newest first. One round trip."""
        rows = islice(self._range(store, "plan:", "plan" + AFTER_ALL, page=count), count)
        return [StoredPlan(HeldPlan.model_validate_json(gather(row, "held")), etag) for row, etag in rows]

    def plan(self, held: HeldPlan) -> Plan:
        """Return a plan's changes exactly as they were held. One round trip for some ten thousand.

        Raises PlanLost: a plan that cannot be shown cannot be approved.
        """
        return self._parts.read(held.store, held.id, held.digest)

    def move(self, stored: StoredPlan, move: Move) -> StoredPlan:
        """Change a plan's state. One round trip.

        Raises CannotBecome, and Stale where another writer has changed it since it was read.
        """
        held = stored.held.moved(move)
        return StoredPlan(held, self._decisive([update(_row(held), stored.etag)]))

    def drop_changes(self, held: HeldPlan) -> None:
        """Delete the changes of a plan that cannot be approved any more; its counts and states stay."""
        self._parts.remove(held.store, held.id)

    def drop_before(self, store: str, cutoff: datetime, most: int = MOST_DROPPED) -> int:
        """Delete at most so many rows of plans held before a time, but never the newest plan, which may be open."""
        newest = self.newest(store)
        if newest is None:
            return 0
        start = max(inverted(cutoff), f"{newest.held.id}~")
        dropped = self._parts.drop(store, start, most)
        return dropped + drop(self._table, store, f"plan:{start}", "plan;", most - dropped)

    def _decisive(self, operations: list[Operation]) -> str:
        """Submit, and return the first row's ETag. Raises Stale, but not for its own write that the SDK sent twice."""
        try:
            return self._transact(operations)[0]
        except (Stale, Conflict):
            row = operations[0][1]
            there = self._get(row["PartitionKey"], row["RowKey"])
            if there is None or gather(there[0], "held") != gather(row, "held"):
                raise Stale from None
            return there[1]


def _row(held: HeldPlan) -> Row:
    return keyed(held.store, f"plan:{held.id}", spread("held", held.model_dump_json()))
