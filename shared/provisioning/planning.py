"""The plan of a cycle: what the people who are pending need, as an object."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched

from shared.calls import in_parallel
from shared.directory.cycle_plan import Candidate, Plan, make_plan
from shared.directory.store import Store
from shared.tables.identities import Identities

THREADS = 8
PORTION = 500
"""People in memory whole; of the others there is only the change, a fifth of that."""


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

        portions = batched(people, PORTION, strict=False)
        found = (each for portion in portions for each in in_parallel(candidate, portion, THREADS))
        return make_plan(store.id, filter(None, found), store.status_rules)
