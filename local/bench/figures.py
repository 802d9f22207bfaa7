"""What is measured, and what is made of it: plain data and pure functions."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from local.bench.azurite_modes import Mode

PAGE_MS = 300.0
"""That a page of the console may take."""
KEPT = 0.9
"""The share of its rate that GET by filter has to keep from the fewest people to the most."""


class Case(StrEnum):
    """A request that is measured."""

    GET = "GET by filter"
    PATCH = "PATCH active"
    POST = "POST"


@dataclass(frozen=True)
class CpuTimes:
    """Milliseconds of processor time a request, by process. The rest of its time it waited."""

    host: float
    azurite: float
    zoho_one: float
    generator: float


@dataclass(frozen=True)
class Rate:
    """One timed run of one case."""

    case: Case
    people: int
    azurite: Mode
    connections: int
    requests: int
    per_second: float
    p50_ms: float
    p99_ms: float
    table_calls: float
    refused: int
    cpu_ms: CpuTimes
    others_share: float
    """Of the machine's processors, taken by programs that are not measured here. The more, the less a rate means."""


@dataclass(frozen=True)
class PointRead:
    """One row read straight from Azurite with the SDK, without the bridge."""

    people: int
    azurite: Mode
    sdk_ms: float
    azurite_cpu_ms: float
    get_ms: float
    """The same person by GET with a filter through the bridge, one request at a time."""

    @property
    def share(self) -> float:
        """Of the time of a GET through the bridge."""
        return self.sdk_ms / self.get_ms


@dataclass(frozen=True)
class PageTime:
    """How long a page of the console takes with nothing else going on."""

    page: str
    people: int
    azurite: Mode
    ms: float


@dataclass(frozen=True)
class Kept:
    """Whether GET by filter keeps its rate when the store grows."""

    azurite: Mode
    connections: int
    fewest: int
    most: int
    ratio: float

    @property
    def verdict(self) -> str:
        """In one word."""
        return "PASS" if self.ratio >= KEPT else "MISSED"


@dataclass
class Figures:
    """All of one run."""

    seconds: float
    """Of each timed run, after a warm-up."""
    first_answer_seconds: list[float] = field(default_factory=list)
    """From the start of the host process, one start each."""
    trivial_route_per_second: float = 0.0
    """The same generator against a route the host does not have: no function runs, so this is the most it can send."""
    peak_memory_mib: float = 0.0
    """Of the host process."""
    mapping_us: float = 0.0
    """Microseconds to map one person by 25 rules, 10 of them expressions."""
    rates: list[Rate] = field(default_factory=list)
    point_reads: list[PointRead] = field(default_factory=list)
    pages: list[PageTime] = field(default_factory=list)

    def described(self) -> dict[str, object]:
        """Everything, also what follows from it, for JSON."""
        kept = [asdict(one) | {"verdict": one.verdict} for one in kept_rates(self.rates)]
        reads = [asdict(one) | {"share": one.share} for one in self.point_reads]
        return asdict(self) | {"point_reads": reads, "kept": kept}


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of all does not exceed (nearest rank). 0 where there is none."""
    if not values:
        return 0.0
    return sorted(values)[max(math.ceil(share * len(values)), 1) - 1]


def kept_rates(rates: Sequence[Rate]) -> list[Kept]:
    """For each way of measuring GET by filter, what is left of its rate at the most people. Needs two sizes."""
    found = {(rate.azurite, rate.connections, rate.people): rate.per_second for rate in rates if rate.case is Case.GET}
    sizes = sorted({people for _, _, people in found})
    if len(sizes) < 2:
        return []
    fewest, most = sizes[0], sizes[-1]
    ways = dict.fromkeys((mode, connections) for mode, connections, _ in found)
    return [Kept(*way, fewest, most, found[*way, most] / found[*way, fewest]) for way in ways if found[*way, fewest]]
