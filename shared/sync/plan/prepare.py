"""From Entra to a plan: the one order of steps, which a cycle and a dry run share."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.entra.clients import GraphClients
from shared.rules.groups.group import GroupDrift
from shared.rules.plan import Plan
from shared.rules.store import Store
from shared.sync.plan.group_work import PlannedGroups
from shared.sync.plan.groups import GroupPlanner
from shared.sync.plan.people import PeoplePlanner
from shared.sync.progress import SILENT, Checkpoint, Heartbeat, Progress
from shared.sync.source.people import PeopleReader
from shared.sync.source.reading_checkpoint import ReadingCheckpoint
from shared.sync.source.recompute import Recompute
from shared.tables.mappings import Mappings
from shared.tables.pending import PendingChanges, Waiting


@dataclass(frozen=True)
class Prepared:
    """A plan, with what it takes to judge and to apply it."""

    plan: Plan
    groups: PlannedGroups
    is_guarded: bool
    """Whether the guard keeps somebody back since an earlier plan."""
    unasked: tuple[str, ...] = ()
    """Why nobody could be created: Zoho One did not say what accounts it has."""

    @property
    def is_whole(self) -> bool:
        """Whether every group could be planned, so that nobody who is to go is missing."""
        return not self.groups.troubles


@dataclass(frozen=True)
class Preparation:
    """Makes plans. Raises GraphError, TablesBusy, MappingUnusable, ZohoBusy and ZohoCredentials.

    ``troubles`` gets a sentence for each person or group that could not be read, mapped or planned, as it is found.
    """

    mappings: Mappings
    graphs: GraphClients
    people_reader: PeopleReader
    recompute: Recompute
    pending_changes: PendingChanges
    people_planner: PeoplePlanner
    group_planner: GroupPlanner

    def read(
        self,
        store: Store,
        checkpoint: Checkpoint[ReadingCheckpoint],
        troubles: list[str],
        progress: Progress = SILENT,
        *,
        full: bool = False,
    ) -> None:
        """What Entra says, into what the bridge knows. Nothing may be planned unless all of it was read.

        ``full``: look also for people whose desired state a push computed by older rules.
        """
        self.mappings.look_again(store.id)
        if store.entra is not None:
            self.people_reader.read(store, self.graphs.of(store), checkpoint, troubles, progress)
        self.recompute.after_rules(store, checkpoint, troubles, progress, full=full)

    def plan(
        self,
        store: Store,
        drifts: Mapping[str, GroupDrift],
        heartbeat: Heartbeat,
        troubles: list[str],
        progress: Progress = SILENT,
    ) -> Prepared:
        """The plan of people and groups. ``drifts``: groups that somebody changed in Zoho One, by their ids.

        Before it, Graph has its say about everybody whom a push wrote since.
        """
        waiting = self.pending_changes.waiting(store.id)
        verified = self._verify(store, waiting, heartbeat, troubles)
        if waiting.arrived:
            self.recompute.after_arrivals(store, waiting, heartbeat, troubles)
        if verified or waiting.arrived:
            waiting = self.pending_changes.waiting(store.id)
        return self._planned(store, waiting, drifts, heartbeat, troubles, progress)

    def plan_reports(self, store: Store, failed: set[str], heartbeat: Heartbeat) -> Plan:
        """The plan of people whose managers got their account since the last plan, but those who ``failed`` in it."""
        waiting = self.pending_changes.waiting(store.id)
        reports = self.recompute.after_arrivals(store, waiting, heartbeat, [])
        return self.people_planner.plan(store, sorted(set(reports) - failed), heartbeat)

    def _verify(self, store: Store, waiting: Waiting, heartbeat: Heartbeat, troubles: list[str]) -> bool:
        """Ask Graph about everybody of whom a push had the last word; False where there is nobody."""
        object_ids = sorted({*waiting.unverified, *waiting.removed})
        if store.entra is None or not object_ids:
            return False
        for kept in self.people_reader.verify(store, self.graphs.of(store), object_ids, heartbeat, troubles):
            if kept in waiting.removed:
                self.pending_changes.forget_removed(store.id, kept, waiting.removed[kept])
        return True

    def _planned(
        self,
        store: Store,
        waiting: Waiting,
        drifts: Mapping[str, GroupDrift],
        heartbeat: Heartbeat,
        troubles: list[str],
        progress: Progress,
    ) -> Prepared:
        unasked = list[str]()
        people = self.people_planner.plan(store, waiting.people, heartbeat, progress, unasked)
        groups = self.group_planner.plan(store, drifts, waiting.groups, heartbeat)
        troubles += groups.troubles + tuple(unasked)
        return Prepared(groups.beside(people), groups, waiting.is_guarded, tuple(unasked))
