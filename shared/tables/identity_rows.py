"""The rows of Table Storage that make up an identity.

The partition is the store; the row keys are

=========================  ===========================================================
``id:<id>``                the identity
``userName:<hash>``        whose userName this is: unique, in any letter case
``userName:<hash>:<id>``   who in Entra's recycle bin is found by this userName,
                           and does not own it
``externalId:<hash>:<id>``  who has this externalId: not unique, two domains of one
                           tenant may each have an "anna"
``email:<hash>:<id>``      who has this work address
``name:<text>:<id>``       who is found by this text while it is typed
``entra:<hash>``           whose object id in Entra this is: unique
``awaits:<hash>:<id>``     who has this manager, and has to hear of an account
                           of the manager's that is new
``zoho:<hash>``            whose account in Zoho One this is: unique; also of those
                           who are gone, and who may come back
``former:<hash>:<hash>``   which account in Zoho One has this userName, whose person
                           is in Entra's recycle bin, or gone
``pending:<id>``           not confirmed by Zoho One yet
``pending:manager:<id>``   has an account since, for which others may have waited
``pending:guard``          the guard keeps somebody back: shared/tables/recent_deprovisionings.py
``mail:<id>``              due a one-time password that has not been mailed yet
``event:<id>:<time>``      history, newest first
``ignored``                what Entra sends and nothing uses: see ignored_attributes
=========================  ===========================================================

so that a record, its unique claims, its pending mark and its history change in one transaction, guarded by the
ETag of the first row. Rows for looking up repeat what a SCIM read needs: a read is one round trip.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from pydantic import TypeAdapter

from shared.model import HIDDEN
from shared.rules.former import Former
from shared.rules.history import Event
from shared.rules.identity import Account, DoneBy, Identity, PendingChange, SourceState
from shared.rules.keys import Keys
from shared.rules.mail.due import MailDue
from shared.rules.search_terms import search_terms
from shared.rules.status import Status
from shared.rules.user_name import folded
from shared.rules.zoho_user import Desired, ZohoUser
from shared.tables.by_time import inverted
from shared.tables.entity_text import gather, spread

type Row = dict[str, str]

_DESIRED = TypeAdapter[Desired](Desired, config=HIDDEN)
_RESOURCE = ("resource", *(f"resource_{i}" for i in range(1, 8)))
PERSON_COLUMNS = ("RowKey", "id", "created", "modified", "shutOut", *_RESOURCE)
MANAGER = "manager:"
"""In the key of a pending mark, before the id of somebody for whom others may wait."""
GUARD = "guard"
"""In the key of a pending mark: the guard keeps somebody back."""


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
    is_shut_out: bool = False
    """Whether the account is not active though Entra wrote so."""


@dataclass(frozen=True)
class Stored:
    """An identity as it was read or written, with the ETag that guards the next write."""

    identity: Identity
    etag: str
    mail: "StoredMail | None" = None
    """What he is due, where it was written together with him."""
    membership_update: "StoredMembershipUpdate | None" = None
    """That his groups have to follow him, where it was written together with him."""


@dataclass(frozen=True)
class MembershipUpdate:
    """Whose groups have to follow him, and why."""

    person: str
    reason: str
    gone: bool = False
    """He is a member of nothing any more: his identity is gone."""
    account: str = ""
    """The account in Zoho One that he had, where he is gone and it is still there."""


@dataclass(frozen=True)
class StoredMembershipUpdate:
    """A note as it was read or written, with the ETag that guards its end."""

    note: MembershipUpdate
    etag: str


@dataclass(frozen=True)
class StoredMail:
    """A one-time password mail that is due, as it was read or written, with the ETag that guards the next write."""

    identity_id: str
    mail: MailDue
    etag: str


@dataclass(frozen=True)
class Listed:
    """What a list of people shows of one."""

    id: str
    name: str
    user_name: str
    is_active: bool
    """Whether Zoho One should hold an active account of his."""


@dataclass(frozen=True)
class Waits:
    """What a list shows of somebody whose last change Zoho One has not confirmed."""

    id: str
    name: str
    reason: str


@dataclass(frozen=True)
class AccountRecord:
    """What a store knows of an account in Zoho One."""

    owner: str | None
    """The id of the identity that it belongs to; None where that one is gone."""
    deactivated_by: DoneBy | None
    etag: str
    former: Former | None = None
    """Whose it was, where that person is gone, or lies in Entra's recycle bin."""
    holder: Stored | None = None
    """The one who lies in the recycle bin."""


