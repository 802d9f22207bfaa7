"""The limits that hold a plan or a request which changes too much, and what exceeds them."""

from collections import Counter
from collections.abc import Iterator
from enum import StrEnum

from pydantic import ConfigDict

from shared.model import Model
from shared.rules.change import ChangeKind
from shared.rules.former import Adoption, Adoptions
from shared.rules.guard_limits import INTERVAL, GroupLimit, GuardLimits, Share, Threshold
from shared.rules.plan import Plan
from shared.rules.zoho_user import ZohoField


class Rule(StrEnum):
    """The subject of a limit."""

    DEPROVISIONINGS = "leavings"
    MEMBERS = "members"
    GROUPS = "groups deleted"
    CREATIONS = "creations"
    ONE_FIELD = "one field"
    ADOPTIONS = "adoptions"
    """Somebody would get the account of another person, who is gone."""
    ADOPTED = "adopted accounts"
    """Accounts that Zoho One already has would be adopted, and changed by that."""
    PUSHED = "pushed leavings"
    """Pushes exceeded a limit on deprovisionings; every further one waits for a decision."""
    DISCARDED = "discarded"
    """An administrator discarded the same before; it waits until Entra reverts it or it is approved."""
    OBSERVED = "observed"
    """The store observes: the plan waits until provisioning is started with it."""
    NOT_AGREED = "not agreed"
    """Provisioning was started with another plan than this one, which waits for a decision."""


HOLDING_RULES = frozenset({Rule.DEPROVISIONINGS, Rule.PUSHED})
"""Rules by which the guard holds every deprovisioning until an administrator decides."""

FIRST_PLAN_RULES = frozenset({Rule.OBSERVED, Rule.NOT_AGREED})
"""Rules by which no plan is applied after observing but the one that an administrator agreed to."""


class Breach(Model):
    """A limit that a plan exceeds, or another reason to hold it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: Rule
    field: ZohoField | None = None
    group: str | None = None
    """The group's name, if the limit is about one group."""
    count: int
    """Number of people with this change, including ``recent``."""
    recent: int = 0
    """Of these, the deprovisionings within the preceding interval."""
    of: int
    """The active people, including ``recent``."""
    limit: Threshold | GroupLimit | Share | int

    @property
    def percentage(self) -> float:
        """Percentage of the active people; 100 if there are none."""
        return 100 * self.count / self.of if self.of else 100.0

    def __str__(self) -> str:
        if self.rule is Rule.DISCARDED and not self.count:
            return "An administrator discarded this plan before."
        recent = f", counting {self.recent} of the last {INTERVAL.seconds // 60} minutes" if self.recent else ""
        limit = str(self.limit)
        if self.rule is Rule.DEPROVISIONINGS and isinstance(self.limit, int):
            limit = f"{limit} people"
        elif self.rule is Rule.MEMBERS:
            limit = limit.replace("people", "members")
        return _SENTENCES[self.rule].format(
            count=self.count,
            share=f"{self.count} of {self.of} {_OF.get(self.rule, 'active people')} ({self.percentage:.1f} %)",
            group=f"the group {self.group}" if self.group else "the group",
            field=self.field,
            recent=recent,
            limit=limit,
        )


_OF = {Rule.MEMBERS: "members", Rule.GROUPS: "groups"}
"""What a share is of, unless it is of the active people."""
_SENTENCES = {
    Rule.DEPROVISIONINGS: "{share} would be deactivated or deleted{recent}; the limit is {limit}.",
    Rule.MEMBERS: "{share} would be removed from {group}{recent}; the limit is {limit}.",
    Rule.GROUPS: "{share} would be deleted from Zoho One{recent}; the limit is {limit}.",
    Rule.CREATIONS: "{count} people would be created; the limit is {limit}.",
    Rule.ONE_FIELD: "The field {field} would change for {share}; the limit is {limit}.",
    Rule.ADOPTIONS: "{count} people would get the account of another person, who was deleted in Entra.",
    Rule.ADOPTED: "{count} accounts that Zoho One already has would be adopted and changed; the limit is {limit}.",
    Rule.PUSHED: (
        "{count} people wait to be deactivated or deleted: a limit was passed, so the guard holds every deactivation "
        "and deletion until an administrator decides."
    ),
    Rule.DISCARDED: "An administrator discarded {count} of these deactivations and deletions before.",
    Rule.OBSERVED: "The directory store observes. Changes that wait until provisioning is started with them: {count}.",
    Rule.NOT_AGREED: "Provisioning was started with another plan, and nobody has seen this one. Its changes: {count}.",
}


def check(
    plan: Plan, active_users: int, limits: GuardLimits, recent: int = 0, *, is_counted: bool = True
) -> tuple[Breach, ...]:
    """Return the limits that a plan exceeds; if none, it may be applied.

    ``active_users``: active people in the store now. ``recent``: people deprovisioned within INTERVAL, active before
    that. ``is_counted``: as of check_deprovisionings.
    """
    return tuple(_breaches(plan, active_users, limits, recent, is_counted=is_counted))


