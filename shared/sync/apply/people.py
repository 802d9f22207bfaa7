"""A plan of people, applied: kind after kind, several people at the same time, each by PersonSettlement.

The people of a portion get their leases in one transaction while the portion before is being worked on. A person whose
change fails stays pending, and keeps nobody else from their turn.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import batched, groupby

from shared.calls import in_context
from shared.rules.change import ARRIVALS, ChangeKind
from shared.rules.history import EventKind
from shared.rules.identity import Identity
from shared.rules.plan import Plan, PlannedChange, is_still
from shared.rules.run import Result, RunChange
from shared.rules.store import Store
from shared.sync.apply.person_settlement import PersonSettlement, Planned
from shared.sync.apply.silence import Silence
from shared.sync.errors import HeldBack, Refused
from shared.sync.guard.admission import Admission
from shared.sync.progress import Heartbeat, Results
from shared.tables.errors import Stale, TablesBusy
from shared.tables.identities import Identities
from shared.tables.identity_rows import Stored
from shared.tables.portions import MOST_ROWS
from shared.tables.recent_deprovisionings import DeprovisioningCounts
from shared.zoho.errors import ZohoBusy, ZohoCredentials

BUSY_IN_A_ROW = 10
"""Number of people without an answer from Zoho One or the tables after which nobody else is tried."""
TRIES = 3
"""Tries of one person in one cycle, while Zoho One asks for short waits."""
FIRST_PAUSE = 10.0
"""Seconds before the second try at most; the pause before the third is twice that."""
LONGEST_WAIT = 60
"""Seconds; a person who has to wait longer waits for the next cycle."""
PORTION = 2
"""Turns of each call at a time that are made ready at once."""

_BY_A_PUSH = "A push was writing this person at the same time."
_ANOTHER = "Something else is to be done for this person since the plan was made; the next cycle plans it."


@dataclass(frozen=True)
class PeopleApplier:
    """Applies plans. Raises Stopped, TablesBusy, and whatever the heartbeat raises."""

    identities: Identities
    settlement: PersonSettlement
    admission: Admission
    deprovisionings: DeprovisioningCounts
    now: Callable[[], datetime]
    sleep: Callable[[float], None] = time.sleep

    def apply(
        self,
        store: Store,
        plan: Plan,
        results: Results,
        heartbeat: Heartbeat,
        *,
        approved: bool = False,
    ) -> None:
        """Take a plan to Zoho One. ``results`` hears what became of its changes, in any order within a kind.

        Only what was planned is done: where the tables say something else of a person by then, the next cycle plans it.
        The work may be ended between portions, so that at least one is done each time. Whether it must end is asked
        before each turn: people whose turn has not begun are not tried then.
        ``approved``: an administrator approved this plan.
        """
        left_out = tuple(change for change in plan.suppressed if change.pending)
        turns = _Turns(self, store, results, heartbeat, approved, frozenset(change.identity for change in left_out))
        with ThreadPoolExecutor(store.zoho.parallel_calls) as pool:
            for kind, changes in groupby((*plan.changes, *left_out), key=lambda change: change.kind):
                turns.done = 0
                if kind is ChangeKind.PROPOSE:
                    turns.propose(sorted(changes, key=_by_id))
                    continue
                try:
                    turns.work_through(sorted(changes, key=_by_id), pool)
                finally:
                    self._count_arrivals(store, kind, turns.done)
                turns.silence.ensure_not_ended()

    def _count_arrivals(self, store: Store, kind: ChangeKind, count: int) -> None:
        """Let the guard know how many came; a deprovisioning is counted where it begins."""
        if count and kind in ARRIVALS:
            self.deprovisionings.change(store.id, lambda recent: recent.with_arrivals(count))


@dataclass
class _Turns:
    """The turns of one plan's people."""

    parts: PeopleApplier
    store: Store
    results: Results
    heartbeat: Heartbeat
    approved: bool
    left_out: frozenset[str]
    """The people whose change a policy left out, and who are visited all the same."""
    held: str | None = None
    """Why the guard lets nobody else leave."""
    done: int = 0
    """Number of changes of one kind that Zoho One confirmed."""
    silence: Silence = field(default_factory=lambda: Silence(BUSY_IN_A_ROW))

    def work_through(self, changes: Sequence[PlannedChange], pool: ThreadPoolExecutor) -> None:
        """Everybody in portions: while one is worked on, the next is made ready."""
        size = self.store.zoho.parallel_calls * PORTION
        under_way: deque[Future[RunChange]] = deque()
        try:
            for number, portion in enumerate(batched(changes, size, strict=False)):
                if self.silence.ended.is_set():
                    break
                if number:
                    self.heartbeat.may_end()
                under_way.extend(self._begin(portion, pool))
                self._heard([under_way.popleft().result() for _ in range(len(under_way) - size)])
        finally:  # also where the work is ended: people who have their lease have their turn
            self._heard([each.result() for each in under_way])

    def propose(self, changes: Sequence[PlannedChange]) -> None:
        """Let people wait for an administrator. Their history says so, once for the same proposal."""
        for portion in batched(changes, MOST_ROWS, strict=False):
            self.heartbeat.may_end()
            read = self.parts.identities.several(self.store.id, [change.identity for change in portion])
            self.results.add([self._proposed(change, read.get(change.identity)) for change in portion])

    def _proposed(self, change: PlannedChange, stored: Stored | None) -> RunChange:
        mark = stored.identity.pending if stored is not None else None
        if stored is None or mark is None or stored.identity.leased_until(self.parts.now()) is not None:
            return self._told(change, Result.NOT_TRIED, _BY_A_PUSH)
        if mark.failure != change.reason:
            waits = mark.model_copy(update={"failure": change.reason})
            event = self.parts.settlement.event(EventKind.PROPOSED, change.reason)
            try:
                waiting = stored.identity.model_copy(update={"pending": waits})
                self.parts.identities.write(self.store.id, stored, waiting, event)
            except Stale:
                return self._told(change, Result.NOT_TRIED, _BY_A_PUSH)
        return self._told(change, Result.WAITS, None)

    def _heard(self, changes: Sequence[RunChange]) -> None:
        self.done += sum(each.result is Result.DONE for each in changes)
        self.results.add(changes)

    def _begin(self, portion: Sequence[PlannedChange], pool: ThreadPoolExecutor) -> list[Future[RunChange]]:
        """Take the leases of a portion, and begin the turn of each person."""
        read = self.parts.identities.several(self.store.id, [change.identity for change in portion])
        ready: list[tuple[Stored, Identity]] = []
        changes: dict[str, tuple[PlannedChange, bool]] = {}
        for change in portion:
            stored = read.get(change.identity)
            try:
                leased = self._with_lease(change, stored)
            except (ZohoBusy, ZohoCredentials) as failure:
                self._heard([self._failed(change, failure)])
                continue
            if stored is None or isinstance(leased, str):
                self._heard([self._told(change, Result.NOT_TRIED, str(leased))])
                continue
            assert stored.identity.pending is not None  # or there is no lease
            # Who adopts an account looks for it first. The plan that shows it has passed the guard.
            ready.append((stored, leased.adopting(change.adopts.account) if change.adopts else leased))
            changes[leased.id] = change, not stored.identity.pending.begun and change.adopts is None
        began = self.parts.admission.begin(self.store, ready, approved=self.approved)
        self.held = self.held or began.held
        turns = [
            pool.submit(in_context(partial(self._turn, *changes.pop(each.identity.id), each))) for each in began.leased
        ]
        self._heard([self._told(change, Result.NOT_TRIED, began.held or _BY_A_PUSH) for change, _ in changes.values()])
        return turns

    def _with_lease(self, change: PlannedChange, stored: Stored | None) -> Identity | str:
        """A person with the lease to be written, or why their turn does not come. Raises ZohoBusy, ZohoCredentials."""
        parts = self.parts
        if (
            stored is None
            or (identity := stored.identity).pending is None
            or identity.leased_until(parts.now()) is not None
        ):
            return _BY_A_PUSH
        left_out = identity.id in self.left_out
        if not is_still(change, identity, parts.now(), self.store.status_rules, left_out=left_out):
            return _ANOTHER
        if self.held is not None and identity.is_deprovisioning:
            return self.held
        return parts.settlement.leased(self.store, identity)

    def _turn(self, change: PlannedChange, certain: bool, stored: Stored) -> RunChange:
        """One person, again where Zoho One asks for a short wait. Raises nothing that could end the others' turns."""
        leased: Stored | str = stored
        for attempt in range(TRIES):
            if isinstance(leased, str):
                return self._told(change, Result.FAILED, leased)
            try:
                return self._once(change, certain and attempt == 0, leased)
            except ZohoBusy as busy:
                if attempt == TRIES - 1 or busy.retry_after > LONGEST_WAIT or self.silence.ended.is_set():
                    return self._failed(change, busy)
                pause = min(busy.retry_after, FIRST_PAUSE * 2**attempt)
                self.parts.sleep(pause * (1 + self.parts.settlement.spread() / 2))  # not all at the same time
                leased = self._lease_again(change)
        raise AssertionError  # the last try returned

    def _lease_again(self, change: PlannedChange) -> Stored | str:
        """The person with a new lease, or why there is none; the next cycle finds them."""
        try:
            stored = self.parts.identities.read(self.store.id, change.identity)
            leased = self._with_lease(change, stored)
            if stored is None or isinstance(leased, str):
                return str(leased)
            began = self.parts.admission.begin(self.store, [(stored, leased)], approved=self.approved)
        except (ZohoBusy, ZohoCredentials, TablesBusy) as failure:
            return str(failure) or _BY_A_PUSH
        return began.leased[0] if began.leased else began.held or _BY_A_PUSH

    def _once(self, change: PlannedChange, certain: bool, stored: Stored) -> RunChange:
        """One try. Raises ZohoBusy."""
        pending, parts = stored.identity.pending, self.parts
        assert pending is not None  # its lease has just been taken
        try:
            must_end = self.silence.ended.is_set() or self.heartbeat.must_end is not None
            if must_end or pending.lease_ends - parts.now() < parts.settlement.lease * 0.75:
                parts.settlement.give_back(self.store, stored, "Its turn did not come in time")
                return self._told(change, Result.NOT_TRIED, None)
            parts.settlement.settle(self.store, stored, certain=certain, planned=Planned(change.adopts))
        except Refused as refusal:
            self.silence.answered()
            kept = stored.identity.object_id is not None
            parked = kept and pending.refused(str(refusal), parts.now(), 0).is_parked
            return self._told(change, Result.PARKED if parked else Result.FAILED, str(refusal))
        except HeldBack as held:
            return self._told(change, Result.FAILED, str(held))
        except Stale:
            return self._told(change, Result.FAILED, _BY_A_PUSH)
        except (ZohoCredentials, TablesBusy) as failure:
            return self._failed(change, failure)
        self.silence.answered()
        return self._told(change, Result.DONE, None)

    def _failed(self, change: PlannedChange, failure: ZohoBusy | ZohoCredentials | TablesBusy) -> RunChange:
        """A change that had no answer, through no fault of the person's."""
        self.silence.unanswered(failure)
        return self._told(change, Result.FAILED, str(failure))

    def _told(self, change: PlannedChange, result: Result, failure: str | None) -> RunChange:
        return RunChange(change=change, result=result, at=self.parts.now(), failure=failure)


def _by_id(change: PlannedChange) -> str:
    """Within a kind in the order of the rows: neighbours are read in one round trip."""
    return change.identity
