"""Push of groups: what Entra's provisioning service writes of a group and its members, taken to Zoho One.

As with people, the order makes a killed process harmless: transactions write what Entra says with a pending mark, then
Zoho One is called, then one transaction writes what it confirmed. One writer at a time for one group, by the lease in
its mark; so a request that adds some members and one that adds others follow each other, and neither loses anybody.
"""

import secrets
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import batched
from typing import NoReturn

from pydantic import JsonValue, TypeAdapter

from shared.directory.expressions import EvaluationContext
from shared.directory.group import (
    DELETED,
    DesiredGroup,
    Group,
    GroupDrift,
    GroupPending,
    GroupSaid,
    ZohoGroup,
    ZohoGroupRecord,
    decide_deletion,
)
from shared.directory.group_settings import GroupNameFailed
from shared.directory.history import Event, EventKind
from shared.directory.member_change import MemberChange, MemberRequest
from shared.directory.plan import ChangeKind
from shared.directory.scim_path import Resource
from shared.directory.status import Action
from shared.directory.store import Store
from shared.model import HIDDEN
from shared.provisioning.errors import BeingWritten, GroupNameTaken, Refused
from shared.provisioning.group_apply import GroupApply, GroupOutcome, Told
from shared.provisioning.group_guard import GroupGuard
from shared.provisioning.member_accounts import MemberAccount, MemberAccounts
from shared.tables.errors import Taken
from shared.tables.group_rows import StoredGroup
from shared.tables.groups import Begun, GroupLookup, Groups, NotAllChange
from shared.tables.identity_rows import Regroup
from shared.zoho.errors import ZohoBusy, ZohoCredentials, ZohoError, ZohoRefused

SLICE = 500
"""Members changed at once: a larger change is several, each complete in itself. Its mark takes a tenth of a row."""
CLEARED = 1_000
"""Members of a deleted group whose rows go within its request; the others go by the clock."""

TAKEN = "Another group of this directory store has this displayName"

EVENTS = {
    ChangeKind.NOTHING: EventKind.RECORDED,
    ChangeKind.CREATE: EventKind.CREATED,
    ChangeKind.UPDATE: EventKind.UPDATED,
    ChangeKind.DELETE: EventKind.DELETED,
}
NOBODY = MemberChange()
_RANDOM = secrets.SystemRandom()
_JSON = TypeAdapter[dict[str, JsonValue]](dict[str, JsonValue], config=HIDDEN)


