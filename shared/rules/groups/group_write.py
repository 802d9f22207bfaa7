"""One write of a group's members, beside the group's own source state."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from shared.rules.groups.group import Group, GroupSourceState
from shared.rules.groups.member_change import MemberChange

SLICE = 500
"""Members changed at once: a larger change is split into complete slices. A pending slice takes a tenth of a row."""

NOBODY = MemberChange()


class Permission(StrEnum):
    """The permission for a removal."""

    ASKED = "asked"  # none yet: a push, which the guard judges and counts
    PLANNED = "planned"  # by the guard, as part of a plan: it is counted, together with later pushes
    DECIDED = "decided"  # by an administrator: it does not count against later requests


@dataclass(frozen=True)
class GroupWrite:
    """The changes of one write, beside the source state."""

    reason: str
    change: MemberChange = NOBODY
    """Members to add and to remove."""
    again: MemberChange = NOBODY
    """Members to send to Zoho One although their source state is unchanged."""
    accounts: Mapping[str, str] = field(default_factory=dict)
    """The accounts of members above without an identity in the bridge."""
    permission: Permission = Permission.PLANNED
    """The permission to delete the group or to remove members."""
    looks: bool = False
    """Whether to read the group in Zoho One without an open answer: somebody has changed it there."""

    def digest(self, desired: object) -> str:
        """Return a digest: equal for a retried write."""
        parts = (desired, self.change, self.again)
        return hashlib.sha256("\n".join(map(repr, parts)).encode()).hexdigest()


def changed(group: Group, said: GroupSourceState, change: MemberChange, permission: Permission, now: datetime) -> Group:
    """Return the group after writing a source state and a change of its members."""
    after = group.with_source_state(said)
    if change.leaving:
        after = after.without_members(len(change.leaving), now, counted=permission is not Permission.DECIDED)
    return after
