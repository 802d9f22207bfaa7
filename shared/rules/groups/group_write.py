"""What one write of a group changes, beside what Entra says of the group itself."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from shared.rules.groups.group import Group, GroupSourceState
from shared.rules.groups.member_change import MemberChange

SLICE = 500
"""Members changed at once: a larger change is several, each complete in itself. Its mark takes a tenth of a row."""

NOBODY = MemberChange()


class Permission(StrEnum):
    """Who let a removal pass."""

    ASKED = "asked"  # nobody yet: a push, which the guard judges and counts
    PLANNED = "planned"  # the guard, as part of a plan: it is counted, beside what was pushed since
    DECIDED = "decided"  # an administrator: it does not count against what follows


@dataclass(frozen=True)
class GroupWrite:
    """What one write of a group changes, beside what Entra says of it."""

    reason: str
    change: MemberChange = NOBODY
    """Members who come and go."""
    again: MemberChange = NOBODY
    """Members that Zoho One has to be told of though Entra says nothing new of them."""
    accounts: Mapping[str, str] = field(default_factory=dict)
    """The accounts of people named above who have no identity in the bridge."""
    permission: Permission = Permission.PLANNED
    """By what right a group is deleted, or loses members."""
    looks: bool = False
    """Zoho One is asked what it holds, though no answer is open: somebody has changed the group there."""

    def digest(self, desired: object) -> str:
        """The same for a write that is tried again."""
        parts = (desired, self.change, self.again)
        return hashlib.sha256("\n".join(map(repr, parts)).encode()).hexdigest()


def changed(group: Group, said: GroupSourceState, change: MemberChange, permission: Permission, now: datetime) -> Group:
    """A group as it is once Entra's word and a change of its members are written."""
    after = group.saying(said)
    if change.leaving:
        after = after.losing(len(change.leaving), now, counted=permission is not Permission.DECIDED)
    return after
