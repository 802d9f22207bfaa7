"""The guard of a pushed group: no request takes most of its members out, unless an administrator has allowed it."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.directory.group import HeldMembers
from shared.directory.guard import check_members
from shared.directory.history import Event, EventKind
from shared.directory.member_change import MemberChange
from shared.directory.store import Store
from shared.provisioning.errors import HeldBack
from shared.tables.errors import Changed
from shared.tables.group_rows import StoredGroup
from shared.tables.groups import Groups

ALLOWED = timedelta(hours=24)
"""How long an allowance lasts: Entra sends again what was refused, in a cycle of its own, at last once a day."""
CURE = "If it is meant, allow it on the group's page of the console, or raise the store's limit for members removed."


@dataclass(frozen=True)
class GroupGuard:
    """Holds requests back. Its methods raise TablesBusy."""

    groups: Groups
    now: Callable[[], datetime]

    def ensure_allowed(self, store: Store, stored: StoredGroup, change: MemberChange) -> None:
        """Let a change pass, or raise HeldBack; then the group tells of it, once for the same."""
        group, now = stored.group, self.now()
        if group.allowed_until is not None and now < group.allowed_until:
            return
        recent = group.recent.within(now)
        if check_members(len(change.leaving), group.members, store.guard, recent) is None:
            return
        leaving = self.groups.members_among(store.id, group.id, change.leaving)  # who is named may be no member
        breach = check_members(len(leaving), group.members, store.guard, recent)
        if breach is None:
            return
        told = str(breach)
        if group.held is None or group.held.told != told:
            held = group.model_copy(update={"held": HeldMembers(at=now, told=told)})
            event = Event(at=now, kind=EventKind.REFUSED, reason=f"The guard held a request back: {told}")
            with suppress(Changed):  # whoever wrote the group meanwhile told what there is to tell
                self.groups.write(store.id, stored, held, event)
        raise HeldBack(f"{told} {CURE}")

    def allow(self, store: Store, group_id: str, by: str) -> bool:
        """Let members leave beyond the limit for a while; False where there is no such group. Raises Changed."""
        stored = self.groups.read(store.id, group_id)
        if stored is None:
            return False
        until = self.now() + ALLOWED
        allowed = stored.group.model_copy(update={"held": None, "allowed_until": until})
        reason = f"{by} allowed members to be removed beyond the guard's limit until {until:%Y-%m-%d %H:%M} UTC."
        self.groups.write(store.id, stored, allowed, Event(at=self.now(), kind=EventKind.RECORDED, reason=reason))
        return True
