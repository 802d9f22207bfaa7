"""What Zoho One calls the members of a group: the ids of their accounts.

They are read each time: what a worker remembered of an account would not be true any more once another worker has
deactivated it, or an administrator has stopped managing it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from shared.rules.groups.conclusion import GroupAccountChange
from shared.rules.identity import Account, PendingChange
from shared.rules.pending import Managed
from shared.tables.groups import Groups
from shared.tables.identities import Identities
from shared.tables.membership_updates import MembershipUpdates
from shared.threads import in_parallel

READERS = 8
"""Point reads under way at once."""


@dataclass(frozen=True)
class MemberAccount:
    """What decides whether a person can be a member in Zoho One."""

    account: str | None = None
    """The account there, as last confirmed; None: there is none."""
    active: bool = False
    unsettled: bool = False
    """Another writer is changing the account now. Otherwise the confirmed state counts, whatever is pending: the
    groups follow with the transaction that confirms the change.
    """

    @property
    def joins(self) -> str | None:
        """The account that becomes a member, if it may."""
        return self.account if self.active and not self.unsettled else None


@dataclass(frozen=True)
class MemberAccounts:
    """Looks accounts up. Its methods raise TablesBusy."""

    identities: Identities
    groups: Groups
    updates: MembershipUpdates
    now: Callable[[], datetime]

    def of(self, store: str, people: Iterable[str]) -> dict[str, MemberAccount]:
        """What is known of each of these people: a point read each, eight at once, less where their ids are close."""
        ids = list(dict.fromkeys(people))
        found = self.identities.accounts(store, ids)
        return {one: self._account(found[one]) if one in found else MemberAccount() for one in ids}

    def of_leaving(self, store: str, group_id: str, leaving: Iterable[str], kept: Mapping[str, str]) -> dict[str, str]:
        """The accounts to take out of a group in Zoho One, by the people who leave.

        ``kept``: those that are known of people who are gone, or whose leaving is not confirmed yet. An account that
        has become another member's stays. As ``of``, and one or two reads more for each who has no active account.
        """
        people = dict.fromkeys(leaving)
        known = {one: account for one, account in kept.items() if one in people}
        taken = self._taken_over(store, {one: account for one, account in known.items() if one != account})
        staying = self.groups.members_among(store, group_id, taken.values())
        known = {one: account for one, account in known.items() if taken.get(one) not in staying}
        found = self.of(store, (one for one in people if one not in kept))
        inside = {one: each.account for one, each in found.items() if each.active or each.unsettled}
        notes = in_parallel(partial(self.updates.of, store), [one for one in found if one not in inside], READERS)
        due = {note.person: note.account if note.gone else found[note.person].account for note in notes if note}
        return {one: account for one, account in {**known, **inside, **due}.items() if account}

    def _taken_over(self, store: str, accounts: Mapping[str, str]) -> dict[str, str]:
        """Of accounts that these people had, those that are other people's now, each with its new person."""
        people, had = list(accounts), list(accounts.values())
        records = in_parallel(lambda account: self.identities.record_of(store, account, asks=""), had, READERS)
        owners = {one: record.owner for one, record in zip(people, records, strict=True) if record and record.owner}
        return {one: owner for one, owner in owners.items() if owner != one}

    def _account(self, of: Managed[PendingChange, Account]) -> MemberAccount:
        account, pending = of.account, of.pending
        unsettled = pending is not None and pending.begun and pending.leased_until(self.now()) is not None
        return MemberAccount(account.id if account else None, account is not None and account.holds.active, unsettled)


def told(
    people: Mapping[str, MemberAccount],
    joining: Iterable[str],
    inactive: Iterable[str],
    leaving: Iterable[str],
    accounts: Mapping[str, str],
) -> GroupAccountChange:
    """The accounts to tell of. ``inactive``: those of the joining who leave where they are not active.

    ``accounts``: those of the people who leave.
    """
    inside = [account for one in joining if (account := people[one].joins)]
    coming = [people[one] for one in inactive]
    outside = [known.account for known in coming if known.account and not known.active and not known.unsettled]
    outside += [accounts[one] for one in leaving if one in accounts]
    return GroupAccountChange(tuple(inside), tuple(one for one in outside if one not in inside))