def check_deprovisionings(
    planned: int, active_users: int, limits: GuardLimits, recent: int, inactive: int = 0, *, is_counted: bool = True
) -> Breach | None:
    """Check the limits on deprovisionings alone: all that a push needs.

    ``inactive``: how many of ``planned`` have an inactive account: deletions count all the same. ``is_counted``:
    whether ``active_users`` was counted for this; else it may be too low, and what exceeds a limit for some greater
    number exceeds it, so that the caller counts.
    """
    count = planned + recent
    of = max(active_users + inactive + recent, count)
    if not planned:
        return None  # a plan without deprovisionings is not held for earlier ones
    limit = limits.deprovisionings.passed(count, of)
    if limit is None and not is_counted:
        of = limits.deprovisionings.of_at_least(of)
        limit = limits.deprovisionings.passed(count, of)
    if limit is None:
        return None
    return Breach(rule=Rule.DEPROVISIONINGS, count=count, recent=recent, of=of, limit=limit)


def check_members(
    removed: int, members: int, limits: GuardLimits, recent: int, group: str | None = None
) -> Breach | None:
    """Check the limit on members removed from one group.

    ``members``: current number of members. ``recent``: members removed within INTERVAL. ``group``: its name.
    """
    count, of = removed + recent, members + recent
    if not removed or not limits.members.is_passed(count, of):
        return None
    return Breach(rule=Rule.MEMBERS, group=group, count=count, recent=recent, of=of, limit=limits.members)


def check_group_deletions(deleted: int, groups: int, limits: GuardLimits, recent: int) -> Breach | None:
    """Check the limit on deleted groups.

    ``groups``: current number of groups. ``recent``: groups deleted within INTERVAL.
    """
    count, of = deleted + recent, groups + recent
    if not deleted or limits.groups.limits.passed(count, of) is None:
        return None
    return Breach(rule=Rule.GROUPS, count=count, recent=recent, of=of, limit=limits.groups)


def held_deprovisionings(plan: Plan, active_users: int, limits: GuardLimits) -> Breach | None:
    """Return the breach that holds a plan while the guard holds deprovisionings, if the plan contains any."""
    if not plan.waiting:
        return None
    return Breach(rule=Rule.PUSHED, count=plan.waiting, of=active_users, limit=limits.leavings)


def discarded_before(deprovisionings: int, active_users: int) -> Breach:
    """Return the breach for a plan that was discarded, or that contains this many departures of a discarded one."""
    return Breach(rule=Rule.DISCARDED, count=deprovisionings, of=active_users, limit=0)


def unseen(plan: Plan, active_users: int, *, observes: bool) -> Breach:
    """Return the breach for a plan that waits until somebody has seen it. ``observes``: the store still does."""
    rule = Rule.OBSERVED if observes else Rule.NOT_AGREED
    done = Counter(plan.counts) + Counter(plan.group_counts)
    changes = done.total() - done[ChangeKind.PROPOSE]  # who waits for a decision is not changed by the plan
    return Breach(rule=rule, count=changes, of=active_users, limit=0)


def check_adoptions(plan: Plan, active_users: int, limits: GuardLimits) -> Breach | None:
    """Return the breach for a plan that gives accounts to other people: it is held, unless the store always allows
    that.
    """
    of_others = sum(1 for change in plan.changes if _is_another(change.adopts))
    if not of_others or limits.adoptions is not Adoptions.HOLD:
        return None
    return Breach(rule=Rule.ADOPTIONS, count=of_others, of=active_users, limit=0)


def _is_another(adoption: Adoption | None) -> bool:
    return adoption is not None and adoption.another and not adoption.agreed


def _breaches(plan: Plan, active_users: int, limits: GuardLimits, recent: int, *, is_counted: bool) -> Iterator[Breach]:
    counts = plan.counts
    leaving = check_deprovisionings(plan.waiting, active_users, limits, recent, plan.inactive, is_counted=is_counted)
    if leaving is not None:
        yield leaving
    if (breach := check_adoptions(plan, active_users, limits)) is not None:
        yield breach
    creations = counts.get(ChangeKind.CREATE, 0)
    if limits.creations is not None and creations > limits.creations:
        yield Breach(rule=Rule.CREATIONS, count=creations, of=active_users, limit=limits.creations)
    there = active_users + counts.get(ChangeKind.ADOPT, 0)  # an adopted account is one of them from then on
    adopted = sum(change.kind is ChangeKind.ADOPT and bool(change.fields) for change in plan.changes)
    if limits.adopted.is_passed(adopted, there):
        yield Breach(rule=Rule.ADOPTED, count=adopted, of=there, limit=limits.adopted)
    existing = (change for change in plan.changes if change.kind not in (ChangeKind.CREATE, ChangeKind.PROPOSE))
    people = Counter(part.field for change in existing for part in change.fields)
    for field in ZohoField:
        if limits.one_field.is_passed(people[field], there):
            yield Breach(rule=Rule.ONE_FIELD, field=field, count=people[field], of=there, limit=limits.one_field)
    new = [group for group in plan.groups if not group.judged]
    deleted, groups = sum(group.kind is ChangeKind.DELETE for group in new), plan.groups_there
    if groups and (breach := check_group_deletions(deleted, groups.now, limits, groups.deleted)) is not None:
        yield breach
    for group in new:
        found = group.members
        if found and (breach := check_members(found.leaving, found.of, limits, found.recent, group.name)) is not None:
            yield breach
