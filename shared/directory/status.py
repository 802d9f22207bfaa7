"""Status sync: how a change of status in Azure is reflected in Zoho One.

The seed's step 11: "Choose how the change in user status on Microsoft Azure should be reflected in Zoho One."
"""

from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Status(StrEnum):
    """What Entra says of a person. Push cannot tell the ways of leaving apart: all but DELETE are ``active`` false."""

    ACTIVATED = "activated"
    DEACTIVATED = "deactivated"
    DELETED = "deleted"


class Reflection(StrEnum):
    """Zoho One's own wording of the choice."""

    CHANGE = "Change in Zoho One"
    NOTHING = "Do nothing"


class Leaving(StrEnum):
    """What a change does to the account of someone who leaves."""

    DEACTIVATE = "Deactivate"
    DELETE = "Delete"


class StatusRules(BaseModel):
    """A store's choices. The defaults cannot destroy: deactivate everywhere, delete nowhere."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    activated: Reflection = Reflection.CHANGE
    deactivated: Reflection = Reflection.CHANGE
    deleted: Reflection = Reflection.CHANGE
    on_deactivated: Leaving = Leaving.DEACTIVATE
    on_deleted: Leaving = Leaving.DEACTIVATE


class Action(StrEnum):
    """What becomes of the account in Zoho One."""

    PROVISION = "provision"  # is there, active, with the mapped values
    DEACTIVATE = "deactivate"  # stays, inactive
    DELETE = "delete"
    KEEP = "keep"  # stays as it is; where there is none, none is made


@dataclass(frozen=True)
class Decision:
    """An action, and the sentence that history shows for it."""

    action: Action
    reason: str


def decide(status: Status, rules: StatusRules, *, has_account: bool) -> Decision:
    """What the store's rules make of a person's status. Someone who is not active is never newly created."""
    if status is Status.ACTIVATED:
        if not has_account or rules.activated is Reflection.CHANGE:
            return Decision(Action.PROVISION, "The person is active in Entra.")
        return Decision(Action.KEEP, "Status sync for activated users is set to do nothing.")
    if not has_account:
        return Decision(
            Action.KEEP, f"The person is {status} in Entra and has no account in Zoho One; none is created."
        )
    reflection, leaving = (
        (rules.deactivated, rules.on_deactivated) if status is Status.DEACTIVATED else (rules.deleted, rules.on_deleted)
    )
    if reflection is Reflection.NOTHING:
        return Decision(Action.KEEP, f"Status sync for {status} users is set to do nothing.")
    if leaving is Leaving.DELETE:
        return Decision(Action.DELETE, f"The person was {status} in Entra; the store deletes such accounts.")
    return Decision(Action.DEACTIVATE, f"The person was {status} in Entra.")
