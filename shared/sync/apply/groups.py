"""A plan's groups, applied: group after group by GroupChanges, after the people.

People who are new have their account by then, so that they join at once. A group that fails keeps its marks, and keeps
no other from its turn.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from shared.rules.change import ChangeKind
from shared.rules.groups.group import GroupDrift
from shared.rules.groups.group_write import GroupWrite, Permission
from shared.rules.plan import PlannedChange, essence
from shared.rules.run import Result, RunChange
from shared.rules.store import Store
from shared.sync.apply.group_changes import GroupChanges
from shared.sync.apply.silence import Silence
from shared.sync.errors import PushError, Refused
from shared.sync.patience import FOR_A_GROUP, until_free
from shared.sync.plan.group_work import GroupWork, PlannedGroups
from shared.sync.plan.groups import GroupPlanner
from shared.sync.progress import NO_LEASE, Heartbeat, Results
from shared.tables.entra_groups import EntraGroups
from shared.tables.errors import Stale
from shared.tables.group_rows import StoredGroup
from shared.tables.groups import Groups
from shared.zoho.errors import ZohoBusy, ZohoCredentials

MOVED = "The group changed since it was planned; the next cycle plans it again."
BUSY_IN_A_ROW = 3
"""Groups for which Zoho One had no answer: by then no other needs to be tried."""


@dataclass(frozen=True)
class GroupApplier:
    """Applies what GroupPlanner finds. Raises Stopped, TablesBusy, and whatever the heartbeat raises."""

    planner: GroupPlanner
    entra: EntraGroups
    groups: Groups
    changes: GroupChanges
    now: Callable[[], datetime]

    def apply(
        self,
        store: Store,
        groups: PlannedGroups,
        drifts: Mapping[str, GroupDrift],
        results: Results,
        heartbeat: Heartbeat,
        *,
        approved: bool = False,
    ) -> None:
        """Take the planned groups to Zoho One. ``results`` hears what became of each that needed a change.

        The work may be ended between groups, and between portions of a large one's members; what is left is found
        again. ``approved``: an administrator has decided on the plan, so that what it takes away does not count against
        what follows.
        """
        permission = Permission.DECIDED if approved else Permission.PLANNED
        planned = {change.identity: essence(change) for change in groups.changes}
        for work in groups.idle:
            self._settled(store, work)
            heartbeat.may_end()
        if not groups.changes:
            return
        silence = Silence(BUSY_IN_A_ROW)
        adoptions = self.planner.adoptions(store, groups.looked_up)
        for work in _deletions_last(self.planner.works(store, drifts, groups.held, [], adoptions, heartbeat)):
            if work.planned is None:
                self._settled(store, work)
                continue
            if planned.get(work.planned.identity) != essence(work.planned):
                # The guard has judged something else, or nothing: this waits for the next plan.
                if work.planned.identity in planned:
                    results.add([self._told(work.planned, Result.NOT_TRIED, MOVED)])
                continue
            results.add([self._turn(store, work, work.planned, permission, heartbeat, silence)])
            silence.ensure_not_ended()
            heartbeat.may_end()

    def _turn(
        self,
        store: Store,
        work: GroupWork,
        planned: PlannedChange,
        permission: Permission,
        heartbeat: Heartbeat,
        silence: Silence,
    ) -> RunChange:
        """One group."""
        try:
            self.apply_one(store, work, permission, heartbeat)
        except (ZohoBusy, ZohoCredentials) as failure:
            silence.unanswered(failure)
            return self._told(planned, Result.FAILED, str(failure))
        except Refused as refusal:
            silence.answered()
            parked = self._is_parked(store, planned.identity)
            return self._told(planned, Result.PARKED if parked else Result.FAILED, str(refusal))
        except (PushError, Stale) as failure:
            told = str(failure) or "A push was writing this group at the same time."
            return self._told(planned, Result.FAILED, told)
        silence.answered()
        self._settled(store, work)
        return self._told(planned, Result.DONE, None)

    def apply_one(self, store: Store, work: GroupWork, permission: Permission, heartbeat: Heartbeat = NO_LEASE) -> None:
        """Take one group to Zoho One. Raises PushError, ZohoBusy, ZohoCredentials and Stale."""
        assert work.planned is not None  # or there is nothing to do
        group_id, reason = work.planned.identity, work.planned.reason
        if work.drift is not None:
            drift = work.drift
            until_free(lambda: self.changes.set_back(store, self._stored(store, group_id), drift, reason), FOR_A_GROUP)
            return
        if work.gone:
            until_free(
                lambda: self.changes.delete(store, self._stored(store, group_id), work.gone, permission), FOR_A_GROUP
            )
            return
        is_new = work.stored is None
        for number, write in enumerate(work.writes(permission)):
            if number:
                heartbeat.may_end()
            new = is_new and number == 0
            until_free(partial(self._write, store, work, None if new else group_id, write), FOR_A_GROUP)

    def _write(self, store: Store, work: GroupWork, group_id: str | None, write: GroupWrite) -> StoredGroup:
        assert work.planned is not None  # see apply_one
        stored = self._stored(store, group_id) if group_id else None
        return self.changes.write(store, stored, work.planned.identity, work.resource, write)

    def _is_parked(self, store: Store, group_id: str) -> bool:
        stored = self.groups.read(store.id, group_id)
        return stored is not None and stored.group.refusal is not None and stored.group.refusal.is_parked

    def _stored(self, store: Store, group_id: str) -> StoredGroup:
        """A group as it is just now. Raises Stale where it is gone."""
        stored = self.groups.read(store.id, group_id)
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
