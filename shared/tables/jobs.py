"""Jobs in Table Storage.

The partition is the store. The row ``errand:<id>`` holds a job's state; if it made a plan, the rows
``part:<id>:<number>`` hold all of it and ``shown:<id>:<number>`` what a page shows. Ids begin with the inverted time.
"""

from datetime import datetime
from itertools import islice

from azure.data.tables import TableClient

from shared.rules.job import Job, PlanMade
from shared.rules.plan import Plan
from shared.tables.by_time import MOST_DROPPED, drop, inverted
from shared.tables.entity_text import gather, spread
from shared.tables.plan_parts import PlanParts
from shared.tables.record_table import AFTER_ALL, RecordTable, keyed

PAGE = 50


class Jobs(RecordTable):
    """Reads and writes jobs. Every method raises TablesBusy."""

    def __init__(self, table: TableClient) -> None:
        super().__init__(table)
        self._whole, self._shown = PlanParts(table), PlanParts(table, "shown")

    def put(self, errand: Job) -> None:
        """Store a job as it is now. Its id comes from ``by_time.new_id``. One round trip.

        The last write wins: two workers have the same job only where the queue took one of them for dead, and each ends
        by writing its result.
        """
        self._put(keyed(errand.store, f"errand:{errand.id}", spread("errand", errand.model_dump_json())))

    def get(self, store: str, errand_id: str) -> Job | None:
        """Return a job, or None. One round trip."""
        found = self._get(store, f"errand:{errand_id}")
        return Job.model_validate_json(gather(found[0], "errand")) if found else None

    def newest(self, store: str, count: int = PAGE) -> list[Job]:
        """Return the newest jobs first. One round trip."""
        rows = islice(self._range(store, "errand:", "errand" + AFTER_ALL, page=count), count)
        return [Job.model_validate_json(gather(row, "errand")) for row, _ in rows]

    def put_plan(self, errand_id: str, whole: Plan, shown: Plan) -> None:
        """Store the plan that a job made, and delete those of the store's earlier jobs."""
        self._whole.put(errand_id, whole)
        self._shown.put(errand_id, shown)
        for parts in (self._whole, self._shown):
            parts.drop(whole.store, f"{errand_id}~", MOST_DROPPED)

    def whole_plan(self, errand: Job, made: PlanMade) -> Plan:
        """Return the whole plan of a job. Raises PlanLost where a newer one has taken its place."""
        return self._whole.read(errand.store, errand.id, made.digest)

    def shown_plan(self, errand: Job, made: PlanMade) -> Plan:
        """Return the part of a job's plan that a page shows. One round trip. Raises PlanLost."""
        return self._shown.read(errand.store, errand.id, made.beginning)

    def drop_before(self, store: str, cutoff: datetime, most: int = MOST_DROPPED) -> int:
        """Delete at most so many rows of jobs requested before a time; return their number."""
        start, dropped = inverted(cutoff), 0
        for parts in (self._whole, self._shown):
            dropped += parts.drop(store, start, most - dropped)
        return dropped + drop(self._table, store, f"errand:{start}", "errand;", most - dropped)
