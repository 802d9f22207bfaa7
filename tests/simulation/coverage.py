"""What many histories have covered: actions, faults, deaths and outside calls."""

from collections import Counter
from dataclasses import dataclass, field

from tests.simulation.outside import DEATHS, Fault
from tests.simulation.play import Played
from tests.simulation.steps import WEIGHTS, WILD


@dataclass
class Coverage:
    """Counted over histories."""

    histories: int = 0
    steps: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    cut: Counter[tuple[str, Fault]] = field(default_factory=Counter)
    deaths: int = 0
    held: int = 0

    def add(self, played: Played) -> None:
        """One history more."""
        self.histories += 1
        self.steps += played.done
        self.seen += played.world.outside.seen
        self.cut += played.world.outside.cut
        self.deaths += played.world.host.deaths

    def told(self) -> str:
        """As a table."""
        faults = Counter[str]()
        cut = Counter[str]()
        for (call, fault), count in self.cut.items():
            faults[fault.value] += count
            if fault in DEATHS:
                cut[call] += count
        lines = [f"histories {self.histories}, steps {self.steps.total()}, outside calls {self.seen.total()}"]
        lines += ["", "actions"] + [f"  {name:20} {self.steps[name]:8}" for name in WEIGHTS | WILD]
        lines += ["", "faults"] + [f"  {fault.value:36} {faults[fault.value]:8}" for fault in Fault]
        lines += ["", "outside calls, and how often a process died at them"]
        lines += [f"  {call:48} {count:9} {cut[call]:7}" for call, count in sorted(self.seen.items())]
        never = sorted(call for call in self.seen if not cut[call])
        lines += ["", f"never cut: {', '.join(never) or 'none'}"]
        return "\n".join(lines)
