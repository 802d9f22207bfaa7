"""The groups of a plan, taken to Zoho One by the way that a push takes: group after group, behind the people.

Whoever is new has his account by then, so that he joins at once. A group that fails keeps its marks, and keeps no other
from its turn.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from shared.rules.change import ChangeKind
from shared.rules.groups.group import GroupDrift
from shared.rules.plan import PlannedChange, essence
from shared.rules.run import Result, RunChange
from shared.rules.store import Store
from shared.sync.apply.group_settlement import GroupWrite
from shared.sync.apply.memberships import patiently
from shared.sync.apply.people import Stopped
from shared.sync.errors import PushError, Refused
from shared.sync.guard.groups import Permission
from shared.sync.plan.group_work import GroupWork, PlannedGroups
from shared.sync.plan.groups import GroupPlanner
from shared.sync.push.groups import GroupPush
from shared.tables.entra_groups import EntraGroups
from shared.tables.errors import Stale
from shared.tables.group_rows import StoredGroup
from shared.zoho.errors import ZohoBusy, ZohoCredentials

MOVED = "The group changed since it was planned; the next cycle plans it again."
BUSY_IN_A_ROW = 3
"""Groups for which Zoho One had no answer: by then no other needs to be tried."""


@dataclass(frozen=True)
class GroupApplier:
    """Applies what GroupPlanner finds. Raises Stopped, TablesBusy, and whatever ``beat`` raises."""

    people_planner: GroupPlanner
    entra: EntraGroups
    push: GroupPush
    now: Callable[[], datetime]

    def apply(
        self,
        store: Store,
        groups: PlannedGroups,
        drifts: Mapping[str, GroupDrift],
        done: Callable[[Sequence[RunChange]], None],
        beat: Callable[[], None],
        *,
        approved: bool = False,
    ) -> None:
        """Take the planned groups to Zoho One. ``done`` hears what became of each that needed a change.

        ``beat`` is called between groups, and between portions of a large one's members; it may raise to end the work
        there, and what is left is found again. ``approved``: an administrator has decided on the plan, so that what it
        takes away does not count against what follows.
        """
        permission = Permission.DECIDED if approved else Permission.PLANNED
        planned = {change.identity: essence(change) for change in groups.changes}
        for work in groups.idle:
            self._settled(store, work)
            beat()
        if not groups.changes:
            return
        busy = 0
        adoptions = self.people_planner.adoptions(store, groups.looked_up)
        for work in _deletions_last(self.people_planner.works(store, drifts, groups.held, [], adoptions)):
            if work.planned is None:
                self._settled(store, work)
                continue
            if planned.get(work.planned.identity) != essence(work.planned):
                # The guard has judged something else, or nothing: this waits for the next plan.
                if work.planned.identity in planned:
                    done([self._told(work.planned, Result.NOT_TRIED, MOVED)])
                continue
            told, silent = self._turn(store, work, work.planned, permission, beat)
            done([told])
            busy = busy + 1 if silent else 0 if told.result is Result.DONE else busy
            if silent and (isinstance(silent, ZohoCredentials) or busy >= BUSY_IN_A_ROW):
                raise Stopped(str(silent)) from silent
            beat()

    def _turn(
        self,
        store: Store,
        work: GroupWork,
        planned: PlannedChange,
        permission: Permission,
        beat: Callable[[], None],
    ) -> tuple[RunChange, ZohoBusy | ZohoCredentials | None]:
        """One group; and why Zoho One had no answer, where it had none."""
        try:
            self.take(store, work, permission, beat)
        except (ZohoBusy, ZohoCredentials) as failure:
            return self._told(planned, Result.FAILED, str(failure)), failure
        except (PushError, Stale) as failure:
            told = str(failure) or "A push was writing this group at the same time."
            parked = isinstance(failure, Refused) and self._is_parked(store, planned.identity)
            return self._told(planned, Result.PARKED if parked else Result.FAILED, told), None
        self._settled(store, work)
        return self._told(planned, Result.DONE, None), None

    def take(
        self, store: Store, work: GroupWork, permission: Permission, beat: Callable[[], None] = lambda: None
    ) -> None:
        """Take one group to Zoho One. Raises PushError, ZohoBusy, ZohoCredentials and Stale."""
        assert work.planned is not None  # or there is nothing to do
        group_id, reason = work.planned.identity, work.planned.reason
        if work.drift is not None:
            drift = work.drift
            patiently(lambda: self.push.set_back(store, self._stored(store, group_id), drift, reason))
            return
        if work.gone:
            patiently(lambda: self.push.delete(store, self._stored(store, group_id), work.gone, permission))
            return
        is_new = work.stored is None
        for number, write in enumerate(work.writes(permission)):
            if number:
                beat()
            new = is_new and number == 0
            patiently(partial(self._say, store, work, None if new else group_id, write))

    def _say(self, store: Store, work: GroupWork, group_id: str | None, write: GroupWrite) -> StoredGroup:
        assert work.planned is not None  # see take
        stored = self._stored(store, group_id) if group_id else None
        return self.push.say(store, stored, work.planned.identity, work.resource, write)

    def _is_parked(self, store: Store, group_id: str) -> bool:
        stored = self.push.groups.read(store.id, group_id)
        return stored is not None and stored.group.refusal is not None and stored.group.refusal.is_parked

    def _stored(self, store: Store, group_id: str) -> StoredGroup:
        """A group as it is just now. Raises Stale where it is gone."""
        stored = self.push.groups.read(store.id, group_id)
        if stored is None:
            raise Stale
        return stored

    def _settled(self, store: Store, work: GroupWork) -> None:
        """What the marks led to is done."""
        if work.look is None:
            return
        if work.gone:
            self.entra.forget(store.id, work.look.group)
        self.entra.done(store.id, work.look)

    def _told(self, change: PlannedChange, result: Result, failure: str | None) -> RunChange:
        return RunChange(change=change, result=result, at=self.now(), failure=failure)


def _deletions_last(works: Iterable[GroupWork]) -> Iterator[GroupWork]:
    """Nothing brings a deleted group back: what is stopped half-way has not come to it."""
    deletions = list[GroupWork]()
    for work in works:
        if work.planned is not None and work.planned.kind is ChangeKind.DELETE:
            deletions.append(work)
        else:
            yield work
    yield from deletions
