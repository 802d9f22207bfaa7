"""What the next cycle would do: the cycle's own preparation, on tables whose writes are not kept."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.rules.guard import Breach
from shared.rules.plan import Plan
from shared.rules.store import Store
from shared.sync.guard.plans import PlanGuard
from shared.sync.plan.prepare import Preparation
from shared.sync.progress import SILENT, Progress, Unkept
from shared.sync.source.reading_checkpoint import ReadingCheckpoint
from shared.tables.proposals import Proposals


@dataclass(frozen=True)
class Preview:
    """A plan that nobody applies."""

    plan: Plan
    breaches: tuple[Breach, ...]
    """What the guard would hold it for."""
    troubles: tuple[str, ...]
    """Sentences on people and groups that could not be read, mapped or planned."""


@dataclass(frozen=True)
class DryRun:
    """Plans. Its parts work on rehearsal tables, made for this dry run alone."""

    preparation: Preparation
    plan_guard: PlanGuard
    proposals: Proposals
    now: Callable[[], datetime]

    def preview(self, store: Store, reading: ReadingCheckpoint, progress: Progress = SILENT) -> Preview:
        """Read Entra from a checkpoint on, and plan, also for a store that is stopped.

        Zoho One is asked for free names, for the members of groups that are adopted, and for the accounts that it has
        already. Those that nobody manages are kept with the proposals, so that an administrator can decide on them
        before the first cycle. Raises as Preparation does.
        """
        checkpoint, troubles = Unkept(reading), list[str]()
        self.preparation.read(store, checkpoint, troubles, progress)
        prepared = self.preparation.plan(store, {}, checkpoint, troubles, progress)
        self.proposals.replace(store.id, prepared.plan.proposals, self.now())
        return Preview(prepared.plan, self.plan_guard.breaches(store, prepared.plan), tuple(troubles))
