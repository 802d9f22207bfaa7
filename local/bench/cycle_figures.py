"""The measurements of cycles and the figures derived from them: plain data and pure functions."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from shared.rules.entra_connection import Scope

MOST_CALLS = 10
"""Maximum number of outside calls of a cycle with no change."""
SAME_TIME = 1.25
"""Maximum ratio of the durations of a cycle with no change, with the most people and with the fewest."""
SAME_CALLS = 1.05
"""Maximum ratio of the calls of a cycle with changes, with the most people and with the fewest."""
OF_IDEAL = 0.9
"""Minimum share of the rate that a first sync would reach if it waited for nothing but Zoho One."""
MOST_MIB = 400.0
"""Maximum memory in MiB of the process that searches for drift."""


@dataclass(frozen=True)
class NoChange:
    """Cycles in which nothing changed, warm."""

    people: int
    scope: Scope
    calls: dict[str, int]
    """Calls of the cycle that made most."""
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
        """People per second if there were nothing but Zoho One's latency."""
        return self.at_once / self.latency_ms * 1000

    @property
    def per_second(self) -> float:
        """People per second while they are applied to Zoho One."""
        return self.people / self.steps["applying"]


@dataclass(frozen=True)
class FullCycle:
    """A full cycle over unchanged people."""

    people: int
    seconds: float
    steps: dict[str, float]
    calls: dict[str, int]
    peak_mib: float
    others_share: float


@dataclass(frozen=True)
class PlanSize:
    """The plan of a first sync of people who are read from memory instead of tables."""

    people: int
    seconds: float
    """Seconds of processor time."""
    peak_mib: float
    """Maximum memory allocated during planning, by Python's own count."""
    plan_mib: float
    """Memory that the plan occupies."""


@dataclass(frozen=True)
class ExistingAccounts:
    """The first plan in an organisation that has accounts, which are all read; without the time of the tables."""

    accounts: int
    people: int
    seconds: float
    """Seconds of processor time."""
    peak_mib: float
    """Maximum memory allocated meanwhile, by Python's own count."""
    calls: dict[str, int]


@dataclass(frozen=True)
class Verdict:
    """A target, a measurement, and whether it is met."""

    wanted: str
    found: str
    is_met: bool

    @property
    def verdict(self) -> str:
        """The verdict in one word."""
        return "PASS" if self.is_met else "MISSED"


@dataclass
class CycleFigures:
    """All figures of one run."""

    latency_ms: float
    """Latency of each call to Graph and to Zoho One."""
    no_change: list[NoChange] = field(default_factory=list)
    changes: list[Changes] = field(default_factory=list)
    full_cycle: FullCycle | None = None
    first_sync: FirstSync | None = None
    plan_size: PlanSize | None = None
    existing_accounts: ExistingAccounts | None = None

    def described(self) -> dict[str, object]:
        """Return everything, including derived figures, for JSON."""
        return asdict(self) | {"verdicts": [asdict(one) | {"verdict": one.verdict} for one in verdicts(self)]}


def verdicts(figures: CycleFigures) -> list[Verdict]:
    """Return every verdict that the measurements allow."""
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
