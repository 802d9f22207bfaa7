"""A plan, taken to Zoho One: kind after kind, several people at the same time, each by the one way to settle.

The people of a portion get their leases in one transaction while the portion before is being worked on. Whoever fails
stays pending, and keeps nobody else from his turn.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import batched, groupby
from threading import Event as Signal

from shared.calls import in_context
from shared.directory.cycle_plan import Plan, PlannedChange
from shared.directory.identity import Identity
from shared.directory.plan import LEAVINGS, ChangeKind
from shared.directory.run import Result, RunChange
from shared.directory.store import Store
from shared.provisioning.errors import Refused
from shared.provisioning.settle import Settle
from shared.tables.errors import Changed, TablesBusy
from shared.tables.identities import Identities
from shared.tables.identity_rows import Stored
from shared.tables.pending import PendingMarks
from shared.tables.recent_leavings import Leavings
from shared.zoho.errors import ZohoBusy, ZohoCredentials

BUSY_IN_A_ROW = 10
"""People for whom Zoho One, or the tables, had no answer: by then nobody else needs to be tried."""
TRIES = 3
"""Of one person in one cycle, while Zoho One asks for short waits."""
FIRST_PAUSE = 10.0
"""Seconds before the second try at most; the pause before the third is twice that."""
LONGEST_WAIT = 60
"""Seconds; whoever is to wait longer than that waits for the next cycle."""
PORTION = 2
"""Turns of each call at a time that are made ready at once."""
JOINS = frozenset({ChangeKind.CREATE, ChangeKind.REACTIVATE})

_BY_A_PUSH = "A push was writing this person at the same time."


class Stopped(Exception):
    """Nothing can be taken to Zoho One just now; whoever was not tried stays pending. The message says why."""


@dataclass(frozen=True)
class Applying:
    """Applies plans. Raises Stopped, TablesBusy, and whatever ``beat`` raises."""

    identities: Identities
    marks: PendingMarks
    settle: Settle
    leavings: Leavings
    now: Callable[[], datetime]
    lease: timedelta
    """How long one person may take."""
    sleep: Callable[[float], None] = time.sleep

    def apply(
        self,
        store: Store,
        plan: Plan,
        done: Callable[[Sequence[RunChange]], None],
        beat: Callable[[], None],
        must_end: Callable[[], bool] = lambda: False,
    ) -> None:
        """Take a plan to Zoho One. ``done`` hears what became of its changes, in any order within a kind.

        ``beat`` is called between portions, so that at least one is done each time; it may raise to end the work there.
        ``must_end`` is asked before each turn: people whose turn has not begun are not tried then.
        """
        left_out = tuple(change for change in plan.suppressed if change.pending)
        turns = _Turns(self, store, must_end)
        with ThreadPoolExecutor(store.zoho.parallel_calls) as pool:
            for kind, changes in groupby((*plan.changes, *left_out), key=lambda change: change.kind):
                finished: list[RunChange] = []

                def hear(some: Sequence[RunChange], finished: list[RunChange] = finished) -> None:
                    finished.extend(some)
                    done(some)

                try:
                    turns.work_through(sorted(changes, key=_by_id), pool, hear, beat)
                finally:
                    self._count(store, kind, sum(each.result is Result.DONE for each in finished))
                if turns.stopped is not None:
                    raise Stopped(turns.stopped)

    def _count(self, store: Store, kind: ChangeKind, count: int) -> None:
        """Let the guard know how many left, or came."""
        now = self.now()
        if count and kind in LEAVINGS:
            self.leavings.change(store.id, lambda recent: recent.with_leavings(now, count))
        elif count and kind in JOINS:
            self.leavings.change(store.id, lambda recent: recent.with_arrivals(count))


@dataclass
class _Turns:
    """The turns of one plan's people."""

    parts: Applying
    store: Store
    must_end: Callable[[], bool]
    stopped: str | None = None
    """Why nobody else is tried."""
    busy: int = 0
    """People in a row for whom there was no answer."""
    ended: Signal = field(default_factory=Signal)

    def work_through(
        self,
        changes: Sequence[PlannedChange],
        pool: ThreadPoolExecutor,
        done: Callable[[Sequence[RunChange]], None],
        beat: Callable[[], None],
    ) -> None:
        """Everybody in portions: while one is worked on, the next is made ready."""
        size = self.store.zoho.parallel_calls * PORTION
        under_way: deque[Future[RunChange]] = deque()
        try:
            for number, portion in enumerate(batched(changes, size, strict=False)):
                if self.ended.is_set():
                    break
                if number:
                    beat()
                under_way.extend(self._begin(portion, pool, done))
                done([under_way.popleft().result() for _ in range(len(under_way) - size)])
        finally:  # also where the beat ends the work: whoever has his lease has his turn
            done([each.result() for each in under_way])

    def _begin(
        self,
        portion: Sequence[PlannedChange],
        pool: ThreadPoolExecutor,
        done: Callable[[Sequence[RunChange]], None],
    ) -> list[Future[RunChange]]:
        """Take the leases of a portion, and let each have his turn."""
        read = self.parts.identities.several(self.store.id, [change.identity for change in portion])
        ready: list[tuple[Stored, Identity]] = []
        changes: dict[str, tuple[PlannedChange, bool]] = {}
        for change in portion:
            stored = read.get(change.identity)
            try:
                leased = self._with_lease(stored) if stored is not None else None
            except (ZohoBusy, ZohoCredentials) as failure:
                done([self._failed(change, failure)])
                continue
            if stored is None or leased is None:
                done([self._told(change, Result.NOT_TRIED, _BY_A_PUSH)])
                continue
            assert stored.identity.pending is not None  # or there is no lease
            ready.append((stored, leased))
            changes[leased.id] = change, not stored.identity.pending.begun
        written = self.parts.marks.lease(self.store.id, ready)
        turns = [pool.submit(in_context(partial(self._turn, *changes.pop(each.identity.id), each))) for each in written]
        done([self._told(change, Result.NOT_TRIED, _BY_A_PUSH) for change, _ in changes.values()])
        return turns

    def _with_lease(self, stored: Stored) -> Identity | None:
        """A person with the lease to be written, or None where a push has it, or has settled him."""
        identity, parts = stored.identity, self.parts
        if identity.pending is None or identity.leased_until(parts.now()) is not None:
            return None
        mark = parts.settle.leased(self.store, identity.said, identity.account, identity.pending, parts.lease)
        return identity.model_copy(update={"pending": mark})

    def _turn(self, change: PlannedChange, certain: bool, stored: Stored) -> RunChange:
        """One person, again where Zoho One asks for a short wait. Raises nothing that could end the others' turns."""
        leased: Stored | None = stored
        for attempt in range(TRIES):
            if leased is None:
                return self._told(change, Result.FAILED, _BY_A_PUSH)
            try:
                return self._once(change, certain and attempt == 0, leased)
            except ZohoBusy as busy:
                if attempt == TRIES - 1 or busy.retry_after > LONGEST_WAIT or self.ended.is_set():
                    return self._failed(change, busy)
                pause = min(busy.retry_after, FIRST_PAUSE * 2**attempt)
                self.parts.sleep(pause * (1 + self.parts.settle.spread() / 2))  # not all at the same time
                leased = self._lease_again(stored.identity.id)
        raise AssertionError  # the last try returned

    def _lease_again(self, identity_id: str) -> Stored | None:
        """The person with a new lease, or None where a push has him."""
        try:
            stored = self.parts.identities.read(self.store.id, identity_id)
            leased = self._with_lease(stored) if stored is not None else None
            if stored is None or leased is None:
                return None
            return next(iter(self.parts.marks.lease(self.store.id, [(stored, leased)])), None)
        except (ZohoBusy, ZohoCredentials, TablesBusy):
            return None  # the next cycle finds him

    def _once(self, change: PlannedChange, certain: bool, stored: Stored) -> RunChange:
        """One try. Raises ZohoBusy."""
        mark, parts = stored.identity.pending, self.parts
        assert mark is not None  # its lease has just been taken
        try:
            if self.ended.is_set() or self.must_end() or mark.lease_ends - parts.now() < parts.lease * 0.75:
                parts.settle.give_back(self.store, stored, "Its turn did not come in time")
                return self._told(change, Result.NOT_TRIED, None)
            parts.settle.finish(self.store, stored, certain=certain)
        except Refused as refusal:
            self.busy = 0
            kept = stored.identity.object_id is not None
            parked = kept and mark.refused(str(refusal), parts.now(), 0).is_parked
            return self._told(change, Result.PARKED if parked else Result.FAILED, str(refusal))
        except Changed:
            return self._told(change, Result.FAILED, _BY_A_PUSH)
        except (ZohoCredentials, TablesBusy) as failure:
            return self._failed(change, failure)
        self.busy = 0
        return self._told(change, Result.DONE, None)

    def _failed(self, change: PlannedChange, failure: ZohoBusy | ZohoCredentials | TablesBusy) -> RunChange:
        """Nobody's fault: after too many in a row, or where the connection does not work, nobody else is tried."""
        self.busy += 1
        if isinstance(failure, ZohoCredentials) or self.busy >= BUSY_IN_A_ROW:
            self.stopped = str(failure)
            self.ended.set()
        return self._told(change, Result.FAILED, str(failure))

    def _told(self, change: PlannedChange, result: Result, failure: str | None) -> RunChange:
        return RunChange(change=change, result=result, at=self.parts.now(), failure=failure)


def _by_id(change: PlannedChange) -> str:
    """Within a kind in the order of the rows: neighbours are read in one round trip."""
    return change.identity
