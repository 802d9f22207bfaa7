"""The rows of Table Storage that make up an identity.

The partition is the store; the row keys are

=========================  ===========================================================
``id:<id>``                the identity
``userName:<hash>``        the identity of this userName: unique, in any letter case
``userName:<hash>:<id>``   an identity in Entra's recycle bin that is found by this
                           userName and does not own it
``externalId:<hash>:<id>``  an identity with this externalId: not unique, two domains
                           of one tenant may each have an "anna"
``email:<hash>:<id>``      an identity with this work address
``name:<text>:<id>``       an identity that a search finds by this text
``entra:<hash>``           the identity of this object id in Entra: unique
``awaits:<hash>:<id>``     an identity with this manager, recomputed when the manager
                           gets an account
``zoho:<hash>``            the owner of this account in Zoho One: unique; kept for
                           people who are gone, and may come back
``former:<hash>:<hash>``   an account in Zoho One of this userName whose person is in
                           Entra's recycle bin, or gone
``pending:<id>``           pending change: not confirmed by Zoho One yet
``pending:manager:<id>``   got an account for which others may have waited
``pending:unverified:<id>``  the object id of somebody whom Graph reported and a push
                           wrote since: to be read again
``pending:removed:<id>``   the same of somebody whom a push deleted
``pending:guard``          the guard holds somebody back: recent_deprovisionings.py
``mail:<id>``              a one-time password mail that is due
``event:<id>:<time>``      history, newest first
``ignored``                what Entra sends and nothing uses: ignored_attributes.py
=========================  ===========================================================

A record, its unique claims, its pending change and its history change in one transaction, guarded by the ETag of the
first row. Lookup rows repeat what a SCIM read needs, so that a read is one round trip.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter

from shared.model import HIDDEN
from shared.rules.former import Former
from shared.rules.history import Event
from shared.rules.identity import Account, DoneBy, Identity, PendingChange, SourceState
from shared.rules.keys import Keys
from shared.rules.mail.due import MailDue
from shared.rules.pending import Managed
from shared.rules.search_terms import search_terms
from shared.rules.status import Status
from shared.rules.zoho_user import Desired, ZohoUser
from shared.tables.account_rows import account_row, former_key, former_row
from shared.tables.by_time import inverted
from shared.tables.claims import Lookup, claim
from shared.tables.entity_text import gather, spread
from shared.tables.record_table import Row, keyed
from shared.tables.scim_row import scim_row_from

_DESIRED = TypeAdapter[Desired](Desired, config=HIDDEN)
_DICT = TypeAdapter[dict[str, object]](dict[str, object], config=HIDDEN)
_MANAGED = Managed[PendingChange, Account]
_PARTS = ("", *(f"_{part}" for part in range(1, 8)))
"""Of a text that is spread over several columns: up to eight."""
MANAGER = "manager:"
"""Part of a pending mark's key, before the id of a manager for whose account others may wait."""
UNVERIFIED = "unverified:"
"""Part of a pending mark's key, before the object id of somebody to be read again, because a push wrote them."""
REMOVED = "removed:"
"""The same, because a push deleted them."""
GUARD = "guard"
"""Part of a pending mark's key: the guard holds somebody back."""


ACCOUNT_COLUMNS = ("id", *(f"{name}{part}" for name in ("account", "pending") for part in _PARTS))
"""Columns of an identity's row that hold the account and the pending change."""


@dataclass(frozen=True)
class Stored:
    """An identity as it was read or written, with the ETag that guards the next write."""

    identity: Identity
    etag: str
    mail: "StoredMail | None" = None
    """The mail that is due, where it was written in the same transaction."""
    membership_update: "StoredMembershipUpdate | None" = None
    """The membership update, where it was written in the same transaction."""


@dataclass(frozen=True)
class MembershipUpdate:
    """A person whose groups have to follow a change of the account, and why."""

    person: str
    reason: str
    gone: bool = False
    """Whether the identity is gone, and the person a member of nothing any more."""
    account: str = ""
    """The account in Zoho One of a person who is gone, if it still exists."""


@dataclass(frozen=True)
class StoredMembershipUpdate:
    """A membership update as it was read or written, with the ETag that guards its end."""

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
    """A person as a list shows them."""

    id: str
    name: str
    user_name: str
    is_active: bool
    """Whether Zoho One should hold an active account of the person."""


@dataclass(frozen=True)
class Waits:
    """A person with a pending change, as a list shows them."""

    id: str
    name: str
    reason: str


@dataclass(frozen=True)
class AccountRecord:
    """What a store knows of an account in Zoho One."""

    owner: str | None
    """Id of the identity that owns it; None where that one is gone."""
    deactivated_by: DoneBy | None
    etag: str
    former: Former | None = None
    """The former owner, where that person is gone or in Entra's recycle bin."""
    holder: Stored | None = None
    """The owner, where they are in the recycle bin."""


