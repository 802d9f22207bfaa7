"""What is measured of groups, and what is made of it: plain data and pure functions."""

from dataclasses import asdict, dataclass, field

GROWN = 1.5
"""How much more of the host's processor time a change may take in the largest group than in the smallest."""
LEAST_MS = 2.0
"""Of processor time: the operating system counts it in steps of ten, so that less says nothing."""


@dataclass(frozen=True)
class GroupCost:
    """One change of the members of one group."""

    members: int
    change: str
    count: int
    ms: float
    """The median; Azurite's own time is in it, which grows with its tables."""
    host_cpu_ms: float
    azurite_cpu_ms: float
    table_calls: int
    zoho_calls: int


@dataclass(frozen=True)
class Growth:
    """One change, in the largest group against the smallest."""

    change: str
    count: int
    calls: int
    """Calls of all kinds more."""
    ratio: float
    """Of the host's processor time."""

    @property
    def verdict(self) -> str:
        """In one word."""
        return "PASS" if self.calls == 0 and self.ratio <= GROWN else "MISSED"


@dataclass
class GroupFigures:
    """All of one run."""

    costs: list[GroupCost] = field(default_factory=list)

    @property
    def growth(self) -> list[Growth]:
        """Whether a change grows with its group. Needs two sizes."""
        sizes = sorted({cost.members for cost in self.costs})
        if len(sizes) < 2:
            return []
        small = {(cost.change, cost.count): cost for cost in self.costs if cost.members == sizes[0]}
        return [_growth(small[cost.change, cost.count], cost) for cost in self.costs if cost.members == sizes[-1]]

    def described(self) -> dict[str, object]:
        """Everything, also what follows from it, for JSON."""
        return asdict(self) | {"growth": [asdict(one) | {"verdict": one.verdict} for one in self.growth]}


def _growth(small: GroupCost, large: GroupCost) -> Growth:
    calls = large.table_calls + large.zoho_calls - small.table_calls - small.zoho_calls
    ratio = max(large.host_cpu_ms, LEAST_MS) / max(small.host_cpu_ms, LEAST_MS)
    return Growth(large.change, large.count, calls, ratio)
