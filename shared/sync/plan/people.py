"""The plan of a cycle: what the people who are pending need, as an object."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import batched

from shared.rules.identity import Identity
from shared.rules.plan import Candidate, Plan, make_plan
from shared.rules.store import Store
from shared.sync.plan.accounts_there import AccountsThere, come_upon
from shared.sync.progress import NO_LEASE, SILENT, Heartbeat, Progress
from shared.tables.identities import Identities
from shared.zoho.scim_client import ZohoUsers

PLANNING = "planning"
PORTION = 500
"""People in memory whole; of the others there is only the change, a fifth of that."""


@dataclass(frozen=True)
class PeoplePlanner:
    """Reads people who are pending. Raises TablesBusy, and whatever the heartbeat raises."""

    identities: Identities
    users: Callable[[Store], ZohoUsers]
    now: Callable[[], datetime]

    def plan(
        self, store: Store, people: Sequence[str], heartbeat: Heartbeat = NO_LEASE, progress: Progress = SILENT
    ) -> Plan:
        """The changes that these people need. Zoho One is asked about accounts that creations would come upon."""
        there = AccountsThere(self.users, store, heartbeat)

        def candidates() -> Iterator[Candidate]:
            planned = 0
            for portion in batched(sorted(people), PORTION, strict=False):
                for stored in self.identities.several(store.id, portion).values():
                    if stored.identity.pending is not None:  # a push may have settled it since the marks were read
                        yield self._upon(store, Candidate.pending(stored.identity, now), there)
                heartbeat.beat()
                planned += len(portion)
                progress.tell(PLANNING, planned, len(people))

        now = self.now()
        progress.tell(PLANNING, 0, len(people))
        return make_plan(store.id, candidates(), store.status_rules)

    def plan_one(self, store: Store, identity: Identity) -> Plan:
        """The plan of one person who is pending and wanted now, whatever they would have to wait for."""
        candidate = replace(Candidate.pending(identity, self.now()), waits=None)
        candidate = self._upon(store, candidate, AccountsThere(self.users, store, NO_LEASE))
        return make_plan(store.id, [candidate], store.status_rules)

    def _upon(self, store: Store, candidate: Candidate, there: AccountsThere) -> Candidate:
        """The candidate with the account that a creation comes upon. One call of Zoho One's for each who comes."""
        name, identity = candidate.comes, candidate.identity
        if name is None or candidate.waits is not None or (account := there.named(name)) is None:
            return candidate
        if identity.pending is not None and identity.pending.begun and account.holds == identity.said.desired:
            return candidate  # the bridge's own: the answer of an earlier try was lost
        record = self.identities.record_of(store.id, account.id, identity.id)
        former, owner = (record.former, record.owner) if record else (None, None)
        if former is None and owner not in (None, identity.id):
            return candidate  # somebody's who is there; they may be renamed before this one's turn
        return candidate.upon(come_upon(account, record), former, store.guard.adoptions, store.status_rules)
