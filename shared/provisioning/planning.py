"""The plan of a cycle: what the people who are pending need, as an object."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched

from shared.directory.cycle_plan import Candidate, Plan, make_plan
from shared.directory.store import Store
from shared.tables.identities import Identities

PORTION = 500
"""People in memory whole; of the others there is only the change, a fifth of that."""


@dataclass(frozen=True)
class Planning:
    """Reads whoever is pending. Raises TablesBusy."""

    identities: Identities
    now: Callable[[], datetime]
    heard: Callable[[int], None] = lambda _: None
    """Hears how many people each portion had."""

    def plan(self, store: Store, people: Sequence[str]) -> Plan:
        """The changes that these people need."""
        now = self.now()

        def candidates() -> Iterator[Candidate]:
            for portion in batched(sorted(people), PORTION, strict=False):
                for stored in self.identities.several(store.id, portion).values():
                    if stored.identity.pending is not None:  # a push may have settled him since the marks were read
                        yield Candidate.pending(stored.identity, now)
                self.heard(len(portion))

        return make_plan(store.id, candidates(), store.status_rules)
