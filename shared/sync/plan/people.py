"""The plan of a cycle: what the people who are pending need, as an object."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched

from shared.rules.former import Former
from shared.rules.plan import Candidate, Plan, make_plan
from shared.rules.store import Store
from shared.rules.user_name import folded
from shared.sync.progress import NO_LEASE, SILENT, Heartbeat, Progress
from shared.tables.identities import Identities

PLANNING = "planning"
PORTION = 500
"""People in memory whole; of the others there is only the change, a fifth of that."""


@dataclass
class Formers:
    """The accounts whose people are gone: read once somebody comes. Raises TablesBusy."""

    identities: Identities
    store: str
    _read: dict[str, list[Former]] | None = None

    def named(self, user_name: str | None) -> list[Former]:
        """Those of this userName in Zoho One."""
        if user_name is None:
            return []
        if self._read is None:
            self._read = {}
            for former in self.identities.formers(self.store):
                self._read.setdefault(folded(former.user_name), []).append(former)
        return self._read.get(folded(user_name), [])


@dataclass(frozen=True)
class PeoplePlanner:
    """Reads people who are pending. Raises TablesBusy, and whatever the heartbeat raises."""

    identities: Identities
    now: Callable[[], datetime]

    def plan(
        self, store: Store, people: Sequence[str], heartbeat: Heartbeat = NO_LEASE, progress: Progress = SILENT
    ) -> Plan:
        """The changes that these people need."""
        now, formers = self.now(), Formers(self.identities, store.id)

        def candidates() -> Iterator[Candidate]:
            planned = 0
            for portion in batched(sorted(people), PORTION, strict=False):
                for stored in self.identities.several(store.id, portion).values():
                    if stored.identity.pending is not None:  # a push may have settled it since the marks were read
                        candidate = Candidate.pending(stored.identity, now)
                        yield candidate.among(formers.named(candidate.comes), store.guard.adoptions)
                heartbeat.beat()
                planned += len(portion)
                progress.tell(PLANNING, planned, len(people))

        progress.tell(PLANNING, 0, len(people))
        return make_plan(store.id, candidates(), store.status_rules)
