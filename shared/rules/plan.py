"""The plan of a cycle: what would change in Zoho One, for which people and why, as an object that can
be stored, shown and refused.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Self

from pydantic import AwareDatetime, ConfigDict

from shared.model import Model
from shared.rules.change import DEPROVISIONINGS, Change, ChangeKind, FieldChange, plan_change
from shared.rules.former import Adoption, Adoptions, Former, Traits, adoption_of, why_not_adopted
from shared.rules.identity import Account, Identity
from shared.rules.matching import Match
from shared.rules.status import Action, Decision, StatusRules, why_left_alone
from shared.rules.zoho_user import Desired, ZohoField, ZohoUser

ORDER = (
    ChangeKind.DEACTIVATE,  # first, because it frees the licences that creations and re-activations need
    ChangeKind.UPDATE,  # before creations: it may free a userName
    ChangeKind.REACTIVATE,
    ChangeKind.ADOPT,
    ChangeKind.CREATE,
    ChangeKind.PROPOSE,
    ChangeKind.DELETE,  # last, because it cannot be undone: an interrupted cycle has not reached it
    ChangeKind.NOTHING,
)
"""The order in which changes are shown and applied."""


BEING_WRITTEN = "Another request is writing this person."


@dataclass(frozen=True)
class Candidate:
    """A person considered by the cycle, with the decision of status sync."""

    identity: Identity
    decision: Decision
    waits: str | None = None
    """Why the cycle skips the person, who stays pending, a sentence."""
    adopts: Adoption | None = None
    """The account that a creation would adopt."""
    proposes: tuple[Adoption, ...] = ()
    """The accounts of which an administrator has to say whether a creation would adopt one."""

    @classmethod
    def pending(cls, identity: Identity, now: datetime) -> Self:
        """Return a person with a pending change, which holds the reason for the decision."""
        mark = identity.pending
        assert mark is not None  # the caller passes pending people only
        waits = None
        if identity.leased_until(now) is not None:
            waits = BEING_WRITTEN
        elif mark.next_try is not None and now < mark.next_try:
            again = f"{mark.next_try.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
            waits = f"Zoho One refused it {mark.refusals} times ({mark.failure}); it is tried again at {again}."
        return cls(identity, Decision(_action(identity.said.desired), mark.reason), waits)

    def upon(
        self, match: Match, found: Sequence[tuple[Account, Former | None]], policy: Adoptions, rules: StatusRules
    ) -> Self:
        """Return the candidate with what it comes upon in Zoho One.

        ``found``: the accounts of the match, each with its former person, who is gone.
        """
        there = tuple(self._adoption(match, account, former, rules) for account, former in found)
        if match.adopts:
            (adopts,) = there
            return replace(self, adopts=adopts, waits=self.waits or why_not_adopted(adopts, policy, adopts.account))
        return replace(self, proposes=there) if there else replace(self, waits=self.waits or match.why)

    def _adoption(self, match: Match, account: Account, former: Former | None, rules: StatusRules) -> Adoption:
        adopts = Adoption(account=account.id, former="", name=_shown_name(account), another=False)
        if former is not None:
            adopts = adoption_of(former, Traits.of(self.identity.object_id, self.identity.said.source))
        why_left = why_left_alone(account.standing, rules)
        return adopts.model_copy(
            update={
                "holds": account.holds,
                "left_alone": why_left is not None,
                "why_left": why_left or "",
                "rule": match.rule,
                "why": match.why,
                "agreed": match.decision is not None,
                "fields": () if match.adopts or why_left else self._changed_in(account.holds),
            }
        )

    def _changed_in(self, holds: ZohoUser) -> tuple[FieldChange, ...]:
        return plan_change(holds, self.identity.said.desired).fields

    def change(self) -> Change:
        """Return what Zoho One is asked to do; for a creation that adopts an account, what that changes in it."""
        account, desired = self.identity.account, self.identity.said.desired
        change = plan_change(account.holds if account else None, desired)
        if change.kind is not ChangeKind.CREATE:
            return change
        if self.proposes:
            return replace(change, fields=self.proposes[0].fields if len(self.proposes) == 1 else ())
        if self.adopts is None or self.adopts.holds is None:
            return change
        return replace(change, fields=() if self.adopts.left_alone else self._changed_in(self.adopts.holds))


class PlannedMembers(Model):
    """The people who would join a group or leave it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    joining: int = 0
    leaving: int = 0
    digest: str = ""
    """Digest of all who join or leave: equal for two plans that do the same to the same people."""
    joining_names: tuple[str, ...] = ()
    """Names of the first people who join."""
    leaving_names: tuple[str, ...] = ()
    """Names of the first people who leave."""
    of: int = 0
    """Current number of members."""
    recent: int = 0
    """Number of members removed within the guard's interval."""


