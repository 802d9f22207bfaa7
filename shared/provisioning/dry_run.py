"""What the next cycle would do: the cycle's own reading and planning, on tables whose writes are not kept."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.directory.cycle_plan import Plan
from shared.directory.guard import Breach
from shared.directory.store import Store
from shared.entra.clients import GraphClients
from shared.provisioning.group_planning import GroupPlanning
from shared.provisioning.guarding import Guarding
from shared.provisioning.planning import Planning
from shared.provisioning.pull import Pull
from shared.provisioning.reading_progress import ReadingProgress
from shared.provisioning.renewal import Renewal
from shared.tables.pending import PendingMarks


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
    pull: Pull
    renewal: Renewal
    marks: PendingMarks
    planning: Planning
    group_planning: GroupPlanning
    guarding: Guarding
    progress: Callable[[str], ReadingProgress]
    """Where a store's next cycle goes on, by the store's id."""
    now: Callable[[], datetime]

    def preview(self, store: Store) -> Preview:
        """Read Entra and plan, also for a store that is stopped. Zoho One is asked at most for free names.

        Raises GraphError, TablesBusy, MappingUnusable, ZohoBusy and ZohoCredentials.
        """
        reading, troubles = self.progress(store.id), list[str]()
        self.pull.mappings.look_again(store.id)
        if store.entra is not None:
            reading, troubles = self.pull.read(store, self.graphs.of(store), reading, _forget, _go_on, _go_on)
        _, more = self.renewal.after_rules(store, reading, _forget, _go_on)
        waiting = self.marks.waiting(store.id)
        if waiting.arrived:
            more += self.renewal.after_arrivals(store, waiting)
            waiting = self.marks.waiting(store.id)
        groups = self.group_planning.plan(store, {})
        plan = self.planning.plan(store, waiting.people).model_copy(update={"groups": groups.changes})
        return Preview(plan, self.guarding.breaches(store, plan), (*troubles, *more, *groups.troubles))


def _go_on() -> None:
    """A dry run ends when it has ended."""


def _forget(_: ReadingProgress) -> None:
    """How far a dry run comes is nobody's business."""
