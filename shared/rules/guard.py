"""What stops a plan that changes too much."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from pydantic import ConfigDict, Field

from shared.model import Model
from shared.rules.change import ChangeKind
from shared.rules.former import Adoptions
from shared.rules.plan import Plan
from shared.rules.zoho_user import ZohoField

INTERVAL = timedelta(minutes=40)
"""What leaves one by one counts together for this long: a cycle of Entra's, or of the bridge's own."""

MOST_LEAVINGS = 10
"""Fewer may leave in any organisation, however small: a team that closes is no accident."""

MOST_LEAVINGS_PERCENT = 10.0
"""Of the active people; a group unassigned by mistake is more, a month's leavers are less."""

MOST_LEAVINGS_SHARE = 50.0
"""Percent of the active people, however few they are: nobody dismisses more than half of a team in one go."""

FEWEST_OF_SHARE = 3
"""Of two people one is half, and both are everybody: there a share says nothing."""

MOST_LEAVINGS_IN_ALL = 200
"""Whatever the percentage: in an organisation of 100,000 people 10 % would be 10,000."""

MOST_OF_ONE_FIELD = 50
"""Fewer people can be set right by hand."""

MOST_OF_ONE_FIELD_PERCENT = 50.0
"""Of the active people, who differ: a field that changes for half of them changed by a rule, maybe a wrong one."""


MOST_MEMBERS = 50
"""Fewer can be added again by hand."""

MOST_MEMBERS_PERCENT = 50.0
"""Of a group's members: a request that was misread, or a rule in Entra that went wrong, takes out most of them."""


class Threshold(Model):
    """Passed by more than ``count`` people who are also more than ``percent`` of those there are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    count: int = Field(ge=0, description="People")
    percent: float = Field(ge=0, le=100, description="Of the active people")

    def is_passed(self, count: int, of: int) -> bool:
        """Whether ``count`` of ``of`` people are too many."""
        return count > self.count and count * 100 > self.percent * of

    def __str__(self) -> str:
        return f"{self.count} people and {self.percent:g} %"


MOST_GROUPS = 3
"""Groups that may be deleted whatever their share: a project that ends takes a few."""

MOST_GROUPS_PERCENT = 10.0
"""Of the groups there are: a filter in Entra that went wrong takes more."""

MOST_GROUPS_SHARE = 50.0
"""Percent of at least FEW_GROUPS groups: the limit where there are so few that ``count`` never holds."""

MOST_GROUPS_AT_ALL = 50
"""Groups whatever their share: nobody makes so many again by hand."""

FEW_GROUPS = 3
"""Fewer groups have no share: of two, one is half."""


class Share(Model):
    """Passed by more than ``percent`` of those there are, where there are at least ``of_at_least``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    percent: float = Field(ge=0, le=100, description="Of the active people")
    of_at_least: int = Field(ge=1, description="Active people")

    def is_passed(self, count: int, of: int) -> bool:
        """Whether ``count`` of ``of`` people are too many."""
        return of >= self.of_at_least and count * 100 > self.percent * of

    def __str__(self) -> str:
        return f"{self.percent:g} % of at least {self.of_at_least} people"


@dataclass(frozen=True)
class Limits:
    """Three limits on what goes within INTERVAL: on many, on a share of few, and on how many go at all."""

    many: Threshold | None = None
    share: Share | None = None
    most: int | None = None

    def passed(self, count: int, of: int) -> Threshold | Share | int | None:
        """The first limit that ``count`` of ``of`` pass; None: none of them."""
        if self.many is not None and self.many.is_passed(count, of):
            return self.many
        if self.share is not None and self.share.is_passed(count, of):
            return self.share
        return self.most if self.most is not None and count > self.most else None

    def first_held(self, of: int) -> int | None:
        """The smallest number of ``of`` that passes a limit; None: all may go."""
        place = bisect_left(range(1, of + 1), True, key=lambda count: self.passed(count, of) is not None)
        return place + 1 if place < of else None

    def firsts(self, of: int) -> tuple[int | None, int | None, int | None]:
        """The same for each of the three."""
        alone = (Limits(many=self.many), Limits(share=self.share), Limits(most=self.most))
        many, share, most = (each.first_held(of) for each in alone)
        return many, share, most