class PlannedChange(Model):
    """What would happen to one person's account, or to one group.

    It contains only fields of ``ZohoField``, so it cannot contain a secret.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: ChangeKind
    """``NOTHING``: an earlier write is not confirmed, and the desired state equals the previous confirmed state."""
    identity: str
    name: str
    """The person's name as an administrator knows it."""
    user_name: str
    fields: tuple[FieldChange, ...] = ()
    reason: str
    pending: bool = False
    """Whether the cycle processes the person in any case, because their pending change has to be settled."""
    adopts: Adoption | None = None
    """For an adoption: the account and its former person."""
    proposes: tuple[Adoption, ...] = ()
    """For a proposal: the accounts that may be the person's, one of which an administrator accepts, or none."""
    members: PlannedMembers | None = None
    """For a group: its members; None for a person."""
    judged: bool = False
    """Whether the guard already let the change pass and counted it; this is a retry."""


class GroupsThere(Model):
    """The total of groups that a share of deleted ones refers to."""

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
    """Changes left out by a policy. ``reason`` is why; ``kind`` and ``fields`` are what would have happened, if
    known.
    """
    groups: tuple[PlannedChange, ...] = ()
    """Groups that change, applied after the people; ``NOTHING``: the store unmanages the group."""
    groups_there: GroupsThere | None = None
    """Only if groups are to be deleted."""
    retried: int = 0
    """Deprovisionings that an earlier attempt began: the guard has counted them."""
    inactive: int = 0
    """Other deprovisionings of an account that is inactive already: it is deleted."""
    counted_at: tuple[AwareDatetime, ...] = ()
    """When the guard counted people who left, came back and leave again, and who count once."""

    @property
    def counts(self) -> dict[ChangeKind, int]:
        """Changes of people by kind, in order, without those that change nothing."""
        return _counts(self.changes)

    @property
    def group_counts(self) -> dict[ChangeKind, int]:
        """Changes of groups by kind, in order, without those that change nothing."""
        return _counts(self.groups)

    @property
    def proposals(self) -> tuple[PlannedChange, ...]:
        """The people who wait for an administrator to say whether an account in Zoho One is theirs."""
        return tuple(change for change in self.changes if change.kind is ChangeKind.PROPOSE)

    @property
    def deprovisionings(self) -> tuple[PlannedChange, ...]:
        """The people who are deactivated or deleted, and the groups that are deleted."""
        people = tuple(change for change in self.changes if change.kind in DEPROVISIONINGS)
        return people + tuple(change for change in self.groups if change.kind is ChangeKind.DELETE)

    @property
    def deprovisioned(self) -> frozenset[str]:
        """The ids of everybody to be deprovisioned, including those that this cycle skips."""
        later = (change for change in self.suppressed if change.kind in DEPROVISIONINGS)
        return frozenset(change.identity for change in (*self.deprovisionings, *later))

    @property
    def waiting(self) -> int:
        """Number of deprovisionings that the guard has not counted yet."""
        return sum(change.kind in DEPROVISIONINGS for change in self.changes) - self.retried

    @property
    def digest(self) -> str:
        """Equal for two plans that do the same to the same people and groups. Names and reasons do not count."""
        done = [sorted(map(essence, _effective(changes))) for changes in (self.changes, self.groups)]
        return hashlib.sha256(json.dumps([self.store, *done]).encode()).hexdigest()

    @property
    def meets_writers(self) -> bool:
        """Whether somebody was left out because another process writes them: one that may have ended meanwhile."""
        return any(change.reason == BEING_WRITTEN for change in self.suppressed)

    @property
    def visits(self) -> tuple[str, ...]:
        """The ids of everybody to be processed by the cycle, in order."""
        left_out = (change for change in self.suppressed if change.pending)
        return tuple(change.identity for change in (*self.changes, *left_out))


