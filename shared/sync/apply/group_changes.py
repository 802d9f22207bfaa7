"""Each change of a group, from push and cycle alike: a write, a deletion, a set-back, a membership update, a retry."""

from dataclasses import dataclass

from shared.rules.groups.group import Group, GroupDrift, decide_deletion
from shared.rules.groups.group_write import NOBODY, GroupWrite, Permission, changed
from shared.rules.groups.member_change import MemberChange
from shared.rules.history import EventKind
from shared.rules.scim_path import Resource
from shared.rules.status import Action
from shared.rules.store import Store
from shared.sync.apply.group_settlement import GroupSettlement
from shared.sync.apply.member_accounts import MemberAccounts
from shared.sync.desired.groups import DesiredGroups
from shared.sync.errors import BeingWritten, GroupNameTaken
from shared.sync.plan.zoho_groups import ZohoGroupSearch
from shared.tables.errors import Conflict, Stale
from shared.tables.group_rows import StoredGroup
from shared.tables.groups import Groups
from shared.tables.identity_rows import MembershipUpdate


@dataclass(frozen=True)
class GroupChanges:
    """Takes changes of one group to Zoho One. Its methods raise what those of GroupSettlement raise."""

    groups: Groups
    desired: DesiredGroups
    search: ZohoGroupSearch
    accounts: MemberAccounts
    settlement: GroupSettlement

    def write(
        self, store: Store, stored: StoredGroup | None, new_id: str, resource: Resource, write: GroupWrite
    ) -> StoredGroup:
        """Write a group as Microsoft Graph shows it, and at most SLICE memberships that change; a plan let them pass.

        ``new_id``: the id of a group that the store does not have.
        """
        group = self.desired.group(store, stored, new_id, resource)
        if stored is None:
            return self._create(store, group, write)
        self.settlement.ensure_free(stored.group)
        after = changed(stored.group, group.said, write.change, write.permission, self.settlement.now())
        return self.settlement.submit(store, stored, after, write)

    def set_back(self, store: Store, stored: StoredGroup, drift: GroupDrift, reason: str) -> StoredGroup:
        """Bring Zoho One's group back to what was confirmed, after somebody changed it there.

        What Zoho One holds is looked up; what the group should hold may have changed since it was compared. Raises
        Stale where the group was written since it was found to be deleted there.
        """
        self.settlement.ensure_free(stored.group)
        missing, foreign = drift.missing, drift.foreign
        if stored.etag != drift.seen:
            if drift.actual is None:
                raise Stale
            there = self.groups.members_among(store.id, stored.group.id, missing)
            missing = tuple(one for one in missing if one in there)
            members = self.groups.members(store.id, stored.group.id) if foreign else ()
            known = self.accounts.of(store.id, members)
            foreign = tuple(sorted(set(foreign).difference(one.account for one in known.values() if one.account)))
        # Foreign members are named by their accounts.
        again, accounts = MemberChange(joining=missing, leaving=foreign), {account: account for account in foreign}
        after = stored.group if drift.actual else stored.group.model_copy(update={"account": None})
        return self.settlement.submit(store, stored, after, GroupWrite(reason, NOBODY, again, accounts, looks=True))

    def delete(self, store: Store, stored: StoredGroup, why: str, permission: Permission) -> None:
        """Write that a group is gone, as the store's settings want it. ``why``: what happened in Entra, a sentence.

        Raises HeldBack where the guard keeps it for an administrator; then it stays Entra's last word of the group.
        """
        before = stored.group
        self.settlement.ensure_free(before)
        if before.pending is not None and (found := self.search.unlinked(store, before)) is not None:
            before = before.model_copy(update={"account": found})  # an earlier try may have made it
        decision = decide_deletion(before.account, store.groups.deleted, why)
        if decision.action is Action.LET_GO:
            self.groups.remove(store.id, stored, self.settlement.event(EventKind.LET_GO, decision.reason))
        else:
            after = before.model_copy(update={"said": before.said.model_copy(update={"desired": "deleted"})})
            self.settlement.submit(store, stored, after, GroupWrite(decision.reason, permission=permission))
        self.settlement.clear(store, before.id)

    def update_membership(self, store: Store, group_id: str, note: MembershipUpdate) -> None:
        """Bring one person in or out of Zoho One's group, because their account came or went."""
        stored = self.groups.read(store.id, group_id)
        if stored is None:
            self.groups.forget(store.id, group_id, (note.person,))
            return
        self.settlement.ensure_free(stored.group)
        if not self.groups.members_among(store.id, group_id, (note.person,)):
            return  # Entra has removed the person meanwhile
        change = MemberChange(leaving=(note.person,)) if note.gone else NOBODY
        again = NOBODY if note.gone else MemberChange(joining=(note.person,))
        accounts = {note.person: note.account} if note.account else {}
        write = GroupWrite(note.reason, change, again, accounts)
        if stored.group.awaits_decision:
            self.settlement.remember(store, stored, write)
        else:
            self.settlement.submit(store, stored, stored.group, write)

    def retry(self, store: Store, group_id: str) -> None:
        """Try again what Zoho One has not confirmed of a group, or clear away what a deleted one has left behind."""
        stored = self.groups.read(store.id, group_id)
        if stored is None:
            self.settlement.clear(store, group_id)
        elif stored.group.pending is not None and not stored.group.awaits_decision:
            self.settlement.ensure_free(stored.group)
            self.settlement.submit(store, stored, stored.group, GroupWrite(stored.group.pending.reason))
            if stored.group.said.is_deleted:
                self.settlement.clear(store, group_id)

    def _create(self, store: Store, group: Group, write: GroupWrite) -> StoredGroup:
        """Write a group that the store does not have. Raises GroupNameTaken.

        Its id is Entra's, so that the same group may have left members behind when it was deleted: they go first.
        Raises BeingWritten while there are more of them.
        """
        try:
            return self.settlement.submit(store, None, group, write)
        except Conflict:
            if self.groups.holder_of(store.id, group.said.display_name) is not None:
                raise GroupNameTaken from None
        if not self.settlement.clear(store, group.id):
            raise BeingWritten(self.settlement.now())
        try:
            return self.settlement.submit(store, None, group, write)
        except Conflict:
            raise GroupNameTaken from None
