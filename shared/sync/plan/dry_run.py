"""What the next cycle would do: the cycle's own reading and planning, on tables whose writes are not kept."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from shared.entra.clients import GraphClients
from shared.rules.guard import Breach
from shared.rules.plan import Plan
from shared.rules.store import Store
from shared.sync.cycle import Report
from shared.sync.guard.plans import PlanGuard
from shared.sync.plan.groups import GroupPlanner
from shared.sync.plan.people import PeoplePlanner
from shared.sync.source.people import PeopleReader
from shared.sync.source.reading_progress import ReadingCheckpoint
from shared.sync.source.recompute import Recompute
from shared.tables.pending import PendingChanges

READING = "reading Entra"
RENEWING = "working out everybody anew, by the changed rules"
PLANNING = "planning"


@dataclass(frozen=True)
class Preview:
    """A plan that nobody applies."""

    plan: Plan
    breaches: tuple[Breach, ...]
    """What the guard would hold it for."""
    troubles: tuple[str, ...]
    """Who could not be mapped, and why."""


@dataclass(frozen=True)
class DryRun:
    """Plans. Everything it is made of works on rehearsal tables, made anew for each dry run."""

    graphs: GraphClients
    people_reader: PeopleReader
    recompute: Recompute
    pending_changes: PendingChanges
    people_planner: PeoplePlanner
    group_planner: GroupPlanner
    plan_guard: PlanGuard
    progress: Callable[[Store], ReadingCheckpoint]
    """Where a store's next cycle goes on."""
    now: Callable[[], datetime]

    def preview(self, store: Store, report: Report = lambda *_: None) -> Preview:
        """Read Entra and plan, also for a store that is stopped. Zoho One is asked at most for
        free names, and for the members of groups that are taken over.

        ``report`` hears the phase, and how many people were read or planned. Raises GraphError, TablesBusy,
        MappingUnusable, ZohoBusy and ZohoCredentials.
        """
        reading, troubles = self.progress(store), list[str]()
        self.people_reader.mappings.look_again(store.id)
        if store.entra is not None:
            people_reader = replace(self.people_reader, heard=_Count(report, READING))
            reading, troubles = people_reader.read(store, self.graphs.of(store), reading, _forget, _go_on, _go_on)
        _, more = self.recompute.after_rules(store, reading, lambda _: report(RENEWING, 0, 0), _go_on)
        waiting = self.pending_changes.waiting(store.id)
        if waiting.arrived:
            more += self.recompute.after_arrivals(store, waiting)[1]
            waiting = self.pending_changes.waiting(store.id)
        people_planner = replace(self.people_planner, heard=_Count(report, PLANNING, len(waiting.people)))
        groups = self.group_planner.plan(store, {}, waiting.groups, _go_on)
        plan = groups.beside(people_planner.plan(store, waiting.people))
        return Preview(plan, self.plan_guard.breaches(store, plan), (*troubles, *more, *groups.troubles))


@dataclass
class _Count:
    """Counts the people of a phase, and reports."""

    report: Report
    phase: str
    of: int = 0
    done: int = 0

    def __post_init__(self) -> None:
        self(0)

    def __call__(self, more: int) -> None:
        self.done += more
        self.report(self.phase, self.done, self.of)


def _go_on() -> None:
    """A dry run ends when it has ended."""


def _forget(_: ReadingCheckpoint) -> None:
    """How far a dry run comes is nobody's business."""
