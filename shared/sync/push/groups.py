"""Push of groups: what Entra's provisioning service and Microsoft Graph say of a group and its members.

shared/sync/apply/group_settlement.py takes it to Zoho One.
"""

import random
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue, TypeAdapter

from shared.model import HIDDEN
from shared.rules.expressions import EvaluationContext
from shared.rules.groups.group import (
    DELETED,
    DesiredGroup,
    Group,
    GroupDrift,
    GroupSourceState,
    ZohoGroup,
    decide_deletion,
)
from shared.rules.groups.member_change import MemberChange, MemberRequest
from shared.rules.groups.settings import GroupNameFailed
from shared.rules.history import EventKind
from shared.rules.scim_path import Resource
from shared.rules.status import Action
from shared.rules.store import Store
from shared.sync.apply.group_settlement import NOBODY, SLICE, TAKEN, GroupSettlement, GroupWrite, is_same
from shared.sync.errors import BeingWritten, GroupNameTaken, Refused
from shared.sync.guard.groups import GroupGuard, Permission
from shared.tables.errors import Conflict, Stale
from shared.tables.group_rows import StoredGroup
from shared.tables.groups import GroupLookup, Groups
from shared.tables.identity_rows import MembershipUpdate

_RANDOM = random.SystemRandom()
_JSON = TypeAdapter[dict[str, JsonValue]](dict[str, JsonValue], config=HIDDEN)


