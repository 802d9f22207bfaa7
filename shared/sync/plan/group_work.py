"""What a group needs, and what a plan says of all of them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest

from shared.rules.change import ChangeKind
from shared.rules.groups.group import GroupDrift, decide_deletion
from shared.rules.groups.group_write import NOBODY, SLICE, GroupWrite, Permission
from shared.rules.groups.member_change import MemberChange
from shared.rules.plan import GroupsThere, Plan, PlannedChange, PlannedMembers
from shared.rules.scim_path import Resource
from shared.rules.status import Action
from shared.rules.store import Store
from shared.tables.entra_groups import Look
from shared.tables.group_rows import StoredGroup


@dataclass(frozen=True)
class GroupWork:
    """What a group needs, and what it takes to do it."""

    stored: StoredGroup | None
    planned: PlannedChange | None = None
    """None: nothing."""
    resource: Resource = field(default_factory=dict)
    """The group as Entra has it; empty where it is gone."""
    gone: str = ""
    """Why it is, a sentence."""
    change: MemberChange = NOBODY
    drift: GroupDrift | None = None
    """What is set back."""
    look: Look | None = None
    """The marks that led here."""
    foreign: tuple[str, ...] = ()
    """Accounts that leave Zoho One's group of this name when it is adopted."""
    left_alone: PlannedChange | None = None
    """What is not tried now, and why."""

    def writes(self, permission: Permission) -> Iterator[GroupWrite]:
        """The change in portions that Zoho One confirms one after the other; at least one."""
        reason = self.planned.reason if self.planned else ""
        foreign = [self.foreign[start : start + SLICE] for start in range(0, len(self.foreign), SLICE)]
        for change, some in zip_longest(self.change.slices(SLICE), foreign):
            accounts = {account: account for account in some or ()}
            again = MemberChange(leaving=tuple(accounts))
            yield GroupWrite(reason, change or NOBODY, again, accounts, permission)


@dataclass(frozen=True)
class PlannedGroups:
    """What became of looking at groups."""

    changes: tuple[PlannedChange, ...] = ()
    troubles: tuple[str, ...] = ()
    """A sentence for each that cannot be planned."""
    idle: tuple[GroupWork, ...] = ()
    """Groups that were looked at and need nothing, so that their marks can go."""
    left_alone: tuple[PlannedChange, ...] = ()
    """Groups that are not tried now, and why."""
    there: GroupsThere | None = None
    """Only where groups are to be deleted."""
    looked_up: frozenset[str] = frozenset()
    """New groups whose members in Zoho One were looked up, because the store wants exactly Entra's."""
    held: tuple[str, ...] = ()
    """Groups whose deletion waited for a decision when the plan was made, by their ids."""

    def beside(self, people: Plan) -> Plan:
        """The plan of people and groups."""
        suppressed = (*people.suppressed, *self.left_alone)
        return people.model_copy(update={"groups": self.changes, "groups_there": self.there, "suppressed": suppressed})


NO_GROUPS = PlannedGroups()


def gone(store: Store, stored: StoredGroup | None, why: str, look: Look | None) -> GroupWork:
    """What a group needs that is gone. ``why``: what happened in Entra, a sentence."""
    if stored is None:
        return GroupWork(None, gone=why, look=look)
    group = stored.group
    decision = decide_deletion(group.account, store.groups.deleted, why)
    deletes = decision.action is Action.DELETE
    planned = PlannedChange(
        kind=ChangeKind.DELETE if deletes else ChangeKind.NOTHING,
        identity=group.id,
        name=group.said.display_name,
        user_name="",
        reason=decision.reason,
        pending=True,
        members=PlannedMembers(leaving=group.members if deletes else 0, of=group.members),
        judged=group.is_deletion_begun,
    )
    return GroupWork(stored, planned, gone=why, look=look)
