"""The plan of a cycle: what would change in Zoho One, for whom and why, as an object one can hold, show and refuse."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Self

from pydantic import ConfigDict

from shared.model import Model
from shared.rules.change import DEPROVISIONINGS, Change, ChangeKind, FieldChange, plan_change
from shared.rules.former import Adoption, Adoptions, Former, Traits, adoption_of, why_not_adopted
from shared.rules.identity import Account, Identity
from shared.rules.status import Action, Decision, StatusRules, why_left_alone
from shared.rules.zoho_user import Desired, ZohoUser

ORDER = (
    ChangeKind.DEACTIVATE,  # first, because it frees the licences that creations and re-activations need
    ChangeKind.UPDATE,  # before anybody is created: it may free a userName
    ChangeKind.REACTIVATE,
    ChangeKind.ADOPT,
    ChangeKind.CREATE,
    ChangeKind.DELETE,  # last, because nothing brings it back: a cycle that is stopped half-way has not come to it
    ChangeKind.NOTHING,
)
"""The order in which changes are shown and applied."""


@dataclass(frozen=True)
class Candidate:
    """A person whom the cycle looks at, and what status sync decided for him."""

    identity: Identity
    decision: Decision
    waits: str | None = None
    """Why the cycle does not come to him, a sentence; he stays pending."""
    adopts: Adoption | None = None
    """The account of somebody who is gone that a creation comes upon."""

    @classmethod
    def pending(cls, identity: Identity, now: datetime) -> Self:
        """A person with a pending mark, which holds the reason of the decision that led to it."""
        mark = identity.pending
        assert mark is not None  # what the name says
        waits = None
        if identity.leased_until(now) is not None:
            waits = "Another request is writing this person just now."
        elif mark.next_try is not None and now < mark.next_try:
            again = f"{mark.next_try.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
            waits = f"Zoho One refused it {mark.refusals} times ({mark.failure}); it is tried again at {again}."
        return cls(identity, Decision(_action(identity.said.desired), mark.reason), waits)

    @property
    def comes(self) -> str | None:
        """The userName of an account that is to be made for this person, or None."""
        desired = self.identity.said.desired
        if self.identity.account is not None or not isinstance(desired, ZohoUser) or not desired.active:
            return None
        return desired.user_name

    def upon(self, account: Account, former: Former | None, policy: Adoptions, rules: StatusRules) -> Self:
        """With the account that a creation comes upon. ``former``: whose it was, who is gone from Entra."""
        adopts = Adoption(account=account.id, former="", name=account.holds.user_name, another=False)
        if former is not None:
            adopts = adoption_of(former, Traits.of(self.identity.object_id, self.identity.said.source))
        is_left = why_left_alone(account.standing, rules) is not None
        adopts = adopts.model_copy(update={"holds": account.holds, "left_alone": is_left})
        return replace(self, adopts=adopts, waits=self.waits or why_not_adopted(adopts, policy, adopts.account))

    def change(self) -> Change:
        """What Zoho One is asked to do. Of a creation that comes upon an account: what that changes of the account."""
        account, desired = self.identity.account, self.identity.said.desired
        change = plan_change(account.holds if account else None, desired)
        if self.adopts is None or self.adopts.holds is None or change.kind is not ChangeKind.CREATE:
            return change
        return replace(change, fields=() if self.adopts.left_alone else plan_change(self.adopts.holds, desired).fields)


class PlannedMembers(Model):
    """Who would join a group, and who would leave it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    joining: int = 0
    leaving: int = 0
    digest: str = ""
    """Of everybody who joins or leaves: the same for two plans that do the same to the same people."""
    joining_names: tuple[str, ...] = ()
    """Of the first who join."""
    leaving_names: tuple[str, ...] = ()
    """Of the first who leave."""
    of: int = 0
    """How many members the group has now."""
    recent: int = 0
    """How many it lost within the guard's interval."""


