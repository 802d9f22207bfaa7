"""A plan's changes in Table Storage, whole: the rows ``<kind>:<plan id>:<number>`` of the store's partition."""

from collections.abc import Iterable, Iterator

from azure.data.tables import TableClient, UpdateMode

from shared.rules.plan import Plan, PlannedChange
from shared.tables.by_time import MOST_DROPPED, drop
from shared.tables.entity_text import gather, spread
from shared.tables.portions import portions
from shared.tables.service import our_errors

MOST_CHARACTERS = 200_000
"""Of changes in one row, whose 1 MiB counts each as two bytes or four; a change alone is far smaller."""

PAGE = 1000


class PlanLost(Exception):
    """The changes of a plan are not all there any more: it cannot be shown."""


class PlanParts:
    """Reads and writes the changes of plans. Every method raises TablesBusy."""

    def __init__(self, table: TableClient, kind: str = "part") -> None:
        self._table, self._kind = table, kind

    def put(self, plan_id: str, plan: Plan) -> None:
        """Keep a plan under an id that comes from ``by_time.new_id``. A round trip for some two thousand changes."""
        for portion in portions(self._rows(plan_id, plan)):
            with our_errors():
                self._table.submit_transaction([("upsert", dict(row), {"mode": UpdateMode.REPLACE}) for row in portion])

    def read(self, store: str, plan_id: str, digest: str) -> Plan:
        """The plan, just as it was kept. One round trip for some ten thousand changes. Raises PlanLost."""
        lists: dict[str, list[PlannedChange]] = {"changes": [], "suppressed": [], "groups": []}
        with our_errors():
            for row in self._table.query_entities(
                "PartitionKey eq @store and RowKey ge @start and RowKey lt @end",
                parameters={"store": store, "start": f"{self._kind}:{plan_id}:", "end": f"{self._kind}:{plan_id};"},
                results_per_page=PAGE,
            ):
                part = Plan.model_validate_json(gather(row, "part"))
                lists["changes"] += part.changes
                lists["suppressed"] += part.suppressed
                lists["groups"] += part.groups
        plan = Plan.model_validate({"store": store} | {name: tuple(some) for name, some in lists.items()})
        if plan.digest != digest:
            raise PlanLost(plan_id)
        return plan

    def remove(self, store: str, plan_id: str) -> None:
        """Forget one plan."""
        start, end = f"{self._kind}:{plan_id}:", f"{self._kind}:{plan_id};"
        while drop(self._table, store, start, end, MOST_DROPPED) == MOST_DROPPED:
            pass

    def drop(self, store: str, start: str, most: int) -> int:
        """Forget the plans whose ids are not before ``start``, at most so many rows; how many it were."""
        return drop(self._table, store, f"{self._kind}:{start}", f"{self._kind};", most)

    def _rows(self, plan_id: str, plan: Plan) -> Iterator[dict[str, str]]:
        """Each a plan of its own with as many changes as fit, in order."""
        parts = [Plan(store=plan.store, changes=some) for some in _fitting(plan.changes)]
        parts += [Plan(store=plan.store, suppressed=some) for some in _fitting(plan.suppressed)]
        parts += [Plan(store=plan.store, groups=some) for some in _fitting(plan.groups)]
        for number, part in enumerate(parts):
            key = f"{self._kind}:{plan_id}:{number:06d}"
            yield {"PartitionKey": plan.store, "RowKey": key, **spread("part", part.model_dump_json())}


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
