"""The guard's ledger in Table Storage, in rows of the store's identities.

=============================  ======================================================
``leavings``                   the count of recent deprovisionings
``pending:guard``              there while somebody is held back: each cycle finds it
                               among the pending marks, and looks whether that is over
``discarded:<id>:<number>``    the departures that administrators discarded, whole
=============================  ======================================================

A departure and its count are written in one transaction, guarded by the ETag of ``leavings``: the pending change, the
lease and the count are written before Zoho One is called, so that a killed process loses no count. A worker remembers
the row as it last wrote it, so that it need not read it while it is the only writer. Where another worker has counted
meanwhile, the transaction fails as a whole, the row is read, and the write repeated. A write that deprovisions nobody
does not touch the ledger.
"""

from collections import defaultdict
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from azure.data.tables import TableClient

from shared.rules.guard import Breach
from shared.rules.identity import Identity
from shared.rules.plan import Plan, PlannedChange
from shared.rules.recent_deprovisionings import Deprovisionings, Discarded, RecentDeprovisionings
from shared.tables.by_time import new_id
from shared.tables.errors import Conflict, Stale
from shared.tables.identity_rows import GUARD
from shared.tables.plan_parts import PlanLost, PlanParts
from shared.tables.record_table import Operation, RecordTable, create_or_update, delete, keyed, upsert

HELD = "The guard holds every departure back until an administrator has looked at the plan."
_DISCARDED = (
    "An administrator discarded this {}: it waits until Entra takes it back, or until somebody approves a plan that "
    "contains it."
)
DISCARDED, DISCARDED_DELETION = _DISCARDED.format("departure"), _DISCARDED.format("deletion")

_KEY = "leavings"

type Limit = Callable[[RecentDeprovisionings, bool], Breach | None]
"""The limit that a departure would pass, according to the ledger, and whether the active people were counted for it:
else their number may be too low, and a limit that some greater number passes is one to count them for.
"""

type Transact = Callable[[Operation], str]
"""Writes a departure together with this operation, and returns the operation's ETag. It may be called again after it
has raised Stale or Conflict; other errors are passed on.
"""


@dataclass(frozen=True)
class StoredDeprovisionings:
    """The ledger as it was read or written; the ETag is empty where there is none yet."""

    recent: RecentDeprovisionings
    etag: str


_NOTHING = StoredDeprovisionings(RecentDeprovisionings(), "")