class PlannedChange(Model):
    """What would happen to one person's account, or to one group.

    Only fields of ``ZohoField`` are in it, so no secret can be.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: ChangeKind
    """``NOTHING``: an earlier write is not confirmed, and what Zoho One should hold is what it held."""
    identity: str
    name: str
    """Who an administrator takes him for."""
    user_name: str
    fields: tuple[FieldChange, ...] = ()
    reason: str
    pending: bool = False
    """The cycle visits him whatever becomes of the change, for he has a pending mark that has to go."""
    adopts: Adoption | None = None
    """Of an adoption: whose account it is."""
    members: PlannedMembers | None = None
    """Of a group; None: it is about a person."""
    judged: bool = False
    """The guard has let it pass and counted it before; it is tried again."""


class GroupsThere(Model):
    """What the share of deleted groups is a share of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    now: int
    """Groups that the store has now."""
    deleted: int
    """Groups that were deleted within the guard's interval."""


class Plan(Model):
    """The changes of one cycle, in the order in which they are applied."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    store: str
    changes: tuple[PlannedChange, ...] = ()
    suppressed: tuple[PlannedChange, ...] = ()
    """What a policy left out. ``reason`` is why; ``kind`` and ``fields`` are what would have happened, if known."""
    groups: tuple[PlannedChange, ...] = ()
    """The groups that change, which come after the people; ``NOTHING``: the store lets go of one."""
    groups_there: GroupsThere | None = None
    """Only where groups are to be deleted."""
    retried: int = 0
    """Of the people who leave, those whom an earlier try began to shut out: the guard has counted them."""
    inactive: int = 0
    """Of the others who leave, those whose account is not active: it is deleted."""

    @property
    def counts(self) -> dict[ChangeKind, int]:
        """How many changes of people of each kind there are, in order; without those that change nothing."""
        return _counts(self.changes)

    @property
    def group_counts(self) -> dict[ChangeKind, int]:
        """The same of groups."""
        return _counts(self.groups)

    @property
    def departures(self) -> tuple[PlannedChange, ...]:
        """The people who are deactivated or deleted, and the groups that are deleted."""
        people = tuple(change for change in self.changes if change.kind in DEPROVISIONINGS)
        return people + tuple(change for change in self.groups if change.kind is ChangeKind.DELETE)

    @property
    def departing(self) -> frozenset[str]:
        """The ids of everybody who is to go, also of those whom this cycle does not come to."""
        later = (change for change in self.suppressed if change.kind in DEPROVISIONINGS)
        return frozenset(change.identity for change in (*self.departures, *later))

    @property
    def waiting(self) -> int:
        """How many people leave whom the guard has not counted yet."""
        return sum(change.kind in DEPROVISIONINGS for change in self.changes) - self.retried

    @property
    def digest(self) -> str:
        """The same for two plans that do the same to the same people and groups. Names and reasons do not count."""
        done = [sorted(map(essence, _effective(changes))) for changes in (self.changes, self.groups)]
        return hashlib.sha256(json.dumps([self.store, *done]).encode()).hexdigest()

    @property
    def visits(self) -> tuple[str, ...]:
        """The ids of everybody whom the cycle has to take to Zoho One, in order."""
        left_out = (change for change in self.suppressed if change.pending)
        return tuple(change.identity for change in (*self.changes, *left_out))


def make_plan(store: str, candidates: Iterable[Candidate], rules: StatusRules) -> Plan:
    """The changes that a cycle would make, and those that the store's rules leave out."""
    changes, suppressed = list[PlannedChange](), list[PlannedChange]()
    retried = inactive = 0
    for candidate in candidates:
        identity, account = candidate.identity, candidate.identity.account
        change = candidate.change()
        if (why_not := _left_out(candidate, change, rules)) is not None:
            visited = identity.pending is not None and candidate.waits is None
            suppressed.append(_planned(candidate, change, why_not, visited=visited))
        elif change.kind is not ChangeKind.NOTHING or identity.pending is not None:
            visited = identity.pending is not None
            reason = candidate.decision.reason
            if candidate.adopts is not None and change.kind is ChangeKind.CREATE:
                reason = f"{reason} {candidate.adopts.reason}"
            changes.append(_planned(candidate, change, reason, visited=visited))
            if change.kind in DEPROVISIONINGS:
                counted = identity.pending is not None and identity.pending.counted
                retried += counted
                inactive += not counted and not (account and account.holds.active)
    changes.sort(key=_place)
    suppressed.sort(key=_place)
    return Plan(store=store, changes=tuple(changes), suppressed=tuple(suppressed), retried=retried, inactive=inactive)


