"""One group in one store: what Entra says, what Zoho One should hold, what it was last confirmed to hold.

Members stand apart, a row for each: a group of fifty thousand is no larger here than one of five.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Self

from pydantic import ConfigDict, JsonValue, model_validator

from shared.model import Model
from shared.rules.change import FieldChange
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

DELETED = "The group was deleted in Entra."

FIELDS = {ZohoField.DISPLAY_NAME: "display_name", ZohoField.EXTERNAL_ID: "external_id"}
"""What Zoho One takes of a group beside its members.

https://learn.microsoft.com/entra/identity/saas-apps/zoho-one-provisioning-tutorial, step 6.
"""


class ZohoGroup(Model):
    """What Zoho One holds, or should hold, of one group beside its members."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    display_name: str
    external_id: str | None = None

    def changes_from(self, before: "ZohoGroup | None") -> tuple[FieldChange, ...]:
        """What differs from what is held; None: there is no group."""
        pairs = ((field, getattr(before, name, None), getattr(self, name)) for field, name in FIELDS.items())
        return tuple(
            FieldChange(field=field, before=held, after=wanted) for field, held, wanted in pairs if held != wanted
        )


type DesiredGroup = ZohoGroup | Literal["deleted"] | None
"""What Zoho One should hold of a group: itself, its deletion, or nothing that the bridge has a say in."""


class ZohoGroupRecord(Model):
    """A group in Zoho One and what it was last confirmed to hold beside its members."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    holds: ZohoGroup
    adopted: bool = False
    """It was there before the bridge."""


@dataclass(frozen=True)
class GroupDrift:
    """In what a group in Zoho One is not what was confirmed."""

    actual: ZohoGroupRecord | None
    """What it is; None: it is not there."""
    missing: tuple[str, ...] = ()
    """Members, by the bridge's ids, who are not in it."""
    foreign: tuple[str, ...] = ()
    """Accounts in it of nobody who should be, where the store wants exactly its members."""
    told: str = ""
    seen: str = ""
    """The ETag of the group's row that was compared."""


class GroupSourceState(Model):
    """What Entra says of a group, and what Zoho One should therefore hold."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    resource: str
    """The SCIM Group as Entra wrote it, without its members, as JSON."""
    display_name: str
    external_id: str | None = None
    desired: DesiredGroup
    modified: datetime

    @property
    def is_deleted(self) -> bool:
        """Whether Entra's last word is that the group is gone, and Zoho One's goes with it."""
        return self.desired == "deleted"


class GroupPendingChange(Pending[GroupSourceState]):
    """A group's change under way to Zoho One. A deletion that is not ``counted`` waits for a decision."""

    members: MemberChange = MemberChange()
    """Members that Entra has added and removed since Zoho One last confirmed."""
    again: MemberChange = MemberChange()
    """Members that Zoho One has to be told of beside those: their standing changed, or an earlier try did something."""
    accounts: dict[str, str] = {}
    """The accounts of people named above who are gone, by the ids they had."""
    found: ZohoGroupRecord | None = None
    """The group in Zoho One that this one adopts. It is known by its id, whatever it is called meanwhile."""

    @model_validator(mode="before")
    @classmethod
    def _of_before(cls, data: Any) -> Any:
        """Read ``leaving``, which marked a deletion that had begun; now the last word of Entra's says it."""
        if not isinstance(data, dict) or "leaving" not in data:
            return data
        rest = {name: value for name, value in data.items() if name != "leaving"}
        return rest | {"counted": data["leaving"]}


class Group(Managed[GroupPendingChange, ZohoGroupRecord]):
    """One group in one directory store."""

    id: str
    said: GroupSourceState
    size: int = 0
    """How many members it had when Zoho One last confirmed, by what Entra said."""
    recent: MinuteCounts = MinuteCounts()
    """How many members were removed lately, for the guard."""
    held: HeldMembers | None = None
    """The last request that the guard held back, until an administrator allows it or members leave otherwise."""
    allowed: Allowance | None = None
    """What an administrator allowed beyond the guard's limit."""
    refusal: GroupRefusal | None = None
    """What Zoho One refused last."""
    created: datetime

    @property
    def members(self) -> int:
        """How many members Entra says it has."""
        pending = self.pending.members if self.pending else MemberChange()
        return self.size + len(pending.joining) - len(pending.leaving)

    @property
    def is_of_graph(self) -> bool:
        """Whether Microsoft Graph named the group first, so that no push asks again for what is not done."""
        return self.id == id_of_object(self.said.external_id or "")

    @property
    def is_deletion_begun(self) -> bool:
        """Whether the guard let its deletion pass and counted it; a retry is neither judged nor counted again."""
        return self.said.is_deleted and self.pending is not None and self.pending.counted

    @property
    def awaits_decision(self) -> bool:
        """Whether its deletion was held back."""
        return self.said.is_deleted and self.pending is not None and not self.pending.counted

    def saying(self, said: GroupSourceState) -> Self:
        """With what Entra says now; a deletion that was held back, or allowed, is not meant any more."""
        held = None if self.held is not None and self.held.is_deletion else self.held
        allowed = None if self.allowed is not None and self.allowed.removal.deletion else self.allowed
        return self.model_copy(update={"said": said, "held": held, "allowed": allowed})

    def losing(self, members: int, now: datetime, *, counted: bool) -> Self:
        """With so many members fewer. ``counted``: the guard counts them; no administrator has decided on them."""
        recent = self.recent.plus(now, members) if counted else self.recent
        return self.model_copy(update={"recent": recent, "held": None})

    def changing(self, members: MemberChange) -> Self:
        """With another change of its members under way."""
        assert self.pending is not None  # there is one already
        return self.model_copy(update={"pending": self.pending.model_copy(update={"members": members})})

    def settled(self, account: ZohoGroupRecord | None, refusal: GroupRefusal | None = None) -> Self:
        """The group once Zoho One has confirmed what it holds. ``refusal``: what remains of an earlier one."""
        return super().settled(account).model_copy(update={"size": self.members, "refusal": refusal})


def to_scim(group: ZohoGroup) -> Resource:
    """The group as a SCIM Group (RFC 7643 §4.2), without members."""
    resource: Resource = {"schemas": [GROUP], "displayName": group.display_name}
    return resource | {"externalId": group.external_id} if group.external_id else resource


def from_scim(resource: Mapping[str, JsonValue]) -> ZohoGroup:
    """The group behind a SCIM Group that Zoho One answered."""
    external_id = resource.get("externalId")
    return ZohoGroup(
        display_name=str(resource.get("displayName") or ""), external_id=str(external_id) if external_id else None
    )


def decide_deletion(account: ZohoGroupRecord | None, choice: Reflection, why: str) -> Decision:
    """What becomes of Zoho One's group when Entra's is gone. ``why``: what happened in Entra, a sentence."""
    if account is None:
        return Decision(Action.LET_GO, f"{why} Zoho One has none.")
    if choice is Reflection.NOTHING:
        reason = f'{why} The store is set to "{choice}" for deleted groups.'
        return Decision(Action.LET_GO, f"{reason} Zoho One's stays, and is no longer managed.")
    if account.adopted:
        return Decision(Action.LET_GO, f"{why} Zoho One's was there before the bridge, so it stays.")
    return Decision(Action.DELETE, f'{why} The store is set to "{choice}".')
