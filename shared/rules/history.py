"""What happened to a person, and why: the rows that an administrator reads."""

from datetime import datetime
from enum import StrEnum

from pydantic import ConfigDict

from shared.model import Model
from shared.rules.change import FieldChange


class EventKind(StrEnum):
    """The kind of event."""

    RECORDED = "recorded"  # Entra wrote something that Zoho One does not hold
    CREATED = "created"
    ADOPTED = "adopted"  # the account already existed
    PROPOSED = "proposed"  # an account already exists that may be the person's: they wait for an administrator
    UPDATED = "updated"
    DEACTIVATED = "deactivated"
    REACTIVATED = "reactivated"
    DELETED = "deleted"
    UNMANAGED = "let go"  # no longer managed; the account in Zoho One stays unchanged
    REFUSED = "refused"
    PARKED = "parked"  # refused repeatedly: from now on tried once a day
    DRIFTED = "drifted"  # somebody changed the account in Zoho One
    PASSWORD_MAILED = "one-time password mailed"  # noqa: S105 - the name of a kind
    PASSWORD_NOT_MAILED = "one-time password not mailed"  # noqa: S105 - the name of a kind; it is not retried


class Event(Model):
    """One line of a person's or a group's history."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: datetime
    kind: EventKind
    reason: str
    fields: tuple[FieldChange, ...] = ()
    joined: tuple[str, ...] = ()
    """Group events: members added in Zoho One, by the bridge's ids."""
    left: tuple[str, ...] = ()
    """Group events: members removed in Zoho One, by the bridge's ids."""
    waiting: tuple[str, ...] = ()
    """Group events: members who are added once they have an active account."""
