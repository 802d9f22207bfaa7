"""What is measured of cycles, and what is made of it: plain data and pure functions."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from shared.rules.entra_connection import Scope

MOST_CALLS = 10
"""Outside calls of a cycle with no change."""
SAME_TIME = 1.25
"""A cycle with no change may take this many times as long where people are most as where they are fewest."""
SAME_CALLS = 1.05
"""And one with changes this many times the calls."""
OF_IDEAL = 0.9
"""Of the rate that a first sync would reach if it waited for nothing but Zoho One."""
MOST_MIB = 400.0
"""Of the process that compares everybody."""


@dataclass(frozen=True)
class NoChange:
    """Cycles in which nothing changed, warm."""

    people: int
    scope: Scope
    calls: dict[str, int]
    """Of the cycle that made most."""
    seconds: float
    """The median."""
    others_share: float


@dataclass(frozen=True)
class Changes:
    """A cycle in a new process after changes in Entra."""

    people: int
    changes: int
    calls: dict[str, int]
    seconds: float
    others_share: float


@dataclass(frozen=True)
class FirstSync:
    """The first cycle of a store: everybody is created."""

    people: int
    at_once: int
    latency_ms: float
    seconds: float
    steps: dict[str, float]
    calls: dict[str, int]
    peak_mib: float
    cpu_shares: dict[str, float]
    others_share: float

    @property
    def ideal(self) -> float:
        """People a second, if there were nothing but Zoho One's latency."""
        return self.at_once / self.latency_ms * 1000

    @property
    def per_second(self) -> float:
        """People a second while they are taken to Zoho One."""
        return self.people / self.steps["applying"]


@dataclass(frozen=True)
class FullCycle:
    """A full cycle over people of whom none changed."""

    people: int
    seconds: float
    steps: dict[str, float]
    calls: dict[str, int]
    peak_mib: float
    others_share: float


@dataclass(frozen=True)
class PlanSize:
    """The plan of a first sync, made of people who are read from memory instead of tables."""

    people: int
    seconds: float
    """Of processor time."""
    peak_mib: float
    """That is allocated at most while it is made, by Python's own count."""
    plan_mib: float
    """That the plan keeps."""


@dataclass(frozen=True)
class Verdict:
    """What was wanted, what was found, and whether that is enough."""

    wanted: str
    found: str
    is_met: bool

    @property
    def verdict(self) -> str:
        """In one word."""
        return "PASS" if self.is_met else "MISSED"


@dataclass
class CycleFigures:
    """All of one run."""

    latency_ms: float
    """Of each call of Graph's and of Zoho One's."""
    no_change: list[NoChange] = field(default_factory=list)
    changes: list[Changes] = field(default_factory=list)
    full_cycle: FullCycle | None = None
    first_sync: FirstSync | None = None
    plan_size: PlanSize | None = None

    def described(self) -> dict[str, object]:
        """Everything, also what follows from it, for JSON."""
        return asdict(self) | {"verdicts": [asdict(one) | {"verdict": one.verdict} for one in verdicts(self)]}


def verdicts(figures: CycleFigures) -> list[Verdict]:
    """All that can be told of what was measured."""
    found = [*_of_no_change(figures.no_change), *_of_changes(figures.changes)]
    if (full := figures.full_cycle) is not None:
        wanted = f"A full cycle over {full.people:,} people stays under {MOST_MIB:.0f} MiB"
        found.append(Verdict(wanted, f"{full.peak_mib:.0f} MiB", full.peak_mib < MOST_MIB))
    if (first := figures.first_sync) is not None:
        wanted = f"A first sync of {first.people:,} people reaches {OF_IDEAL:.0%} of {first.ideal:.0f} people/s"
        share = first.per_second / first.ideal
        found.append(Verdict(wanted, f"{first.per_second:.0f} people/s, {share:.0%}", share >= OF_IDEAL))
    return found


def _of_no_change(measured: Sequence[NoChange]) -> list[Verdict]:
    found = []
    for scope in dict.fromkeys(each.scope for each in measured):
        ordered = sorted((each for each in measured if each.scope is scope), key=lambda each: each.people)
        most = max(sum(each.calls.values()) for each in ordered)
        wanted = f"A cycle with no change, {scope}, costs at most {MOST_CALLS} calls"
        found.append(Verdict(wanted, f"{most} calls", most <= MOST_CALLS))
        if len(ordered) > 1:
            few, many = ordered[0], ordered[-1]
            wanted = f"… and with {many.people:,} people the time of {few.people:,}"
            ratio = many.seconds / few.seconds
            found.append(Verdict(wanted, f"{ratio:.0%} of {few.seconds:.2f} s", ratio <= SAME_TIME))
    return found


def _of_changes(measured: Sequence[Changes]) -> list[Verdict]:
    found = []
    for count in dict.fromkeys(each.changes for each in measured):
        ordered = sorted((each for each in measured if each.changes == count), key=lambda each: each.people)
        calls = [each.calls.get("tables", 0) + each.calls.get("zoho", 0) for each in ordered]
        if len(calls) > 1:
            sizes = f"{ordered[0].people:,} and {ordered[-1].people:,} people"
            wanted = f"{count} changes cost as many calls of tables and Zoho One among {sizes}"
            found.append(Verdict(wanted, f"{calls[0]} and {calls[-1]}", calls[-1] <= calls[0] * SAME_CALLS))
    return found
