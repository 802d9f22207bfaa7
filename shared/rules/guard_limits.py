"""The guard's limits, as an administrator sets them for a store."""

from bisect import bisect_left
from dataclasses import dataclass
from datetime import timedelta

from pydantic import ConfigDict, Field

from shared.model import Model
from shared.rules.former import Adoptions

INTERVAL = timedelta(minutes=40)
"""The period over which deprovisionings are counted together: one cycle of Entra's or of the bridge's."""

MOST_DEPROVISIONINGS = 10
"""Deprovisionings allowed in any organisation, however small: a team that closes is no accident."""

MOST_DEPROVISIONINGS_PERCENT = 10.0
"""Percentage of the active people. A group unassigned by mistake exceeds it; a month's normal departures do not."""

MOST_DEPROVISIONINGS_SHARE = 50.0
"""Percentage of the active people in small organisations: nobody dismisses more than half of a team at once."""

FEWEST_OF_SHARE = 3
"""Minimum number of people for a share: of two people one is half and both are everybody, so a share says nothing."""

MOST_DEPROVISIONINGS_IN_ALL = 200
"""Maximum whatever the percentage: in an organisation of 100,000 people 10 % would be 10,000."""

MOST_OF_ONE_FIELD = 50
"""Updates of one field that are always allowed: this many can be corrected by hand."""

MOST_OF_ONE_FIELD_PERCENT = 50.0
"""Percentage of the active people who differ: a field that changes for half of them changed by a rule, maybe a wrong
one.
"""

MOST_ADOPTED = 20
"""Adopted accounts that may always be changed: this many an administrator reads in the plan, and corrects by hand."""

MOST_ADOPTED_PERCENT = 10.0
"""Percentage of the active people, adopted ones included. In a first plan nearly everybody is adopted: it passes by
itself only if the accounts hold nearly everywhere what they should, so that adopting them changes next to nothing.
"""

MOST_MEMBERS = 50
"""Members that may always be removed from a group: this many can be added again by hand."""

MOST_MEMBERS_PERCENT = 50.0
"""Percentage of a group's members: a misread request, or a wrong rule in Entra, removes most of them."""


class Threshold(Model):
    """Exceeded by more than ``count`` people who are also more than ``percent`` of the total."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    count: int = Field(ge=0, description="People")
    percent: float = Field(ge=0, le=100, description="Of the active people")

    def is_passed(self, count: int, of: int) -> bool:
        """Return whether ``count`` of ``of`` people are too many."""
        return count > self.count and count * 100 > self.percent * of

    def __str__(self) -> str:
        return f"{self.count} people and {self.percent:g} %"


MOST_GROUPS = 3
"""Groups that may be deleted whatever their share: a project that ends removes a few."""

MOST_GROUPS_PERCENT = 10.0
"""Percentage of the existing groups: a wrong filter in Entra removes more."""

MOST_GROUPS_SHARE = 50.0
"""Percentage of at least FEW_GROUPS groups: the limit if there are so few that ``count`` is never exceeded."""

MOST_GROUPS_AT_ALL = 50
"""Maximum number of groups whatever their share: more cannot be created again by hand."""

FEW_GROUPS = 3
"""Minimum number of groups for a share: of two, one is half."""


class Share(Model):
    """Exceeded by more than ``percent`` of the total, if that is at least ``of_at_least``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    percent: float = Field(ge=0, le=100, description="Of the active people")
    of_at_least: int = Field(ge=1, description="Active people")

    def is_passed(self, count: int, of: int) -> bool:
        """Return whether ``count`` of ``of`` people are too many."""
        return of >= self.of_at_least and count * 100 > self.percent * of

    def __str__(self) -> str:
        return f"{self.percent:g} % of at least {self.of_at_least} people"


