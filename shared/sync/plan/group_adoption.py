"""Groups of Zoho One that new groups adopt, and who has to leave them in a store that wants exactly Entra's members.

That is found out while planning, so that the plan says it and the guard counts it. Of members what was not planned is
not done: a full cycle compares them later.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field, replace

from shared.rules.change import ChangeKind
from shared.rules.plan import PlannedChange
from shared.rules.store import Store
from shared.sync.desired.groups import DesiredGroups
from shared.sync.errors import Refused
from shared.sync.plan.group_work import GroupWork
from shared.sync.plan.zoho_groups import ZohoGroupSearch
from shared.tables.groups import Groups
from shared.tables.identities import Identities
from shared.threads import in_parallel
from shared.zoho.errors import ZohoBusy, ZohoCredentials

MOST = 200
"""New groups that are looked up in Zoho One for one plan, in two calls each. A full cycle looks at the others."""
MOST_NAMED = 100
"""Members who leave and are named in the plan, in a point read each."""
READERS = 8
"""Point reads under way at once."""


class CannotTell(Exception):
    """Zoho One has no answer, so that nothing is planned for the group; the message is fit for an administrator."""


@dataclass
class Adoptions:
    """Looks new groups up, for one plan or for its application."""

    store: Store
    identities: Identities
    groups: Groups
    desired: DesiredGroups
    search: ZohoGroupSearch
    only: Collection[str] | None = None
    """The groups that were looked up when the plan was made; None: it is being made."""
    looked_up: set[str] = field(default_factory=set)
    silent: str = ""
    """Why Zoho One is not asked any more."""

    def of(self, work: GroupWork) -> GroupWork:
        """The work with those who leave Zoho One's group. Raises CannotTell, Refused and TablesBusy."""
        planned = self._looked_up(work)
        if planned is None or not self.store.groups.exact_members:
            return work
        inside = self._inside(work)
        if inside is None:
            return work
        if self.silent:
            raise CannotTell(self.silent)
        try:
            there = self._there(work)
        except (ZohoBusy, ZohoCredentials) as failure:
            self.silent = f"its members in Zoho One could not be read: {failure}"
            raise CannotTell(self.silent) from failure
        self.looked_up.add(planned.identity)
        if there is None:
            return work
        members = planned.members
        assert members is not None  # the change is a group's
        foreign = tuple(sorted(there - inside))
        told = members.model_copy(
            update={
                "leaving": members.leaving + len(foreign),
                "digest": hashlib.sha256("\n".join((members.digest, *foreign)).encode()).hexdigest(),
                "leaving_names": (*members.leaving_names, *self._names(foreign[:MOST_NAMED])),
                "of": len(there),
            }
        )
        reason = f"{planned.reason} Zoho One's group of this name is adopted, with exactly Entra's members."
        adopted = planned.model_copy(update={"kind": ChangeKind.ADOPT, "members": told, "reason": reason})
        return replace(work, planned=adopted, foreign=foreign)

    def named(self, work: GroupWork) -> GroupWork:
        """The work that says that Zoho One's group is adopted, where nobody leaves it by that.

        Where Zoho One has no answer, or refuses, that shows when the group is applied.
        """
        planned = self._looked_up(work)
        if planned is None or self.store.groups.exact_members or self.silent:
            return work
        try:
            there = self._there(work)
        except (ZohoBusy, ZohoCredentials) as failure:
            self.silent = str(failure) or "no answer"
            return work
        except Refused:
            return work
        self.looked_up.add(planned.identity)
        if there is None:
            return work
        reason = f"{planned.reason} Zoho One's group of this name is adopted; its {len(there)} members stay in it."
        return replace(work, planned=planned.model_copy(update={"kind": ChangeKind.ADOPT, "reason": reason}))

    def _looked_up(self, work: GroupWork) -> PlannedChange | None:
        """The change of a new group that is to be looked up in Zoho One, or None."""
        planned = work.planned
        if planned is None or planned.kind is not ChangeKind.CREATE:
            return None
        left_out = planned.identity not in self.only if self.only is not None else len(self.looked_up) >= MOST
        return None if left_out else planned

    def _inside(self, work: GroupWork) -> frozenset[str] | None:
        """The accounts of the members that the group will have; None: some of them are not known yet.

        A person whose account the same cycle finds would be taken for a stranger. One round trip for a hundred.
        """
        people = set(work.change.joining)
        if work.stored is not None:
            group_id = work.stored.group.id
            people |= set(self.groups.members(self.store.id, group_id)).difference(work.change.leaving)
        known = self.identities.several(self.store.id, sorted(people))
        if any(stored.identity.pending is not None for stored in known.values()):
            return None
        accounts = (stored.identity.account for stored in known.values())
        return frozenset(account.id for account in accounts if account is not None)

    def _there(self, work: GroupWork) -> frozenset[str] | None:
        """The members of the group in Zoho One that is adopted; None: the bridge makes it. Raises Refused."""
        planned = work.planned
        assert planned is not None  # the caller has seen it
        group = self.desired.group(self.store, work.stored, planned.identity, work.resource)
        return self.search.members_to_adopt(self.store, group)

    def _names(self, accounts: tuple[str, ...]) -> list[str]:
        """What the people of these accounts are called; of those the bridge does not know, the accounts' ids."""
        records = in_parallel(lambda one: self.identities.record_of(self.store.id, one, asks=""), accounts, READERS)
        owners = {account: record.owner for account, record in zip(accounts, records, strict=True) if record}
        known = self.identities.several(self.store.id, sorted(filter(None, owners.values())))
        names = {account: known[owner].identity.said.name for account, owner in owners.items() if owner in known}
        return [names.get(one, one) for one in accounts]
