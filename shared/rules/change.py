"""What has to change in Zoho One for it to hold what it should."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from pydantic import ConfigDict

from shared.rules.zoho_user import Desired, ZohoField, ZohoUser


class ChangeKind(StrEnum):
    """What happens to an account."""

    CREATE = "create"
    ADOPT = "adopt"
    """A creation for which Zoho One has the account already: that of somebody who is gone from Entra."""
    UPDATE = "update"
    DEACTIVATE = "deactivate"
    REACTIVATE = "reactivate"
    DELETE = "delete"
    NOTHING = "nothing"


DEPROVISIONINGS = frozenset({ChangeKind.DEACTIVATE, ChangeKind.DELETE})
"""What shuts a person out."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field before and after; None is absent. A plan holds a dozen for each who is created: it has to be small."""

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")

    field: ZohoField
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Change:
    """One account's change."""

    kind: ChangeKind
    fields: tuple[FieldChange, ...] = ()


def plan_change(holds: ZohoUser | None, desired: Desired) -> Change:
    """The way from what Zoho One holds (None: no account) to what it should hold.

    An inactive person without an account needs none: someone who is not active is never newly created.
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
