"""Consent requests that are not answered yet, kept in Table Storage for ten minutes.

The table holds only hashes, so reading it does not allow answering for an administrator or their browser.
"""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from azure.data.tables import TableClient
from pydantic import ConfigDict

from shared.model import Model
from shared.rules.store import DataCenterName
from shared.tables.record_table import RecordTable, keyed
from shared.tables.service import our_errors

LIFETIME = timedelta(minutes=10)

_PARTITION = "consent"


class Asked(Model):
    """A consent request: its store, administrator and browser."""

    model_config = ConfigDict(frozen=True)

    store: str
    admin: str
    """Object id of the administrator in Entra."""
    cookie_hash: str
    data_center: DataCenterName
    redirect_uri: str
    expires: datetime


@dataclass(frozen=True)
class Opened:
    """The two secrets of a consent request: one travels through Zoho, one stays in the browser."""

    state: str
    cookie: str


class Consents(RecordTable):
    """Keeps consent requests until they are answered. Every method raises TablesBusy."""

    def __init__(self, table: TableClient, now: Callable[[], datetime]) -> None:
        super().__init__(table)
        self._now = now

    def open(self, store: str, admin: str, data_center: DataCenterName, redirect_uri: str) -> Opened:
        """Store a new consent request."""
        self._sweep()
        opened = Opened(secrets.token_urlsafe(32), secrets.token_urlsafe(32))
        asked = Asked(
            store=store,
            admin=admin,
            cookie_hash=hashed(opened.cookie),
            data_center=data_center,
            redirect_uri=redirect_uri,
            expires=self._now() + LIFETIME,
        )
        row = {"asked": asked.model_dump_json(), "expires": asked.expires.isoformat()}
        self._create(keyed(_PARTITION, hashed(opened.state), row))
        return opened

    def take(self, state: str) -> Asked | None:
        """Take a request by its state, once: a second caller gets None, and so does one that comes too late."""
        key = hashed(state)
        found = self._get(_PARTITION, key)
        if found is None or not self._take(_PARTITION, key, found[1]):
            return None
        asked = Asked.model_validate_json(found[0]["asked"])
        return asked if self._now() < asked.expires else None

    def _sweep(self) -> None:
        """Delete expired requests; there are few, because only administrators make them."""
        with our_errors():
            late = self._table.query_entities(
                "PartitionKey eq @partition and expires le @now",
                parameters={"partition": _PARTITION, "now": self._now().isoformat()},
                select=["PartitionKey", "RowKey"],
            )
            for row in late:
                self._table.delete_entity(_PARTITION, row["RowKey"])


def hashed(secret: str) -> str:
    """Return the stored form of a secret of 256 random bits, for which SHA-256 is enough."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
