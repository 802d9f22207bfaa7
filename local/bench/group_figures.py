"""The measurements of groups and the figures derived from them: plain data and pure functions."""

from dataclasses import asdict, dataclass, field

GROWN = 1.5
"""Maximum ratio of the host's processor time for a change, in the largest group and in the smallest."""
LEAST_MS = 2.0
"""Processor time below which a ratio says nothing: the operating system counts it in steps of ten milliseconds."""


@dataclass(frozen=True)
class GroupCost:
    """One change of the members of one group."""

    members: int
    change: str
    count: int
    ms: float
    """The median; it includes Azurite's own time, which grows with its tables."""
    host_cpu_ms: float
    azurite_cpu_ms: float
    table_calls: int
    zoho_calls: int


@dataclass(frozen=True)
class Growth:
    """One change, in the largest group compared with the smallest."""

    change: str
    count: int
    calls: int
    """Additional calls of all kinds."""
    ratio: float
    """Ratio of the host's processor time."""

    @property
    def verdict(self) -> str:
        """The verdict in one word."""
        return "PASS" if self.calls <= 0 and self.ratio <= GROWN else "MISSED"


@dataclass
class GroupFigures:
    """All figures of one run."""

    costs: list[GroupCost] = field(default_factory=list)

    @property
    def growth(self) -> list[Growth]:
        """Return whether a change grows with its group. Needs two sizes."""
        sizes = sorted({cost.members for cost in self.costs})
        if len(sizes) < 2:
            return []
        small = {(cost.change, cost.count): cost for cost in self.costs if cost.members == sizes[0]}
        return [_growth(small[cost.change, cost.count], cost) for cost in self.costs if cost.members == sizes[-1]]

    def described(self) -> dict[str, object]:
        """Return everything, including derived figures, for JSON."""
        return asdict(self) | {"growth": [asdict(one) | {"verdict": one.verdict} for one in self.growth]}


def _growth(small: GroupCost, large: GroupCost) -> Growth:
    calls = large.table_calls + large.zoho_calls - small.table_calls - small.zoho_calls
    ratio = max(large.host_cpu_ms, LEAST_MS) / max(small.host_cpu_ms, LEAST_MS)
    return Growth(large.change, large.count, calls, ratio)
