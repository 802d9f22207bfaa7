"""What a store keeps of the past, and for how long."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.rules.store import Store
from shared.sync.progress import Heartbeat
from shared.tables.held_plans import HeldPlans
from shared.tables.identities import Identities
from shared.tables.jobs import Jobs
from shared.tables.runs import Runs


@dataclass(frozen=True)
class Retention:
    """Drops old records: runs, jobs, held plans, history. Raises TablesBusy, and whatever the heartbeat raises."""

    runs: Runs
    jobs: Jobs
    held_plans: HeldPlans
    identities: Identities

    def drop_old(self, store: Store, now: datetime, heartbeat: Heartbeat) -> None:
        """Drop what is older than the store keeps."""
        cutoff = now - timedelta(days=store.history_days)
        self.runs.drop_before(store.id, cutoff)
        self.jobs.drop_before(store.id, cutoff)
        self.held_plans.drop_before(store.id, cutoff)
        self.identities.drop_events_before(store.id, cutoff, heartbeat.beat)
