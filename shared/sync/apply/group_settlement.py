"""From a group's pending mark to what Zoho One confirmed: the one way for push, cycle, on demand and the clock.

One transaction writes what Entra says with the mark, then Zoho One is called, then one transaction writes what it
confirmed. What was sent stays in the mark until its answer is known, however many words of Entra's come after it. One
writer at a time for one group, by the lease in its mark.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import batched
from typing import NoReturn

from shared.rules.change import ChangeKind
from shared.rules.groups.conclusion import Told, after_refusal
from shared.rules.groups.group import Group, GroupPendingChange, GroupSourceState, ZohoGroup, ZohoGroupRecord
from shared.rules.groups.member_change import MemberChange
from shared.rules.groups.refusal import GroupRefusal, change_digest
from shared.rules.history import Event, EventKind
from shared.rules.store import Store
from shared.sync.apply.member_accounts import MemberAccount, MemberAccounts
from shared.sync.apply.zoho_groups import GroupOutcome, GroupWriter
from shared.sync.errors import BeingWritten, GroupNameTaken, Refused
from shared.sync.guard.groups import GroupGuard, Permission
from shared.tables.errors import Conflict
from shared.tables.group_rows import StoredGroup
from shared.tables.groups import Begun, Groups, NotAllChange
from shared.tables.identity_rows import MembershipUpdate
from shared.zoho.errors import ZohoBusy, ZohoCredentials, ZohoError, ZohoRefused

SLICE = 500
"""Members changed at once: a larger change is several, each complete in itself. Its mark takes a tenth of a row."""
CLEARED = 1_000
"""Members of a deleted group whose rows go within its request; the clock clears the others."""

TAKEN = "Another group of this directory store has this displayName"

EVENTS = {
    ChangeKind.NOTHING: EventKind.RECORDED,
    ChangeKind.CREATE: EventKind.CREATED,
    ChangeKind.UPDATE: EventKind.UPDATED,
    ChangeKind.DELETE: EventKind.DELETED,
}
NOBODY = MemberChange()


@dataclass(frozen=True)
class GroupWrite:
    """What one write of a group changes beside what Entra says of it."""

    reason: str
    change: MemberChange = NOBODY
    """Members who come and go."""
    again: MemberChange = NOBODY
    """Members of whom Zoho One has to be told though Entra says nothing new of them."""
    accounts: Mapping[str, str] = field(default_factory=dict)
    """The accounts of those named above of whom the bridge has no identity."""
    permission: Permission = Permission.PLANNED
    """By what right a group is deleted, or loses members."""
    looks: bool = False
    """Zoho One is asked what it holds, though no answer is open: somebody has changed the group there."""

    def digest(self, desired: object) -> str:
        """The same for a write that is tried again."""
        return change_digest(desired, self.change, self.again)


@dataclass(frozen=True)
class GroupSettlement:
    """Takes one group's write to Zoho One.

    Its methods raise PushError, ZohoBusy and ZohoCredentials (the write is kept and stays pending), TablesBusy, and
    Stale where another request has written the group since it was read.
    """

    groups: Groups
    apply: GroupWriter
    accounts: MemberAccounts
    guard: GroupGuard
    now: Callable[[], datetime]
    spread: Callable[[], float]
    """A number from 0 to 1, by chance."""
    lease: timedelta
    """How long one writer may take with one slice."""

    def submit(self, store: Store, stored: StoredGroup | None, after: Group, write: GroupWrite) -> StoredGroup:
        """Write the mark, call Zoho One, write what came of it. Raises Conflict only for a group that was not there."""
        of, change, again, rows = write.digest(after.said.desired), write.change, write.again, write.change
        refusal = stored.group.refusal if stored else None
        if refusal is not None and (why := refusal.waits(of, self.now())) is not None:
            raise Refused(why)
        earlier = stored.group.pending if stored else None
        if stored is not None and earlier is not None:
            change, again, rows = self._with_earlier(store, stored, earlier, change, again)
        try:
            found = self.found(store, after)
        except Refused as why_not:
            self._note_refusal(store, stored, after, of, str(why_not.__cause__ or why_not))
            raise
        pending = GroupPendingChange(
            reason=write.reason,
            before=earlier.before if earlier else stored.group.said if stored else None,
            members=change,
            again=again,
            accounts=(earlier.accounts if earlier else {}) | dict(write.accounts),
            attempted=_attempted(after, earlier, found is None),
            found=found or (earlier.found if earlier else None),
            counted=after.said.is_deleted,
            writer=secrets.token_hex(8),
            lease_ends=self.now() + self.lease,
        )
        marked, certain = after.model_copy(update={"pending": pending}), earlier is None and not write.looks
        try:
            begun = self._begin(store, stored, marked, rows, write, certain=certain)
        except NotAllChange as less:
            if stored is not None and not less.exact and not again and is_same(after.said, stored.group.said):
                return stored  # everybody is in or out already
            begun = self.groups.begin(store.id, stored, marked.changing(less.exact), less.exact, sure=True)
        except Conflict:
            if stored is None:
                raise
            raise GroupNameTaken(TAKEN) from None
        return self._finish(store, begun, of, certain=certain, found=found)

    def remember(self, store: Store, stored: StoredGroup, write: GroupWrite) -> None:
        """Add to the mark of a group whose deletion waits for a decision, without a call to Zoho One."""
        mark = stored.group.pending
        assert mark is not None  # it holds the deletion
        change, again, rows = self._with_earlier(store, stored, mark, write.change, write.again)
        accounts = mark.accounts | dict(write.accounts)
        more = mark.model_copy(update={"members": change, "again": again, "accounts": accounts})
        marked = stored.group.model_copy(update={"pending": more})
        begun = self.groups.begin(store.id, stored, marked, rows, sure=True)
        self.groups.end(store.id, begun, marked, None)

    def found(self, store: Store, group: Group) -> ZohoGroupRecord | None:
        """What Zoho One has of a group that the bridge has no link to. Raises Refused where it is another's."""
        try:
            return self.apply.find(store, group) if group.account is None else None
        except ZohoRefused as refusal:
            raise Refused(f"Zoho One refused: {refusal}") from refusal

    def ensure_free(self, group: Group) -> None:
        """Raise BeingWritten while another writer has the lease."""
        if (until := group.leased_until(self.now())) is not None:
            raise BeingWritten(until)

    def clear(self, store: Store, group_id: str) -> bool:
        """Take away what is left of the members of a group that is gone, at most CLEARED; whether none is left."""
        return self.groups.clear_members(store.id, group_id, CLEARED)

    def event(self, kind: EventKind, reason: str) -> Event:
        """A line of the history, as of now."""
        return Event(at=self.now(), kind=kind, reason=reason)

    def _begin(
        self,
        store: Store,
        stored: StoredGroup | None,
        marked: Group,
        rows: MemberChange,
        write: GroupWrite,
        *,
        certain: bool,
    ) -> Begun:
        if stored is None or not marked.said.is_deleted:
            return self.groups.begin(store.id, stored, marked, rows, sure=not certain)
        begin = partial(self.groups.begin, store.id, stored, marked, rows, sure=True)
        return self.guard.begin_deletion(
            store, stored, write.reason, write.permission, lambda count: begin(count=count)
        )

    def _with_earlier(
        self, store: Store, stored: StoredGroup, earlier: GroupPendingChange, change: MemberChange, again: MemberChange
    ) -> tuple[MemberChange, MemberChange, MemberChange]:
        """A change on top of one that may have come through or not: what both make of what was confirmed last.

        With it, the members of whom Zoho One has to be told again, and the rows to put right.
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

    def _finish(
        self, store: Store, begun: Begun, of: str, *, certain: bool, found: ZohoGroupRecord | None
    ) -> StoredGroup:
        """Call Zoho One for a pending group whose lease is ours, and write what came of it."""
        group = begun.stored.group
        pending = group.pending
        assert pending is not None  # every caller has just written it
        joining = (*pending.members.joining, *pending.again.joining)
        leaving = (*pending.members.leaving, *pending.again.leaving)
        asks = group.said.desired is not None and not group.said.is_deleted
        people = self.accounts.of(store.id, (*joining, *leaving)) if asks else {}
        told = _told(people, joining, leaving, pending.accounts) if asks else Told()

        whose = dict[str, str]()

        def everybody() -> Iterator[str]:
            if pending.before is None and certain:
                return iter(told.joining)
            return self._accounts_of_all(store, group.id, frozenset(pending.members.leaving), whose)

        try:
            outcome = self.apply.apply(store, group, told, everybody, found, certain=certain)
        except ZohoRefused as refusal:
            self.accounts.forget(store.id, people)
            self._go_back(store, begun, of, refusal, len(told), certain=certain)
        except (ZohoBusy, ZohoCredentials) as failure:
            self._give_back(store, begun, failure)
            raise
        event = self._event_of(group, outcome, people, whose)
        if group.said.is_deleted:
            self.groups.remove(store.id, begun.stored, event)
            return begun.stored
        late = (one for one, known in people.items() if known.unsettled)
        membership_update = [
            MembershipUpdate(one, pending.reason)
            for one in (*late, *self._with_another_account(store, people, outcome))
        ]
        remains = group.refusal.kept(of, self.now()) if group.refusal else None
        try:
            return self.groups.end(store.id, begun, group.settled(outcome.account, remains), event, membership_update)
        except Conflict:
            another = ZohoRefused("The group in Zoho One belongs to another group")
            self._go_back(store, begun, of, another, len(told), certain=False)

    def _with_another_account(
        self, store: Store, people: Mapping[str, MemberAccount], outcome: GroupOutcome
    ) -> list[str]:
        """Those whom Zoho One refused by an account that they have no more: another worker made them a new one."""
        refused = [one for one, known in people.items() if known.account in outcome.refused]
        self.accounts.forget(store.id, refused)
        now = self.accounts.of(store.id, refused)
        return [one for one, known in now.items() if known.joins and known.account != people[one].account]

    def _accounts_of_all(
        self, store: Store, group_id: str, leaving: frozenset[str], whose: dict[str, str]
    ) -> Iterator[str]:
        """The accounts of all members, and in ``whose`` the people they are of.

        The rows of those who are leaving may not be gone yet.
        """
        for people in batched(self.groups.members(store.id, group_id), SLICE, strict=False):
            staying = [one for one in people if one not in leaving]
            for one, known in self.accounts.of(store.id, staying).items():
                if known.joins:
                    whose[known.joins] = one
                    yield known.joins

    def _go_back(
        self, store: Store, begun: Begun, of: str, refusal: ZohoRefused, sent: int, *, certain: bool
    ) -> NoReturn:
        """Undo the write that Zoho One refused.

        A pushed creation leaves nothing behind; a change what was there before, with a mark for what may have come
        through in part. A group that Graph named first stays known: no push asks for it again, and a later cycle does.
        """
        group, now = begun.stored.group, self.now()
        pending = group.pending
        assert pending is not None  # it was refused
        if pending.before is None and not group.is_of_graph:
            self.groups.remove(store.id, begun.stored, self.event(EventKind.REFUSED, str(refusal)))
            self.clear(store, group.id)
        else:
            made = pending.found if pending.found and not pending.found.adopted else None
            known = group.model_copy(update={"account": group.account or made})
            told, event = self._refused(group, of, str(refusal))
            undone = {
                "said": pending.before or group.said,
                "pending": after_refusal(known, sent, now, certain=certain),
                "refusal": told,
            }
            back = known.model_copy(update=undone)
            self.groups.undo(store.id, begun, back, pending.members.undone, event)
        raise Refused(f"Zoho One refused: {refusal}") from refusal

    def _note_refusal(self, store: Store, stored: StoredGroup | None, after: Group, of: str, reason: str) -> None:
        """Keep what was refused before anything was written, unless it is a push that asks again by itself."""
        known = stored.group if stored else after
        told, event = self._refused(known, of, reason)
        if stored is not None or after.is_of_graph:
            try:
                self.groups.write(store.id, stored, known.model_copy(update={"refusal": told}), event)
            except Conflict:
                return  # another group of the store has the name, and there is no row to keep it in

    def _refused(self, group: Group, of: str, reason: str) -> tuple[GroupRefusal, Event | None]:
        """The refusal to keep, and the line of the history: once for a reason, and once more when it is parked."""
        before = group.refusal
        told = GroupRefusal.after(before, of, reason, self.now(), self.spread())
        if told.is_parked and not (before is not None and before.is_parked and before.told == reason):
            parked = f"Refused {told.refusals} times, now tried once a day: {reason}"
            return told, self.event(EventKind.PARKED, parked)
        return told, self.event(EventKind.REFUSED, reason) if told.refusals == 1 else None

    def _give_back(self, store: Store, begun: Begun, failure: ZohoError) -> None:
        """Give the lease back, so that the same request sent again need not wait for its end."""
        group = begun.stored.group
        assert group.pending is not None
        pending = group.pending.model_copy(update={"writer": None, "failure": str(failure)})
        self.groups.end(store.id, begun, group.model_copy(update={"pending": pending}), None)

    def _event_of(
        self, group: Group, outcome: GroupOutcome, people: dict[str, MemberAccount], members: Mapping[str, str]
    ) -> Event:
        """``members``: people by their accounts, of a group that is made again with all of them."""
        assert group.pending is not None  # what was confirmed was pending
        kind = EventKind.ADOPTED if outcome.adopted else EVENTS[outcome.kind]
        whose = dict(members) if len(members) <= SLICE else {}  # more do not fit into a row
        whose |= {known.account: person for person, known in people.items() if known.account}
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


def is_same(said: GroupSourceState, before: GroupSourceState) -> bool:
    """Whether Entra says the same, and the store makes the same of it."""
    return said.resource == before.resource and said.desired == before.desired


def _attempted(after: Group, earlier: GroupPendingChange | None, free: bool) -> tuple[str, ...]:
    """The names that Zoho One may have made a group of: those it had none of when it was asked first."""
    names = earlier.attempted if earlier else ()
    if after.account is None and free and isinstance(after.said.desired, ZohoGroup):
        names = (*names, after.said.desired.display_name)
    return tuple(dict.fromkeys(names))


def _told(
    people: dict[str, MemberAccount], joining: Iterable[str], leaving: Iterable[str], gone: dict[str, str]
) -> Told:
    """The accounts to tell of: a person without one is in no group there, and one who is not active leaves."""
    coming = [people[one] for one in joining]
    inside = [known.joins for known in coming if known.joins]
    outside = [known.account for known in coming if known.account and not known.active and not known.unsettled]
    outside += [account for one in leaving if (account := gone.get(one) or people[one].account)]
    return Told(tuple(inside), tuple(outside))
