"""A person's groups follow him: he joins them when his account appears, leaves with it, and comes back with it.

Entra sends a membership once, whatever becomes of the account; the bridge remembers it. Who settles a person asks
``due`` before and ``follow`` after: the note that ``due`` gives is written in the same transaction, so that a crash
loses nothing. Group and person never miss each other: each writes his own first, and then reads the other's.
"""

import logging
import random
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from shared.rules.identity import Account, Identity
from shared.rules.store import Store
from shared.sync.apply.member_accounts import MemberAccounts
from shared.sync.errors import BeingWritten, PushError
from shared.sync.push.groups import GroupPush
from shared.tables.errors import Stale, TablesError
from shared.tables.groups import Groups
from shared.tables.identity_rows import MembershipUpdate, StoredMembershipUpdate
from shared.tables.regroup import MembershipUpdates
from shared.zoho.errors import ZohoError

GROUPS_AT_ONCE = 25
"""Groups that follow a person within the request that settles him; with more, all follow by the clock."""
TRIES = 4
"""While another is writing the group."""
PAUSE = 0.2
"""Seconds before the next try, on average; twice as long each time."""
BUDGET = timedelta(seconds=10)
"""Length of one pass over what is due, each minute: the timer has other work, and a stopped store is left alone."""

_log = logging.getLogger("bridge.groups")


@dataclass(frozen=True)
class Memberships:
    """Lets groups follow their people. ``due`` raises TablesBusy; ``follow`` nothing that could reach Entra."""

    groups: Groups
    notes: MembershipUpdates
    push: GroupPush
    accounts: MemberAccounts
    now: Callable[[], datetime]

    def due(
        self, store: Store, before: Identity, account: Account | None, reason: str, *, sure: bool
    ) -> MembershipUpdate | None:
        """The note to write with a person who is settled with this account, or None where no group has to follow.

        ``sure``: ``before`` says which account he had, because no earlier try is open. One round trip, and none where
        his account neither came nor went.
        """
        self.accounts.learned(store.id, before.id, account)
        # Whom Graph named first may be in a group that was read before he was.
        new = before.object_id is None and before.pending is not None and before.pending.before is None
        if not store.groups.are_synced:
            return None  # Zoho One has no groups of the bridge's
        if sure and (new or _may_join(before.account) == _may_join(account)):
            return None  # nobody but this request knows of him yet, or all is as it was
        return MembershipUpdate(before.id, reason) if self.groups.of_person(store.id, before.id) else None

    def due_for_gone(
        self, store: Store, identity: Identity, left: Account | None, reason: str
    ) -> MembershipUpdate | None:
        """The note to write when a person's identity goes; ``left``: his account, if it stays in Zoho One."""
        self.accounts.learned(store.id, identity.id, None)
        if not self.groups.of_person(store.id, identity.id):
            return None
        return MembershipUpdate(identity.id, reason, gone=True, account=left.id if left else "")

    def follow(self, store: Store, stored: StoredMembershipUpdate | None) -> bool:
        """Bring a person in and out of his groups, and end the note; whether all of them have followed."""
        if stored is None:
            return True
        try:
            mine = self.groups.of_person(store.id, stored.note.person)
            if len(mine) > GROUPS_AT_ONCE:
                return False
            return self._follow(store, stored, mine)
        except (ZohoError, TablesError, PushError) as error:
            _log.warning("store %s: a person's groups will follow later (%s)", store.id, type(error).__name__)
            return False

    def work_through(self, stores: Iterable[Store]) -> None:
        """Try again what is due, by the clock: groups that are not confirmed, and people whose groups wait."""
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
                yield store, partial(self.push.finish, store, group_id)
            for stored in self.notes.waiting(store.id):
                yield store, partial(self._follow, store, stored, self.groups.of_person(store.id, stored.note.person))

    def _follow(self, store: Store, stored: StoredMembershipUpdate, mine: Iterable[str]) -> bool:
        for group_id in mine:
            patiently(partial(self.push.follow, store, group_id, stored.note))
        self.notes.end(store.id, stored)
        return True


def _may_join(account: Account | None) -> str | None:
    return account.id if account is not None and account.holds.active else None


def patiently[T](act: Callable[[], T]) -> T:
    """Do it once nobody else is writing the group. Raises BeingWritten and Stale where that takes too long."""
    for attempt in range(1, TRIES + 1):
        try:
            return act()
        except (BeingWritten, Stale):
            if attempt == TRIES:
                raise
        time.sleep(PAUSE * 2 ** (attempt - 1) * random.uniform(0.5, 1.5))  # noqa: S311 - spreads retries
    raise AssertionError  # the last try returned, or raised
