"""The stores' connections to Zoho One in Table Storage: one row each, in which everything changes at once.

The row holds the state, the encrypted tokens, and the lease of the one worker that renews the access token. A process
killed between two calls leaves the connection as it was before or as it is after, never between; and a lease expires.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from azure.data.tables import TableClient
from pydantic import ConfigDict, Field

from shared.model import Model
from shared.rules.store import DataCenterName
from shared.tables.entity_text import gather, spread
from shared.tables.record_table import RecordTable, Row, keyed
from shared.tables.secrets import SEALED, Secrets

_ROW = "connection"


class ConnectionState(StrEnum):
    """Connection state as administrators see it."""

    NOT_CONNECTED = "not connected"
    CONNECTED = "connected"
    RECONNECT = "reconnect"


class AccessToken(Model):
    """Access token that all workers share."""

    model_config = ConfigDict(frozen=True)

    token: str = Field(repr=False)
    issued: datetime
    ends: datetime
    replaced_rejected: bool = False
    """Whether Zoho One answered 401 to the previous token before it expired."""

    @classmethod
    def lasting(cls, token: str, issued: datetime, seconds: float, *, replaced_rejected: bool = False) -> Self:
        """Return a token that is valid for so many seconds."""
        ends = issued + timedelta(seconds=seconds)
        return cls(token=token, issued=issued, ends=ends, replaced_rejected=replaced_rejected)


class Tokens(Model):
    """Tokens from consent, with the client they were issued to: neither works without the other. Or SCIM tokens."""

    model_config = ConfigDict(frozen=True)

    client_id: str = ""
    client_secret: str = Field(default="", repr=False)
    refresh_token: str = Field(default="", repr=False)
    access: AccessToken | None = None
    scim_tokens: tuple[str, ...] = Field(default=(), max_length=2, repr=False)
    """The newest first, which is used; the one before it serves where Zoho One does not accept that."""


class Connection(Model):
    """State of a store's connection to Zoho One. Holds no secret."""

    model_config = ConfigDict(frozen=True)

    state: ConnectionState
    since: datetime | None = None
    by: str | None = None
    """The administrator who connected it, written together with the tokens."""
    reason: str | None = None
    """Why an administrator has to connect the store again."""
    data_center: DataCenterName | None = None
    """Data centre of the consent, which also issues the tokens; None: the store has a SCIM token."""
    lease_ends: datetime | None = None
    """Time until which only one worker requests a new access token."""
    pause_ends: datetime | None = None
    """Time until which no worker requests one, because the accounts server was busy."""
    pause_reason: str | None = None


NOT_CONNECTED = Connection(state=ConnectionState.NOT_CONNECTED)


@dataclass(frozen=True)
class Kept:
    """A connection as it was read or written, with the ETag that guards the next write."""

    connection: Connection
    tokens: Tokens
    etag: str


class Connections(RecordTable):
    """Reads and writes connections. Every method raises TablesBusy."""

    def __init__(self, table: TableClient, secrets: Secrets) -> None:
        """``table``: the table that ``secrets`` uses."""
        super().__init__(table)
        self._secrets = secrets

    def read(self, store: str) -> Kept | None:
        """Return a store's connection, or None. One round trip. Raises Unreadable."""
        found = self._get(store, _ROW)
        if found is None:
            return None
        row, etag = found
        tokens = Tokens.model_validate_json(self._secrets.opened(row[SEALED], f"{store}/{_ROW}"))
        return Kept(Connection.model_validate_json(gather(row, "connection")), tokens, etag)

    def state(self, store: str) -> Connection:
        """Return the state of a store's connection. One round trip; reads no secret."""
        found = self._get(store, _ROW, ("connection", "connection_1"))
        return Connection.model_validate_json(gather(found[0], "connection")) if found else NOT_CONNECTED

    def save(
        self, store: str, since: datetime, data_center: DataCenterName, tokens: Tokens, by: str | None = None
    ) -> None:
        """Store a new consent in place of the previous one, its leases and pauses included."""
        connected = Connection(state=ConnectionState.CONNECTED, since=since, by=by, data_center=data_center)
        self.put(store, connected, tokens)

    def put(self, store: str, connection: Connection, tokens: Tokens) -> None:
        """Store a connection in place of the previous one, whatever that was."""
        self._put(self._row(store, connection, tokens))

    def write(self, store: str, kept: Kept, connection: Connection, tokens: Tokens | None = None) -> Kept:
        """Write the connection's new state, with new tokens or the same ones. Raises Stale."""
        tokens = tokens or kept.tokens
        return Kept(connection, tokens, self._update(self._row(store, connection, tokens), kept.etag))

    def erase(self, store: str) -> None:
        """Delete the connection and its tokens; a missing one is no error."""
        self._delete(store, _ROW)

    def _row(self, store: str, connection: Connection, tokens: Tokens) -> Row:
        sealed = self._secrets.sealed(tokens.model_dump_json(), f"{store}/{_ROW}")
        return keyed(
            store, _ROW, spread("connection", connection.model_dump_json(exclude_none=True)) | {SEALED: sealed}
        )
