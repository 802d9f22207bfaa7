"""The record of one run, while it is under way: its row, what became of its changes, its line in the log."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.calls import Calls
from shared.rules.change import ChangeKind
from shared.rules.plan import Plan, PlannedChange
from shared.rules.run import Result, Run, RunChange, RunState
from shared.sync.plan.drift import DriftReport
from shared.sync.progress import Progress
from shared.tables.portions import MOST_ROWS
from shared.tables.runs import Runs

KEPT_EVERY = timedelta(seconds=5)
"""Time between two writings of what became of people's changes, fewer than one transaction takes."""
SHOWN_EVERY = timedelta(seconds=15)
"""Time between two writings of the run's record while it is under way."""
NOT_ALL = "{} changes could not be tried, because Zoho One answered too slowly; a cycle goes on with them soon."

_log = logging.getLogger("bridge.cycle")


@dataclass
class RunRecord:
    """Keeps one run. Its methods raise TablesBusy."""

    runs: Runs
    run: Run
    calls: Calls
    progress: Progress
    now: Callable[[], datetime]
    is_stored: bool
    """Whether the run's row is in the table."""
    troubles: list[str] = field(default_factory=list)
    """Sentences on what went wrong, as the steps find them; kept with the run's row the next time it is written."""
    untried: int = 0
    """Number of changes whose turn did not come in time, in this process."""

    def __post_init__(self) -> None:
        self._began = time.perf_counter()
        self._shown = self._kept = self.now()
        self._changes = sum(self.run.results.values())
        """Number of this run's changes that are in the table."""

    def fail(self, trouble: str) -> None:
        """One thing more that went wrong."""
        self.troubles.append(trouble)

    def show(self) -> None:
        """Let pages see how far the run has come. One round trip."""
        for trouble in dict.fromkeys(self.troubles):  # what was read twice is told once
            self.run = self.run.with_error(trouble)
        self.troubles.clear()
        self.is_stored, self._shown = True, self.now()
        self.runs.put(self.run)

    def show_once(self) -> None:
        """Let the run be seen, once there is something to see."""
        if not self.is_stored:
            self.show()

    def drift(self, report: DriftReport) -> None:
        """What a full cycle found in Zoho One."""
        counts = {
            "accounts": report.accounts,
            "unmanaged": report.unmanaged,
            "unmanaged_active": report.unmanaged_active,
            "unmanaged_groups": report.unmanaged_groups,
        }
        self.run = self.run.with_findings(report.drifted, report.findings, counts)

    def planned(self, plan: Plan) -> None:
        """The plan, as it was at first: what another process plans when it goes on is a part of it."""
        if self.run.digest is None:
            self.run = self.run.with_plan(plan)

    def not_applied(self, plan: Plan, plan_id: str, why: Iterable[object] = ()) -> None:
        """The plan is kept under an id, and none of it is tried. ``why``: what the guard holds it for."""
        self.troubles += map(str, why)
        left = len(plan.changes) + len(plan.groups)
        self.run = self.run.model_copy(update={"plan": plan_id}).with_results({Result.NOT_TRIED: left}, {})

    @contextmanager
    def applying(self, step: str, of: int, *, at_once: bool = False) -> Iterator["AppliedChanges"]:
        """Hear what becomes of changes within the block, and keep it in portions, or each ``at_once``.

        ``of``: the number of changes that are visited.
        """
        applied = AppliedChanges(self, step, of, timedelta() if at_once else KEPT_EVERY)
        applied.tell()
        try:
            yield applied
        finally:
            applied.keep()

    def keep(self, changes: Sequence[RunChange]) -> None:
        """Write what became of changes. One round trip for a hundred."""
        if not changes:
            return
        self.show_once()
        self.runs.put_changes(self.run.store, self.run.id, self._changes, changes)
        self._kept = self.now()
        self._changes += len(changes)
        self.run = self.run.with_results(Counter(each.result for each in changes), {})
        if self.now() - self._shown >= SHOWN_EVERY:
            self.show()

    def is_due(self, every: timedelta) -> bool:
        """Whether changes were kept so long ago."""
        return self.now() - self._kept >= every

    def pause(self) -> None:
        """Write the row; another process goes on with the run."""
        self.run = self.run.with_results({}, self.calls.taken())
        self.show()

    def end(self, state: RunState) -> None:
        """Write the row as it stays, and one line in the log, with numbers and no names."""
        self.run = self.run.finished(state, self.now())
        self.pause()
        self._log()

    def _log(self) -> None:
        run, planned, results, calls = self.run, self.run.planned, self.run.results, self.run.calls
        _log.info(
            "cycle store=%s cycle=%s kind=%s state=%s seconds=%.1f creates=%d updates=%d deactivations=%d "
            "reactivations=%d deletions=%d groups=%d failed=%d parked=%d graph=%d zoho=%d tables=%d",
            run.store,
            run.id,
            run.kind.value,
            run.state.value,
            time.perf_counter() - self._began,
            planned.get(ChangeKind.CREATE, 0),
            planned.get(ChangeKind.UPDATE, 0),
            planned.get(ChangeKind.DEACTIVATE, 0),
            planned.get(ChangeKind.REACTIVATE, 0),
            planned.get(ChangeKind.DELETE, 0),
            sum(run.groups.values()),
            results.get(Result.FAILED, 0),
            results.get(Result.PARKED, 0),
            calls.get("graph", 0),
            calls.get("zoho", 0),
            calls.get("tables", 0),
        )


@dataclass
class AppliedChanges:
    """What became of the changes of one step: told at once, and kept in portions."""

    record: RunRecord
    step: str
    of: int
    kept_every: timedelta
    results: dict[str, Result] = field(default_factory=dict)
    """By the id of the identity."""
    _heard: list[RunChange] = field(default_factory=list)

    @property
    def failed(self) -> set[str]:
        """The ids of people and groups whose change was not done."""
        return {identity for identity, result in self.results.items() if result is not Result.DONE}

    def add(self, changes: Sequence[RunChange]) -> None:
        """Some of them."""
        self.results.update((each.change.identity, each.result) for each in changes)
        self.record.untried += sum(each.result is Result.NOT_TRIED and each.failure is None for each in changes)
        self._heard.extend(changes)
        if len(self._heard) >= MOST_ROWS or self.record.is_due(self.kept_every):
            self.keep()
        self.tell()

    def leave_out(self, changes: Iterable[PlannedChange]) -> None:
        """Those of which nothing was heard are not tried."""
        now = self.record.now()
        left = [each for each in changes if each.identity not in self.results]
        self.add([RunChange(change=each, result=Result.NOT_TRIED, at=now) for each in left])

    def keep(self) -> None:
        """Write what was heard so far."""
        heard, self._heard = self._heard, []
        self.record.keep(heard)

    def tell(self) -> None:
        """Say how much is done."""
        if self.of:
            self.record.progress.tell(self.step, len(self.results), self.of)