@dataclass(frozen=True)
class GroupPush:
    """Takes one group's write to Zoho One. Its methods raise what those of GroupSettlement raise."""

    groups: Groups
    settlement: GroupSettlement
    guard: GroupGuard

    def now(self) -> datetime:
        """The time, by the clock that the leases are written by."""
        return self.settlement.now()

    def create(self, store: Store, resource: Resource, members: MemberRequest) -> Group:
        """A group that Entra has not written before. The same request again joins one that is still pending."""
        said = self.said(store, resource)
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
        """A group's new state, as Entra wrote it, and what it says of the members."""
        self.settlement.ensure_free(stored.group)
        before, said = stored.group, self.said(store, resource)
        same, change = is_same(said, before.said), members.change
        if members.only:
            change = members.difference(self.groups.members(store.id, before.id))
        if same and not change and before.pending is None:
            return before
        permission = self.guard.of_members(store, stored, change)
        foreign = dict[str, str]()
        if before.account is None and store.groups.exact_members:
            inside = set(self.groups.members(store.id, before.id)).difference(change.leaving).union(change.joining)
            foreign = self._foreign(store, before.saying(said), inside)
        reason = "Entra changed the group's members." if same else "Entra changed the group."
        for number, portion in enumerate(change.slices(SLICE)):
            after = self._after(stored.group, said, portion, permission)
            again = {} if number else foreign
            write = GroupWrite(reason, portion, MemberChange(leaving=tuple(again)), again)
            stored = self.settlement.submit(store, stored, after, write)
        return stored.group

    def say(
        self, store: Store, stored: StoredGroup | None, new_id: str, resource: Resource, write: GroupWrite
    ) -> StoredGroup:
        """A group as Microsoft Graph shows it, and at most SLICE memberships that change; a plan let them pass.

        ``new_id``: of a group that the store does not have.
        """
        group = self.as_said(store, stored, new_id, resource)
        if stored is None:
            return self._say_new(store, group, write)
        self.settlement.ensure_free(stored.group)
        after = self._after(stored.group, group.said, write.change, write.permission)
        return self.settlement.submit(store, stored, after, write)

    def _say_new(self, store: Store, group: Group, write: GroupWrite) -> StoredGroup:
        """A group that the store does not have. Raises GroupNameTaken.

        Its id is Entra's, so that the same group may have left members behind when it was deleted: they go first.
        Raises BeingWritten while there are more of them.
        """
        try:
            return self.settlement.submit(store, None, group, write)
        except Conflict:
            if self.groups.holder_of(store.id, group.said.display_name) is not None:
                raise GroupNameTaken(TAKEN) from None
        if not self.settlement.clear(store, group.id):
            raise BeingWritten(self.now())
        try:
            return self.settlement.submit(store, None, group, write)
        except Conflict:
            raise GroupNameTaken(TAKEN) from None

    def as_said(self, store: Store, stored: StoredGroup | None, new_id: str, resource: Resource) -> Group:
        """A group with what Entra says of it now. Raises Refused where the store's settings give it no name."""
        said = self.said(store, resource)
        return stored.group.saying(said) if stored else Group(id=new_id, said=said, created=said.modified)

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
            known = self.settlement.accounts.of(
                store.id, self.groups.members(store.id, stored.group.id) if foreign else ()
            )
            foreign = tuple(sorted(set(foreign).difference(one.account for one in known.values() if one.account)))
        # Foreign members are named by their accounts.
        again, accounts = MemberChange(joining=missing, leaving=foreign), {account: account for account in foreign}
        after = stored.group if drift.actual else stored.group.model_copy(update={"account": None})
        return self.settlement.submit(store, stored, after, GroupWrite(reason, NOBODY, again, accounts, looks=True))

    def delete(
        self, store: Store, stored: StoredGroup, why: str = DELETED, permission: Permission = Permission.ASKED
    ) -> None:
        """The group is gone from Entra, or from its scope: the store's settings say what becomes of Zoho One's.

        Raises HeldBack where the guard keeps it for an administrator; then it stays Entra's last word of the group.
        """
        before = stored.group
        self.settlement.ensure_free(before)
        if before.pending is not None and (found := self.settlement.found(store, before)) is not None:
            before = before.model_copy(update={"account": found})  # an earlier try may have made it
        decision = decide_deletion(before.account, store.groups.deleted, why)
        if decision.action is Action.LET_GO:
            self.groups.remove(store.id, stored, self.settlement.event(EventKind.LET_GO, decision.reason))
        else:
            after = before.model_copy(update={"said": before.said.model_copy(update={"desired": "deleted"})})
            self.settlement.submit(store, stored, after, GroupWrite(decision.reason, permission=permission))
        self.settlement.clear(store, before.id)

    def follow(self, store: Store, group_id: str, note: MembershipUpdate) -> None:
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

    def finish(self, store: Store, group_id: str) -> None:
        """Try again what Zoho One has not confirmed of a group, or clear away what a deleted one has left behind."""
        stored = self.groups.read(store.id, group_id)
        if stored is None:
            self.settlement.clear(store, group_id)
        elif stored.group.pending is not None and not stored.group.awaits_decision:
            self.settlement.ensure_free(stored.group)
            self.settlement.submit(store, stored, stored.group, GroupWrite(stored.group.pending.reason))
            if stored.group.said.is_deleted:
                self.settlement.clear(store, group_id)

    def said(self, store: Store, resource: Resource) -> GroupSourceState:
        """What Entra says of a group. Raises Refused where the store's settings give it no name."""
        display_name, external_id = str(resource["displayName"]), resource.get("externalId")
        external = str(external_id) if external_id else None
        desired: DesiredGroup = None
        if store.groups.are_synced:
            context = EvaluationContext(self.now(), _RANDOM, lambda _: False)
            try:
                name = store.groups.name_for(display_name, external, context)
            except GroupNameFailed as failure:
                raise Refused(f"{failure}. Look at the store's settings for groups.") from failure
            desired = ZohoGroup(display_name=name, external_id=external)
        return GroupSourceState(
            resource=_JSON.dump_json(resource).decode(),
            display_name=display_name,
            external_id=external,
            desired=desired,
            modified=self.now(),
        )

    def _after(self, group: Group, said: GroupSourceState, change: MemberChange, permission: Permission) -> Group:
        """A group as it is once Entra's word and a change of its members are written."""
        after = group.saying(said)
        if change.leaving:
            counted = permission is not Permission.DECIDED
            after = after.losing(len(change.leaving), self.now(), counted=counted)
        return after

    def _foreign(self, store: Store, group: Group, members: Iterable[str]) -> dict[str, str]:
        """The accounts that a store of exact members takes out of a group in Zoho One which a push takes over.

        Two calls to Zoho One, in such a store alone. At most SLICE: a full cycle finds the others. Raises HeldBack.
        """
        if (
            not store.groups.exact_members
            or (found := self.settlement.found(store, group)) is None
            or not found.adopted
        ):
            return {}
        shown = self.settlement.apply.look(store, found.id)
        if shown is None:
            return {}
        known = self.settlement.accounts.of(store.id, members).values()
        foreign = shown.members.difference(account.account for account in known if account.account)
        self.guard.of_adoption(store, len(foreign), len(shown.members))
        return {account: account for account in sorted(foreign)[:SLICE]}

    def _joined(self, store: Store, resource: Resource, members: MemberChange) -> StoredGroup:
        """The pending creation that has this request's name, taken over. Raises GroupNameTaken, BeingWritten."""
        said = self.said(store, resource)
        holder = self.groups.holder_of(store.id, said.display_name)
        if holder is None:
            raise BeingWritten(self.now())  # given up between the write and the read
        group = holder.group
        if group.pending is None or group.pending.before is not None or group.account is not None:
            raise GroupNameTaken(TAKEN)
        self.settlement.ensure_free(group)
        return self.settlement.submit(store, holder, group.saying(said), GroupWrite(group.pending.reason, members))