class GroupLimit(Model):
    """A store's limit on groups deleted within INTERVAL, by pushes and cycles together."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    count: int = Field(default=MOST_GROUPS, ge=0, description="Groups")
    percent: float = Field(default=MOST_GROUPS_PERCENT, ge=0, le=100, description="Of the groups")
    share: float = Field(default=MOST_GROUPS_SHARE, ge=0, le=100, description="Of the groups, however few")
    most: int = Field(default=MOST_GROUPS_AT_ALL, ge=0, description="Groups, however many there are")

    @property
    def limits(self) -> Limits:
        """The same as three limits."""
        share = Share(percent=self.share, of_at_least=FEW_GROUPS)
        return Limits(Threshold(count=self.count, percent=self.percent), share, self.most)

    def free(self, of: int) -> int:
        """The number of ``of`` groups that may be deleted within INTERVAL without a decision."""
        first = self.limits.first_held(of)
        return of if first is None else first - 1

    def __str__(self) -> str:
        return (
            f"{self.count} groups and {self.percent:g} %, or {self.share:g} % of at least {FEW_GROUPS}, "
            f"or {self.most} groups"
        )


class GuardLimits(Model):
    """A store's limits. Deprovisionings have three: a plan or a push that passes any of them is held."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    leavings: Threshold = Field(
        default=Threshold(count=MOST_LEAVINGS, percent=MOST_LEAVINGS_PERCENT),
        description="Deactivations and deletions together",
    )
    leavings_share: Share | None = Field(
        default=Share(percent=MOST_LEAVINGS_SHARE, of_at_least=FEWEST_OF_SHARE),
        description="The same, in organisations too small for the limit above; none: no such limit",
    )
    leavings_most: int | None = Field(
        default=MOST_LEAVINGS_IN_ALL,
        ge=0,
        description="The same, whatever the percentage; none: no such limit",
    )
    members: Threshold = Field(
        default=Threshold(count=MOST_MEMBERS, percent=MOST_MEMBERS_PERCENT),
        description="Members removed from one group",
    )
    groups: GroupLimit = Field(default=GroupLimit(), description="Groups deleted within 40 minutes")
    creations: int | None = Field(
        default=None,
        ge=0,
        # No limit unless one is set: a first sync creates everybody, and one that goes on after an interruption
        # creates many times the people that are there.
        description="Creations in one plan, for example the licences there are; none by default",
    )
    adoptions: Adoptions = Field(
        default=Adoptions.HOLD,
        description="Accounts of people who are gone that another person would get, who has their userName now",
    )
    one_field: Threshold = Field(
        default=Threshold(count=MOST_OF_ONE_FIELD, percent=MOST_OF_ONE_FIELD_PERCENT),
        description="Updates of the same field: a mapping or an attribute that went wrong",
    )

    @property
    def deprovisionings(self) -> Limits:
        """The limits on deactivations and deletions together."""
        return Limits(self.leavings, self.leavings_share, self.leavings_most)

    def today(self, of: int) -> str:
        """What the three limits mean among so many active people, in a sentence."""
        if of == 0:
            return "Nobody is active today, so there is nobody whom the limits could keep."
        firsts = tuple(zip(("first", "second", "third"), self.deprovisionings.firsts(of), strict=True))
        each = ", ".join(f"the {name} limit holds from {first} on" for name, first in firsts if first is not None)
        never = " and ".join(name for name, first in firsts if first is None)
        none = f"{'; the ' if each else 'the '}{never} never" if never else ""
        held = self.deprovisionings.first_held(of)
        so = f"{held - 1} may go" if held is not None else "all may go"
        return (
            f"With today's {of} active people, counting those who leave within {INTERVAL.seconds // 60} minutes, "
            f"{each}{none}: {so} without a decision."
        )


class Rule(StrEnum):
    """What a limit is about."""

    LEAVINGS = "leavings"
    MEMBERS = "members"
    GROUPS = "groups deleted"
    CREATIONS = "creations"
    ONE_FIELD = "one field"
    ADOPTIONS = "adoptions"
    """Somebody would get the account of another person, who is gone."""
    PUSHED = "pushed leavings"
    """More people were to leave than a limit allows; everybody who leaves since then waits for a decision."""
    DISCARDED = "discarded"
    """An administrator discarded the same before; it waits until Entra takes it back, or it is approved."""


SHUTTING = frozenset({Rule.LEAVINGS, Rule.PUSHED})
"""Rules by which the guard keeps back everybody who leaves until an administrator has decided."""


class Breach(Model):
    """A limit that a plan passes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: Rule
    field: ZohoField | None = None
    group: str | None = None
    """What the group is called, where the limit is one group's."""
    count: int
    """People whom the plan changes so, with those of ``recent``."""
    recent: int = 0
    """Of them, those who left within the interval before."""
    of: int
    """The active people, with those of ``recent``."""
    limit: Threshold | GroupLimit | Share | int

    @property
    def percentage(self) -> float:
        """Of the active people; 100 where there are none."""
        return 100 * self.count / self.of if self.of else 100.0

    def __str__(self) -> str:
        if self.rule is Rule.CREATIONS:
            return f"{self.count} people would be created; the limit is {self.limit}."
        if self.rule is Rule.DISCARDED:
            return (
                f"An administrator discarded {self.count} of these deactivations and deletions before."
                if self.count
                else "An administrator discarded this plan before."
            )
        if self.rule is Rule.ADOPTIONS:
            return f"{self.count} people would get the account of somebody else, who is gone from Entra."
        minutes = INTERVAL.seconds // 60
        recent = f", counting {self.recent} of the last {minutes} minutes" if self.recent else ""
        if self.rule is Rule.MEMBERS:
            share = f"{self.count} of {self.of} members ({self.percentage:.1f} %)"
            limit = str(self.limit).replace("people", "members")
            which = f"the group {self.group}" if self.group else "the group"
            return f"{share} would be removed from {which}{recent}; the limit is {limit}."
        if self.rule is Rule.GROUPS:
            share = f"{self.count} of {self.of} groups ({self.percentage:.1f} %)"
            return f"{share} would be deleted from Zoho One{recent}; the limit is {self.limit}."
        share = f"{self.count} of {self.of} active people ({self.percentage:.1f} %)"
        if self.rule is Rule.ONE_FIELD:
            return f"The field {self.field} would change for {share}; the limit is {self.limit}."
        if self.rule is Rule.PUSHED:
            return (
                f"{self.count} people wait to be deactivated or deleted: the guard keeps everybody back who leaves "
                "since a limit was passed, until an administrator decides."
            )
        most = f"{self.limit} people" if isinstance(self.limit, int) else str(self.limit)
        return f"{share} would be deactivated or deleted{recent}; the limit is {most}."


