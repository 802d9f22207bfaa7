"""The guard's ledger in Table Storage, in rows of the store's identities.

=============================  ======================================================
``leavings``                   the count of those who left lately
``pending:guard``              there while somebody is kept back: each cycle sees it
                               among the pending rows, and looks whether that is over
``discarded:<id>:<number>``    the departures that administrators discarded, whole
=============================  ======================================================

A departure and its count are written in one transaction, guarded by the ETag of ``leavings``: whoever begins one writes
the pending mark, the lease and the count before Zoho One is called, so that a killed process loses no count. A worker
remembers the row as it last wrote it: alone, it need not read it. Where another worker has counted meanwhile, the
transaction fails as a whole, the row is read, and it is tried again. A write by which nobody leaves does not touch it.
"""

from collections import defaultdict
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from azure.core import MatchConditions
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient, UpdateMode

from shared.rules.guard import Breach
from shared.rules.identity import Identity
from shared.rules.plan import Plan, PlannedChange
from shared.rules.recent_deprovisionings import Departures, Discarded, RecentDeprovisionings
from shared.tables.by_time import new_id
from shared.tables.errors import Conflict, Stale
from shared.tables.identity_rows import GUARD
from shared.tables.plan_parts import PlanLost, PlanParts
from shared.tables.service import our_errors
from shared.tables.store_rows import Operation

HELD = "The guard holds back whoever leaves, until an administrator has looked at the plan."
DISCARDED = (
    "An administrator discarded this departure: it waits until Entra takes it back, or until somebody approves a plan "
    "that contains it."
)

_KEY = "leavings"

type Limit = Callable[[RecentDeprovisionings], Breach | None]
"""The limit that a departure would pass, by the ledger as it stands."""

type Transact = Callable[[Operation], str]
"""Writes a departure together with this operation, and answers the operation's ETag; it may be called again after it
has raised Stale or Conflict. What it raises for another reason is passed on."""


@dataclass(frozen=True)
class StoredDeprovisionings:
    """The ledger as it was read or written; the ETag is empty where there is none yet."""

    recent: RecentDeprovisionings
    etag: str


_NOTHING = StoredDeprovisionings(RecentDeprovisionings(), "")


