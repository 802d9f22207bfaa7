"""The life cycle of a group's pending change: what differs from shared/sync/apply/settlement.py, which has its steps.

What was sent stays in the pending change until its answer is known, however many words of Entra's come after it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import batched
from typing import ClassVar

from shared.rules.groups.conclusion import GroupAccountChange, after_refusal, on_top
from shared.rules.groups.group import Group, GroupPendingChange, ZohoGroup, ZohoGroupRecord
from shared.rules.groups.group_write import SLICE, GroupWrite
from shared.rules.groups.member_change import MemberChange
from shared.rules.groups.refusal import GroupRefusal
from shared.rules.history import Event, EventKind
from shared.rules.store import Store
from shared.sync.apply.group_events import confirmation
from shared.sync.apply.member_accounts import MemberAccount, MemberAccounts, told
from shared.sync.apply.settlement import Settlement
from shared.sync.apply.zoho_groups import GroupOutcome, GroupWriter
from shared.sync.desired.groups import is_same
from shared.sync.errors import GroupNameTaken, Refused
from shared.sync.guard.groups import GroupGuard
from shared.sync.plan.zoho_groups import ZohoGroupSearch
from shared.tables.errors import Conflict
from shared.tables.group_rows import StoredGroup
from shared.tables.groups import Begun, Groups, NotAllChange
from shared.tables.identity_rows import MembershipUpdate
from shared.zoho.errors import ZohoRefused

CLEARED = 1_000
"""Members of a deleted group whose rows go within its request; the minute timer clears the others."""


@dataclass
class GroupTry:
    """One try at a group's pending change, whose lease the caller holds."""

    begun: Begun
    of: str
    """The digest of the write."""
    certain: bool
    """No earlier try is open, and nobody has changed the group in Zoho One."""
    found: ZohoGroupRecord | None
    """The group in Zoho One that this one adopts, or that an earlier try made."""
    people: dict[str, MemberAccount] = field(default_factory=dict)
    """Those who join by the change, or whose account came or went, by their ids."""
    others: dict[str, str] = field(default_factory=dict)
    """All members of a group that is new in Zoho One, by their accounts."""
    told: GroupAccountChange = field(default_factory=GroupAccountChange)
    """The accounts of them that Zoho One is told of."""
    changing: GroupAccountChange = field(default_factory=GroupAccountChange)
    """Those of them that Zoho One's last confirmation showed otherwise."""

    @property
    def group(self) -> Group:
        """The group with its pending change."""
        return self.begun.stored.group

    @property
    def pending(self) -> GroupPendingChange:
        """The change."""
        pending = self.group.pending
        assert pending is not None  # every caller has just written it
        return pending


