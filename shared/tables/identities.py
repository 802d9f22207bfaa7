"""The identities of a store in Table Storage.

The partition is the store; the row keys are

=========================  ===========================================================
``id:<id>``                the identity
``userName:<hash>``        whose userName this is: unique, in any letter case
``externalId:<hash>:<id>``  who has this externalId: not unique, two domains of one
                           tenant may each have an "anna"
``email:<hash>:<id>``      who has this work address
``zoho:<hash>``            whose account in Zoho One this is: unique
``pending:<id>``           not confirmed by Zoho One yet
``event:<id>:<time>``      history, newest first
=========================  ===========================================================

so that a record, its unique claims, its pending mark and its history change in one transaction, guarded by the
ETag of the first row. Rows for looking up repeat what a SCIM read needs: a read is one round trip.
"""

import hashlib
import secrets
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from azure.core import MatchConditions
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient, TableEntity, UpdateMode
from pydantic import TypeAdapter

from shared.directory.history import Event
from shared.directory.identity import Account, Identity, Pending, Said
from shared.directory.zoho_user import Desired
from shared.tables.entity_text import gather, spread
from shared.tables.service import our_errors

type Row = dict[str, str]
type Operation = tuple[str, Row] | tuple[str, Row, dict[str, object]]

_DESIRED = TypeAdapter[Desired](Desired)
_PERSON_COLUMNS = ("RowKey", "id", "created", "modified", *("resource", *(f"resource_{i}" for i in range(1, 8))))
_AFTER_ALL = ";"
"""Sorts right behind ``:``, so that ``id:`` up to ``id;`` is every row of that kind."""
_LAST_MICROSECOND = 10**17


class Lookup(StrEnum):
    """What a person can be found by in one round trip."""

    ID = "id"
    USER_NAME = "userName"
    EXTERNAL_ID = "externalId"
    EMAIL = "email"


@dataclass(frozen=True)
class Person:
    """What a SCIM read needs of an identity."""

    id: str
    resource: str
    created: datetime
    modified: datetime


@dataclass(frozen=True)
class Stored:
    """An identity as it was read or written, with the ETag that guards the next write."""

    identity: Identity
    etag: str


class Identities:
    """Reads and writes identities. Every method raises TablesBusy where the account does not answer."""

    def __init__(self, table: TableClient) -> None:
        self._table = table

    def read(self, store: str, identity_id: str) -> Stored | None:
        """One identity, or None. One round trip."""
        found = self._get(store, f"id:{identity_id}") if _is_id(identity_id) else None
        return _stored(*found) if found else None

    def find(self, store: str, lookup: Lookup, value: str) -> list[Person]:
        """Who has this id, userName, externalId or work address. One round trip."""
        if lookup in (Lookup.EXTERNAL_ID, Lookup.EMAIL):
            claim = _claim(lookup, value)
            rows = [row for row, _ in self._range(store, claim + ":", claim + _AFTER_ALL, _PERSON_COLUMNS)]
        elif lookup is Lookup.ID and not _is_id(value):
            return []
        else:
            key = f"id:{value}" if lookup is Lookup.ID else _claim(lookup, value)
            found = self._get(store, key, _PERSON_COLUMNS)
            rows = [found[0]] if found else []
        return [_person(row) for row in rows if "resource" in row]

    def holder_of(self, store: str, user_name: str) -> Stored | None:
        """Who holds the claim on a userName, even one that he is giving up. Two round trips."""
        claim = self._get(store, _claim(Lookup.USER_NAME, user_name))
        return self.read(store, claim[0]["id"]) if claim else None

    def owner_of_account(self, store: str, zoho_id: str) -> str | None:
        """The id of the identity that is linked to an account in Zoho One. One round trip."""
        claim = self._get(store, _claim("zoho", zoho_id))
        return claim[0]["id"] if claim else None

    def scan(self, store: str, after: str = "") -> Iterator[Person]:
        """Everybody in a store in the order of ids, from behind one of them; a page at a time in memory."""
        rows = self._range(store, f"id:{after}~" if after else "id:", "id" + _AFTER_ALL, _PERSON_COLUMNS)
        return (_person(row) for row, _ in rows)

    def history(self, store: str, identity_id: str) -> list[Event]:
        """What happened to a person, newest first; also to one who is gone."""
        rows = self._range(store, f"event:{identity_id}:", f"event:{identity_id}" + _AFTER_ALL)
        return [Event.model_validate_json(gather(row, "event")) for row, _ in rows]

    def write(self, store: str, before: Stored | None, after: Identity, event: Event | None = None) -> Stored:
        """Put an identity in the place of what was read, with its claims and its history, in one transaction.

        Raises Changed where somebody else wrote it since, Taken where a claim belongs to another.
        """
        return Stored(after, self._transact(store, before, after, after.id, event))

    def remove(self, store: str, before: Stored, event: Event) -> None:
        """Take an identity and its claims away; its history stays. Raises Changed."""
        self._transact(store, before, None, before.identity.id, event)

    def _transact(
        self, store: str, before: Stored | None, after: Identity | None, identity_id: str, event: Event | None
    ) -> str:
        old = _rows(before.identity) if before else {}
        new = _rows(after) if after else {}
        key = f"id:{identity_id}"
        operations: list[Operation] = [_guarded(store, key, before, new.get(key))]
        for row_key in {**old, **new}:
            if row_key == key or old.get(row_key) == new.get(row_key):
                continue
            operations.append(_unguarded(store, row_key, row_key in old, new.get(row_key)))
        if event is not None:
            operations.append(("create", _event_row(store, identity_id, event)))
        with our_errors():
            results = self._table.submit_transaction(operations)
        return str(results[0].get("etag", ""))

    def _get(self, store: str, key: str, select: tuple[str, ...] | None = None) -> tuple[Row, str] | None:
        """One row and its ETag, or None."""
        with our_errors():
            try:
                return _texts(self._table.get_entity(store, key, select=list(select) if select else None))
            except ResourceNotFoundError:
                return None

    def _range(
        self, store: str, start: str, end: str, select: tuple[str, ...] | None = None
    ) -> Iterator[tuple[Row, str]]:
        """The rows from one key up to, not including, another, with their ETags; a page at a time."""
        with our_errors():
            found = self._table.query_entities(
                "PartitionKey eq @store and RowKey ge @start and RowKey lt @end",
                parameters={"store": store, "start": start, "end": end},
                select=list(select) if select else None,
            )
            for entity in found:
                yield _texts(entity)