def rows_of(identity: Identity) -> dict[str, Row]:
    """Return every row of an identity by row key."""
    said, pending = identity.said, identity.pending
    person = {
        "id": identity.id,
        "created": identity.created.isoformat(),
        "modified": said.modified.isoformat(),
        **({"shutOut": "yes"} if identity.is_kept_inactive else {}),
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
            **({"unverified": "yes"} if said.unverified else {}),
            **({"leftAt": identity.left_at.isoformat()} if identity.left_at else {}),
            **({"reportsTo": said.reports_to} if said.reports_to else {}),
            **({"rules": said.rules} if said.rules else {}),
        }
    }
    if identity.object_id is not None:
        rows[claim("entra", identity.object_id)] = {"id": identity.id, "objectId": identity.object_id}
        rows |= {f"pending:{UNVERIFIED}{identity.object_id}": {}} if said.unverified else {}
    if (manager := said.awaits or said.reports_to) is not None:
        rows[f"{claim('awaits', manager)}:{identity.id}"] = {"id": identity.id}
    if pending is not None and pending.before is not None and not (pending.before.is_in_bin or said.in_bin):
        # Released only once Zoho One has confirmed: until then nobody else may take it, and it finds nobody.
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
    """Return a person's row for a list."""
    active = isinstance(said.desired, ZohoUser) and said.desired.active
    return {
        "id": identity_id,
        "name": said.source.display_name or said.source.user_principal_name,
        "userName": said.source.user_principal_name,
        "active": "yes" if active else "no",
    }


def arrival_key(identity_id: str) -> str:
    """Return the key of the mark on a person who got an account for which others may have waited."""
    return f"pending:{MANAGER}{identity_id}"


def removed_key(object_id: str) -> str:
    """Return the key of the mark on somebody whom a push deleted, and who is to be read again."""
    return f"pending:{REMOVED}{object_id}"


def mail_row(store: str, identity_id: str, mail: MailDue) -> Row:
    """Return the row of a mail that is due."""
    return keyed(store, f"mail:{identity_id}", spread("mail", mail.model_dump_json()))


def membership_update_row(store: str, note: MembershipUpdate) -> Row:
    """Return the row of a membership update."""
    row = {"id": note.person, "reason": note.reason, "gone": "yes" if note.gone else "", "account": note.account}
    return keyed(store, f"regroup:{note.person}", row)


def event_row(store: str, identity_id: str, event: Event) -> Row:
    key = f"event:{identity_id}:{inverted(event.at)}-{secrets.token_hex(2)}"
    return keyed(store, key, spread("event", event.model_dump_json()))


def stored_from(row: Row, etag: str) -> Stored:
    scim_row = scim_row_from(row)
    desired, status = _DESIRED.validate_json(gather(row, "desired")), row.get("status")
    managed, was_leaving = _managed(row)
    # The note was kept when Entra later reported the person as active.
    if was_leaving and not (isinstance(desired, ZohoUser) and desired.active):
        status = Status.DELETED
    identity = Identity(
        id=scim_row.id,
        object_id=row.get("objectId"),
        said=SourceState.model_validate(
            {
                "resource": scim_row.resource,
                "keys": Keys.model_validate_json(gather(row, "keys")),
                "source": _DICT.validate_json(gather(row, "source")),
                "desired": desired,
                "status": status,
                "awaits": row.get("awaits"),
                "in_bin": "inBin" in row,
                "unverified": "unverified" in row,
                "reports_to": row.get("reportsTo"),
                "rules": row.get("rules", ""),
                "modified": scim_row.modified,
            }
        ),
        account=managed.account,
        pending=managed.pending,
        created=scim_row.created,
        left_at=datetime.fromisoformat(row["leftAt"]) if "leftAt" in row else None,
    )
    return Stored(identity, etag)


def managed_from(row: Row) -> Managed[PendingChange, Account]:
    """Return the account and the pending change of a row of which only ACCOUNT_COLUMNS were read."""
    return _managed(row)[0]


def _managed(row: Row) -> tuple[Managed[PendingChange, Account], bool]:
    """Return the account and the pending change, and whether an earlier release noted in it that Entra had deleted the
    person.
    """
    account = Account.model_validate_json(gather(row, "account")) if "account" in row else None
    if "pending" not in row:
        return _MANAGED(account=account), False
    pending = _DICT.validate_json(gather(row, "pending"))
    was_leaving = bool(pending.pop("leaving", False))
    return _MANAGED(account=account, pending=PendingChange.model_validate(pending)), was_leaving


def counts_as_active(row: Row) -> bool:
    """Compute ``Identity.counts_as_active`` from a row of which only ACCOUNT_COLUMNS were read."""
    managed = managed_from(row)
    going = managed.pending is not None and managed.pending.counted
    return managed.account is not None and managed.account.holds.active and not going


def is_id(text: str) -> bool:
    return len(text) == 32 and text.isascii() and text.isalnum()
