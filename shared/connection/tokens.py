"""One access token for all workers of all instances, renewed by one of them shortly before it ends.

Zoho gives ten access tokens in ten minutes at the most for one refresh token, from all sources. So the token is kept
in memory and, encrypted, in a table; whoever finds it due takes a lease on its row, asks Zoho, and writes what came.
The others meanwhile use the old one, or wait for a moment and read the new one.
"""

import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from shared.connection.errors import NotConnected
from shared.rules.store import DataCenterName, Store
from shared.tables.connections import AccessToken, Connections, ConnectionState, Kept
from shared.tables.errors import Stale, Unreadable
from shared.zoho.data_centers import DataCenter
from shared.zoho.errors import ZohoBusy, ZohoCredentials
from shared.zoho.oauth import Client, Issued, ZohoAccounts

RENEWED_EARLY = timedelta(seconds=120)
"""Before the token's end somebody renews it, while all go on using it."""
UNUSED_BEFORE_END = timedelta(seconds=30)
"""Nobody begins a call with a token that could end during the call."""
LEASE = timedelta(seconds=30)
"""For one renewal: longer than the accounts server may take to answer."""
LOOK_AGAIN = timedelta(seconds=5)
"""While a token is due, but somebody else renews it or Zoho is busy."""
WAIT = 5.0
"""Seconds that a request without a token waits for another worker's renewal."""
LOCK_WAIT = 10.0
"""Seconds that a thread without a token waits for another one of its process that renews."""
REJECTED_TWICE = timedelta(seconds=120)
"""A token that came in the place of a rejected one, and is rejected too within this time, is not the reason."""

_log = logging.getLogger("bridge.connection")


@dataclass(frozen=True)
class _Known:
    """A token in this process's memory."""

    token: str
    ends: datetime
    look: datetime
    """From when on the table is looked at for a newer one."""


