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
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from azure.core import MatchConditions
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient, TableEntity, UpdateMode
from pydantic import ConfigDict, Field, ValidationError

from shared.model import Model
from shared.tables.entity_text import gather, spread
from shared.tables.errors import Stale, Unreadable
from shared.tables.secrets import Secrets
from shared.tables.service import our_errors, taken

LIFETIME = timedelta(hours=8)
"""A working day, and no longer however busy somebody is."""
AT_ONCE = 100
"""Rows that one transaction takes."""
_SESSION = "session"


class Kept(StrEnum):
    """The other partitions."""

    FLOW = "flow"
    FORM = "form"


class Session(Model):
    """Who is signed in."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    admin_id: str
    """Their object id in Entra."""
    name: str
    is_owner: bool
    tenant_id: str
    client_id: str
    began: datetime
    confirmed: datetime
    """When Entra last said that they may sign in, and with which roles."""
    refresh_token: str | None = Field(default=None, repr=False)


@dataclass(frozen=True)
class Found:
    """A session in its row."""

    key: str
    session: Session
    etag: str


class _Sealed(Model):
    row: str
    ends: datetime
    text: str


class Sessions:
    """The sessions of one deployment. Every method raises TablesBusy."""

    def __init__(self, table: TableClient, box: Secrets, secret: bytes, now: Callable[[], datetime]) -> None:
        """``box`` encrypts; ``secret`` is the key of the hashes."""
        self._table = table
        self._box = box
        self._secret = secret
        self._now = now

    def begin(self, session: Session) -> str:
        """A new session; its id, which nobody else has."""
        self._sweep()
        return self._create(_SESSION, session.model_dump_json(), session.began + LIFETIME)

    def find(self, session_id: str) -> Found | None:
        """A session, unless it has ended."""
        key = self.key(session_id)
        row = self._read(_SESSION, key)
        return None if row is None else self._found(row)

    def renew(self, found: Found, session: Session) -> None:
        """Write what Entra says now. Raises Stale where the session has ended, or another request was first."""
        row = self._row(_SESSION, found.key, session.model_dump_json(), session.began + LIFETIME)
        with our_errors():
            self._table.update_entity(
                row, mode=UpdateMode.REPLACE, etag=found.etag, match_condition=MatchConditions.IfNotModified
            )

    def key(self, some_id: str) -> str:
        """The row key of an id; calls nobody."""
        return hmac.new(self._secret, some_id.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()

    def end(self, key: str) -> None:
        """End a session by its row key, in every process at once; one that is not there has ended."""
        with our_errors():
            self._table.delete_entity(_SESSION, key)

    def all(self) -> list[Found]:
        """The sessions there are, the newest first."""
        with our_errors():
            rows = list(self._table.query_entities("PartitionKey eq @kind", parameters={"kind": _SESSION}))
        found = (self._found(row) for row in rows)
        return sorted((each for each in found if each), key=lambda each: each.session.began, reverse=True)

    def keep(self, kind: Kept, text: str, lifetime: timedelta) -> str:
        """Keep something for a while; the id to find it by. Raises TooLarge."""
        return self._create(kind, text, self._now() + lifetime)

    def look(self, kind: Kept, kept_id: str) -> str | None:
        """What is kept, or None where its time is over."""
        row = self._read(kind, self.key(kept_id))
        return None if row is None else self._opened(row)

    def take(self, kind: Kept, kept_id: str) -> str | None:
        """The same, once: of two who ask, the second gets None."""
        row = self._read(kind, self.key(kept_id))
        if row is None:
            return None
        if not taken(self._table, row):
            return None
        return self._opened(row)

    def _create(self, partition: str, text: str, ends: datetime) -> str:
        new_id = secrets.token_urlsafe(32)
        with our_errors():
            self._table.create_entity(self._row(partition, self.key(new_id), text, ends))
        return new_id

    def _row(self, partition: str, key: str, text: str, ends: datetime) -> dict[str, str]:
        sealed = self._box.sealed(_Sealed(row=f"{partition}/{key}", ends=ends, text=text).model_dump_json())
        return {"PartitionKey": partition, "RowKey": key, "ends": ends.isoformat(), **spread("sealed", sealed)}

    def _read(self, partition: str, key: str) -> TableEntity | None:
        with our_errors():
            try:
                return self._table.get_entity(partition, key)
            except ResourceNotFoundError:
                return None

    def _found(self, row: TableEntity) -> Found | None:
        text = self._opened(row)
        try:
            session = Session.model_validate_json(text or "")
        except ValidationError:  # none, or of another release: sign in again
            return None
        return Found(row["RowKey"], session, str(row.metadata["etag"]))

    def _opened(self, row: TableEntity) -> str | None:
        """What the row holds; None where its time is over, or where it was not written here by this deployment."""
        try:
            sealed = _Sealed.model_validate_json(self._box.opened(gather(row, "sealed")))
        except (Unreadable, ValidationError, KeyError):
            return None
        ours = sealed.row == f"{row['PartitionKey']}/{row['RowKey']}"
        return sealed.text if ours and self._now() < sealed.ends else None

    def _sweep(self) -> None:
        """Delete rows whose time is over: some at each sign-in, because anybody can begin one and leave it."""
        with our_errors():
            late = self._table.query_entities(
                "ends le @now", parameters={"now": self._now().isoformat()}, select=["PartitionKey", "RowKey"]
            )
            for rows in _by_partition(itertools.islice(late, AT_ONCE)):
                try:
                    with our_errors():
                        self._table.submit_transaction([("delete", row) for row in rows])
                except Stale:
                    pass  # another process sweeps too


def _by_partition(rows: Iterator[TableEntity]) -> Iterator[list[TableEntity]]:
    ordered = sorted(rows, key=lambda row: str(row["PartitionKey"]))
    for _, group in itertools.groupby(ordered, key=lambda row: str(row["PartitionKey"])):
        yield list(group)
