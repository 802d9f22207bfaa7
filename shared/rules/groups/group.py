"""One group in one store: source state, desired state and confirmed state.

Members are stored separately, one row each: the row of a group of fifty thousand is no larger than that of five.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Self

from pydantic import ConfigDict, JsonValue, TypeAdapter, ValidationError, model_validator

from shared.model import HIDDEN, Model
from shared.rules.change import FieldChange
from shared.rules.entra_connection import ObjectId
from shared.rules.groups.hold import Allowance, HeldMembers
from shared.rules.groups.member_change import MemberChange
from shared.rules.groups.refusal import GroupRefusal
from shared.rules.identity import id_of_object
from shared.rules.minute_counts import MinuteCounts
from shared.rules.pending import Managed, Pending
from shared.rules.scim_path import Resource
from shared.rules.status import Action, Decision, Reflection
from shared.rules.zoho_user import ZohoField

GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"

_OBJECT_ID = TypeAdapter[ObjectId](ObjectId, config=HIDDEN)

DELETED = "The group was deleted in Entra."

FIELDS = {ZohoField.DISPLAY_NAME: "display_name", ZohoField.EXTERNAL_ID: "external_id"}
"""The fields of a group that Zoho One accepts, besides its members.

https://learn.microsoft.com/entra/identity/saas-apps/zoho-one-provisioning-tutorial, step 6.
"""


class ZohoGroup(Model):
    """What Zoho One holds, or should hold, of one group, without its members."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    display_name: str
    external_id: str | None = None

    def changes_from(self, before: "ZohoGroup | None") -> tuple[FieldChange, ...]:
        """Return the differences from what Zoho One holds; None: there is no group."""
        pairs = ((field, getattr(before, name, None), getattr(self, name)) for field, name in FIELDS.items())
        return tuple(
            FieldChange(field=field, before=held, after=wanted) for field, held, wanted in pairs if held != wanted
        )


type DesiredGroup = ZohoGroup | Literal["deleted"] | None
"""The desired state of a group in Zoho One: the group, its deletion, or None if the bridge manages nothing."""


class ZohoGroupRecord(Model):
    """A group in Zoho One and its confirmed state, without its members."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    holds: ZohoGroup
    adopted: bool = False
    """Whether the group existed before the bridge."""


@dataclass(frozen=True)
class GroupDrift:
    """The differences between a group in Zoho One and its confirmed state."""

    actual: ZohoGroupRecord | None
    """The group in Zoho One; None: it does not exist."""
    missing: tuple[str, ...] = ()
    """Members, by the bridge's ids, who are missing in Zoho One."""
    foreign: tuple[str, ...] = ()
    """Accounts in the group of people who are not its members, if the store requires exact membership."""
    told: str = ""
    seen: str = ""
    """The ETag of the group's row that was compared."""


class GroupSourceState(Model):
    """A group's source state, and the desired state computed from it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    resource: str
    """The SCIM Group as Entra wrote it, without its members, as JSON."""
    display_name: str
    external_id: str | None = None
    desired: DesiredGroup
    modified: datetime

    @property
    def object_id(self) -> str | None:
        """Entra's id of the group, if its external id is one: Entra's mapping may give another attribute."""
        try:
            return _OBJECT_ID.validate_python(self.external_id)
        except ValidationError:
            return None

    @property
    def is_deleted(self) -> bool:
        """Whether the latest source state deletes the group, and the one in Zoho One with it."""
        return self.desired == "deleted"


class GroupPendingChange(Pending[GroupSourceState]):
    """A group's change that is not confirmed. A deletion that is not ``counted`` waits for a decision."""

    members: MemberChange = MemberChange()
    """Members added and removed in Entra since Zoho One last confirmed."""
    again: MemberChange = MemberChange()
    """Further members to send to Zoho One: their standing changed, or an earlier attempt may have changed them."""
    accounts: dict[str, str] = {}
    """The accounts of members above who leave, by their ids: the people may be gone before it is confirmed."""
    found: ZohoGroupRecord | None = None
    """The group in Zoho One that this one adopts. Its id identifies it, whatever its name becomes."""

    @model_validator(mode="before")
    @classmethod
    def _of_before(cls, data: Any) -> Any:
        """Read ``leaving``, which marked a deletion in progress; the source state says it now."""
        if not isinstance(data, dict) or "leaving" not in data:
            return data
        rest = {name: value for name, value in data.items() if name != "leaving"}
        return rest | {"counted": data["leaving"]}


