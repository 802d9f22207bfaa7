"""Consents that were asked for and not answered yet, in Table Storage for ten minutes.

The table holds hashes: whoever reads it can neither answer for an admin nor for his browser.
"""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient, TableEntity
from pydantic import ConfigDict

from shared.model import Model
from shared.rules.store import DataCenterName
from shared.tables.service import our_errors, taken

LIFETIME = timedelta(minutes=10)

_PARTITION = "consent"


class Asked(Model):
    """What was asked, by whom, from which browser."""

    model_config = ConfigDict(frozen=True)

    store: str
    admin: str
    """His object id in Entra."""
    cookie_hash: str
    data_center: DataCenterName
    redirect_uri: str
    expires: datetime


@dataclass(frozen=True)
class Opened:
    """The secret halves of a consent: what goes around by way of Zoho, and what stays in the browser."""

    state: str
    cookie: str


class Consents:
    """Keeps what was asked until its answer comes. Every method raises TablesBusy."""

    def __init__(self, table: TableClient, now: Callable[[], datetime]) -> None:
        self._table = table
        self._now = now

    def open(self, store: str, admin: str, data_center: DataCenterName, redirect_uri: str) -> Opened:
        """Keep that consent is asked for."""
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
        row = {"PartitionKey": _PARTITION, "RowKey": hashed(opened.state), "asked": asked.model_dump_json()}
        with our_errors():
            self._table.create_entity(row | {"expires": asked.expires.isoformat()})
        return opened

    def take(self, state: str) -> Asked | None:
        """What was asked under a state, once: whoever comes second gets None, and so does who comes too late."""
        row = self._read(hashed(state))
        if row is None:
            return None
        if not taken(self._table, row):
            return None
        asked = Asked.model_validate_json(str(row["asked"]))
        return asked if self._now() < asked.expires else None

    def _read(self, key: str) -> TableEntity | None:
        with our_errors():
            try:
                return self._table.get_entity(_PARTITION, key)
            except ResourceNotFoundError:
                return None

    def _sweep(self) -> None:
        """Forget what nobody answered in time; there are few, because only admins ask."""
        with our_errors():
            late = self._table.query_entities(
                "PartitionKey eq @partition and expires le @now",
                parameters={"partition": _PARTITION, "now": self._now().isoformat()},
                select=["PartitionKey", "RowKey"],
            )
            for row in late:
                self._table.delete_entity(_PARTITION, row["RowKey"])


def hashed(secret: str) -> str:
    """What is kept of a secret of 256 random bits: SHA-256 is enough for it."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
