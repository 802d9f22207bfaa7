"""The change that brings an account in Zoho One to its desired state."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from pydantic import ConfigDict

from shared.rules.zoho_user import Desired, ZohoField, ZohoUser


class ChangeKind(StrEnum):
    """The kind of change of an account."""

    CREATE = "create"
    ADOPT = "adopt"
    """A creation for which Zoho One already has an account, which becomes the person's."""
    UPDATE = "update"
    DEACTIVATE = "deactivate"
    REACTIVATE = "reactivate"
    DELETE = "delete"
    PROPOSE = "propose"
    """A creation for which Zoho One has an account that may be the person's: they wait for an administrator."""
    NOTHING = "nothing"


DEPROVISIONINGS = frozenset({ChangeKind.DEACTIVATE, ChangeKind.DELETE})
"""The kinds of change that the guard counts; ``Identity.is_deprovisioning`` is the same for a pending change.

A group is deprovisioned by its deletion only, which has separate limits.
"""

ARRIVALS = frozenset({ChangeKind.CREATE, ChangeKind.ADOPT, ChangeKind.REACTIVATE})
"""The kinds of change that give a person an active account.

A cycle counts arrivals for the guard; a push does not, to save two round trips: the guard's number of active people may
be too low, so it counts them before it holds anything, and a full cycle counts them once a day.
"""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field before and after; None is absent. A plan holds about a dozen per created account, so this class is
    small.
    """

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")

    field: ZohoField
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Change:
    """The change of one account."""

    kind: ChangeKind
    fields: tuple[FieldChange, ...] = ()


def plan_change(holds: ZohoUser | None, desired: Desired) -> Change:
    """Return the change from what Zoho One holds (None: no account) to the desired state.

    An inactive person without an account needs none: accounts are created for active people only.
    """
    if desired is None:
        return NO_CHANGE
    if desired == "deleted":
        return Change(ChangeKind.DELETE) if holds else NO_CHANGE
    if holds is None:
        return Change(ChangeKind.CREATE, _differences({}, desired.fields)) if desired.active else NO_CHANGE
    fields = _differences(holds.fields, desired.fields)
    if holds.active != desired.active:
        return Change(ChangeKind.REACTIVATE if desired.active else ChangeKind.DEACTIVATE, fields)
    return Change(ChangeKind.UPDATE, fields) if fields else NO_CHANGE


NO_CHANGE = Change(ChangeKind.NOTHING)


def _differences(before: dict[ZohoField, str], after: dict[ZohoField, str]) -> tuple[FieldChange, ...]:
    return tuple(
        FieldChange(field=field, before=before.get(field), after=after.get(field))
        for field in ZohoField
        if before.get(field) != after.get(field)
    )