def make_plan(store: str, candidates: Iterable[Candidate], rules: StatusRules) -> Plan:
    """Return the changes that a cycle would make, and those that the store's rules leave out."""
    changes, suppressed = list[PlannedChange](), list[PlannedChange]()
    counted_at = list[datetime]()
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
            if change.kind is ChangeKind.CREATE and candidate.proposes:
                reason = f"{reason} {candidate.proposes[0].why}"
            elif change.kind is ChangeKind.CREATE and candidate.adopts is not None:
                reason = f"{reason} {candidate.adopts.reason}"
            changes.append(_planned(candidate, change, reason, visited=visited))
            if change.kind in DEPROVISIONINGS:
                counted = identity.pending is not None and identity.pending.counted
                retried += counted
                is_active = account is not None and account.holds.active
                inactive += not counted and not is_active
                counted_at += [identity.left_at] if identity.left_at and is_active and not counted else []
    changes.sort(key=_place)
    suppressed.sort(key=_place)
    return Plan(
        store=store,
        changes=tuple(changes),
        suppressed=tuple(suppressed),
        retried=retried,
        inactive=inactive,
        counted_at=tuple(counted_at),
    )


def is_still(planned: PlannedChange, identity: Identity, now: datetime, rules: StatusRules, *, left_out: bool) -> bool:
    """Return whether a person's pending change is still exactly the planned one: the guard's verdict covers nothing
    else.

    ``left_out``: whether a policy left the change out of the plan.
    """
    before = replace(Candidate.pending(identity, now), adopts=planned.adopts, proposes=planned.proposes)
    plan = make_plan("", [before], rules)
    (change,) = (*plan.changes, *plan.suppressed)
    return essence(change) == essence(planned) and bool(plan.suppressed) == left_out


def moved(shown: Plan, now: Plan, *, begun: bool = False) -> str | None:
    """Return why the plan that was shown may not be applied, because the current one differs, or None if it may.

    ``begun``: part of it has been applied already, so a missing change has been done.
    """
    before, after = _by_id(shown), _by_id(now)
    new = len(after.keys() - before.keys())
    gone = 0 if begun else len(before.keys() - after.keys())
    other = sum(before[each] != after[each] for each in before.keys() & after.keys())
    if shown.store == now.store and not new + gone + other:
        return None
    what = "people and groups" if shown.groups or now.groups else "people"
    return (
        f"The plan has changed since it was shown: for {new} {what} a change was added, for {gone} it was removed, "
        f"for {other} it is different."
    )


def _left_out(candidate: Candidate, change: Change, rules: StatusRules) -> str | None:
    """Return why an account is left unchanged, or None. Applying the plan decides the same by the store's rules."""
    if candidate.waits is not None:
        return candidate.waits
    if candidate.decision.action in (Action.KEEP, Action.UNMANAGE):
        return candidate.decision.reason
    if change.kind is not ChangeKind.REACTIVATE:
        return None
    # The pending change may be older than the deactivation by hand.
    return why_left_alone(candidate.identity.standing, rules)


def _action(desired: Desired) -> Action:
    if isinstance(desired, ZohoUser):
        return Action.PROVISION if desired.active else Action.DEACTIVATE
    return Action.DELETE if desired == "deleted" else Action.KEEP


def _planned(candidate: Candidate, change: Change, reason: str, *, visited: bool) -> PlannedChange:
    identity = candidate.identity
    comes = change.kind is ChangeKind.CREATE
    adopts, proposes = (candidate.adopts, candidate.proposes) if comes else (None, ())
    user_name = identity.said.source.user_principal_name
    return PlannedChange(
        kind=ChangeKind.PROPOSE if proposes else ChangeKind.ADOPT if adopts else change.kind,
        identity=identity.id,
        name=identity.said.source.display_name or user_name,
        user_name=user_name,
        fields=change.fields,
        reason=reason,
        pending=visited,
        adopts=adopts,
        proposes=proposes,
    )


def _shown_name(account: Account) -> str:
    return account.holds.fields.get(ZohoField.USER_NAME, account.id)


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
    """Return what a change does, and the person or group it is for."""
    members = [change.members.digest] if change.members else []
    members += [change.adopts.account] if change.adopts else []
    members += sorted(each.account for each in change.proposes)
    fields = [[part.field, part.before, part.after] for part in change.fields]
    return [change.identity, change.kind, fields, *members]
