"""Who left a store lately, in a row of its identities: what the guard of a push counts, without a round trip more.

The row ``leavings`` stands in the partition of the store's identities, so that a leaving and its count are written in
one transaction, guarded by the row's ETag. A worker remembers the row as he last wrote it: alone, he needs not read it.
Where another worker has counted meanwhile, the transaction fails as a whole, the row is read, and it is tried again.
A write by which nobody leaves does not touch it.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from azure.core import MatchConditions
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient, UpdateMode

from shared.directory.guard import GuardLimits
from shared.directory.recent_leavings import RecentLeavings
from shared.tables.errors import Changed, Taken
from shared.tables.service import our_errors
from shared.tables.store_rows import Operation

HELD = "The guard holds back whoever leaves, until an administrator has looked at the plan."

_KEY = "leavings"


@dataclass(frozen=True)
class StoredLeavings:
    """The count as it was read or written; the ETag is empty where there is none yet."""

    recent: RecentLeavings
    etag: str


class Leavings:
    """Counts leavings. Every method raises TablesBusy."""

    def __init__(self, identities: TableClient) -> None:
        self._table = identities
        self._known: dict[str, StoredLeavings] = {}
        self._locks = defaultdict[str, Lock](Lock)

    def admit(
        self,
        store: str,
        now: datetime,
        limits: GuardLimits,
        count_active: Callable[[], int],
        transact: Callable[[Operation], str],
    ) -> str | None:
        """Let one person leave and count him, or say why the guard holds him back; then nothing is written for him.

        ``transact``: writes that he leaves, together with this operation, and answers the operation's ETag; it may be
        called again after it has raised Changed or Taken. What it raises for another reason is passed on.
        ``count_active``: counts the store's active people; called only where the guard would hold on an old count.
        """
        with self._locks[store]:
            # Where nothing is remembered, the first write finds out: it makes the row, or fails as a whole.
            stored = self._known.get(store) or StoredLeavings(RecentLeavings(), "")
            if _reason(stored.recent, now, limits) is not None:
                # What this worker remembers may be old, and an administrator may have decided.
                stored = self._anew(store, now, limits, count_active)
            while (reason := _reason(stored.recent, now, limits)) is None:
                after = stored.recent.with_leavings(now, 1)
                try:
                    etag = transact(_operation(store, after, stored.etag))
                except (Changed, Taken):
                    anew = self._anew(store, now, limits, count_active)
                    if anew.etag == stored.etag:
                        raise  # it was not the count that another has written
                    stored = anew
                else:
                    self._known[store] = StoredLeavings(after, etag)
                    return None
        if not stored.recent.held:
            self.change(store, RecentLeavings.hold)
        return reason

    def read(self, store: str) -> StoredLeavings:
        """The count as it stands. One round trip."""
        with our_errors():
            try:
                row = self._table.get_entity(store, _KEY)
            except ResourceNotFoundError:
                return StoredLeavings(RecentLeavings(), "")
        return StoredLeavings(RecentLeavings.model_validate_json(str(row["recent"])), str(row.metadata["etag"]))

    def change(self, store: str, change: Callable[[RecentLeavings], RecentLeavings]) -> StoredLeavings:
        """Put a changed count in the place of what is there, whoever writes it at the same time. Two round trips.

        ``change`` may be called more than once.
        """
        while True:
            stored = self.read(store)
            after = change(stored.recent)
            try:
                with our_errors():
                    written = self._table.submit_transaction([_operation(store, after, stored.etag)])
            except (Changed, Taken):
                continue
            changed = StoredLeavings(after, str(written[0].get("etag", "")))
            self._known[store] = changed
            return changed

    def _anew(self, store: str, now: datetime, limits: GuardLimits, count_active: Callable[[], int]) -> StoredLeavings:
        """The count as it stands; the people are counted too, where an old number of them would hold somebody back."""
        stored = self.read(store)
        if stored.recent.held or not stored.recent.is_stale(now) or _reason(stored.recent, now, limits) is None:
            return stored
        active = count_active()
        return self.change(store, lambda recent: recent.counted(active, now))


def _reason(recent: RecentLeavings, now: datetime, limits: GuardLimits) -> str | None:
    if recent.held:
        return HELD
    breach = recent.breach(now, limits)
    return str(breach) if breach else None


def _operation(store: str, recent: RecentLeavings, etag: str) -> Operation:
    row = {"PartitionKey": store, "RowKey": _KEY, "recent": recent.model_dump_json()}
    if not etag:
        return "create", row
    return "update", row, {"etag": etag, "match_condition": MatchConditions.IfNotModified, "mode": UpdateMode.REPLACE}
