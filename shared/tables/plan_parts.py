"""A plan's changes in Table Storage, whole: the rows ``<kind>:<plan id>:<number>`` of the store's partition."""

from collections.abc import Iterable, Iterator

from azure.data.tables import TableClient

from shared.rules.plan import Plan, PlannedChange
from shared.tables.by_time import MOST_DROPPED, drop
from shared.tables.entity_text import gather, spread
from shared.tables.portions import portions
from shared.tables.record_table import AFTER_ALL, RecordTable, Row, keyed, upsert

MOST_CHARACTERS = 200_000
"""Characters of the changes in one row, whose 1 MiB counts each as two bytes or four; one change is far smaller."""

PAGE = 1000


class PlanLost(Exception):
    """Some changes of a plan are missing, so that it cannot be shown."""


class PlanParts(RecordTable):
    """Reads and writes the changes of plans. Every method raises TablesBusy."""

    def __init__(self, table: TableClient, kind: str = "part") -> None:
        super().__init__(table)
        self._kind = kind

    def put(self, plan_id: str, plan: Plan) -> None:
        """Store a plan under an id from ``by_time.new_id``. One round trip for some two thousand changes."""
        for portion in portions(self._rows(plan_id, plan)):
            self._transact([upsert(row) for row in portion])

    def read(self, store: str, plan_id: str, digest: str) -> Plan:
        """Return the plan exactly as it was stored. One round trip for some ten thousand changes. Raises PlanLost."""
        lists: dict[str, list[PlannedChange]] = {"changes": [], "suppressed": [], "groups": []}
        start = f"{self._kind}:{plan_id}"
        for row, _ in self._range(store, f"{start}:", start + AFTER_ALL, page=PAGE):
            part = Plan.model_validate_json(gather(row, "part"))
            lists["changes"] += part.changes
            lists["suppressed"] += part.suppressed
            lists["groups"] += part.groups
        plan = Plan.model_validate({"store": store} | {name: tuple(some) for name, some in lists.items()})
        if plan.digest != digest:
            raise PlanLost(plan_id)
        return plan

    def remove(self, store: str, plan_id: str) -> None:
        """Delete one plan."""
        start, end = f"{self._kind}:{plan_id}:", f"{self._kind}:{plan_id};"
        while drop(self._table, store, start, end, MOST_DROPPED) == MOST_DROPPED:
            pass

    def drop(self, store: str, start: str, most: int) -> int:
        """Delete at most so many rows of plans whose ids are not before ``start``; return their number."""
        return drop(self._table, store, f"{self._kind}:{start}", f"{self._kind};", most)

    def _rows(self, plan_id: str, plan: Plan) -> Iterator[Row]:
        """Return rows that are each a plan of its own with as many changes as fit, in order."""
        parts = [Plan(store=plan.store, changes=some) for some in _fitting(plan.changes)]
        parts += [Plan(store=plan.store, suppressed=some) for some in _fitting(plan.suppressed)]
        parts += [Plan(store=plan.store, groups=some) for some in _fitting(plan.groups)]
        for number, part in enumerate(parts):
            key = f"{self._kind}:{plan_id}:{number:06d}"
            yield keyed(plan.store, key, spread("part", part.model_dump_json()))


def _fitting(changes: Iterable[PlannedChange]) -> Iterator[tuple[PlannedChange, ...]]:
    some, size = list[PlannedChange](), 0
    for change in changes:
        characters = len(change.model_dump_json())
        if some and size + characters > MOST_CHARACTERS:
            yield tuple(some)
            some, size = [], 0
        some.append(change)
        size += characters
    if some:
        yield tuple(some)
