"""From desired to Zoho One, for groups: the one place that changes a group there."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from shared.directory.group import Group, ZohoGroup, ZohoGroupRecord
from shared.directory.plan import ChangeKind, FieldChange
from shared.directory.store import Store
from shared.zoho.errors import ZohoBusy, ZohoNotFound, ZohoRefused
from shared.zoho.group_client import ZohoGroups

MOST_CALLS = 40
"""To find out whom of a batch Zoho One refuses: enough for two among five hundred."""
ROUNDS = 2
"""How often a group may turn out to be gone."""


@dataclass(frozen=True)
class Told:
    """Whom Zoho One is told to take in and to let out, by their accounts there."""

    joining: tuple[str, ...] = ()
    leaving: tuple[str, ...] = ()


@dataclass(frozen=True)
class GroupOutcome:
    """What Zoho One confirmed."""

    account: ZohoGroupRecord | None
    kind: ChangeKind
    fields: tuple[FieldChange, ...] = ()
    told: Told = field(default_factory=Told)
    adopted: bool = False
    refused: dict[str, str] = field(default_factory=dict)
    """Why an account was not taken in."""


class GroupApply:
    """Applies what a store should hold. Its methods raise ZohoBusy, ZohoCredentials and ZohoRefused."""

    def __init__(self, groups: Callable[[Store], ZohoGroups], owner_of: Callable[[str, str], str | None]) -> None:
        """``owner_of``: which of a store's groups a group in Zoho One belongs to."""
        self._groups = groups
        self._owner_of = owner_of

    def find(self, store: Store, group: Group) -> ZohoGroupRecord | None:
        """The group in Zoho One that this one would take over. Raises ZohoRefused where it is another's."""
        desired = group.said.desired
        return self._unowned(store, self._groups(store), group, desired) if isinstance(desired, ZohoGroup) else None

    def apply(
        self,
        store: Store,
        group: Group,
        told: Told,
        everybody: Callable[[], Iterable[str]],
        found: ZohoGroupRecord | None,
        *,
        certain: bool,
    ) -> GroupOutcome:
        """Bring Zoho One's group to what it should hold, and these accounts in and out.

        ``everybody``: the accounts of all members, asked for where the group is new to the bridge or was lost.
        ``found``: what ``find`` has answered. ``certain``: no earlier try is open; otherwise Zoho One is asked first
        what it holds.
        """
        groups, desired, account = self._groups(store), group.said.desired, group.account
        if desired is None:
            return GroupOutcome(account, ChangeKind.NOTHING)
        if desired == "deleted":
            if account is not None:
                groups.delete(account.id)
            return GroupOutcome(None, ChangeKind.DELETE if account else ChangeKind.NOTHING)
        looks = not certain
        if account is not None and looks and (account := self._seen(groups, account)) is None:
            found = self._unowned(store, groups, group, desired)
        for _ in range(ROUNDS):
            try:
                if account is not None:
                    return self._change(groups, account, desired, self._open(groups, account, told) if looks else told)
                return self._begin(store, groups, group, found, desired, told, everybody())
            except ZohoNotFound:
                account, looks, found = None, True, self._unowned(store, groups, group, desired)
        raise ZohoBusy("Zoho One's answers contradict each other: a group is there and is not")

    def _seen(self, groups: ZohoGroups, account: ZohoGroupRecord) -> ZohoGroupRecord | None:
        """A group as it is now, after a try whose outcome is not known."""
        there = groups.get(account.id)
        return account.model_copy(update={"holds": there.holds}) if there else None

    def _begin(
        self,
        store: Store,
        groups: ZohoGroups,
        group: Group,
        found: ZohoGroupRecord | None,
        desired: ZohoGroup,
        told: Told,
        everybody: Iterable[str],
    ) -> GroupOutcome:
        """Take over the group that was found, or make one, and bring everybody in."""
        wanted = tuple(dict.fromkeys(everybody))
        if found is None:
            record, adopted, change = groups.create(desired), False, Told(wanted)
        else:
            adopted = group.pending is None or found.holds.display_name not in group.pending.attempted
            record, there = found.model_copy(update={"adopted": adopted}), groups.members(found.id)
            leaving = there.difference(wanted) if store.groups.exact_members else there.intersection(told.leaving)
            change = Told(tuple(one for one in wanted if one not in there), tuple(sorted(leaving)))
        outcome = self._change(groups, record, desired, change)
        fields = outcome.fields if found else desired.changes_from(None)
        return replace(outcome, kind=ChangeKind.CREATE, fields=fields, adopted=adopted)

    def _unowned(self, store: Store, groups: ZohoGroups, group: Group, desired: ZohoGroup) -> ZohoGroupRecord | None:
        """A group that has the name, or that an earlier try may have made. Raises ZohoRefused where it is another's."""
        names = (desired.display_name, *(group.pending.attempted if group.pending else ()))
        owners = set[str]()
        for name in dict.fromkeys(names):
            for found in groups.find(name):
                owner = self._owner_of(store.id, found.id)
                if owner in (None, group.id):
                    return found
                owners.add(str(owner))
        if owners:
            raise ZohoRefused(f"The group with this name belongs to another group (SCIM id {min(owners)})")
        return None

    def _open(self, groups: ZohoGroups, account: ZohoGroupRecord, told: Told) -> Told:
        """What of it is not so yet."""
        there = groups.members(account.id)
        joining = tuple(one for one in told.joining if one not in there)
        return Told(joining, tuple(one for one in told.leaving if one in there))

    def _change(self, groups: ZohoGroups, account: ZohoGroupRecord, desired: ZohoGroup, told: Told) -> GroupOutcome:
        fields = desired.changes_from(account.holds)
        refused = dict[str, str]()
        if fields or told.joining or told.leaving:
            try:
                groups.update(account, desired, told.joining, told.leaving)
            except ZohoNotFound:
                raise
            except ZohoRefused as refusal:
                refused = self._taken_apart(groups, account, desired, told, refusal)
        kind = ChangeKind.UPDATE if fields or told.joining or told.leaving else ChangeKind.NOTHING
        joined = tuple(one for one in told.joining if one not in refused)
        done = account.model_copy(update={"holds": desired})
        return GroupOutcome(done, kind, fields, Told(joined, told.leaving), refused=refused)

    def _taken_apart(
        self, groups: ZohoGroups, account: ZohoGroupRecord, desired: ZohoGroup, told: Told, refusal: ZohoRefused
    ) -> dict[str, str]:
        """Bring in whom Zoho One takes, where it refused all at once: one account that is gone keeps nobody out.

        Answers whom it refuses, and why. Raises ZohoRefused where it takes none of them, or not the rest.
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
        if len(refused) == len(told.joining):
            raise refusal
        return refused