def check(plan: Plan, active_users: int, limits: GuardLimits, recent: int = 0) -> tuple[Breach, ...]:
    """The limits that a plan passes; none means that it may be applied.

    ``active_users``: who is active in the store now. ``recent``: who left within INTERVAL, and was active before that.
    """
    return tuple(_breaches(plan, active_users, limits, recent))


def check_deprovisionings(
    planned: int, active_users: int, limits: GuardLimits, recent: int, inactive: int = 0
) -> Breach | None:
    """The limits on those who leave alone: all that a push needs to know.

    ``inactive``: how many of ``planned`` have an account that is not active: what is deleted counts all the same.
    """
    count = planned + recent
    of = max(active_users + inactive + recent, count)
    if not planned or (limit := limits.deprovisionings.passed(count, of)) is None:
        return None  # a plan in which nobody leaves is not held for those who left before
    return Breach(rule=Rule.LEAVINGS, count=count, recent=recent, of=of, limit=limit)


def check_members(
    removed: int, members: int, limits: GuardLimits, recent: int, group: str | None = None
) -> Breach | None:
    """The limit on those who are removed from one group.

    ``members``: how many it has now. ``recent``: who was removed within INTERVAL. ``group``: what it is called.
    """
    count, of = removed + recent, members + recent
    if not removed or not limits.members.is_passed(count, of):
        return None
    return Breach(rule=Rule.MEMBERS, group=group, count=count, recent=recent, of=of, limit=limits.members)


def check_group_deletions(deleted: int, groups: int, limits: GuardLimits, recent: int) -> Breach | None:
    """The limit on groups that are deleted.

    ``groups``: how many there are now. ``recent``: how many were deleted within INTERVAL.
    """
    count, of = deleted + recent, groups + recent
    if not deleted or limits.groups.limits.passed(count, of) is None:
        return None
    return Breach(rule=Rule.GROUPS, count=count, recent=recent, of=of, limit=limits.groups)


def kept_back(plan: Plan, active_users: int, limits: GuardLimits) -> Breach | None:
    """What a plan is held by while the guard keeps people back: everybody who waits in it to leave, if anybody does."""
    if not plan.waiting:
        return None
    return Breach(rule=Rule.PUSHED, count=plan.waiting, of=active_users, limit=limits.leavings)


def discarded_before(departures: int, active_users: int) -> Breach:
    """What a plan is held by that an administrator discarded, or that has so many of the departures of such a one."""
    return Breach(rule=Rule.DISCARDED, count=departures, of=active_users, limit=0)


def check_adoptions(plan: Plan, active_users: int, limits: GuardLimits) -> Breach | None:
    """No account changes hands in silence: a plan by which one does is held, unless the store always lets it."""
    of_others = sum(1 for change in plan.changes if change.adopts is not None and change.adopts.another)
    if not of_others or limits.adoptions is not Adoptions.HOLD:
        return None
    return Breach(rule=Rule.ADOPTIONS, count=of_others, of=active_users, limit=0)


def _breaches(plan: Plan, active_users: int, limits: GuardLimits, recent: int) -> Iterator[Breach]:
    counts = plan.counts
    if (breach := check_deprovisionings(plan.waiting, active_users, limits, recent, plan.inactive)) is not None:
        yield breach
    if (breach := check_adoptions(plan, active_users, limits)) is not None:
        yield breach
    creations = counts.get(ChangeKind.CREATE, 0)
    if limits.creations is not None and creations > limits.creations:
        yield Breach(rule=Rule.CREATIONS, count=creations, of=active_users, limit=limits.creations)
    existing = (change for change in plan.changes if change.kind not in (ChangeKind.CREATE, ChangeKind.ADOPT))
    people = Counter(part.field for change in existing for part in change.fields)
    for field in ZohoField:
        if limits.one_field.is_passed(people[field], active_users):
            yield Breach(rule=Rule.ONE_FIELD, field=field, count=people[field], of=active_users, limit=limits.one_field)
    new = [group for group in plan.groups if not group.judged]
    deleted, there = sum(group.kind is ChangeKind.DELETE for group in new), plan.groups_there
    if there and (breach := check_group_deletions(deleted, there.now, limits, there.deleted)) is not None:
        yield breach
    for group in new:
        found = group.members
        if found and (breach := check_members(found.leaving, found.of, limits, found.recent, group.name)) is not None:
            yield breach
