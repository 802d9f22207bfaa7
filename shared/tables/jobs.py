"""Errands in Table Storage.

The partition is the store. The row ``errand:<id>`` says how an errand stands; where it made a plan, the rows
``part:<id>:<number>`` hold all of it and ``shown:<id>:<number>`` what a page shows. Ids begin with the inverted time.
"""

from datetime import datetime
from itertools import islice

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient, UpdateMode

from shared.rules.job import Job, PlanMade
from shared.rules.plan import Plan
from shared.tables.by_time import MOST_DROPPED, drop, inverted
from shared.tables.entity_text import gather, spread
from shared.tables.plan_parts import PlanParts
from shared.tables.service import our_errors

PAGE = 50


class Jobs:
    """Reads and writes errands. Every method raises TablesBusy."""

    def __init__(self, table: TableClient) -> None:
        self._table = table
        self._whole, self._shown = PlanParts(table), PlanParts(table, "shown")

    def put(self, errand: Job) -> None:
        """Keep an errand as it is now. Its id comes from ``by_time.new_id``. One round trip.

        Whoever writes last is right: two workers have the same errand only where the queue took one of them for dead,
        and each of them ends by writing what came of it.
        """
        row = {"PartitionKey": errand.store, "RowKey": f"errand:{errand.id}"}
        with our_errors():
            self._table.upsert_entity(row | spread("errand", errand.model_dump_json()), mode=UpdateMode.REPLACE)

    def get(self, store: str, errand_id: str) -> Job | None:
        """An errand, or None. One round trip."""
        with our_errors():
            try:
                row = self._table.get_entity(store, f"errand:{errand_id}")
            except ResourceNotFoundError:
                return None
        return Job.model_validate_json(gather(row, "errand"))

    def newest(self, store: str, count: int = PAGE) -> list[Job]:
        """The errands that were asked for last, newest first. One round trip."""
        with our_errors():
            rows = self._table.query_entities(
                "PartitionKey eq @store and RowKey ge @start and RowKey lt @end",
                parameters={"store": store, "start": "errand:", "end": "errand;"},
                results_per_page=count,
            )
            return [Job.model_validate_json(gather(row, "errand")) for row in islice(rows, count)]

    def put_plan(self, errand_id: str, whole: Plan, shown: Plan) -> None:
        """Keep what an errand made, and forget what earlier errands of the store made."""
        self._whole.put(errand_id, whole)
        self._shown.put(errand_id, shown)
        for parts in (self._whole, self._shown):
            parts.drop(whole.store, f"{errand_id}~", MOST_DROPPED)

    def whole_plan(self, errand: Job, made: PlanMade) -> Plan:
        """All of the plan that it made. Raises PlanLost where a newer one has taken its place."""
        return self._whole.read(errand.store, errand.id, made.digest)

    def shown_plan(self, errand: Job, made: PlanMade) -> Plan:
        """What a page shows of it. One round trip. Raises PlanLost, too."""
        return self._shown.read(errand.store, errand.id, made.beginning)

    def drop_before(self, store: str, cutoff: datetime, most: int = MOST_DROPPED) -> int:
        """Forget the errands that were asked for before, at most so many rows; how many it were."""
        start, dropped = inverted(cutoff), 0
        for parts in (self._whole, self._shown):
            dropped += parts.drop(store, start, most - dropped)
        return dropped + drop(self._table, store, f"errand:{start}", "errand;", most - dropped)