def is_still(planned: PlannedChange, identity: Identity, now: datetime, rules: StatusRules, *, left_out: bool) -> bool:
    """Whether a person with a pending mark needs just what was planned: the guard's verdict is about nothing else.

    ``left_out``: whether a policy left the change out of the plan.
    """
    plan = make_plan("", [replace(Candidate.pending(identity, now), adopts=planned.adopts)], rules)
    (change,) = (*plan.changes, *plan.suppressed)
    return essence(change) == essence(planned) and bool(plan.suppressed) == left_out


def moved(shown: Plan, now: Plan, *, begun: bool = False) -> str | None:
    """Why the plan that was shown may not be applied: in how much it is not the plan of now. None: it may.

    ``begun``: some of it has been applied already, so that a change which is gone is done.
    """
    before, after = _by_id(shown), _by_id(now)
    new = len(after.keys() - before.keys())
    gone = 0 if begun else len(before.keys() - after.keys())
    other = sum(before[each] != after[each] for each in before.keys() & after.keys())
    if shown.store == now.store and not new + gone + other:
        return None
    what = "people and groups" if shown.groups or now.groups else "people"
    return (
        f"The world moved since the plan was shown: for {new} {what} a change was added, for {gone} it is gone, "
        f"for {other} it is another."
    )


def _left_out(candidate: Candidate, change: Change, rules: StatusRules) -> str | None:
    """Why an account is left as it is, or None. By the store's rules an application of the plan decides the same."""
    if candidate.waits is not None:
        return candidate.waits
    if candidate.decision.action in (Action.KEEP, Action.LET_GO):
        return candidate.decision.reason
    if change.kind is not ChangeKind.REACTIVATE:
        return None
    # The mark may be older than the hand that deactivated the account.
    return why_left_alone(candidate.identity.standing, rules)


def _action(desired: Desired) -> Action:
    if isinstance(desired, ZohoUser):
        return Action.PROVISION if desired.active else Action.DEACTIVATE
    return Action.DELETE if desired == "deleted" else Action.KEEP


def _planned(candidate: Candidate, change: Change, reason: str, *, visited: bool) -> PlannedChange:
    identity = candidate.identity
    adopts = candidate.adopts if change.kind is ChangeKind.CREATE else None
    user_name = identity.said.source.user_principal_name
    return PlannedChange(
        kind=ChangeKind.ADOPT if adopts else change.kind,
        identity=identity.id,
        name=identity.said.source.display_name or user_name,
        user_name=user_name,
        fields=change.fields,
        reason=reason,
        pending=visited,
        adopts=adopts,
    )


def _place(change: PlannedChange) -> tuple[int, str, str]:
    return ORDER.index(change.kind), change.user_name.casefold(), change.identity


def _counts(changes: Iterable[PlannedChange]) -> dict[ChangeKind, int]:
    counts = Counter(change.kind for change in changes)
    return {kind: counts[kind] for kind in ORDER if counts[kind] and kind is not ChangeKind.NOTHING}


def _effective(changes: Iterable[PlannedChange]) -> Iterator[PlannedChange]:
    return (change for change in changes if change.kind is not ChangeKind.NOTHING)


def _by_id(plan: Plan) -> dict[str, list[object]]:
    return {change.identity: essence(change) for change in _effective((*plan.changes, *plan.groups))}


def essence(change: PlannedChange) -> list[object]:
    """What a change does, and to whom."""
    members = [change.members.digest] if change.members else []
    members += [change.adopts.account] if change.adopts else []
    fields = [[part.field, part.before, part.after] for part in change.fields]
    return [change.identity, change.kind, fields, *members]