@dataclass(frozen=True, kw_only=True)
class GroupSettlement(Settlement[GroupTry, GroupOutcome, StoredGroup]):
    """Settles groups' changes."""

    OF_ANOTHER: ClassVar[str] = "The group in Zoho One belongs to another group"

    groups: Groups
    writer: GroupWriter
    search: ZohoGroupSearch
    accounts: MemberAccounts
    guard: GroupGuard

    def submit(self, store: Store, stored: StoredGroup | None, after: Group, write: GroupWrite) -> StoredGroup:
        """Mark a group's change and settle it. Raises Conflict only for a group that was not there."""
        of, change, again, rows = write.digest(after.said.desired), write.change, write.again, write.change
        refusal = stored.group.refusal if stored else None
        if refusal is not None and (why := refusal.waits(of, self.now())) is not None:
            raise Refused(why)
        earlier = stored.group.pending if stored else None
        if stored is not None and earlier is not None:
            change, again, rows = self._with_earlier(store, stored, earlier, write)
        accounts = self._leaving_accounts(store, after, (change, again), earlier, write)
        try:
            found = self.search.unlinked(store, after)
        except Refused as why_not:
            self._note_refusal(store, stored, after, of, str(why_not.__cause__ or why_not))
            raise
        pending = GroupPendingChange(
            reason=write.reason,
            before=earlier.before if earlier else stored.group.said if stored else None,
            members=change,
            again=again,
            accounts=accounts,
            attempted=_attempted(after, earlier, found is None),
            found=found or (earlier.found if earlier else None),
            counted=after.said.is_deleted,
            lease_ends=self.now(),
        )
        marked = after.model_copy(update={"pending": self._leased(pending)})
        certain = earlier is None and not write.looks
        try:
            begun = self._begin(store, stored, marked, rows, write, certain=certain)
        except NotAllChange as less:
            if stored is not None and not less.exact and not again and is_same(after.said, stored.group.said):
                return stored  # everybody is in or out already
            begun = self.groups.begin(store.id, stored, marked.with_member_change(less.exact), less.exact, sure=True)
        except Conflict:
            if stored is None:
                raise
            raise GroupNameTaken from None
        return self._settle(store, GroupTry(begun, of, certain, found))

    def remember(self, store: Store, stored: StoredGroup, write: GroupWrite) -> None:
        """Add to the pending change of a group whose deletion waits for a decision, without a call to Zoho One."""
        pending = stored.group.pending
        assert pending is not None  # it holds the deletion
        change, again, rows = self._with_earlier(store, stored, pending, write)
        accounts = self._leaving_accounts(store, stored.group, (change, again), pending, write)
        more = pending.model_copy(update={"members": change, "again": again, "accounts": accounts})
        marked = stored.group.model_copy(update={"pending": more})
        begun = self.groups.begin(store.id, stored, marked, rows, sure=True)
        self.groups.end(store.id, begun, marked, None)

    def clear(self, store: Store, group_id: str) -> bool:
        """Take away what is left of the members of a group that is gone, at most CLEARED; whether none is left."""
        return self.groups.clear_members(store.id, group_id, CLEARED)

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
        self, store: Store, stored: StoredGroup, earlier: GroupPendingChange, write: GroupWrite
    ) -> tuple[MemberChange, MemberChange, MemberChange]:
        """A write on top of a change that may have come through or not; as of ``on_top``."""
        unknown = set(write.change.everybody) - set(earlier.members.everybody)
        there = self.groups.members_among(store.id, stored.group.id, unknown)
        return on_top(earlier, write, there | set(earlier.members.leaving))

    def _leaving_accounts(
        self,
        store: Store,
        group: Group,
        changes: Iterable[MemberChange],
        earlier: GroupPendingChange | None,
        write: GroupWrite,
    ) -> dict[str, str]:
        """The accounts to take out of Zoho One's group, by the people who leave; kept with the change."""
        if group.said.desired is None:
            return {}
        leaving = [one for change in changes for one in change.leaving]
        kept = (earlier.accounts if earlier else {}) | dict(write.accounts)
        return self.accounts.of_leaving(store.id, group.id, leaving, kept)

    def _call(self, store: Store, this: GroupTry) -> GroupOutcome:
        group, pending = this.group, this.pending
        if group.is_in_zoho_one:
            new, again = pending.members, pending.again
            this.people = self.accounts.of(store.id, (*new.joining, *again.joining))
            # Who has just become a member, and is not active, is not in Zoho One's group as it was confirmed.
            inactive = again.joining if this.certain and group.account else (*new.joining, *again.joining)
            this.changing = told(this.people, new.joining, (), new.leaving, pending.accounts)
            this.told = told(
                this.people,
                (*new.joining, *again.joining),
                inactive,
                (*new.leaving, *again.leaving),
                pending.accounts,
            )

        def everybody() -> Iterator[str]:
            if pending.before is None and this.certain:
                return iter(this.told.joining)
            return self._accounts_of_all(store, group.id, frozenset(pending.members.leaving), this.others)

        return self.writer.apply(
            store, group, this.told, everybody, this.found, certain=this.certain, changing=this.changing
        )

    def _confirm(self, store: Store, this: GroupTry, outcome: GroupOutcome) -> StoredGroup:
        group, people = this.group, this.people
        event = confirmation(group, outcome, people, this.others, self.now())
        if group.said.is_deleted:
            assert event is not None  # a deletion is news
            self.groups.remove(store.id, this.begun.stored, event)
            return this.begun.stored
        late = (one for one, known in people.items() if known.unsettled)
        due = [*late, *self._with_another_account(store, people, outcome)]
        updates = [MembershipUpdate(one, this.pending.reason) for one in due]
        remains = group.refusal.kept(this.of, self.now()) if group.refusal else None
        return self.groups.end(store.id, this.begun, group.settled(outcome.account, remains), event, updates)

    def _with_another_account(
        self, store: Store, people: Mapping[str, MemberAccount], outcome: GroupOutcome
    ) -> list[str]:
        """Members refused by an account that they do not have any more: another worker made them a new one."""
        refused = [one for one, known in people.items() if known.account in outcome.refused]
        now = self.accounts.of(store.id, refused)
        return [one for one, known in now.items() if known.joins and known.account != people[one].account]

    def _accounts_of_all(
        self, store: Store, group_id: str, leaving: frozenset[str], whose: dict[str, str]
    ) -> Iterator[str]:
        """The accounts of all members; adds each to ``whose`` with the member it belongs to.

        The rows of those who are leaving may not be gone yet.
        """
        for people in batched(self.groups.members(store.id, group_id), SLICE, strict=False):
            staying = [one for one in people if one not in leaving]
            for one, known in self.accounts.of(store.id, staying).items():
                if known.joins:
                    whose[known.joins] = one
                    yield known.joins

    def _after(self, store: Store, this: GroupTry, outcome: GroupOutcome, confirmed: StoredGroup) -> None:
        """Nothing follows: the members whose account was being written are noted with the confirmation."""

    def _revert(self, store: Store, this: GroupTry, refusal: ZohoRefused, *, came_through: bool) -> None:
        """Undo the write that Zoho One refused.

        A pushed creation leaves nothing; a change what was there before, with a pending change for what may have come
        through in part. A group that Graph reported first stays known: no push asks for it again, and a later cycle
        does.
        """
        group, pending = this.group, this.pending
        if pending.before is None and not group.is_of_graph:
            self.groups.remove(store.id, this.begun.stored, self.event(EventKind.REFUSED, str(refusal)))
            self.clear(store, group.id)
            return
        made = pending.found if pending.found and not pending.found.adopted else None
        known = group.model_copy(update={"account": group.account or made})
        told, event = self._refused(group, this.of, str(refusal))
        certain = this.certain and not came_through
        undone = {
            "said": pending.before or group.said,
            "pending": after_refusal(known, len(this.told), self.now(), certain=certain),
            "refusal": told,
        }
        back = known.model_copy(update=undone)
        self.groups.undo(store.id, this.begun, back, pending.members.undone, event)

    def _give_back(self, store: Store, this: GroupTry, failure: str) -> None:
        after = this.group.model_copy(update={"pending": this.pending.given_back(failure)})
        self.groups.end(store.id, this.begun, after, None)

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
        """The refusal to keep, and its line in the history."""
        before = group.refusal
        after = GroupRefusal.after(before, of, reason, self.now(), self.spread())
        return after, self._refusal_event(before, before.told if before else None, after, reason)


def _attempted(after: Group, earlier: GroupPendingChange | None, free: bool) -> tuple[str, ...]:
    """The names that Zoho One may have made a group of: those it had none of when it was asked first."""
    names = earlier.attempted if earlier else ()
    if after.account is None and free and isinstance(after.said.desired, ZohoGroup):
        names = (*names, after.said.desired.display_name)
    return tuple(dict.fromkeys(names))
