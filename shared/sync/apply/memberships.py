"""Membership updates: a person joins their groups in Zoho One when their account appears, and leaves with it.

Entra sends a membership once, whatever becomes of the account; the bridge remembers it. The settlement of a person asks
``due`` before and ``update`` after: the note that ``due`` gives is written in the same transaction, so that a crash
loses nothing. The settlements of a person and of a group both write first, then read, so neither misses the other's
change.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from shared.rules.identity import Account, Identity
from shared.rules.store import Store
from shared.sync.apply.group_changes import GroupChanges
from shared.sync.errors import PushError
from shared.sync.patience import FOR_A_GROUP, until_free
from shared.tables.errors import TablesError
from shared.tables.groups import Groups
from shared.tables.identity_rows import MembershipUpdate, StoredMembershipUpdate
from shared.tables.membership_updates import MembershipUpdates
from shared.zoho.errors import ZohoError

GROUPS_AT_ONCE = 25
"""Groups that are updated within the request that settles a person; with more, the minute timer updates all."""
BUDGET = timedelta(seconds=10)
"""Length of one pass over what is due, each minute: the timer has other work, and a stopped store is left alone."""

_log = logging.getLogger("bridge.groups")


@dataclass(frozen=True)
class Memberships:
    """Brings people in and out of groups. ``due`` raises TablesBusy; ``update`` nothing that could reach Entra."""

    groups: Groups
    notes: MembershipUpdates
    changes: GroupChanges
    now: Callable[[], datetime]

    def due(
        self, store: Store, before: Identity, account: Account | None, reason: str, *, sure: bool
    ) -> MembershipUpdate | None:
        """The note to write with a person whose account this is now; None: no group needs an update.

        ``sure``: nobody else has heard of a person who is new, because no earlier try is open. One round trip, and none
        where the account neither came nor went.
        """
        # A person reported first by Graph may be in a group that was read before they were.
        new = before.object_id is None and before.pending is not None and before.pending.before is None
        if not store.groups.are_synced:
            return None  # Zoho One has no groups of the bridge's
        if (sure and new) or _may_join(before.account) == _may_join(account):
            return None  # nobody but this request knows of them yet, or all is as it was
        return MembershipUpdate(before.id, reason) if self.groups.of_person(store.id, before.id) else None

    def due_for_gone(
        self, store: Store, identity: Identity, left: Account | None, reason: str
    ) -> MembershipUpdate | None:
        """The note to write when a person's identity goes; ``left``: their account, if it stays in Zoho One."""
        if not self.groups.of_person(store.id, identity.id):
            return None
        return MembershipUpdate(identity.id, reason, gone=True, account=left.id if left else "")

    def update(self, store: Store, stored: StoredMembershipUpdate | None) -> bool:
        """Bring a person in and out of their groups, and end the note; whether all groups have their update."""
        if stored is None:
            return True
        try:
            mine = self.groups.of_person(store.id, stored.note.person)
            if len(mine) > GROUPS_AT_ONCE:
                return False
            return self._update(store, stored, mine)
        except (ZohoError, TablesError, PushError) as error:
            _log.warning("store %s: a person's groups will follow later (%s)", store.id, type(error).__name__)
            return False

    def work_through(self, stores: Iterable[Store]) -> None:
        """Try again what is due, for the minute timer: groups that are not confirmed, and people whose groups wait."""
        ends = self.now() + BUDGET
        for store, act in self._due(stores):
            if self.now() >= ends:
                return
            try:
                act()
            except (ZohoError, TablesError, PushError) as error:
                _log.warning("store %s: a group waits on (%s)", store.id, type(error).__name__)

    def _due(self, stores: Iterable[Store]) -> Iterator[tuple[Store, Callable[[], object]]]:
        for store in stores:
            for group_id in self.groups.pending(store.id):
                yield store, partial(self.changes.retry, store, group_id)
            for stored in self.notes.waiting(store.id):
                yield store, partial(self._update, store, stored, self.groups.of_person(store.id, stored.note.person))

    def _update(self, store: Store, stored: StoredMembershipUpdate, mine: Iterable[str]) -> bool:
        for group_id in mine:
            until_free(partial(self.changes.update_membership, store, group_id, stored.note), FOR_A_GROUP)
        self.notes.end(store.id, stored)
        return True


def _may_join(account: Account | None) -> str | None:
    return account.id if account is not None and account.holds.active else None
