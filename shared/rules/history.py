"""What happened to a person, and why: the rows an administrator reads."""

from datetime import datetime
from enum import StrEnum

from pydantic import ConfigDict

from shared.model import Model
from shared.rules.change import FieldChange


class EventKind(StrEnum):
    """What happened."""

    RECORDED = "recorded"  # Entra wrote something that Zoho One does not hold
    CREATED = "created"
    ADOPTED = "adopted"  # the account was already there
    UPDATED = "updated"
    DEACTIVATED = "deactivated"
    REACTIVATED = "reactivated"
    DELETED = "deleted"
    LET_GO = "let go"  # no longer managed; the account in Zoho One stays as it is
    REFUSED = "refused"
    PARKED = "parked"  # refused again and again: from now on tried once a day
    DRIFTED = "drifted"  # somebody changed the account in Zoho One
    PASSWORD_MAILED = "one-time password mailed"  # noqa: S105 - the name of a kind
    PASSWORD_NOT_MAILED = "one-time password not mailed"  # noqa: S105 - the name of a kind; it is not tried again


class Event(Model):
    """One line of a person's or a group's history."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: datetime
    kind: EventKind
    reason: str
    fields: tuple[FieldChange, ...] = ()
    joined: tuple[str, ...] = ()
    """Of a group: whom Zoho One took in, by the bridge's ids."""
    left: tuple[str, ...] = ()
    """Of a group: whom it let out."""
    waiting: tuple[str, ...] = ()
    """Of a group: who joins once he has an account that is active."""
