"""One access token for all workers of all instances, renewed by one of them shortly before it expires.

Zoho issues at most ten access tokens in ten minutes for one refresh token, from all sources. So the token is kept in
memory and, encrypted, in a table; the worker that finds it due takes a lease on its row, asks Zoho, and stores the
result. The others meanwhile use the old one, or wait briefly and read the new one. A SCIM token is only read.
"""

import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
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
"""Time before its expiry at which the token is renewed, while every worker still uses it."""
UNUSED_BEFORE_END = timedelta(seconds=30)
"""Remaining validity below which a token is not used, because it could expire during the call."""
LEASE = timedelta(seconds=30)
"""Lease of one renewal: longer than the accounts server may take to answer."""
LOOK_AGAIN = timedelta(seconds=5)
"""Interval between looks while a token is due, but another worker renews it or Zoho is busy."""
WAIT = 5.0
"""Seconds that a request without a token waits for another worker's renewal."""
LOCK_WAIT = 10.0
"""Seconds that a thread without a token waits for a renewal by another thread of its process."""
REJECTED_TWICE = timedelta(seconds=120)
"""Time within which the replacement of a rejected token must not be rejected too; otherwise the token is not the
cause.
"""

LOOK_FOR_ANOTHER = timedelta(minutes=1)
"""Interval between looks whether an administrator replaced a SCIM token; a rejected one is looked for at once."""

_log = logging.getLogger("bridge.connection")


@dataclass(frozen=True)
class _Known:
    """A token in this process's memory."""

    token: str
    ends: datetime
    look: datetime
    """When to look for a newer one in the table."""


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
        self._rejected: dict[str, dict[str, datetime]] = {}
        """The latest two tokens that Zoho One rejected, by store, each with the time."""
        self._locks: dict[str, Lock] = {}

    def current(self, store: Store) -> str:
        """Return a token that should be valid. Raises ZohoBusy, ZohoCredentials and TablesBusy.

        Makes no call until the token in memory is due.
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
        """Report that Zoho One answered 401 to this token: the next call of ``current`` returns another one."""
        known = self._known.get(store.id)
        if known is None or known.token == token:
            others = {each: at for each, at in self._rejected.get(store.id, {}).items() if each != token}
            self._rejected[store.id] = dict([*others.items(), (token, self._now())][-2:])
            self._known.pop(store.id, None)

    def forget(self, store_id: str) -> None:
        """Forget the token in memory: the store was connected again, or disconnected."""
        self._known.pop(store_id, None)
        self._rejected.pop(store_id, None)

    def _usable(self, store_id: str) -> _Known | None:
        known = self._known.get(store_id)
        return known if known is not None and self._now() < known.ends - UNUSED_BEFORE_END else None

    def _look(self, store: Store) -> str:
        """Return the token in the table, or a renewed one."""
        gives_up = time.monotonic() + WAIT
        while True:
            kept = self._read(store.id)
            if kept.tokens.scim_tokens:
                return self._scim_token(store.id, kept.tokens.scim_tokens)
            access = self._good(store.id, kept)
            if access is not None and self._now() < access.ends - RENEWED_EARLY:
                return self._remember(store.id, access, access.ends - RENEWED_EARLY)
            blocked = self._blocked(kept)
            if blocked is None:
                try:
                    return self._renew(store.id, self._leased(store.id, kept), access)
                except Stale:
                    continue  # another worker was first, or an administrator connected the store again
            if access is not None:
                return self._remember(store.id, access, self._now() + LOOK_AGAIN)
            if kept.connection.pause_ends is not None or time.monotonic() > gives_up:
                raise blocked
            self._sleep(random.uniform(0.05, 0.15))  # noqa: S311 - spreads the readers, guards nothing

    def _scim_token(self, store_id: str, tokens: Sequence[str]) -> str:
        """Return the newest token that Zoho One has not just rejected. Raises ZohoCredentials."""
        now, rejected = self._now(), self._rejected.get(store_id, {})
        for token in tokens:
            if token not in rejected or now >= rejected[token] + REJECTED_TWICE:
                self._known[store_id] = _Known(token, now + 2 * LOOK_FOR_ANOTHER, now + LOOK_FOR_ANOTHER)
                return token
        raise ZohoCredentials(
            "Zoho One does not accept the store's SCIM token: create one in Zoho One, under Directory Stores, and "
            "enter it on the page API Integration"
        )

    def _read(self, store_id: str) -> Kept:
        """Return the store's connection. Raises ZohoCredentials if it has none that works."""
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
        """Return the access token in the table if it is usable. Raises ZohoCredentials if a new one would not help."""
        access = kept.tokens.access
        if access is None or self._now() >= access.ends - UNUSED_BEFORE_END:
            return None
        if access.token not in self._rejected.get(store_id, {}):
            return access
        if access.replaced_rejected and self._now() < access.issued + REJECTED_TWICE:
            raise ZohoCredentials(
                "Zoho One accepts no token of this connection, not even a new one: check the store's sync endpoint "
                "and data center, and connect it again"
            )
        return None

    def _blocked(self, kept: Kept) -> ZohoBusy | None:
        """Return why this worker may not call the accounts server now."""
        connection, now = kept.connection, self._now()
        if connection.lease_ends is not None and now < connection.lease_ends:
            return ZohoBusy("Another worker renews the store's access token", _seconds(connection.lease_ends - now))
        if connection.pause_ends is not None and now < connection.pause_ends:
            reason = connection.pause_reason or "Zoho's accounts server is busy"
            return ZohoBusy(reason, _seconds(connection.pause_ends - now))
        return None

    def _leased(self, store_id: str, kept: Kept) -> Kept:
        """Return the connection with this worker's lease. Raises Stale."""
        lease = {"lease_ends": self._now() + self._lease, "pause_ends": None, "pause_reason": None}
        return self._connections.write(store_id, kept, kept.connection.model_copy(update=lease))

    def _renew(self, store_id: str, leased: Kept, standing: AccessToken | None) -> str:
        """Request a token from Zoho and store it. Raises Stale if the lease was lost in the meantime."""
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
        rejected = before is not None and before.token in self._rejected.get(store_id, {})
        access = AccessToken.lasting(issued.access_token, now, issued.seconds, replaced_rejected=rejected)
        # Zoho issues a new refresh token at the first exchange only; if it ever issues one later, the old one is void.
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
