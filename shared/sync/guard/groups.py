"""The guard of groups: no request takes most of a group's members out, and no two take most of the groups.

What a plan does was judged as a whole (shared/rules/guard.py); its deletions are counted here all the same.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.rules.groups.group import Group, GroupPendingChange
from shared.rules.groups.group_write import Permission
from shared.rules.groups.hold import Allowance, HeldMembers, Removal
from shared.rules.groups.member_change import MemberChange
from shared.rules.guard import Breach, check_group_deletions, check_members
from shared.rules.history import Event, EventKind
from shared.rules.store import Store
from shared.sync.errors import HeldBack
from shared.sync.plan.group_counts import GroupCounts
from shared.tables.deleted_groups import DeletedGroups
from shared.tables.errors import Conflict, Stale
from shared.tables.group_rows import StoredGroup
from shared.tables.groups import Begun, Groups
from shared.tables.recent_deprovisionings import DISCARDED_DELETION, DeprovisioningCounts
from shared.tables.record_table import Operation

ALLOWED = timedelta(hours=24)
"""How long an allowance lasts: Entra sends again what was refused, in a cycle of its own, at last once a day."""
CURE = "If it is meant, allow it on the group's page of the console, or raise the store's limit for groups."
NEXT_PLAN = "Other groups were deleted since the plan was made; the next cycle shows it again."
CURE_OF_ADOPTION = (
    "The group of this name in Zoho One would be adopted, and the store wants exactly Entra's members. If that is "
    "meant, raise the store's limit for members removed, or take them out of the group in Zoho One."
)


@dataclass(frozen=True)
class GroupGuard:
    """Holds requests back. Its methods raise TablesBusy."""

    groups: Groups
    deletions: DeletedGroups
    counts: GroupCounts
    deprovisionings: DeprovisioningCounts
    now: Callable[[], datetime]

    def of_members(self, store: Store, stored: StoredGroup, change: MemberChange) -> Permission:
        """By what right a pushed change takes members out. Raises HeldBack; the group tells of it, once for the same.

        Costs a round trip for each who leaves only where the limit seems to be passed.
        """
        group, recent = stored.group, stored.group.recent.within(self.now())
        if check_members(len(change.leaving), group.members, store.guard, recent) is None:
            return Permission.ASKED
        # A request may name people who are no members.
        leaving = self.groups.members_among(store.id, group.id, change.leaving)
        breach = check_members(len(leaving), group.members, store.guard, recent)
        if breach is None:
            return Permission.ASKED
        removal = Removal.of(leaving)
        if self._is_allowed(group, removal):
            return Permission.DECIDED
        self._hold(store, stored, group, str(breach), removal)
        raise HeldBack(f"{breach} {CURE}")

    def of_adoption(self, store: Store, leaving: int, there: int) -> None:
        """Raise HeldBack where adopting Zoho One's group takes too many members out of it."""
        if (breach := check_members(leaving, there, store.guard, 0)) is not None:
            raise HeldBack(f"{breach} {CURE_OF_ADOPTION}")

    def begin_deletion(
        self,
        store: Store,
        stored: StoredGroup,
        reason: str,
        permission: Permission,
        begin: Callable[[Operation | None], Begun],
    ) -> Begun:
        """Begin the deletion of a group, and count it in the same transaction. Raises HeldBack and Stale.

        ``begin``: writes the pending change together with an operation; called again, perhaps, after Stale or Conflict.
        A deletion that is held back stays with the group as Entra's last word, for the plan that is shown.
        """
        if permission is Permission.ASKED and self._is_allowed(stored.group, Removal.of_group(stored.group.members)):
            permission = Permission.DECIDED
        if stored.group.is_deletion_begun or permission is Permission.DECIDED:
            return begin(None)
        if permission is Permission.ASKED and self._is_discarded(store, stored.group):
            self._hold_deletion(store, stored, reason, DISCARDED_DELETION)
            raise HeldBack(f"{DISCARDED_DELETION} {CURE}")
        while True:
            deleted = self.deletions.read(store.id)
            breach = self._breach(store, stored.group, permission, deleted.counts.within(self.now()))
            if breach is not None:
                if permission is Permission.ASKED:
                    self._hold_deletion(store, stored, reason, str(breach))
                raise HeldBack(f"{breach} {CURE if permission is Permission.ASKED else NEXT_PLAN}")
            try:
                return begin(self.deletions.one_more(store.id, deleted, self.now()))
            except (Stale, Conflict):
                if self.deletions.read(store.id).etag == deleted.etag:
                    raise Stale from None  # it was the group that another has written

    def allow(self, store: Store, group_id: str, by: str) -> bool:
        """Let the request that was held back pass for a while; False where there is none. Raises Stale."""
        stored = self.groups.read(store.id, group_id)
        if stored is None or stored.group.held is None or stored.group.held.removal is None:
            return False
        removal, until = stored.group.held.removal, self.now() + ALLOWED
        allowance = Allowance(until=until, removal=removal)
        allowed = stored.group.model_copy(update={"held": None, "allowed": allowance})
        members = f"{removal.leaving} member{'' if removal.leaving == 1 else 's'}"
        what = f"the group with its {members} to be deleted" if removal.deletion else f"{members} to be removed"
        reason = f"{by} allowed {what} beyond the guard's limit until {until:%Y-%m-%d %H:%M} UTC."
        self.groups.write(store.id, stored, allowed, Event(at=self.now(), kind=EventKind.RECORDED, reason=reason))
        return True

    def _breach(self, store: Store, group: Group, permission: Permission, recent: int) -> Breach | None:
        """The limit that a deletion passes now. A plan has judged the members; pushes may have come since."""
        if permission is Permission.ASKED:
            members = check_members(group.members, group.members, store.guard, group.recent.within(self.now()))
            if members is not None:
                return members
        return check_group_deletions(1, self.counts.there(store, 1).now, store.guard, recent)

    def _is_discarded(self, store: Store, group: Group) -> bool:
        """Whether an administrator discarded a plan with this deletion. Two round trips at most."""
        recent = self.deprovisionings.read(store.id).recent
        return bool(self.deprovisionings.discarded_among(store.id, recent, (group.id,)))

    def _hold_deletion(self, store: Store, stored: StoredGroup, reason: str, told: str) -> None:
        """Keep a deletion as Entra's last word. What may be under way stays pending, to be looked at first."""
        group = stored.group
        said = group.said.model_copy(update={"desired": "deleted"})
        new = GroupPendingChange(reason=reason, before=group.said, lease_ends=self.now())
        pending = (group.pending or new).model_copy(update={"reason": reason, "counted": False, "writer": None})
        after = group.model_copy(update={"said": said, "pending": pending})
        self._hold(store, stored, after, told, Removal.of_group(group.members))

    def _is_allowed(self, group: Group, removal: Removal) -> bool:
        allowed = group.allowed
        return allowed is not None and self.now() < allowed.until and allowed.removal.covers(removal)

    def _hold(self, store: Store, stored: StoredGroup, after: Group, told: str, removal: Removal) -> None:
        """Keep what was held back; the history tells it once."""
        before, now = stored.group.held, self.now()
        if before is not None and (before.told, before.removal) == (told, removal) and after == stored.group:
            return
        is_new = before is None or (before.told, before.removal) != (told, removal)
        reason = f"The guard held a request back: {told}"
        event = Event(at=now, kind=EventKind.REFUSED, reason=reason) if is_new else None
        held = after.model_copy(update={"held": HeldMembers(at=now, told=told, removal=removal)})
        with suppress(Stale):  # another request has written the group, and Entra sends this one again
            self.groups.write(store.id, stored, held, event)
