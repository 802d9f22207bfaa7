"""Push of groups: what Entra's provisioning service writes of a group and its members, taken to Zoho One."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from shared.rules.groups.group import DELETED, Group, GroupSourceState
from shared.rules.groups.group_write import SLICE, GroupWrite, Permission, changed
from shared.rules.groups.member_change import MemberChange, MemberRequest
from shared.rules.scim_path import Resource
from shared.rules.store import Store
from shared.rules.user_name import folded
from shared.sync.apply.group_changes import GroupChanges
from shared.sync.apply.group_settlement import GroupSettlement
from shared.sync.apply.member_accounts import MemberAccounts
from shared.sync.desired.groups import DesiredGroups, is_same
from shared.sync.errors import GroupNameTaken
from shared.sync.guard.groups import GroupGuard
from shared.sync.plan.zoho_groups import ZohoGroupSearch
from shared.tables.errors import Conflict
from shared.tables.group_rows import StoredGroup
from shared.tables.groups import GroupLookup, Groups


@dataclass(frozen=True)
class GroupPush:
    """Takes one group's write to Zoho One. Its methods raise what those of GroupSettlement raise."""

    groups: Groups
    desired: DesiredGroups
    search: ZohoGroupSearch
    guard: GroupGuard
    accounts: MemberAccounts
    settlement: GroupSettlement
    changes: GroupChanges

    def now(self) -> datetime:
        """The time, from the clock that dates the leases."""
        return self.settlement.now()

    def create(self, store: Store, resource: Resource, members: MemberRequest) -> Group:
        """Create a group. The same request, sent again, joins a creation that is still pending.

        Of a group that the store knows already, by a cycle or by pushes of before, it is a change: Entra's service has
        not found it, because it looked for a name that it had not told yet.
        """
        said = self.desired.of(store, resource)
        if (known := self._known(store, said)) is not None:
            return self.change(store, known, resource, members)
        group = Group(id=uuid.uuid4().hex, said=said, created=said.modified)
        first, *others = MemberChange(joining=members.change.joining).slices(SLICE)
        # Before Zoho One is asked for the name: a second group of a name would look like another's there.
        is_taken = bool(self.groups.find(store.id, GroupLookup.NAME, said.display_name))
        reason = "The group was added in Entra."
        foreign = {} if is_taken else self._foreign(store, group, members.change.joining)
        write = GroupWrite(reason, first, MemberChange(leaving=tuple(foreign)), foreign)
        try:
            stored = None if is_taken else self.settlement.submit(store, None, group, write)
        except Conflict:
            stored = None
        stored = stored or self._joined(store, resource, first)
        for more in others:
            stored = self.settlement.submit(store, stored, stored.group, GroupWrite(reason, more))
        return stored.group

    def change(self, store: Store, stored: StoredGroup, resource: Resource, members: MemberRequest) -> Group:
        """Write a group's new state, as Entra sent it, and what it says of the members."""
        self.settlement.ensure_free(stored.group)
        before, said = stored.group, self.desired.of(store, resource)
        same, change = is_same(said, before.said), members.change
        if members.only:
            change = members.difference(self.groups.members(store.id, before.id))
        if same and not change and before.pending is None:
            return before
        permission = self.guard.of_members(store, stored, change)
        foreign = dict[str, str]()
        if before.account is None and store.groups.exact_members:
            inside = set(self.groups.members(store.id, before.id)).difference(change.leaving).union(change.joining)
            foreign = self._foreign(store, before.with_source_state(said), inside)
        reason = "Entra changed the group's members." if same else "Entra changed the group."
        for number, portion in enumerate(change.slices(SLICE)):
            after = changed(stored.group, said, portion, permission, self.now())
            again = {} if number else foreign
            write = GroupWrite(reason, portion, MemberChange(leaving=tuple(again)), again)
            stored = self.settlement.submit(store, stored, after, write)
        return stored.group

    def delete(self, store: Store, stored: StoredGroup) -> None:
        """Entra has deleted the group. Raises HeldBack where the guard keeps it for an administrator."""
        self.changes.delete(store, stored, DELETED, Permission.ASKED)

    def _known(self, store: Store, said: GroupSourceState) -> StoredGroup | None:
        """The group of the same object in Entra. Under its own name, it is found as the creation that it may be."""
        if said.object_id is None or said.external_id is None:
            return None
        for found in self.groups.find(store.id, GroupLookup.EXTERNAL_ID, said.external_id):
            stored = self.groups.read(store.id, found.id)
            if stored is not None and folded(stored.group.said.display_name) != folded(said.display_name):
                return stored
        return None

    def _foreign(self, store: Store, group: Group, members: Iterable[str]) -> dict[str, str]:
        """The accounts that a store of exact members takes out of a group in Zoho One which a push adopts.

        Two calls to Zoho One, in such a store alone. At most SLICE: a full cycle finds the others. Raises HeldBack.
        """
        there = self.search.members_to_adopt(store, group) if store.groups.exact_members else frozenset[str]()
        if not there:
            return {}
        known = self.accounts.of(store.id, members).values()
        foreign = there.difference(account.account for account in known if account.account)
        self.guard.of_adoption(store, len(foreign), len(there))
        return {account: account for account in sorted(foreign)[:SLICE]}

    def _joined(self, store: Store, resource: Resource, members: MemberChange) -> StoredGroup:
        """The pending creation that has this request's name, gone on with. Raises GroupNameTaken, BeingWritten."""
        said = self.desired.of(store, resource)
        holder = self.groups.holder_of(store.id, said.display_name)
        self.settlement.ensure_joinable(holder.group if holder else None, GroupNameTaken())
        assert holder is not None  # or it cannot be joined
        group = holder.group
        assert group.pending is not None  # the same
        return self.settlement.submit(
            store, holder, group.with_source_state(said), GroupWrite(group.pending.reason, members)
        )
