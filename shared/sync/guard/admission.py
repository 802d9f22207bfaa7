"""How a person's change begins: the lease is written, and a deprovisioning passes the guard in the same transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.rules.guard import Breach
from shared.rules.identity import Identity
from shared.rules.recent_deprovisionings import Deprovisionings, RecentDeprovisionings
from shared.rules.store import Store
from shared.sync.errors import HeldBack
from shared.tables.errors import Conflict, Stale
from shared.tables.identities import Identities
from shared.tables.identity_rows import Stored
from shared.tables.pending import PendingChanges
from shared.tables.recent_deprovisionings import DeprovisioningCounts
from shared.tables.record_table import Operation

type Leased = tuple[Stored, Identity]
"""A person as they were read, and with the lease that is to be written."""


@dataclass(frozen=True)
class Admitted:
    """What became of leases."""

    leased: tuple[Stored, ...]
    """The people to be taken to Zoho One now; another request wrote the others, or the guard holds them back."""
    held: str | None = None
    """Why the guard holds somebody back."""


@dataclass(frozen=True)
class Admission:
    """Begins changes: for a push, a cycle and provisioning on demand alike. Its methods raise TablesBusy."""

    identities: Identities
    pending_changes: PendingChanges
    deprovisionings: DeprovisioningCounts
    now: Callable[[], datetime]

    def begin(self, store: Store, people: Sequence[Leased], *, approved: bool = False) -> Admitted:
        """Write leases. One round trip for up to a hundred; no other rows of these people may change by it.

        ``approved``: an administrator approved the plan that this is. Of the deprovisionings in one transaction all
        begin, or none does.
        """
        leased, held = list[Stored](), None
        for some in self.pending_changes.portions(store.id, people):
            found = self._begin(store, some, approved=approved)
            leased += found.leased
            held = held or found.held
        return Admitted(tuple(leased), held)

    def write(self, store: Store, stored: Stored | None, marked: Identity) -> Stored:
        """Write one pending change with its lease, and all else that it changes of the person. Raises Stale, Conflict.

        Raises HeldBack for a deprovisioning that the guard holds back: it stays pending, without a lease, for the plan
        that an administrator sees.
        """
        if stored is None or not marked.is_deprovisioning:
            return self.identities.write(store.id, stored, with_count(marked, self.now()))
        written, now = list[Stored](), self.now()

        def transact(count: Operation) -> str:
            leaving, etag = self.identities.write_leaving(store.id, stored, with_count(marked, now), count)
            written.append(leaving)
            return etag

        reason = self._admit(store, Deprovisionings.among([marked]), now, transact)
        if reason is None:
            return written[-1]
        assert marked.pending is not None  # the caller has just made it
        begun = stored.identity.pending is not None and stored.identity.pending.begun
        # Nothing is sent now: what earlier tries sent is all that is open.
        held = marked.pending.model_copy(update={"writer": None, "begun": begun, "sending": None})
        self.identities.write(store.id, stored, marked.model_copy(update={"pending": held}))
        raise HeldBack(reason)

    def _admit(
        self, store: Store, deprovisionings: Deprovisionings, now: datetime, transact: Callable[[Operation], str]
    ) -> str | None:
        """Let people leave, or say why the guard holds them back. ``transact``: as of DeprovisioningCounts.admit."""

        def count_active() -> int:
            return self.identities.count_active(store.id)

        def limit(recent: RecentDeprovisionings, is_counted: bool) -> Breach | None:
            return recent.breach(now, store.guard, deprovisionings, is_counted=is_counted)

        return self.deprovisionings.admit(store.id, deprovisionings, now, limit, count_active, transact)

    def _begin(self, store: Store, people: Sequence[Leased], *, approved: bool) -> Admitted:
        """One portion: at once, or one by one where another request wrote one of them."""
        deprovisionings = Deprovisionings.among((after for _, after in people), approved=approved)
        now = self.now()
        counted = [(before, with_count(after, now, approved=approved)) for before, after in people]
        leased = list[Stored]()

        def transact(*count: Operation) -> str:
            leased[:], etags = self.pending_changes.lease_at_once(store.id, counted, count)
            return etags[0] if etags else ""

        try:
            if not deprovisionings.ids:
                transact()
            elif (held := self._admit(store, deprovisionings, now, transact)) is not None:
                return Admitted((), held)
        except (Stale, Conflict):
            found = [self._begin(store, [each], approved=approved) for each in people] if len(people) > 1 else []
            held = next((each.held for each in found if each.held), None)
            return Admitted(tuple(one for each in found for one in each.leased), held)
        return Admitted(tuple(leased))


def with_count(identity: Identity, now: datetime, *, approved: bool = False) -> Identity:
    """A person whose change begins, with a note of it if it is a deprovisioning, which the guard counts now."""
    assert identity.pending is not None  # what begins is pending
    begins = identity.is_deprovisioning
    is_new = begins and not identity.pending.counted
    noted = {"left_at": None if approved else now} if is_new else {}
    return identity.model_copy(update={"pending": identity.pending.model_copy(update={"counted": begins}), **noted})