def rows_of(identity: Identity) -> dict[str, Row]:
    """Every row an identity has, by row key."""
    said, pending = identity.said, identity.pending
    person = {
        "id": identity.id,
        "created": identity.created.isoformat(),
        "modified": said.modified.isoformat(),
        **({"shutOut": "yes"} if identity.is_shut_out else {}),
        **spread("resource", said.resource),
    }
    rows = {
        f"id:{identity.id}": {
            **person,
            **spread("keys", said.keys.model_dump_json()),
            **spread("source", said.source.model_dump_json(exclude_defaults=True)),
            **spread("desired", _DESIRED.dump_json(said.desired).decode()),
            **(spread("account", identity.account.model_dump_json()) if identity.account else {}),
            **(spread("pending", pending.model_dump_json()) if pending else {}),
            **({"objectId": identity.object_id} if identity.object_id else {}),
            **({"status": said.status} if said.status else {}),
            **({"awaits": said.awaits} if said.awaits else {}),
            **({"inBin": "yes"} if said.in_bin else {}),
            **({"reportsTo": said.reports_to} if said.reports_to else {}),
            **({"rules": said.rules} if said.rules else {}),
        }
    }
    if identity.object_id is not None:
        rows[claim("entra", identity.object_id)] = {"id": identity.id, "objectId": identity.object_id}
    if (manager := said.awaits or said.reports_to) is not None:
        rows[f"{claim('awaits', manager)}:{identity.id}"] = {"id": identity.id}
    if pending is not None and pending.before is not None and not (pending.before.is_in_bin or said.in_bin):
        # Given up only once Zoho One has confirmed: until then nobody else may take it, and nobody is found by it.
        rows[claim(Lookup.USER_NAME, pending.before.keys.user_name)] = {"id": identity.id}
    own_name = claim(Lookup.USER_NAME, said.keys.user_name)
    rows[f"{own_name}:{identity.id}" if said.is_in_bin else own_name] = person
    found_by = [(Lookup.EMAIL, address) for address in said.keys.work_addresses]
    found_by += [(Lookup.EXTERNAL_ID, said.keys.external_id)] if said.keys.external_id else []
    for lookup, value in found_by:
        rows[f"{claim(lookup, value)}:{identity.id}"] = person
    for text in search_terms(said.source.display_name, said.source.user_principal_name):
        rows[f"name:{text}:{identity.id}"] = _name_row(identity.id, said)
    if identity.account is not None:
        rows[claim("zoho", identity.account.id)] = account_row(identity.account, identity.id)
    if (former := identity.former) is not None:
        rows[former_key(former)] = former_row(former)
    if pending is not None:
        name = said.source.display_name or said.source.user_principal_name
        rows[f"pending:{identity.id}"] = {"id": identity.id, "name": name, "reason": pending.reason}
    return rows


def _name_row(identity_id: str, said: SourceState) -> Row:
    """What a list of people shows of one."""
    active = isinstance(said.desired, ZohoUser) and said.desired.active
    return {
        "id": identity_id,
        "name": said.source.display_name or said.source.user_principal_name,
        "userName": said.source.user_principal_name,
        "active": "yes" if active else "no",
    }


def account_row(account: Account, owner: str | None, former: Former | None = None) -> Row:
    """What is kept of an account; without an owner it was left behind. ``former``: by whom."""
    row = {"account": account.id}
    row |= {"deactivatedBy": account.deactivated_by} if account.deactivated_by else {}
    row |= {"id": owner} if owner else {}
    return row | (former_row(former) if former else {})


