"""Administrators' sessions in Table Storage, and what a sign-in keeps for some minutes.

=========  ==========================  ==================================================================  ========
partition  row key                     holds                                                               lives
=========  ==========================  ==================================================================  ========
session    keyed hash of a random id   who is signed in, since when, Entra's refresh token                 8 hours
flow       the same, of another one    what MSAL compares Entra's answer with, where to go after sign-in   10 min
form       the same                    a form that was sent when the session had ended                     1 hour
=========  ==========================  ==================================================================  ========

The id is in the browser alone. The hash is keyed and the content is encrypted, with its row key inside, both with
secrets of this deployment: who can read or write the table can neither take a session over nor make one up, nor bring
one from another deployment or from another row.

To find a session takes one round trip; so does every other method but ``take``, which takes two, and ``begin``, which
takes some more to delete rows whose time is over.
"""

import hashlib
import hmac
import itertools
import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from azure.data.tables import TableClient, TableEntity
from pydantic import ConfigDict, Field, ValidationError

from shared.model import Model
from shared.tables.entity_text import gather, spread
from shared.tables.errors import Stale, Unreadable
from shared.tables.record_table import RecordTable, Row, delete, keyed
from shared.tables.secrets import Secrets
from shared.tables.service import our_errors

LIFETIME = timedelta(hours=8)
"""Lifetime of a session: a working day, however active it is."""
AT_ONCE = 100
"""Rows that one transaction takes."""
_SESSION = "session"


class Kept(StrEnum):
    """The partitions other than sessions."""

    FLOW = "flow"
    FORM = "form"


class Session(Model):
    """A signed-in administrator."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    admin_id: str
    """Their object id in Entra."""
    name: str
    is_owner: bool
    tenant_id: str
    client_id: str
    began: datetime
    confirmed: datetime
    """Time at which Entra last confirmed that they may sign in, and their roles."""
    refresh_token: str | None = Field(default=None, repr=False)
    address: str = ""
    """Their sign-in name."""


@dataclass(frozen=True)
class Found:
    """A session as it was read."""

    key: str
    session: Session
    etag: str


class _Sealed(Model):
    row: str
    ends: datetime
    text: str


class Sessions(RecordTable):
    """The sessions of one deployment. Every method raises TablesBusy."""

    def __init__(self, table: TableClient, box: Secrets, secret: bytes, now: Callable[[], datetime]) -> None:
        """``box`` encrypts; ``secret`` is the key of the hashes."""
        super().__init__(table)
        self._box = box
        self._secret = secret
        self._now = now

    def begin(self, session: Session) -> str:
        """Create a session and return its id, which nobody else has."""
        self._sweep()
        return self._new(_SESSION, session.model_dump_json(), session.began + LIFETIME)

    def find(self, session_id: str) -> Found | None:
        """Return a session, or None where it has ended."""
        key = self.key(session_id)
        found = self._get(_SESSION, key)
        return self._found(*found) if found else None

    def renew(self, found: Found, session: Session) -> None:
        """Write what Entra says now. Raises Stale where the session has ended, or another request was first."""
        row = self._row(_SESSION, found.key, session.model_dump_json(), session.began + LIFETIME)
        self._update(row, found.etag)

    def key(self, some_id: str) -> str:
        """Return the row key of an id; no call."""
        return hmac.new(self._secret, some_id.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()

    def end(self, key: str) -> None:
        """End a session by its row key, in every process at once; a missing one has ended."""
        self._delete(_SESSION, key)

    def all(self) -> list[Found]:
        """Return the open sessions, newest first."""
        found = (self._found(row, etag) for row, etag in self._range(_SESSION, "", "~"))
        return sorted((each for each in found if each), key=lambda each: each.session.began, reverse=True)

    def keep(self, kind: Kept, text: str, lifetime: timedelta) -> str:
        """Store something for a while; return the id that finds it. Raises TooLarge."""
        return self._new(kind, text, self._now() + lifetime)

    def look(self, kind: Kept, kept_id: str) -> str | None:
        """Return what is stored, or None where it has expired."""
        found = self._get(kind, self.key(kept_id))
        return self._opened(found[0]) if found else None

    def take(self, kind: Kept, kept_id: str) -> str | None:
        """Return it once: of two callers, the second gets None."""
        key = self.key(kept_id)
        found = self._get(kind, key)
        return self._opened(found[0]) if found and self._take(kind, key, found[1]) else None

    def _new(self, partition: str, text: str, ends: datetime) -> str:
        new_id = secrets.token_urlsafe(32)
        self._create(self._row(partition, self.key(new_id), text, ends))
        return new_id

    def _row(self, partition: str, key: str, text: str, ends: datetime) -> Row:
        sealed = self._box.sealed(_Sealed(row=f"{partition}/{key}", ends=ends, text=text).model_dump_json())
        return keyed(partition, key, {"ends": ends.isoformat(), **spread("sealed", sealed)})

    def _found(self, row: Row, etag: str) -> Found | None:
        text = self._opened(row)
        try:
            session = Session.model_validate_json(text or "")
        except ValidationError:  # none, or of another release: the administrator signs in again
            return None
        return Found(row["RowKey"], session, etag)

    def _opened(self, row: Row) -> str | None:
        """Return what the row holds; None where it has expired, or was not written in this row by this deployment."""
        try:
            sealed = _Sealed.model_validate_json(self._box.opened(gather(row, "sealed")))
        except (Unreadable, ValidationError, KeyError):
            return None
        ours = sealed.row == f"{row['PartitionKey']}/{row['RowKey']}"
        return sealed.text if ours and self._now() < sealed.ends else None

    def _sweep(self) -> None:
        """Delete expired rows: some at each sign-in, because anybody can begin one and abandon it."""
        with our_errors():
            late = self._table.query_entities(
                "ends le @now", parameters={"now": self._now().isoformat()}, select=["PartitionKey", "RowKey"]
            )
            for rows in _by_partition(itertools.islice(late, AT_ONCE)):
                with suppress(Stale):  # another process sweeps too
                    self._transact([delete(keyed(row["PartitionKey"], row["RowKey"])) for row in rows])


def _by_partition(rows: Iterator[TableEntity]) -> Iterator[list[TableEntity]]:
    ordered = sorted(rows, key=lambda row: str(row["PartitionKey"]))
    for _, group in itertools.groupby(ordered, key=lambda row: str(row["PartitionKey"])):
        yield list(group)