@dataclass(frozen=True)
class GroupPush:
    """Takes one group's write to Zoho One. Its methods raise what those of Push raise."""

    groups: Groups
    apply: GroupApply
    accounts: MemberAccounts
    guard: GroupGuard
    now: Callable[[], datetime]
    lease: timedelta
    """How long one writer may take with one slice."""

    def create(self, store: Store, resource: Resource, members: MemberRequest) -> Group:
        """A group that Entra has not written before. The same request again joins one that is still pending."""
        said = self.said(store, resource)
        group = Group(id=uuid.uuid4().hex, said=said, created=said.modified)
        first, *others = MemberChange(joining=members.change.joining).slices(SLICE)
        reason = "The group was added in Entra."
        # Before Zoho One is asked for the name: a second group of a name would look like another's there.
        is_taken = bool(self.groups.find(store.id, GroupLookup.NAME, said.display_name))
        try:
            stored = None if is_taken else self._submit(store, None, group, first, reason)
        except Taken:
            stored = None
        stored = stored or self._joined(store, resource, first)
        for more in others:
            stored = self._submit(store, stored, stored.group, more, reason)
        return stored.group

    def change(self, store: Store, stored: StoredGroup, resource: Resource, members: MemberRequest) -> Group:
        """A group's new state, as Entra wrote it, and what it says of the members."""
        self._ensure_free(stored.group)
        before, said = stored.group, self.said(store, resource)
        same, change = _is_same(said, before.said), members.change
        if members.only:
            change = members.difference(self.groups.members(store.id, before.id))
        if same and not change and before.pending is None:
            return before
        self.guard.ensure_allowed(store, stored, change)
        reason = "Entra changed the group's members." if same else "Entra changed the group."
        for portion in change.slices(SLICE):
            after = stored.group.model_copy(update={"said": said})
            if portion.leaving:
                after = after.losing(len(portion.leaving), self.now())
            stored = self._submit(store, stored, after, portion, reason)
        return stored.group

    def say(
        self,
        store: Store,
        stored: StoredGroup | None,
        new_id: str,
        resource: Resource,
        change: MemberChange,
        reason: str,
    ) -> StoredGroup:
        """A group as Microsoft Graph shows it, and at most SLICE memberships that change; a plan let them pass.

        ``new_id``: of a group that the store does not have.
        """
        said = self.said(store, resource)
        if stored is None:
            group = Group(id=new_id, said=said, created=said.modified)
            try:
                return self._submit(store, None, group, change, reason)
            except Taken:
                raise GroupNameTaken(TAKEN) from None
        self._ensure_free(stored.group)
        after = stored.group.model_copy(update={"said": said})
        if change.leaving:
            after = after.losing(len(change.leaving), self.now())
        return self._submit(store, stored, after, change, reason)

    def set_back(self, store: Store, stored: StoredGroup, drift: GroupDrift, reason: str) -> StoredGroup:
        """Bring Zoho One's group back to what was confirmed, after somebody changed it there."""
        self._ensure_free(stored.group)
        after = stored.group.model_copy(update={"account": drift.actual})
        # Whom nobody here knows is named by his account.
        again = MemberChange(joining=drift.missing, leaving=drift.foreign)
        accounts = {account: account for account in drift.foreign}
        return self._submit(store, stored, after, NOBODY, reason, again=again, accounts=accounts)

    def delete(self, store: Store, stored: StoredGroup, why: str = DELETED) -> None:
        """The group is gone from Entra, or from its scope: the store's settings say what becomes of Zoho One's."""
        before = stored.group
        self._ensure_free(before)
        if before.pending is not None and (found := self._found(store, before)) is not None:
            # An earlier try may have made it.
            adopted = found.holds.display_name not in before.pending.attempted
            before = before.model_copy(update={"account": found.model_copy(update={"adopted": adopted})})
        decision = decide_deletion(before.account, store.groups.deleted, why)
        if decision.action is Action.LET_GO:
            self.groups.remove(store.id, stored, self._event(EventKind.LET_GO, decision.reason))
        else:
            said = before.said.model_copy(update={"desired": "deleted"})
            after = before.model_copy(update={"said": said})
            self._submit(store, stored, after, NOBODY, decision.reason, leaving=True)
        self.clear(store, before.id)

    def clear(self, store: Store, group_id: str) -> None:
        """Take away what is left of the members of a group that is gone, as far as there is time."""
        self.groups.clear_members(store.id, group_id, CLEARED)

    def follow(self, store: Store, group_id: str, note: Regroup) -> None:
        """Bring one person in or out of Zoho One's group, because his account came or went."""
        stored = self.groups.read(store.id, group_id)
        if stored is None:
            self.groups.forget(store.id, group_id, (note.person,))
            return
        self._ensure_free(stored.group)
        if not self.groups.members_among(store.id, group_id, (note.person,)):
            return  # Entra has taken him out meanwhile
        change = MemberChange(leaving=(note.person,)) if note.gone else NOBODY
        again = NOBODY if note.gone else MemberChange(joining=(note.person,))
        accounts = {note.person: note.account} if note.account else {}
        self._submit(store, stored, stored.group, change, note.reason, again=again, accounts=accounts)

    def finish(self, store: Store, group_id: str) -> None:
        """Try again what Zoho One has not confirmed of a group, or clear away what a deleted one has left behind."""
        stored = self.groups.read(store.id, group_id)
        if stored is None:
            self.clear(store, group_id)
        elif stored.group.pending is not None:
            self._ensure_free(stored.group)
            self._submit(store, stored, stored.group, NOBODY, stored.group.pending.reason)

    def said(self, store: Store, resource: Resource) -> GroupSaid:
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
        return GroupSaid(
            resource=_JSON.dump_json(resource).decode(),
            display_name=display_name,
            external_id=external,
            desired=desired,
            modified=self.now(),
        )

    def _joined(self, store: Store, resource: Resource, members: MemberChange) -> StoredGroup:
        """The pending creation that has this request's name, taken over. Raises GroupNameTaken, BeingWritten."""
        said = self.said(store, resource)
        holder = self.groups.holder_of(store.id, said.display_name)
        if holder is None:
            raise BeingWritten(self.now())  # given up between the write and the read
        group = holder.group
        if group.pending is None or group.pending.before is not None or group.account is not None:
            raise GroupNameTaken(TAKEN)
        self._ensure_free(group)
        return self._submit(store, holder, group.model_copy(update={"said": said}), members, group.pending.reason)

    def _submit(
        self,
        store: Store,
        stored: StoredGroup | None,
        after: Group,
        change: MemberChange,
        reason: str,
        *,
        again: MemberChange = NOBODY,
        accounts: dict[str, str] | None = None,
        leaving: bool = False,
    ) -> StoredGroup:
        """Write the mark, call Zoho One, write what came of it. Raises Taken only for a group that was not there."""
        earlier = stored.group.pending if stored else None
        rows = change
        if stored is not None and earlier is not None:
            change, again, rows = self._with_earlier(store, stored, earlier, change, again)
        found = self._found(store, after)
        pending = GroupPending(
            reason=reason,
            before=earlier.before if earlier else stored.group.said if stored else None,
            members=change,
            again=again,
            accounts=(earlier.accounts if earlier else {}) | (accounts or {}),
            attempted=self._attempted(after, earlier, found is None),
            leaving=leaving or (earlier.leaving if earlier else False),
            writer=secrets.token_hex(8),
            lease_ends=self.now() + self.lease,
        )
        marked = after.model_copy(update={"pending": pending})
        try:
            begun = self.groups.begin(store.id, stored, marked, rows, sure=earlier is not None)
        except NotAllChange as less:
            if stored is not None and not less.exact and not again and _is_same(after.said, stored.group.said):
                return stored  # everybody is in or out already
            begun = self.groups.begin(store.id, stored, marked.changing(less.exact), less.exact, sure=True)
        except Taken:
            if stored is None:
                raise
            raise GroupNameTaken(TAKEN) from None
        return self._finish(store, begun, certain=earlier is None, found=found)

    def _with_earlier(
        self, store: Store, stored: StoredGroup, earlier: GroupPending, change: MemberChange, again: MemberChange
    ) -> tuple[MemberChange, MemberChange, MemberChange]:
        """A change on top of one that may have come through or not: what both make of what was confirmed last.

        With it, whom Zoho One has to be told again, and the rows to put right.
        """
        named = MemberChange().then(earlier.members.joining, earlier.members.leaving)
        unknown = set(change.everybody) - set(named.everybody)
        there = self.groups.members_among(store.id, stored.group.id, unknown)
        confirmed = there | set(earlier.members.leaving)
        both = named.then(change.joining, change.leaving)
        exact = both.among(confirmed)
        told = earlier.again.then(again.joining, again.leaving).then(both.joining, both.leaving)
        rest = [one for one in told.everybody if one not in set(exact.everybody)]
        joining = set(told.joining)
        left_over = MemberChange(
            joining=tuple(one for one in rest if one in joining),
            leaving=tuple(one for one in rest if one not in joining),
        )
        return exact, left_over, both

    def _found(self, store: Store, group: Group) -> ZohoGroupRecord | None:
        """What Zoho One has of a group that the bridge has no link to. Raises Refused where it is another's."""
        try:
            return self.apply.find(store, group) if group.account is None else None
        except ZohoRefused as refusal:
            raise Refused(f"Zoho One refused: {refusal}") from refusal

    def _attempted(self, after: Group, earlier: GroupPending | None, free: bool) -> tuple[str, ...]:
        """The names that Zoho One may have made a group of: those it had none of when it was asked first."""
        names = earlier.attempted if earlier else ()
        if after.account is None and free and isinstance(after.said.desired, ZohoGroup):
            names = (*names, after.said.desired.display_name)
        return tuple(dict.fromkeys(names))

    def _finish(self, store: Store, begun: Begun, *, certain: bool, found: ZohoGroupRecord | None) -> StoredGroup:
        """Call Zoho One for a pending group whose lease is ours, and write what came of it."""
        group = begun.stored.group
        pending = group.pending
        assert pending is not None  # every caller has just written it
        joining = (*pending.members.joining, *pending.again.joining)
        leaving = (*pending.members.leaving, *pending.again.leaving)
        asks = group.said.desired not in (None, "deleted")
        people = self.accounts.of(store.id, (*joining, *leaving)) if asks else {}
        told = _told(people, joining, leaving, pending.accounts) if asks else Told()

        def everybody() -> Iterator[str]:
            if pending.before is None and certain:
                return iter(told.joining)
            return self._accounts_of_all(store, group.id)

        try:
            outcome = self.apply.apply(store, group, told, everybody, found, certain=certain)
        except ZohoRefused as refusal:
            self.accounts.forget(store.id, people)
            self._go_back(store, begun, refusal)
        except (ZohoBusy, ZohoCredentials) as failure:
            self._let_go(store, begun, failure)
            raise
        event = self._event_of(group, outcome, people)
        if pending.leaving:
            self.groups.remove(store.id, begun.stored, event)
            return begun.stored
        regroup = [Regroup(one, pending.reason) for one, known in people.items() if known.unsettled]
        try:
            return self.groups.end(store.id, begun, group.settled(outcome.account), event, regroup)
        except Taken:
            self._go_back(store, begun, ZohoRefused("The group in Zoho One belongs to another group"))

    def _accounts_of_all(self, store: Store, group_id: str) -> Iterator[str]:
        for people in batched(self.groups.members(store.id, group_id), SLICE, strict=False):
            yield from (known.joins for known in self.accounts.of(store.id, people).values() if known.joins)

    def _go_back(self, store: Store, begun: Begun, refusal: ZohoRefused) -> NoReturn:
        """Undo the write that Zoho One refused: a creation leaves nothing behind, a change what was there before."""
        group = begun.stored.group
        assert group.pending is not None
        event = self._event(EventKind.REFUSED, str(refusal))
        if group.pending.before is None:
            self.groups.remove(store.id, begun.stored, event)
            self.clear(store, group.id)
        else:
            back = group.model_copy(update={"said": group.pending.before, "pending": None})
            self.groups.undo(store.id, begun, back, group.pending.members.undone, event)
        raise Refused(f"Zoho One refused: {refusal}") from refusal

    def _let_go(self, store: Store, begun: Begun, failure: ZohoError) -> None:
        """Give the lease back, so that the same request sent again need not wait for its end."""
        group = begun.stored.group
        assert group.pending is not None
        pending = group.pending.model_copy(update={"writer": None, "failure": str(failure)})
        self.groups.end(store.id, begun, group.model_copy(update={"pending": pending}), None)

    def _ensure_free(self, group: Group) -> None:
        if (until := group.leased_until(self.now())) is not None:
            raise BeingWritten(until)

    def _event_of(self, group: Group, outcome: GroupOutcome, people: dict[str, MemberAccount]) -> Event:
        assert group.pending is not None  # what was confirmed was pending
        kind = EventKind.ADOPTED if outcome.adopted else EVENTS[outcome.kind]
        whose = {known.account: person for person, known in people.items() if known.account}
        whose |= {account: person for person, account in group.pending.accounts.items()}
        refused = "".join(f" Zoho One refused a member: {reason}" for reason in sorted(set(outcome.refused.values())))
        return Event(
            at=self.now(),
            kind=kind,
            reason=group.pending.reason + refused,
            fields=outcome.fields,
            joined=tuple(whose[one] for one in outcome.told.joining if one in whose),
            left=tuple(whose[one] for one in outcome.told.leaving if one in whose),
            waiting=tuple(one for one in group.pending.members.joining if one not in people or not people[one].joins),
        )

    def _event(self, kind: EventKind, reason: str) -> Event:
        return Event(at=self.now(), kind=kind, reason=reason)


def _is_same(said: GroupSaid, before: GroupSaid) -> bool:
    """Whether Entra says the same, and the store makes the same of it."""
    return said.resource == before.resource and said.desired == before.desired


def _told(
    people: dict[str, MemberAccount], joining: Iterable[str], leaving: Iterable[str], gone: dict[str, str]
) -> Told:
    """Whom Zoho One is told of: who has no account is in no group there, and who is not active leaves."""
    coming = [people[one] for one in joining]
    inside = [known.joins for known in coming if known.joins]
    outside = [known.account for known in coming if known.account and not known.active and not known.unsettled]
    outside += [account for one in leaving if (account := gone.get(one) or people[one].account)]
    return Told(tuple(inside), tuple(outside))