def _texts(entity: TableEntity) -> tuple[Row, str]:
    """An entity's text properties, the only kind that is written here, and its ETag."""
    return {name: value for name, value in entity.items() if isinstance(value, str)}, str(entity.metadata["etag"])


def _rows(identity: Identity) -> dict[str, Row]:
    """Every row an identity has, by row key."""
    said, pending = identity.said, identity.pending
    person = {
        "id": identity.id,
        "created": identity.created.isoformat(),
        "modified": said.modified.isoformat(),
        **spread("resource", said.resource),
    }
    rows = {
        f"id:{identity.id}": {
            **person,
            **spread("source", said.source.model_dump_json(exclude_defaults=True)),
            **spread("desired", _DESIRED.dump_json(said.desired).decode()),
            **(spread("account", identity.account.model_dump_json()) if identity.account else {}),
            **(spread("pending", pending.model_dump_json()) if pending else {}),
        }
    }
    if pending is not None and pending.before is not None:
        # Given up only once Zoho One has confirmed: until then nobody else may take it, and nobody is found by it.
        rows[_claim(Lookup.USER_NAME, pending.before.source.user_principal_name)] = {"id": identity.id}
    rows[_claim(Lookup.USER_NAME, said.source.user_principal_name)] = person
    for lookup, value in ((Lookup.EXTERNAL_ID, said.source.mail_nickname), (Lookup.EMAIL, said.source.mail)):
        if value:
            rows[f"{_claim(lookup, value)}:{identity.id}"] = person
    if identity.account is not None:
        rows[_claim("zoho", identity.account.id)] = {"id": identity.id}
    if pending is not None:
        rows[f"pending:{identity.id}"] = {"id": identity.id, "reason": pending.reason}
    return rows


def _guarded(store: str, key: str, before: Stored | None, row: Row | None) -> Operation:
    """The write of the identity's own row, which the whole transaction hangs on."""
    keys = {"PartitionKey": store, "RowKey": key}
    if before is None:
        return "create", keys | (row or {})
    guard: dict[str, object] = {"etag": before.etag, "match_condition": MatchConditions.IfNotModified}
    if row is None:
        return "delete", keys, guard
    return "update", keys | row, guard | {"mode": UpdateMode.REPLACE}


def _unguarded(store: str, key: str, existed: bool, row: Row | None) -> Operation:
    """The write of a row that only changes together with the identity's own."""
    keys = {"PartitionKey": store, "RowKey": key}
    if row is None:
        return "delete", keys
    return ("upsert", keys | row, {"mode": UpdateMode.REPLACE}) if existed else ("create", keys | row)


def _event_row(store: str, identity_id: str, event: Event) -> Row:
    newest_first = _LAST_MICROSECOND - int(event.at.timestamp() * 1_000_000)
    key = f"event:{identity_id}:{newest_first:017d}-{secrets.token_hex(2)}"
    return {"PartitionKey": store, "RowKey": key, **spread("event", event.model_dump_json())}


def _stored(row: Row, etag: str) -> Stored:
    person = _person(row)
    identity = Identity(
        id=person.id,
        said=Said.model_validate(
            {
                "resource": person.resource,
                "source": TypeAdapter(dict[str, object]).validate_json(gather(row, "source")),
                "desired": _DESIRED.validate_json(gather(row, "desired")),
                "modified": person.modified,
            }
        ),
        account=Account.model_validate_json(gather(row, "account")) if "account" in row else None,
        pending=Pending.model_validate_json(gather(row, "pending")) if "pending" in row else None,
        created=person.created,
    )
    return Stored(identity, etag)


def _person(row: Mapping[str, str]) -> Person:
    return Person(
        id=row["id"],
        resource=gather(row, "resource"),
        created=datetime.fromisoformat(row["created"]).astimezone(UTC),
        modified=datetime.fromisoformat(row["modified"]).astimezone(UTC),
    )


def _claim(kind: str, value: str) -> str:
    """The row key for a value: a hash, because keys may not hold ``/ # ? \\`` and have a length."""
    if kind in (Lookup.USER_NAME, Lookup.EMAIL):
        # As scim2-models compares what is not caseExact: RFC 8265, UsernameCaseMapped.
        value = unicodedata.normalize("NFC", unicodedata.normalize("NFC", value).lower())
    return f"{kind}:{hashlib.sha256(value.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _is_id(text: str) -> bool:
    return len(text) == 32 and text.isascii() and text.isalnum()
