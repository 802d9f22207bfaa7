"""The runs of the stores in Table Storage.

The partition is the store; the row keys are ``run:<id>`` and ``change:<run id>:<number>``. An id begins with the
inverted time of the start, so that one range read gives the newest runs first, and what is older than a day is a range.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice

from shared.rules.run import Result, Run, RunChange
from shared.tables.by_time import MOST_DROPPED, drop, inverted
from shared.tables.entity_text import gather, spread
from shared.tables.portions import portions
from shared.tables.record_table import AFTER_ALL, RecordTable, Row, keyed, upsert

_MOST_PER_PAGE = 1_000
"""Rows in one answer of Table Storage:
https://learn.microsoft.com/rest/api/storageservices/query-timeout-and-pagination
"""

PAGE = 50
"""Runs, or changes of one, on a page."""


class Runs(RecordTable):
    """Reads and writes runs. Every method raises TablesBusy."""

    def put(self, run: Run) -> None:
        """Store a run as it is now. Its id comes from ``by_time.new_id``. One round trip."""
        self._put(keyed(run.store, f"run:{run.id}", spread("run", run.model_dump_json())))

    def get(self, store: str, run_id: str) -> Run | None:
        """Return a run, or None. One round trip."""
        found = self._get(store, f"run:{run_id}")
        return Run.model_validate_json(gather(found[0], "run")) if found else None

    def newest(self, store: str, count: int = PAGE, *, after: str = "") -> list[Run]:
        """Return the newest runs first, after the one with the id ``after``. One round trip."""
        rows = self._first(store, f"run:{after}~" if after else "run:", "run" + AFTER_ALL, count)
        return [Run.model_validate_json(gather(row, "run")) for row in rows]

    def put_changes(self, store: str, run_id: str, first: int, changes: Sequence[RunChange]) -> None:
        """Store the results of a run's changes. One round trip for a hundred.

        ``first``: place of the first in the plan. A result that is stored again replaces itself.
        """
        rows = (
            keyed(store, _key(run_id, number), spread("change", change.model_dump_json()))
            for number, change in enumerate(changes, first)
        )
        for portion in portions(rows):
            self._transact([upsert(row) for row in portion])

    def changes(self, store: str, run_id: str, first: int = 0, count: int = PAGE) -> list[RunChange]:
        """Return a page of a run's changes in the order of the plan, from place ``first`` on. One round trip."""
        rows = self._first(store, _key(run_id, first), f"change:{run_id}" + AFTER_ALL, count)
        return [RunChange.model_validate_json(gather(row, "change")) for row in rows]

    def results(self, store: str, run_id: str) -> Counter[Result]:
        """Return a run's changes, counted by result. One round trip for a thousand."""
        rows = self._range(store, _key(run_id, 0), f"change:{run_id}" + AFTER_ALL)
        return Counter(RunChange.model_validate_json(gather(row, "change")).result for row, _ in rows)

    def drop_before(self, store: str, cutoff: datetime, most: int = MOST_DROPPED) -> int:
        """Delete at most so many rows of runs started before a time; return their number. Below ``most``, none is left.

        Changes are deleted before their runs, so that none is left without one.
        """
        start = inverted(cutoff)
        dropped = drop(self._table, store, f"change:{start}", "change;", most)
        return dropped + drop(self._table, store, f"run:{start}", "run;", most - dropped)

    def _first(self, store: str, start: str, end: str, count: int) -> Iterator[Row]:
        rows = self._range(store, start, end, page=min(count, _MOST_PER_PAGE))
        return (row for row, _ in islice(rows, count))


def _key(run_id: str, number: int) -> str:
    return f"change:{run_id}:{number:07d}"
