"""The plan of a cycle: what the people who are pending need, as an object."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.calls import in_parallel
from shared.directory.cycle_plan import Candidate, Plan, make_plan
from shared.directory.store import Store
from shared.tables.identities import Identities

THREADS = 8


@dataclass(frozen=True)
class Planning:
    """Reads whoever is pending. Raises TablesBusy."""

    identities: Identities
    now: Callable[[], datetime]

    def plan(self, store: Store, people: Sequence[str]) -> Plan:
        """The changes that these people need."""
        now = self.now()

        def candidate(identity_id: str) -> Candidate | None:
            stored = self.identities.read(store.id, identity_id)
            settled = stored is None or stored.identity.pending is None  # by a push, since the marks were read
            return None if stored is None or settled else Candidate.pending(stored.identity, now)

        found = in_parallel(candidate, people, THREADS)
        return make_plan(store.id, filter(None, found), store.status_rules)