class SharedTokens:
    """The access tokens of the stores; see shared.zoho.tokens.AccessTokens. Safe for threads and processes."""

    def __init__(
        self,
        connections: Connections,
        accounts: ZohoAccounts,
        data_centers: Mapping[DataCenterName, DataCenter],
        now: Callable[[], datetime],
        lease: timedelta = LEASE,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._connections = connections
        self._accounts = accounts
        self._data_centers = data_centers
        self._now = now
        self._lease = lease
        self._sleep = sleep
        self._known: dict[str, _Known] = {}
        self._rejected: dict[str, str] = {}
        self._locks: dict[str, Lock] = {}

    def current(self, store: Store) -> str:
        """A token that should be valid. Raises ZohoBusy, ZohoCredentials and TablesBusy.

        Calls nobody as long as the token in memory is not due.
        """
        known = self._usable(store.id)
        if known is not None and self._now() < known.look:
            return known.token
        lock = self._locks.setdefault(store.id, Lock())
        if not lock.acquire(blocking=known is None, timeout=LOCK_WAIT if known is None else -1):
            if known is not None:
                return known.token
            raise ZohoBusy("The store's access token is being renewed", retry_after=5)
        try:
            other = self._usable(store.id)
            if other is not None and self._now() < other.look:
                return other.token
            return self._look(store)
        finally:
            lock.release()

    def rejected(self, store: Store, token: str) -> None:
        """Zoho One answered 401 to this token: the next call of ``current`` gives another one."""
        known = self._known.get(store.id)
        if known is None or known.token == token:
            self._rejected[store.id] = token
            self._known.pop(store.id, None)

    def forget(self, store_id: str) -> None:
        """The store was connected anew, or disconnected: what this process remembers is no longer so."""
        self._known.pop(store_id, None)
        self._rejected.pop(store_id, None)

    def _usable(self, store_id: str) -> _Known | None:
        known = self._known.get(store_id)
        return known if known is not None and self._now() < known.ends - UNUSED_BEFORE_END else None

    def _look(self, store: Store) -> str:
        """The token in the table, or a renewed one."""
        gives_up = time.monotonic() + WAIT
        while True:
            kept = self._read(store.id)
            access = self._good(store.id, kept)
            if access is not None and self._now() < access.ends - RENEWED_EARLY:
                return self._remember(store.id, access, access.ends - RENEWED_EARLY)
            blocked = self._blocked(kept)
            if blocked is None:
                try:
                    return self._renew(store.id, self._leased(store.id, kept), access)
                except Stale:
                    continue  # another worker was first, or an admin connected the store anew
            if access is not None:
                return self._remember(store.id, access, self._now() + LOOK_AGAIN)
            if kept.connection.pause_ends is not None or time.monotonic() > gives_up:
                raise blocked
            self._sleep(random.uniform(0.05, 0.15))  # noqa: S311 - spreads the readers, guards nothing

    def _read(self, store_id: str) -> Kept:
        """The store's connection. Raises ZohoCredentials where it has none that works."""
        try:
            kept = self._connections.read(store_id)
        except Unreadable as error:
            raise ZohoCredentials(f"{error}: add the key again, or connect the store again") from None
        if kept is None:
            raise NotConnected
        if kept.connection.state is not ConnectionState.CONNECTED:
            raise ZohoCredentials(_reconnect(kept.connection.reason))
        return kept

    def _good(self, store_id: str, kept: Kept) -> AccessToken | None:
        """The access token in the table, where it can be used. Raises ZohoCredentials where no new one would help."""
        access = kept.tokens.access
        if access is None or self._now() >= access.ends - UNUSED_BEFORE_END:
            return None
        if access.token != self._rejected.get(store_id):
            return access
        if access.replaced_rejected and self._now() < access.issued + REJECTED_TWICE:
            raise ZohoCredentials(
                "Zoho One accepts no token of this connection, not even a new one: look at the store's sync endpoint "
                "and data center, and connect it again"
            )
        return None

    def _blocked(self, kept: Kept) -> ZohoBusy | None:
        """Why this worker may not ask the accounts server now."""
        connection, now = kept.connection, self._now()
        if connection.lease_ends is not None and now < connection.lease_ends:
            return ZohoBusy("Another worker renews the store's access token", _seconds(connection.lease_ends - now))
        if connection.pause_ends is not None and now < connection.pause_ends:
            reason = connection.pause_reason or "Zoho's accounts server is busy"
            return ZohoBusy(reason, _seconds(connection.pause_ends - now))
        return None

    def _leased(self, store_id: str, kept: Kept) -> Kept:
        """The connection with this worker's lease on it. Raises Stale."""
        lease = {"lease_ends": self._now() + self._lease, "pause_ends": None, "pause_reason": None}
        return self._connections.write(store_id, kept, kept.connection.model_copy(update=lease))

    def _renew(self, store_id: str, leased: Kept, standing: AccessToken | None) -> str:
        """Ask Zoho and write what came. Raises Stale where the lease was lost in the meantime."""
        free = leased.connection.model_copy(update={"lease_ends": None})
        try:
            issued = self._ask(leased)
        except ZohoBusy as busy:
            pause = {"pause_ends": self._now() + timedelta(seconds=busy.retry_after), "pause_reason": str(busy)}
            self._connections.write(store_id, leased, free.model_copy(update=pause))
            if standing is None:
                raise
            return self._remember(store_id, standing, self._now() + LOOK_AGAIN)
        except ZohoCredentials as lost:
            self._mark_lost(store_id, leased, str(lost))
            raise ZohoCredentials(_reconnect(str(lost))) from None
        now, before = self._now(), leased.tokens.access
        rejected = before is not None and before.token == self._rejected.get(store_id)
        access = AccessToken.lasting(issued.access_token, now, issued.seconds, replaced_rejected=rejected)
        # Zoho gives a new refresh token at the first exchange only; should it ever give one later, the old one is void.
        renewed = {"access": access, "refresh_token": issued.refresh_token or leased.tokens.refresh_token}
        self._connections.write(store_id, leased, free, leased.tokens.model_copy(update=renewed))
        _log.info("token store=%s renewed", store_id)
        return self._remember(store_id, access, access.ends - RENEWED_EARLY)

    def _ask(self, leased: Kept) -> Issued:
        tokens, name = leased.tokens, leased.connection.data_center
        data_center = self._data_centers.get(name) if name else None
        if data_center is None:
            raise ZohoCredentials(f"The data center {name} is not one that the bridge may send secrets to")
        return self._accounts.refresh(data_center, Client(tokens.client_id, tokens.client_secret), tokens.refresh_token)

    def _mark_lost(self, store_id: str, leased: Kept, reason: str) -> None:
        update = {"state": ConnectionState.RECONNECT, "reason": reason, "since": self._now(), "lease_ends": None}
        self._connections.write(store_id, leased, leased.connection.model_copy(update=update))
        _log.warning("reconnect store=%s it must be connected to Zoho One again: %s", store_id, reason)

    def _remember(self, store_id: str, access: AccessToken, look: datetime) -> str:
        self._known[store_id] = _Known(access.token, access.ends, look)
        return access.token


def _reconnect(reason: str | None) -> str:
    return f"The store must be connected to Zoho One again: {reason}"


def _seconds(left: timedelta) -> int:
    return max(1, round(left.total_seconds()))
