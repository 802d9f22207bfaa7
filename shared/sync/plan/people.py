"""The plan of a cycle: what the people who are pending need, as an object."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import batched

from shared.rules.identity import Identity
from shared.rules.plan import Candidate, Plan, make_plan
from shared.rules.store import Store
from shared.sync.desired.evaluation import evaluation
from shared.sync.plan.accounts_reading import AccountsReader
from shared.sync.plan.accounts_there import AccountsThere, Comer, Looked
from shared.sync.progress import NO_LEASE, SILENT, Heartbeat, Progress
from shared.tables.account_decisions import AccountDecisions
from shared.tables.identities import Identities
from shared.tables.proposals import Proposals

PLANNING = "planning"
PORTION = 500
"""People in memory whole; of the others there is only the change, a fifth of that, and what is compared of comers."""


@dataclass(frozen=True)
class PeoplePlanner:
    """Reads people who are pending. Raises TablesBusy, and whatever the heartbeat raises."""

    identities: Identities
    accounts: AccountsReader
    decisions: AccountDecisions
    proposals: Proposals
    now: Callable[[], datetime]

    def plan(
        self,
        store: Store,
        people: Sequence[str],
        heartbeat: Heartbeat = NO_LEASE,
        progress: Progress = SILENT,
        unasked: list[str] | None = None,
    ) -> Plan:
        """The changes that these people need. Zoho One is asked about accounts that creations would come upon.

        Those who are to get an account are read twice: what is compared of all of them decides what becomes of each. A
        store's first plan reads all accounts in Zoho One, whoever comes. ``unasked`` gets a sentence where Zoho One had
        no answer, so that nobody can be created.
        """
        there, comers = AccountsThere(store, self.accounts, self.decisions, heartbeat), dict[str, Comer]()

        def candidates() -> Iterator[Candidate]:
            for identity in self._pending(store, people, heartbeat, progress):
                candidate = Candidate.pending(identity, now)
                comer = self._comer(store, identity, now) if candidate.waits is None else None
                if comer is None:
                    yield candidate
                else:
                    comers[identity.id] = comer
            first = not self.accounts.unmanaged.was_read(store)
            if not comers and not first:
                return
            looked = there.find(comers, all_accounts=first)
            if unasked is not None and looked.unasked is not None:
                unasked.append(looked.unasked)
            for identity in self._pending(store, list(comers), heartbeat):
                candidate = Candidate.pending(identity, now)
                yield upon(store, candidate, looked)

        now = self.now()
        progress.tell(PLANNING, 0, len(people))
        return make_plan(store.id, candidates(), store.status_rules)

    def plan_one(self, store: Store, identity: Identity) -> Plan:
        """The plan of one person who is pending and wanted now, whatever they would have to wait for.

        But for what an administrator has to say of an account that may be theirs.
        """
        there = AccountsThere(
            store, self.accounts, self.decisions, contested=lambda these: self._of_others(store, these)
        )
        candidate = replace(Candidate.pending(identity, self.now()), waits=None)
        if (comer := self._comer(store, identity, self.now())) is not None:
            first = not self.accounts.unmanaged.was_read(store)
            candidate = upon(store, candidate, there.find({identity.id: comer}, all_accounts=first))
        return make_plan(store.id, [candidate], store.status_rules)

    def _pending(
        self, store: Store, people: Sequence[str], heartbeat: Heartbeat, progress: Progress = SILENT
    ) -> Iterator[Identity]:
        """These people, in portions; but those that a push has settled since the marks were read."""
        planned = 0
        for portion in batched(sorted(people), PORTION, strict=False):
            found = self.identities.several(store.id, portion).values()
            yield from (stored.identity for stored in found if stored.identity.pending is not None)
            heartbeat.beat()
            planned += len(portion)
            progress.tell(PLANNING, planned, len(people))

    def _comer(self, store: Store, identity: Identity, now: datetime) -> Comer | None:
        return Comer.of(identity, store.matching.matcher, evaluation(store, now))

    def _of_others(self, store: Store, these: Collection[str]) -> frozenset[str]:
        """The accounts that are proposed to others."""
        others = (each for each in self.proposals.all(store.id) if each.change.identity not in these)
        return frozenset(adoption.account for each in others for adoption in each.accounts)


def upon(store: Store, candidate: Candidate, looked: Looked) -> Candidate:
    """The candidate with what their creation comes upon, or with why nobody could say."""
    person = candidate.identity.id
    if (trouble := looked.troubles.get(person)) is not None:
        return replace(candidate, waits=candidate.waits or trouble)
    if (found := looked.found.get(person)) is None:
        return candidate
    return candidate.upon(found.match, found.accounts, store.guard.adoptions, store.status_rules)