@dataclass(frozen=True)
class Limits:
    """Three limits on deprovisionings within INTERVAL: for many, for a share of few, and an absolute maximum."""

    many: Threshold | None = None
    share: Share | None = None
    most: int | None = None

    def passed(self, count: int, of: int) -> Threshold | Share | int | None:
        """Return the first limit that ``count`` of ``of`` exceed, or None."""
        if self.many is not None and self.many.is_passed(count, of):
            return self.many
        if self.share is not None and self.share.is_passed(count, of):
            return self.share
        return self.most if self.most is not None and count > self.most else None

    def of_at_least(self, known: int) -> int:
        """Return the total at which most limits hold, if ``known`` may be too low: a share needs a total of some."""
        return max(known, self.share.of_at_least) if self.share is not None else known

    def first_held(self, of: int) -> int | None:
        """Return the smallest number of ``of`` that exceeds a limit, or None."""
        place = bisect_left(range(1, of + 1), True, key=lambda count: self.passed(count, of) is not None)
        return place + 1 if place < of else None

    def firsts(self, of: int) -> tuple[int | None, int | None, int | None]:
        """Return the same for each of the three limits."""
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
        """The three limits."""
        share = Share(percent=self.share, of_at_least=FEW_GROUPS)
        return Limits(Threshold(count=self.count, percent=self.percent), share, self.most)

    def free(self, of: int) -> int:
        """Return the number of ``of`` groups that may be deleted within INTERVAL without a decision."""
        first = self.limits.first_held(of)
        return of if first is None else first - 1

    def __str__(self) -> str:
        return (
            f"{self.count} groups and {self.percent:g} %, or {self.share:g} % of at least {FEW_GROUPS}, "
            f"or {self.most} groups"
        )


class GuardLimits(Model):
    """A store's limits. Deprovisionings have three: a plan or a push that exceeds any of them is held."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    leavings: Threshold = Field(
        default=Threshold(count=MOST_DEPROVISIONINGS, percent=MOST_DEPROVISIONINGS_PERCENT),
        description="Deactivations and deletions together",
    )
    leavings_share: Share | None = Field(
        default=Share(percent=MOST_DEPROVISIONINGS_SHARE, of_at_least=FEWEST_OF_SHARE),
        description="The same, in organisations too small for the limit above; none: no such limit",
    )
    leavings_most: int | None = Field(
        default=MOST_DEPROVISIONINGS_IN_ALL,
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
        # No limit by default: a first sync creates everybody, and one that continues after an interruption creates many
        # times the people that already exist.
        description="Creations in one plan, for example the licences there are; none by default",
    )
    adoptions: Adoptions = Field(
        default=Adoptions.HOLD,
        description="Accounts of deleted people that another person with their userName would get",
    )
    adopted: Threshold = Field(
        default=Threshold(count=MOST_ADOPTED, percent=MOST_ADOPTED_PERCENT),
        description="Accounts that Zoho One already has, adopted and changed by that",
    )
    one_field: Threshold = Field(
        default=Threshold(count=MOST_OF_ONE_FIELD, percent=MOST_OF_ONE_FIELD_PERCENT),
        description="Updates of the same field: a wrong mapping or attribute",
    )

    @property
    def deprovisionings(self) -> Limits:
        """The limits on deactivations and deletions together."""
        return Limits(self.leavings, self.leavings_share, self.leavings_most)

    def today(self, of: int) -> str:
        """Return what the three limits mean for this number of active people, in a sentence."""
        if of == 0:
            return "Nobody is active today, so the limits have no effect."
        firsts = tuple(zip(("first", "second", "third"), self.deprovisionings.firsts(of), strict=True))
        each = ", ".join(f"the {name} limit holds from {first} on" for name, first in firsts if first is not None)
        never = " and ".join(name for name, first in firsts if first is None)
        none = f"{'; the ' if each else 'the '}{never} never" if never else ""
        held = self.deprovisionings.first_held(of)
        so = f"{held - 1} may be deprovisioned" if held is not None else "all may be deprovisioned"
        return (
            f"With today's {of} active people, including those deprovisioned within {INTERVAL.seconds // 60} minutes, "
            f"{each}{none}: {so} without a decision."
        )
