"""The plan of a cycle: what the people who are pending need, as an object."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched

from shared.rules.former import Former
from shared.rules.plan import Candidate, Plan, make_plan
from shared.rules.store import Store
from shared.rules.user_name import folded
from shared.tables.identities import Identities

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
    """Reads whoever is pending. Raises TablesBusy."""

    identities: Identities
    now: Callable[[], datetime]
    heard: Callable[[int], None] = lambda _: None
    """Hears how many people each portion had."""

    def plan(self, store: Store, people: Sequence[str]) -> Plan:
        """The changes that these people need."""
        now, formers = self.now(), Formers(self.identities, store.id)

        def candidates() -> Iterator[Candidate]:
            for portion in batched(sorted(people), PORTION, strict=False):
                for stored in self.identities.several(store.id, portion).values():
                    if stored.identity.pending is not None:  # a push may have settled him since the marks were read
                        candidate = Candidate.pending(stored.identity, now)
                        yield candidate.among(formers.named(candidate.comes), store.guard.adoptions)
                self.heard(len(portion))

        return make_plan(store.id, candidates(), store.status_rules)
