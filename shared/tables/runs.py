"""The runs of the stores in Table Storage.

The partition is the store; the row keys are ``run:<id>`` and ``change:<run id>:<number>``. An id begins with the
inverted time of the start, so that one range read gives the newest runs first, and what is older than a day is a range.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient, TableEntity, UpdateMode

from shared.rules.run import Result, Run, RunChange
from shared.tables.by_time import MOST_DROPPED, drop, inverted
from shared.tables.entity_text import gather, spread
from shared.tables.portions import portions
from shared.tables.service import our_errors

_ALL = 10_000_000
"""More changes than a run has."""

_MOST_PER_PAGE = 1_000
"""Rows that Table Storage answers at once: https://learn.microsoft.com/rest/api/storageservices/query-timeout-and-pagination"""

PAGE = 50
"""Runs, or changes of one, that a page shows."""


class Runs:
    """Reads and writes runs. Every method raises TablesBusy."""

    def __init__(self, table: TableClient) -> None:
        self._table = table

    def put(self, run: Run) -> None:
        """Keep a run as it is now. Its id comes from ``by_time.new_id``. One round trip."""
        row = {"PartitionKey": run.store, "RowKey": f"run:{run.id}", **spread("run", run.model_dump_json())}
        with our_errors():
            self._table.upsert_entity(row, mode=UpdateMode.REPLACE)

    def get(self, store: str, run_id: str) -> Run | None:
        """A run, or None. One round trip."""
        with our_errors():
            try:
                row = self._table.get_entity(store, f"run:{run_id}")
            except ResourceNotFoundError:
                return None
        return Run.model_validate_json(gather(row, "run"))

    def newest(self, store: str, count: int = PAGE, *, after: str = "") -> list[Run]:
        """The newest runs first, from behind the one with the id ``after``. One round trip."""
        rows = self._range(store, f"run:{after}~" if after else "run:", "run;", count)
        return [Run.model_validate_json(gather(row, "run")) for row in rows]

    def put_changes(self, store: str, run_id: str, first: int, changes: Sequence[RunChange]) -> None:
        """Keep what became of a run's changes. One round trip for a hundred.

        ``first``: the place of the first in the plan. A change that is kept again takes the place of itself.
        """
        rows = (
            {"PartitionKey": store, "RowKey": _key(run_id, number), **spread("change", change.model_dump_json())}
            for number, change in enumerate(changes, first)
        )
        for portion in portions(rows):
            with our_errors():
                self._table.submit_transaction([("upsert", row, {"mode": UpdateMode.REPLACE}) for row in portion])

    def changes(self, store: str, run_id: str, first: int = 0, count: int = PAGE) -> list[RunChange]:
        """A page of a run's changes, in the order of the plan, from place ``first`` on. One round trip."""
        rows = self._range(store, _key(run_id, first), f"change:{run_id};", count)
        return [RunChange.model_validate_json(gather(row, "change")) for row in rows]

    def results(self, store: str, run_id: str) -> Counter[Result]:
        """A run's changes, counted by what became of them. One round trip for a thousand."""
        rows = self._range(store, _key(run_id, 0), f"change:{run_id};", _ALL)
        return Counter(RunChange.model_validate_json(gather(row, "change")).result for row in rows)

    def drop_before(self, store: str, cutoff: datetime, most: int = MOST_DROPPED) -> int:
        """Forget the runs that started before, at most so many rows; how many it were. Fewer than ``most``: it is done.

        Changes go before their runs, so that none is left without one.
        """
        start = inverted(cutoff)
        dropped = drop(self._table, store, f"change:{start}", "change;", most)
        return dropped + drop(self._table, store, f"run:{start}", "run;", most - dropped)

    def _range(self, store: str, start: str, end: str, count: int) -> Iterator[TableEntity]:
        with our_errors():
            found = self._table.query_entities(
                "PartitionKey eq @store and RowKey ge @start and RowKey lt @end",
                parameters={"store": store, "start": start, "end": end},
                results_per_page=min(count, _MOST_PER_PAGE),
            )
            yield from islice(found, count)


def _key(run_id: str, number: int) -> str:
    return f"change:{run_id}:{number:07d}"
