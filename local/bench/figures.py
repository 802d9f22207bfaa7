"""The measurements and the figures derived from them: plain data and pure functions."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from local.bench.azurite_modes import Mode

PAGE_MS = 300.0
"""Maximum duration of a page of the console."""
KEPT = 0.9
"""Minimum share of its rate that GET by filter keeps from the fewest people to the most."""


class Case(StrEnum):
    """A request that is measured."""

    GET = "GET by filter"
    PATCH = "PATCH active"
    POST = "POST"


@dataclass(frozen=True)
class CpuTimes:
    """Milliseconds of processor time per request, by process. The rest of the time is waiting."""

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
    """Share of the machine's processors used by programs that are not measured. The larger it is, the less a rate
    means.
    """


@dataclass(frozen=True)
class PointRead:
    """One row read directly from Azurite with the SDK, without the bridge."""

    people: int
    azurite: Mode
    sdk_ms: float
    azurite_cpu_ms: float
    get_ms: float
    """The same person by GET with a filter through the bridge, one request at a time."""

    @property
    def share(self) -> float:
        """Share of the time of a GET through the bridge."""
        return self.sdk_ms / self.get_ms


@dataclass(frozen=True)
class PageTime:
    """The duration of a page of the console on an idle machine."""

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
        """The verdict in one word."""
        return "PASS" if self.ratio >= KEPT else "MISSED"


@dataclass
class Figures:
    """All figures of one run."""

    seconds: float
    """Duration of each timed run, after a warm-up."""
    first_answer_seconds: list[float] = field(default_factory=list)
    """Seconds from the start of the host process, one start each."""
    trivial_route_per_second: float = 0.0
    """The same generator against a route the host does not have: no function runs, so this is the most it can send."""
    peak_memory_mib: float = 0.0
    """Peak memory of the host process."""
    mapping_us: float = 0.0
    """Microseconds to map one person by 25 rules, 10 of them expressions."""
    rates: list[Rate] = field(default_factory=list)
    point_reads: list[PointRead] = field(default_factory=list)
    pages: list[PageTime] = field(default_factory=list)

    def described(self) -> dict[str, object]:
        """Return everything, including derived figures, for JSON."""
        kept = [asdict(one) | {"verdict": one.verdict} for one in kept_rates(self.rates)]
        reads = [asdict(one) | {"share": one.share} for one in self.point_reads]
        return asdict(self) | {"point_reads": reads, "kept": kept}


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share of all does not exceed (nearest rank), or 0 if there is
    none.
    """
    if not values:
        return 0.0
    return sorted(values)[max(math.ceil(share * len(values)), 1) - 1]


def kept_rates(rates: Sequence[Rate]) -> list[Kept]:
    """Return the share of its rate that each way of measuring GET by filter keeps at the most people. Needs two
    sizes.
    """
    found = {(rate.azurite, rate.connections, rate.people): rate.per_second for rate in rates if rate.case is Case.GET}
    sizes = sorted({people for _, _, people in found})
    if len(sizes) < 2:
        return []
    fewest, most = sizes[0], sizes[-1]
    ways = dict.fromkeys((mode, connections) for mode, connections, _ in found)
    return [Kept(*way, fewest, most, found[*way, most] / found[*way, fewest]) for way in ways if found[*way, fewest]]