class DeprovisioningCounts:
    """Keeps the ledgers of all stores. Every method raises TablesBusy."""

    def __init__(self, identities: TableClient, key: str = _KEY) -> None:
        """``key``: of the row; what is deprovisioned beside people, with limits of its own, has a ledger of its own."""
        self._table, self._key = identities, key
        self._mark = f"pending:{GUARD}" if key == _KEY else f"pending:{GUARD}:{key}"
        self._parts = PlanParts(identities, "discarded")
        self._known: dict[str, StoredDeprovisionings] = {}
        self._refused: dict[str, tuple[Discarded, frozenset[str]]] = {}
        """The departures that were discarded, as they were read last: a set never changes under its id."""
        self._locks = defaultdict[str, Lock](Lock)

    def admit(
        self,
        store: str,
        departures: Departures,
        now: datetime,
        limit: Limit,
        count_active: Callable[[], int],
        transact: Transact,
    ) -> str | None:
        """Let people leave and count them, or say why the guard holds them back; then nothing is written for them.

        ``count_active``: counts the store's active people; called only where a limit would be passed.
        """
        with self._locks[store]:
            # Where nothing is remembered, the first write finds out: it makes the row, or fails as a whole.
            stored = self._known.get(store, _NOTHING)
            reason = self._reason(store, stored.recent, departures, limit)
            if reason is not None:
                # What this worker remembers may be old, and an administrator may have decided.
                stored = self.read(store)
            while True:
                reason = self._reason(store, stored.recent, departures, limit)
                if reason not in (None, HELD, DISCARDED):  # an old number of people may be the reason
                    stored = self.count_anew(store, now, count_active)
                    reason = self._reason(store, stored.recent, departures, limit)
                if reason is not None:
                    break
                newer = self._written_along(store, stored, stored.recent.begun(now, departures), transact)
                if newer is None:
                    return None
                stored = newer
        if reason not in (HELD, DISCARDED):
            self.change(store, RecentDeprovisionings.hold)
        return reason

    def write_along(
        self, store: str, change: Callable[[RecentDeprovisionings], RecentDeprovisionings], transact: Transact
    ) -> None:
        """Change the ledger in somebody else's transaction; ``change`` may be called more than once."""
        with self._locks[store]:
            stored: StoredDeprovisionings | None = self._known.get(store, _NOTHING)
            while stored is not None:
                stored = self._written_along(store, stored, change(stored.recent), transact)

    def unmanage(self, store: str, identity: Identity, transact: Callable[[Operation | None], str]) -> None:
        """Take a person's account off the active ones, where it is one of them, in the transaction that removes them.

        ``transact``: as of ``admit``; None: no operation goes along.
        """
        if identity.counts_as_active:
            self.write_along(store, lambda recent: recent.without_active(1), transact)
        else:
            transact(None)

    def read(self, store: str) -> StoredDeprovisionings:
        """The ledger as it stands. One round trip."""
        with our_errors():
            try:
                row = self._table.get_entity(store, self._key)
            except ResourceNotFoundError:
                return _NOTHING
        return StoredDeprovisionings(
            RecentDeprovisionings.model_validate_json(str(row["recent"])), str(row.metadata["etag"])
        )

    def change(
        self, store: str, change: Callable[[RecentDeprovisionings], RecentDeprovisionings]
    ) -> StoredDeprovisionings:
        """Put a changed ledger in the place of what is there, whoever writes it at the same time. Two round trips.

        ``change`` may be called more than once.
        """
        while True:
            stored = self.read(store)
            with suppress(Stale, Conflict):
                return self._write(store, stored, change(stored.recent))

    def count_anew(self, store: str, now: datetime, count_active: Callable[[], int]) -> StoredDeprovisionings:
        """Count the active people from their rows. Who leaves while they are counted is taken off."""
        before = self.read(store).recent.within(now)
        active = count_active()

        def counted(recent: RecentDeprovisionings) -> RecentDeprovisionings:
            return recent.counted(max(0, active - max(0, recent.within(now) - before)), now)

        return self.change(store, counted)

    def discarded_among(self, store: str, recent: RecentDeprovisionings, ids: Collection[str]) -> frozenset[str]:
        """Those of these people and groups whose departure was discarded. One round trip where that is not known yet.

        Where the record of it is not whole any more, all of them.
        """
        try:
            return self._discarded(store, recent).intersection(ids) if ids else frozenset()
        except PlanLost:
            return frozenset(ids)

    def has_others(self, store: str, recent: RecentDeprovisionings, ids: frozenset[str]) -> bool:
        """Whether departures were discarded of other people and groups than these. As ``discarded_among``."""
        try:
            return bool(self._discarded(store, recent) - ids)
        except PlanLost:
            return not ids  # then there is nobody left of whom it could have told

    def discard(self, store: str, departures: Collection[PlannedChange], now: datetime) -> None:
        """Remember departures that an administrator discarded, with those of before, and keep nobody else back.

        Nothing is written where nobody departs, but that nobody is kept back.
        """
        new = {change.identity: change for change in departures}
        self._revise(store, now, lambda kept: kept | new)

    def forget(self, store: str, gone: Callable[[str], bool], now: datetime, *, opens: bool) -> None:
        """Forget discarded departures, by their ids. ``opens``: and keep nobody else back any more."""
        self._revise(store, now, lambda kept: {key: each for key, each in kept.items() if not gone(key)}, opens=opens)

    def _revise(
        self,
        store: str,
        now: datetime,
        revise: Callable[[dict[str, PlannedChange]], dict[str, PlannedChange]],
        *,
        opens: bool = True,
    ) -> None:
        """Replace the discarded departures: a new set first, then the ledger that names it; then the old one goes.

        What nobody names if this ends half-way is never read.
        """
        while True:
            own, stored = new_id(now), self.read(store)
            before = stored.recent.discarded
            kept = self._kept(store, before)
            after = revise(kept)
            named = before if after == kept and after else self._put(store, own, after)
            recent = stored.recent.model_copy(update={"discarded": named})
            try:
                self._write(store, stored, recent.opened() if opens else recent)
            except (Stale, Conflict):
                continue
            if before is not None and named != before:
                self._parts.remove(store, before.id)
            return

    def _discarded(self, store: str, recent: RecentDeprovisionings) -> frozenset[str]:
        """The ids of all whose departure was discarded. Raises PlanLost."""
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

    def _put(self, store: str, own: str, departures: dict[str, PlannedChange]) -> Discarded | None:
        if not departures:
            return None
        plan = Plan(store=store, changes=tuple(departures.values()))
        self._parts.put(own, plan)
        return Discarded(id=own, digest=plan.digest)

    def _reason(self, store: str, recent: RecentDeprovisionings, departures: Departures, limit: Limit) -> str | None:
        """Why these may not leave, or None."""
        if departures.is_approved:
            return None
        if self.discarded_among(store, recent, departures.ids):
            return DISCARDED
        if not departures.count:
            return None  # begun before, and counted then
        if recent.held:
            return HELD
        breach = limit(recent)
        return str(breach) if breach else None

    def _written_along(
        self, store: str, stored: StoredDeprovisionings, after: RecentDeprovisionings, transact: Transact
    ) -> StoredDeprovisionings | None:
        """None once it is written; the ledger of now where another has written it since it was read."""
        try:
            etag = transact(self._operation(store, after, stored.etag))
        except (Stale, Conflict):
            newer = self.read(store)
            if newer.etag == stored.etag:
                raise  # it was not the ledger that another has written
            return newer
        self._known[store] = StoredDeprovisionings(after, etag)
        return None

    def _write(self, store: str, stored: StoredDeprovisionings, after: RecentDeprovisionings) -> StoredDeprovisionings:
        """Raises Stale and Conflict where another has written the ledger since it was read."""
        mark: list[Operation] = []
        if after.keeps_back and not after.marked:
            mark = [("upsert", {"PartitionKey": store, "RowKey": self._mark}, {"mode": UpdateMode.REPLACE})]
        elif after.marked and not after.keeps_back:
            mark = [("delete", {"PartitionKey": store, "RowKey": self._mark})]
        after = after.model_copy(update={"marked": after.keeps_back})
        with our_errors():
            written = self._table.submit_transaction([self._operation(store, after, stored.etag), *mark])
        self._known[store] = StoredDeprovisionings(after, str(written[0].get("etag", "")))
        return self._known[store]

    def _operation(self, store: str, recent: RecentDeprovisionings, etag: str) -> Operation:
        row = {"PartitionKey": store, "RowKey": self._key, "recent": recent.model_dump_json()}
        if not etag:
            return "create", row
        guard: dict[str, object] = {"etag": etag, "match_condition": MatchConditions.IfNotModified}
        return "update", row, guard | {"mode": UpdateMode.REPLACE}