class DeprovisioningCounts(RecordTable):
    """Keeps the ledgers of all stores. Every method raises TablesBusy."""

    def __init__(self, identities: TableClient, key: str = _KEY) -> None:
        """``key``: the row's key; what is deprovisioned besides people, with limits of its own, has a ledger of its
        own.
        """
        super().__init__(identities)
        self._key = key
        self._mark = f"pending:{GUARD}" if key == _KEY else f"pending:{GUARD}:{key}"
        self._parts = PlanParts(identities, "discarded")
        self._known: dict[str, StoredDeprovisionings] = {}
        self._refused: dict[str, tuple[Discarded, frozenset[str]]] = {}
        """The discarded departures as they were read last: a set never changes under its id."""
        self._locks = defaultdict[str, Lock](Lock)

    def admit(
        self,
        store: str,
        deprovisionings: Deprovisionings,
        now: datetime,
        limit: Limit,
        count_active: Callable[[], int],
        transact: Transact,
    ) -> str | None:
        """Deprovision people and count them, or return why the guard holds them back; then nothing is written.

        ``count_active``: counts the store's active people; called only where a limit would be passed.
        """
        is_counted = False
        with self._locks[store]:
            # Where nothing is remembered, the first write finds out: it creates the row, or fails as a whole.
            stored = self._known.get(store, _NOTHING)
            reason = self._reason(store, stored.recent, deprovisionings, limit, is_counted)
            if reason is not None:
                # The remembered ledger may be stale, and an administrator may have decided.
                stored = self.read(store)
            while True:
                reason = self._reason(store, stored.recent, deprovisionings, limit, is_counted)
                if reason not in (None, HELD, DISCARDED):  # a number of people that is too low may be the reason
                    stored, is_counted = self.recount(store, now, count_active), True
                    reason = self._reason(store, stored.recent, deprovisionings, limit, is_counted)
                if reason is not None:
                    break
                newer = self._written_along(store, stored, stored.recent.begun(now, deprovisionings), transact)
                if newer is None:
                    return None
                stored = newer
        if reason not in (HELD, DISCARDED):
            self.change(store, RecentDeprovisionings.hold)
        return reason

    def write_along(
        self, store: str, change: Callable[[RecentDeprovisionings], RecentDeprovisionings], transact: Transact
    ) -> None:
        """Change the ledger in another writer's transaction; ``change`` may be called more than once."""
        with self._locks[store]:
            stored: StoredDeprovisionings | None = self._known.get(store, _NOTHING)
            while stored is not None:
                stored = self._written_along(store, stored, change(stored.recent), transact)

    def unmanage(self, store: str, identity: Identity, transact: Callable[[Operation | None], str]) -> None:
        """Take an unmanaged person's account off the active ones, if it is active, in the transaction that removes
        them.

        ``transact``: as for ``admit``; None: no operation is added.
        """
        if identity.counts_as_active:
            self.write_along(store, lambda recent: recent.without_active(1), transact)
        else:
            transact(None)

    def read(self, store: str) -> StoredDeprovisionings:
        """Return the ledger as it is now. One round trip."""
        found = self._get(store, self._key)
        if found is None:
            return _NOTHING
        return StoredDeprovisionings(RecentDeprovisionings.model_validate_json(found[0]["recent"]), found[1])

    def change(
        self, store: str, change: Callable[[RecentDeprovisionings], RecentDeprovisionings]
    ) -> StoredDeprovisionings:
        """Change the ledger, whatever other writers do at the same time. Two round trips.

        ``change`` may be called more than once.
        """
        while True:
            stored = self.read(store)
            with suppress(Stale, Conflict):
                return self._write(store, stored, change(stored.recent))

    def recount(self, store: str, now: datetime, count_active: Callable[[], int]) -> StoredDeprovisionings:
        """Count the active people from their rows, less those deprovisioned while they are counted."""
        before = self.read(store).recent.within(now)
        active = count_active()

        def counted(recent: RecentDeprovisionings) -> RecentDeprovisionings:
            return recent.counted(max(0, active - max(0, recent.within(now) - before)), now)

        return self.change(store, counted)

    def discarded_among(self, store: str, recent: RecentDeprovisionings, ids: Collection[str]) -> frozenset[str]:
        """Return those of these people and groups whose departure was discarded. One round trip where it is not known
        yet.

        Returns all of them where the record is incomplete.
        """
        try:
            return self._discarded(store, recent).intersection(ids) if ids else frozenset()
        except PlanLost:
            return frozenset(ids)

    def has_others(self, store: str, recent: RecentDeprovisionings, ids: frozenset[str]) -> bool:
        """Whether departures of people or groups other than these were discarded. Cost as for ``discarded_among``."""
        try:
            return bool(self._discarded(store, recent) - ids)
        except PlanLost:
            return not ids  # then no name is left that the record could have held

    def discard(self, store: str, deprovisionings: Collection[PlannedChange], now: datetime) -> None:
        """Record discarded departures with the former ones, and hold nobody else back.

        Without departures, only that nobody is held back is written.
        """
        new = {change.identity: change for change in deprovisionings}
        self._revise(store, now, lambda kept: kept | new)

    def forget(self, store: str, gone: Callable[[str], bool], now: datetime, *, opens: bool) -> None:
        """Delete discarded departures by their ids. ``opens``: hold nobody else back any more."""
        self._revise(store, now, lambda kept: {key: each for key, each in kept.items() if not gone(key)}, opens=opens)

    def _revise(
        self,
        store: str,
        now: datetime,
        revise: Callable[[dict[str, PlannedChange]], dict[str, PlannedChange]],
        *,
        opens: bool = True,
    ) -> None:
        """Replace the discarded departures: a new set first, then the ledger that names it; then the old one is
        deleted.

        If this ends half-way, a set that the ledger does not name is never read.
        """
        while True:
            own, stored = new_id(now), self.read(store)
            before = stored.recent.discarded
            kept = self._kept(store, before)
            after = revise(kept)
            named = before if after == kept and after else self._remember(store, own, after)
            recent = stored.recent.model_copy(update={"discarded": named})
            try:
                self._write(store, stored, recent.opened() if opens else recent)
            except (Stale, Conflict):
                continue
            if before is not None and named != before:
                self._parts.remove(store, before.id)
            return

    def _discarded(self, store: str, recent: RecentDeprovisionings) -> frozenset[str]:
        """Return the ids of all discarded departures. Raises PlanLost."""
        if recent.discarded is None:
            return frozenset()
        known = self._refused.get(store)
        if known is None or known[0] != recent.discarded:
            kept = self._parts.read(store, recent.discarded.id, recent.discarded.digest)
            known = self._refused[store] = recent.discarded, frozenset(change.identity for change in kept.changes)
        return known[1]

    def _kept(self, store: str, discarded: Discarded | None) -> dict[str, PlannedChange]:
        if discarded is None:
            return {}
        with suppress(PlanLost):
            kept = self._parts.read(store, discarded.id, discarded.digest)
            return {change.identity: change for change in kept.changes}
        return {}

    def _remember(self, store: str, own: str, deprovisionings: dict[str, PlannedChange]) -> Discarded | None:
        if not deprovisionings:
            return None
        plan = Plan(store=store, changes=tuple(deprovisionings.values()))
        self._parts.put(own, plan)
        return Discarded(id=own, digest=plan.digest)

    def _reason(
        self,
        store: str,
        recent: RecentDeprovisionings,
        deprovisionings: Deprovisionings,
        limit: Limit,
        is_counted: bool,
    ) -> str | None:
        """Return why these departures are held back, or None."""
        if deprovisionings.is_approved:
            return None
        if self.discarded_among(store, recent, deprovisionings.ids):
            return DISCARDED
        if not deprovisionings.count:
            return None  # these began before, and were counted then
        if recent.held:
            return HELD
        breach = limit(recent, is_counted)
        return str(breach) if breach else None

    def _written_along(
        self, store: str, stored: StoredDeprovisionings, after: RecentDeprovisionings, transact: Transact
    ) -> StoredDeprovisionings | None:
        """Return None once it is written, or the present ledger where another writer has changed it since."""
        try:
            etag = transact(self._operation(store, after, stored.etag))
        except (Stale, Conflict):
            newer = self.read(store)
            if newer.etag == stored.etag:
                raise  # the conflict is not about the ledger
            return newer
        self._known[store] = StoredDeprovisionings(after, etag)
        return None

    def _write(self, store: str, stored: StoredDeprovisionings, after: RecentDeprovisionings) -> StoredDeprovisionings:
        """Write the ledger. Raises Stale and Conflict where another writer has changed it since it was read."""
        mark = list[Operation]()
        if after.needs_attention is not after.marked:
            row = keyed(store, self._mark)
            mark = [upsert(row) if after.needs_attention else delete(row)]
        after = after.model_copy(update={"marked": after.needs_attention})
        etags = self._transact([self._operation(store, after, stored.etag), *mark])
        self._known[store] = StoredDeprovisionings(after, etags[0])
        return self._known[store]

    def _operation(self, store: str, recent: RecentDeprovisionings, etag: str) -> Operation:
        return create_or_update(keyed(store, self._key, {"recent": recent.model_dump_json()}), etag)