class Group(Managed[GroupPendingChange, ZohoGroupRecord]):
    """One group in one directory store."""

    id: str
    said: GroupSourceState
    size: int = 0
    """Number of members when Zoho One last confirmed, according to the source state."""
    recent: MinuteCounts = MinuteCounts()
    """Number of members removed recently, for the guard."""
    held: HeldMembers | None = None
    """The latest request that the guard held back, until an administrator allows it or another change replaces it."""
    allowed: Allowance | None = None
    """What an administrator allowed beyond the guard's limit."""
    refusal: GroupRefusal | None = None
    """The latest refusal by Zoho One."""
    created: datetime

    @property
    def members(self) -> int:
        """Number of members in Entra."""
        pending = self.pending.members if self.pending else MemberChange()
        return self.size + len(pending.joining) - len(pending.leaving)

    @property
    def is_in_zoho_one(self) -> bool:
        """Whether Zoho One should have the group."""
        return isinstance(self.said.desired, ZohoGroup)

    @property
    def is_of_graph(self) -> bool:
        """Whether the group comes from Microsoft Graph, so that no push will repeat what is not done."""
        return self.id == id_of_object(self.said.external_id or "")

    @property
    def is_deletion_begun(self) -> bool:
        """Whether the guard let the deletion pass and counted it; a retry is neither judged nor counted again."""
        return self.said.is_deleted and self.pending is not None and self.pending.counted

    @property
    def awaits_decision(self) -> bool:
        """Whether the deletion was held back."""
        return self.said.is_deleted and self.pending is not None and not self.pending.counted

    def with_source_state(self, said: GroupSourceState) -> Self:
        """Return the group with a new source state, which cancels a deletion that was held back or allowed."""
        held = None if self.held is not None and self.held.is_deletion else self.held
        allowed = None if self.allowed is not None and self.allowed.removal.deletion else self.allowed
        return self.model_copy(update={"said": said, "held": held, "allowed": allowed})

    def without_members(self, members: int, now: datetime, *, counted: bool) -> Self:
        """Return the group with this number of members fewer. ``counted``: the guard counts them; no administrator
        decided.
        """
        recent = self.recent.plus(now, members) if counted else self.recent
        return self.model_copy(update={"recent": recent, "held": None})

    def with_member_change(self, members: MemberChange) -> Self:
        """Return the group with another pending change of its members."""
        assert self.pending is not None  # the caller marked one
        return self.model_copy(update={"pending": self.pending.model_copy(update={"members": members})})

    def settled(self, account: ZohoGroupRecord | None, refusal: GroupRefusal | None = None) -> Self:
        """Return the group after Zoho One confirmed what it holds. ``refusal``: what remains of an earlier one."""
        return super().settled(account).model_copy(update={"size": self.members, "refusal": refusal})


def to_scim(group: ZohoGroup) -> Resource:
    """Return the group as a SCIM Group (RFC 7643 §4.2), without members."""
    resource: Resource = {"schemas": [GROUP], "displayName": group.display_name}
    return resource | {"externalId": group.external_id} if group.external_id else resource


def from_scim(resource: Mapping[str, JsonValue]) -> ZohoGroup:
    """Return the group described by a SCIM Group from Zoho One."""
    external_id = resource.get("externalId")
    return ZohoGroup(
        display_name=str(resource.get("displayName") or ""), external_id=str(external_id) if external_id else None
    )


def decide_deletion(account: ZohoGroupRecord | None, choice: Reflection, why: str) -> Decision:
    """Return what happens to Zoho One's group when Entra's is gone. ``why``: what happened in Entra, a sentence."""
    if account is None:
        return Decision(Action.UNMANAGE, f"{why} Zoho One has none.")
    if choice is Reflection.NOTHING:
        reason = f'{why} The store is set to "{choice}" for deleted groups.'
        return Decision(Action.UNMANAGE, f"{reason} Zoho One's stays, and is no longer managed.")
    if account.adopted:
        return Decision(Action.UNMANAGE, f"{why} Zoho One's existed before the bridge, so it stays.")
    return Decision(Action.DELETE, f'{why} The store is set to "{choice}".')
