"""From the desired state to Zoho One, for groups: the one place that changes a group there."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace

from shared.rules.change import ChangeKind, FieldChange
from shared.rules.groups.conclusion import NOBODY, Conclusion, GroupAccountChange, conclude
from shared.rules.groups.group import Group, ZohoGroup, ZohoGroupRecord
from shared.rules.store import Store
from shared.sync.plan.zoho_groups import ZohoGroupSearch
from shared.zoho.errors import ZohoBusy, ZohoNotFound, ZohoRefused
from shared.zoho.group_client import ZohoGroups

MOST_CALLS = 40
"""Calls to find out which members of a batch Zoho One refuses: enough for two among five hundred."""
ROUNDS = 2
"""How often a group may turn out to be gone."""


@dataclass(frozen=True)
class GroupOutcome:
    """What Zoho One confirmed."""

    account: ZohoGroupRecord | None
    kind: ChangeKind
    fields: tuple[FieldChange, ...] = ()
    told: GroupAccountChange = field(default_factory=GroupAccountChange)
    adopted: bool = False
    refused: dict[str, str] = field(default_factory=dict)
    """Why an account was not taken in."""


@dataclass(frozen=True)
class GroupWriter:
    """Applies what a store should hold. Its method raises ZohoBusy, ZohoCredentials and ZohoRefused."""

    groups: Callable[[Store], ZohoGroups]
    search: ZohoGroupSearch

    def apply(
        self,
        store: Store,
        group: Group,
        told: GroupAccountChange,
        everybody: Callable[[], Iterable[str]],
        found: ZohoGroupRecord | None,
        *,
        certain: bool,
        changing: GroupAccountChange = NOBODY,
    ) -> GroupOutcome:
        """Bring Zoho One's group to what it should hold, and these accounts in and out.

        ``everybody``: the accounts of all members, asked for where the group is new to the bridge or was lost.
        ``found``: what ZohoGroupSearch.unlinked has answered. ``certain``: no earlier try is open; otherwise Zoho One
        is asked first what it holds. ``changing``: as of ``conclude``.
        """
        groups, desired, account = self.groups(store), group.said.desired, group.account
        if desired is None:
            return GroupOutcome(account, ChangeKind.NOTHING)
        if desired == "deleted":
            if account is not None:
                groups.delete(account.id)
            return GroupOutcome(None, ChangeKind.DELETE if account else ChangeKind.NOTHING)
        if account is not None and certain:
            with suppress(ZohoNotFound):
                return self._change(groups, account, desired, told)
        known = account or found
        shown = groups.look(known.id) if known else None
        for _ in range(ROUNDS):
            if shown is None and known is not None:
                shown = self.search.search(store, groups, group)
            if shown is not None and account is not None and shown.record.id == account.id:
                kind, concluded = None, conclude(group, shown, told, changing=changing)
            else:
                kind, concluded = ChangeKind.CREATE, conclude(group, shown, told, everybody(), changing)
            try:
                return self._concluded(groups, group, desired, concluded, kind)
            except ZohoNotFound:
                known, shown = known or concluded.account, None
        raise ZohoBusy("Zoho One's answers contradict each other: a group is there and is not")

    def _concluded(
        self, groups: ZohoGroups, group: Group, desired: ZohoGroup, concluded: Conclusion, kind: ChangeKind | None
    ) -> GroupOutcome:
        """Tell Zoho One what is left to tell. Raises ZohoNotFound where the group has gone meanwhile."""
        account, is_made = concluded.account, concluded.account is None
        if account is None:
            account = groups.create(desired)
        outcome = self._change(groups, account, desired, concluded.to_send, must_take=not is_made)
        # What earlier tries did, whose answers were lost, is told in one line with this one.
        before, now = concluded.before, outcome.told
        told = GroupAccountChange((*before.joining, *now.joining), (*before.leaving, *now.leaving))
        outcome = replace(outcome, told=told)
        if kind is None:
            held = group.account.holds if group.account else None
            fields = desired.changes_from(held) or outcome.fields
            is_nothing = not fields and not outcome.told
            return replace(outcome, kind=ChangeKind.NOTHING if is_nothing else ChangeKind.UPDATE, fields=fields)
        fields = outcome.fields if account.adopted else desired.changes_from(None)
        return replace(outcome, kind=kind, fields=fields, adopted=account.adopted)

    def _change(
        self,
        groups: ZohoGroups,
        account: ZohoGroupRecord,
        desired: ZohoGroup,
        told: GroupAccountChange,
        *,
        must_take: bool = True,
    ) -> GroupOutcome:
        """``must_take``: it is a refusal of the whole if Zoho One takes none of the members, and nothing else is done.

        A group that was just made is there, whether or not it has members.
        """
        fields = desired.changes_from(account.holds)
        refused = dict[str, str]()
        if fields or told.joining or told.leaving:
            try:
                groups.update(account, desired, told.joining, told.leaving)
            except ZohoNotFound:
                raise
            except ZohoRefused as refusal:
                refused = self._taken_apart(groups, account, desired, told, refusal)
                nothing_else = must_take and not fields and not told.leaving
                if nothing_else and len(refused) == len(told.joining):
                    raise
        kind = ChangeKind.UPDATE if fields or told.joining or told.leaving else ChangeKind.NOTHING
        joined = tuple(one for one in told.joining if one not in refused)
        done = account.model_copy(update={"holds": desired})
        return GroupOutcome(done, kind, fields, GroupAccountChange(joined, told.leaving), refused=refused)

    def _taken_apart(
        self,
        groups: ZohoGroups,
        account: ZohoGroupRecord,
        desired: ZohoGroup,
        told: GroupAccountChange,
        refusal: ZohoRefused,
    ) -> dict[str, str]:
        """Add the members that Zoho One takes, where it refused all at once: one account that is gone keeps nobody out.

        Answers which accounts it refuses, and why. Raises ZohoRefused where it does not take the rest.
        """
        if not told.joining:
            raise refusal
        groups.update(account, desired, (), told.leaving)
        done = account.model_copy(update={"holds": desired})
        refused, open_, calls = dict[str, str](), [told.joining], 0
        while open_:
            portion, calls = open_.pop(), calls + 1
            if calls > MOST_CALLS:
                raise refusal
            try:
                groups.update(done, desired, portion)
            except ZohoNotFound:
                raise
            except ZohoRefused as reason:
                if len(portion) == 1:
                    refused[portion[0]] = str(reason)
                else:
                    open_ += [portion[len(portion) // 2 :], portion[: len(portion) // 2]]
        return refused