def former_key(former: Former) -> str:
    """Of the row by which an account is found whose person is gone."""
    return f"{claim('former', folded(former.user_name))}:{claim('account', former.account)[-32:]}"


def former_row(former: Former) -> Row:
    """What is kept of the person."""
    return {"former": former.model_dump_json(exclude_defaults=True)}


def arrival_key(identity_id: str) -> str:
    """Of the mark that somebody has an account since, for which others may have waited."""
    return f"pending:{MANAGER}{identity_id}"


def mail_row(store: str, identity_id: str, mail: MailDue) -> Row:
    """What is kept of a mail that is due."""
    return {"PartitionKey": store, "RowKey": f"mail:{identity_id}", **spread("mail", mail.model_dump_json())}


def membership_update_row(store: str, note: MembershipUpdate) -> Row:
    """What is kept of a note that a person's groups have to follow him."""
    keys = {"PartitionKey": store, "RowKey": f"regroup:{note.person}", "id": note.person}
    return keys | {"reason": note.reason, "gone": "yes" if note.gone else "", "account": note.account}


def event_row(store: str, identity_id: str, event: Event) -> Row:
    key = f"event:{identity_id}:{inverted(event.at)}-{secrets.token_hex(2)}"
    return {"PartitionKey": store, "RowKey": key, **spread("event", event.model_dump_json())}


def stored_from(row: Row, etag: str) -> Stored:
    person = person_from(row)
    desired, status = _DESIRED.validate_json(gather(row, "desired")), row.get("status")
    pending = (
        TypeAdapter(dict[str, object], config=HIDDEN).validate_json(gather(row, "pending"))
        if "pending" in row
        else None
    )
    # A release before this noted in the mark that Entra had deleted the person, and did not take it back when Entra
    # said later that they are active.
    if pending is not None and pending.pop("leaving", False) and not (isinstance(desired, ZohoUser) and desired.active):
        status = Status.DELETED
    identity = Identity(
        id=person.id,
        object_id=row.get("objectId"),
        said=SourceState.model_validate(
            {
                "resource": person.resource,
                "keys": Keys.model_validate_json(gather(row, "keys")),
                "source": TypeAdapter(dict[str, object], config=HIDDEN).validate_json(gather(row, "source")),
                "desired": desired,
                "status": status,
                "awaits": row.get("awaits"),
                "in_bin": "inBin" in row,
                "reports_to": row.get("reportsTo"),
                "rules": row.get("rules", ""),
                "modified": person.modified,
            }
        ),
        account=Account.model_validate_json(gather(row, "account")) if "account" in row else None,
        pending=PendingChange.model_validate(pending) if pending is not None else None,
        created=person.created,
    )
    return Stored(identity, etag)


def counts_as_active(row: Mapping[str, str]) -> bool:
    """``Identity.counts_as_active``, of a row of which only the account and the pending mark were read."""
    if "account" not in row or not Account.model_validate_json(gather(row, "account")).holds.active:
        return False
    return "pending" not in row or not PendingChange.model_validate_json(gather(row, "pending")).counted


def person_from(row: Mapping[str, str]) -> Person:
    return Person(
        id=row["id"],
        resource=gather(row, "resource"),
        created=datetime.fromisoformat(row["created"]).astimezone(UTC),
        modified=datetime.fromisoformat(row["modified"]).astimezone(UTC),
        is_shut_out="shutOut" in row,
    )


def claim(kind: str, value: str) -> str:
    """The row key for a value: a hash, because keys may not hold ``/ # ? \\`` and have a length."""
    if kind in (Lookup.USER_NAME, Lookup.EMAIL):
        # As scim2-models compares what is not caseExact: RFC 8265, UsernameCaseMapped.
        value = folded(value)
    return f"{kind}:{hashlib.sha256(value.encode('utf-8', 'surrogatepass')).hexdigest()}"


def is_id(text: str) -> bool:
    return len(text) == 32 and text.isascii() and text.isalnum()
