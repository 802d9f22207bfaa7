"""Ending a store's connection to Zoho One."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from shared.connection.tokens import SharedTokens
from shared.rules.store import DataCenterName
from shared.tables.connections import Connections, Kept
from shared.tables.errors import Unreadable
from shared.zoho.data_centers import DataCenter
from shared.zoho.errors import ZohoConsentLost
from shared.zoho.oauth import ZohoAccounts

_log = logging.getLogger("bridge.connection")


@dataclass(frozen=True)
class Disconnect:
    """Revokes the token at Zoho, if it is one of consent, then erases it.

    A kill in between leaves a connection that no longer works and says "reconnect" when it is used; disconnecting again
    completes it. The client's id and secret are settings of the store, not of the connection, and stay.
    """

    connections: Connections
    accounts: ZohoAccounts
    data_centers: Mapping[DataCenterName, DataCenter]
    tokens: SharedTokens

    def __call__(self, store_id: str) -> None:
        """Raises ZohoBusy if Zoho could not be reached: then the connection stays, so that the call can be repeated."""
        try:
            kept = self.connections.read(store_id)
        except Unreadable:
            kept = None  # nobody can read the token any more, the bridge included
        if kept is not None:
            self.revoke(store_id, kept)
        self.connections.erase(store_id)
        self.tokens.forget(store_id)
        _log.info("disconnected store=%s", store_id)

    def revoke(self, store_id: str, kept: Kept) -> None:
        """Revoke a consent at Zoho. Raises ZohoBusy. A SCIM token can be revoked in Zoho One only."""
        name = kept.connection.data_center
        data_center = self.data_centers.get(name) if name else None
        if data_center is None:
            return
        try:
            self.accounts.revoke(data_center, kept.tokens.refresh_token)
        except ZohoConsentLost:
            _log.info("disconnected store=%s the refresh token was worth nothing already", store_id)
