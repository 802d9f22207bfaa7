"""Status sync: how a change of status in Azure is reflected in Zoho One.

The seed's step 11: "Choose how the change in user status on Microsoft Azure should be reflected in Zoho One."
"""

from dataclasses import dataclass
from enum import StrEnum

from pydantic import ConfigDict, Field

from shared.model import Model


class Status(StrEnum):
    """What Entra says of a person. docs/status-sync.md says which source can tell which."""

    ACTIVATED = "activated"
    DEACTIVATED = "deactivated"
    DELETED = "deleted"
    UNASSIGNED = "unassigned"


class Standing(StrEnum):
    """What is known of his account in Zoho One."""

    NONE = "no account"
    ACTIVE = "active"
    DEACTIVATED_BY_BRIDGE = "deactivated by the bridge"
    DEACTIVATED_BY_HAND = "deactivated by hand"


class Reflection(StrEnum):
    """Zoho One's own wording of the choice."""

    CHANGE = "Change in Zoho One"
    NOTHING = "Do nothing"


class Deprovisioning(StrEnum):
    """What a change does to the account of someone who leaves."""

    DEACTIVATE = "Deactivate"
    DELETE = "Delete"


class StatusRules(Model):
    """A store's choices. The defaults cannot destroy: deactivate everywhere, delete nowhere."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    activated: Reflection = Reflection.CHANGE
    deactivated: Reflection = Reflection.CHANGE
    deleted: Reflection = Reflection.CHANGE
    unassigned: Reflection = Field(default=Reflection.CHANGE, description="Left the app, or the criteria")
    on_deactivated: Deprovisioning = Deprovisioning.DEACTIVATE
    on_deleted: Deprovisioning = Deprovisioning.DEACTIVATE
    on_unassigned: Deprovisioning = Deprovisioning.DEACTIVATE
    restore_by_hand: bool = Field(
        default=False,
        description="Whether re-activation also restores an account that somebody deactivated in Zoho One",
    )

    def of_leaving(self, status: Status) -> tuple[Reflection, Deprovisioning]:
        """The choices for one way of leaving."""
        match status:
            case Status.DEACTIVATED:
                return self.deactivated, self.on_deactivated
            case Status.DELETED:
                return self.deleted, self.on_deleted
            case _:
                return self.unassigned, self.on_unassigned

    @property
    def deleting(self) -> set[Status]:
        """The ways of leaving that delete the account."""
        ways = (Status.DEACTIVATED, Status.DELETED, Status.UNASSIGNED)
        return {way for way in ways if self.of_leaving(way) == (Reflection.CHANGE, Deprovisioning.DELETE)}


LEFT_ALONE = "Somebody deactivated the account in Zoho One by hand; it is left alone."
"""Stands in histories that are looked at again: do not change it."""


class Action(StrEnum):
    """What becomes of the account in Zoho One."""

    PROVISION = "provision"  # is there, active, with the mapped values
    DEACTIVATE = "deactivate"  # stays, inactive, with the mapped values
    DELETE = "delete"
    KEEP = "keep"  # stays as it is; where there is none, none is made
    LET_GO = "let go"  # stays as it is, and is managed no longer


@dataclass(frozen=True)
class Decision:
    """An action, and the sentence that history and console show for it."""

    action: Action
    reason: str


def decide(status: Status, standing: Standing, rules: StatusRules) -> Decision:
    """What the store's rules make of a person's status, given what is known of his account."""
    if status is Status.ACTIVATED:
        return _active(standing, rules)
    if standing is Standing.NONE:
        return Decision(
            Action.KEEP, f"The person is {status} in Entra and has no account in Zoho One; none is created."
        )
    reflection, leaving = rules.of_leaving(status)
    if reflection is Reflection.NOTHING:
        nothing = f'Status sync for {status} users is set to "{reflection}".'
        if status is Status.DELETED:
            return Decision(Action.LET_GO, f"{nothing} The account stays in Zoho One and is no longer managed.")
        return Decision(Action.KEEP, nothing)
    if leaving is Deprovisioning.DELETE:
        return Decision(Action.DELETE, f'The person was {status} in Entra; the store is set to "{leaving}".')
    if standing is Standing.DEACTIVATED_BY_HAND:
        return Decision(Action.KEEP, f"The person was {status} in Entra; the account was deactivated by hand already.")
    return Decision(Action.DEACTIVATE, f"The person was {status} in Entra.")


def _active(standing: Standing, rules: StatusRules) -> Decision:
    if standing in (Standing.NONE, Standing.ACTIVE):
        return Decision(Action.PROVISION, "The person is active in Entra.")
    if rules.activated is Reflection.NOTHING:
        reason = f'The person is active in Entra; status sync for activated users is set to "{rules.activated}".'
        return Decision(Action.KEEP, reason)
    if standing is Standing.DEACTIVATED_BY_HAND and not rules.restore_by_hand:
        return Decision(Action.KEEP, LEFT_ALONE)
    return Decision(Action.PROVISION, "The person is active in Entra again.")


def why_left_alone(standing: Standing, rules: StatusRules) -> str | None:
    """Why the account of someone who is active is not made active, or None where it is."""
    decision = decide(Status.ACTIVATED, standing, rules)
    return decision.reason if decision.action is Action.KEEP else None


class NotConfirmed(ValueError):
    """Rules that delete accounts have not been confirmed."""


def ensure_confirmed(before: StatusRules, after: StatusRules, store_name: str, typed: str) -> None:
    """Let rules that newly delete accounts pass only where the store's name was typed. Raises NotConfirmed."""
    new = after.deleting - before.deleting
    if new and typed != store_name:
        ways = " or ".join(sorted(new))
        raise NotConfirmed(
            f"Accounts of people who are {ways} would be deleted from Zoho One for good: "
            f"type {store_name!r} to confirm."
        )
