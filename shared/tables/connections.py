"""The stores' connections to Zoho One in Table Storage: a row each, in which everything changes at once.

The row holds the state, the tokens (encrypted), and the lease of the one worker that renews the access token. A kill
between two calls can therefore leave the connection only as it was before, or as it is after; and a lease ends by time.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from azure.core import MatchConditions
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient, UpdateMode
from pydantic import ConfigDict, Field

from shared.model import Model
from shared.rules.store import DataCenterName
from shared.tables.entity_text import gather, spread
from shared.tables.secrets import SEALED, Secrets
from shared.tables.service import our_errors

_ROW = "connection"


class ConnectionState(StrEnum):
    """What an admin is shown."""

    NOT_CONNECTED = "not connected"
    CONNECTED = "connected"
    RECONNECT = "reconnect"


class AccessToken(Model):
    """An access token that all workers share."""

    model_config = ConfigDict(frozen=True)

    token: str = Field(repr=False)
    issued: datetime
    ends: datetime
    replaced_rejected: bool = False
    """Zoho One had answered 401 to the one before, ahead of its time."""

    @classmethod
    def lasting(cls, token: str, issued: datetime, seconds: float, *, replaced_rejected: bool = False) -> Self:
        """A token of so many seconds."""
        ends = issued + timedelta(seconds=seconds)
        return cls(token=token, issued=issued, ends=ends, replaced_rejected=replaced_rejected)


class Tokens(Model):
    """What consent gave, with the client it was given to: the two are worth something only together."""

    model_config = ConfigDict(frozen=True)

    client_id: str
    client_secret: str = Field(repr=False)
    refresh_token: str = Field(repr=False)
    access: AccessToken | None = None


class Connection(Model):
    """How a store stands with Zoho One. Holds no secret."""

    model_config = ConfigDict(frozen=True)

    state: ConnectionState
    since: datetime | None = None
    by: str | None = None
    """The administrator who connected it: written with the tokens, so that no connection is without him."""
    reason: str | None = None
    """Why an admin has to connect the store again."""
    data_center: DataCenterName | None = None
    """Where consent was given, and tokens come from."""
    lease_ends: datetime | None = None
    """Until when one worker alone asks for a new access token."""
    pause_ends: datetime | None = None
    """Until when nobody asks, because the accounts server was busy."""
    pause_reason: str | None = None


NOT_CONNECTED = Connection(state=ConnectionState.NOT_CONNECTED)


@dataclass(frozen=True)
class Kept:
    """A connection as it was read or written, with the ETag that guards the next write."""

    connection: Connection
    tokens: Tokens
    etag: str


class Connections:
    """Reads and writes connections. Every method raises TablesBusy."""

    def __init__(self, table: TableClient, secrets: Secrets) -> None:
        """``table``: the one of ``secrets``."""
        self._table = table
        self._secrets = secrets

    def read(self, store: str) -> Kept | None:
        """A store's connection, or None where it has none. One round trip. Raises Unreadable."""
        with our_errors():
            try:
                row = self._table.get_entity(store, _ROW)
            except ResourceNotFoundError:
                return None
        tokens = Tokens.model_validate_json(self._secrets.opened(str(row[SEALED])))
        return Kept(Connection.model_validate_json(gather(row, "connection")), tokens, str(row.metadata["etag"]))

    def state(self, store: str) -> Connection:
        """How a store stands with Zoho One. One round trip; reads no secret."""
        with our_errors():
            try:
                row = self._table.get_entity(store, _ROW, select=["connection", "connection_1"])
            except ResourceNotFoundError:
                return NOT_CONNECTED
        return Connection.model_validate_json(gather(row, "connection"))

    def save(
        self, store: str, since: datetime, data_center: DataCenterName, tokens: Tokens, by: str | None = None
    ) -> None:
        """A new consent, in place of whatever was there, leases and pauses included."""
        connected = Connection(state=ConnectionState.CONNECTED, since=since, by=by, data_center=data_center)
        with our_errors():
            self._table.upsert_entity(self._row(store, connected, tokens), mode=UpdateMode.REPLACE)

    def write(self, store: str, kept: Kept, connection: Connection, tokens: Tokens | None = None) -> Kept:
        """The connection in a new state, with new tokens or the same. Raises Stale where it was written since."""
        tokens = tokens or kept.tokens
        with our_errors():
            written = self._table.update_entity(
                self._row(store, connection, tokens),
                mode=UpdateMode.REPLACE,
                etag=kept.etag,
                match_condition=MatchConditions.IfNotModified,
            )
        return Kept(connection, tokens, str(written["etag"]))

    def erase(self, store: str) -> None:
        """Forget the connection and its tokens; one that is not there is forgotten."""
        with our_errors():
            self._table.delete_entity(store, _ROW)

    def _row(self, store: str, connection: Connection, tokens: Tokens) -> dict[str, str]:
        return {
            "PartitionKey": store,
            "RowKey": _ROW,
            **spread("connection", connection.model_dump_json(exclude_none=True)),
            SEALED: self._secrets.sealed(tokens.model_dump_json()),
        }
