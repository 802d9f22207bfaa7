"""Connecting a store by a SCIM token: the other way in, which Zoho's guides for other directories hand out.

The token does not expire by itself, so nothing is renewed; an administrator replaces it. There is no gap: the new one
is used at once, the one before it wherever Zoho One does not accept the new one yet.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.connection.disconnect import Disconnect
from shared.connection.errors import ConsentRefused, Refusal
from shared.connection.organisation import in_the_way
from shared.connection.tokens import SharedTokens
from shared.rules.admin_change import AdminChange, setting_changes
from shared.rules.store import Store, WayIn
from shared.tables.connections import Connection, Connections, ConnectionState, Tokens
from shared.tables.errors import Unreadable
from shared.tables.stores import Stores
from shared.zoho.errors import ZohoError

_log = logging.getLogger("bridge.connection")


@dataclass(frozen=True)
class ScimTokens:
    """Takes a store's SCIM token, sealed like every secret."""

    stores: Stores
    connections: Connections
    disconnect: Disconnect
    tokens: SharedTokens
    now: Callable[[], datetime]

    def save(self, store: Store, token: str, by: str) -> None:
        """Connect a store by this token; an earlier token is kept beside it, an earlier consent is withdrawn.

        ``by``: the administrator. The change is recorded first, so that none goes unrecorded. Raises ConsentRefused
        where another store has the organisation, KeyError where the store is gone, and TablesBusy.
        """
        if in_the_way(store, self.stores, self.connections) is not None:
            raise ConsentRefused(Refusal.SAME_ORGANISATION, store.id)
        now = self.now()

        def by_token(before: Store) -> Store:
            return before.model_copy(update={"zoho": before.zoho.model_copy(update={"way_in": WayIn.TOKEN})})

        def record(before: Store, after: Store) -> AdminChange:
            changes = setting_changes(before, after)
            return AdminChange(at=now, by=by, what="SCIM token of Zoho One replaced", changes=changes)

        self.stores.change(store.id, by_token, record)
        try:
            before = self.connections.read(store.id)
        except Unreadable:
            before = None  # nobody can read it any more
        former = tuple(each for each in (before.tokens.scim_tokens[:1] if before else ()) if each != token)
        connected = Connection(state=ConnectionState.CONNECTED, since=now, by=by)
        self.connections.put(store.id, connected, Tokens(scim_tokens=(token, *former)))
        self.tokens.forget(store.id)
        _log.info("connected store=%s by a SCIM token", store.id)
        if before is not None and before.connection.data_center is not None:
            try:
                self.disconnect.revoke(store.id, before)
            except ZohoError as error:
                _log.warning("store=%s its former consent could not be withdrawn at Zoho: %s", store.id, error)
