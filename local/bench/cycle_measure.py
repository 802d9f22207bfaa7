"""The measurement of cycles, step by step."""

import itertools
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.bench.cycle_figures import Changes, CycleFigures, FirstSync, FullCycle, NoChange
from local.bench.cycle_scene import AT_ONCE, LATENCY_MS, CycleScene
from local.bench.cycle_seeding import follow, put_into_groups, seed
from local.bench.existing_accounts import existing_accounts
from local.bench.measure import Tell
from local.bench.plan_size import plan_size
from local.entra.people import make_people
from local.processes import Processes
from shared.rules.entra_connection import Scope
from shared.rules.run import RunKind

TIMES = 6
"""Cycles with no change in one process; the first is not counted."""
CHANGES = (10, 100)
LARGEST_SHARE = 4
"""Minimum ratio of a store's people to those who change, so that the guard lets the changes pass."""
GROUPS = 50
"""Number of groups by which everybody is assigned: as many as one delta query reads."""


@dataclass(frozen=True)
class Sizes:
    """The numbers of people for each figure."""

    known: Sequence[int]
    """Numbers of people known to a store; the full cycle uses the largest."""
    first_sync: int
    planned: int
    accounts: int
    """Accounts that Zoho One has before the first plan."""


def measure_cycles(folder: Path, sizes: Sizes, tell: Tell) -> CycleFigures:
    """Measure everything. `tell` is called with the step in progress. Raises RuntimeError if a cycle failed."""
    figures = CycleFigures(LATENCY_MS)
    tell(f"the plan of {sizes.planned:,} creations")
    figures.plan_size = plan_size(sizes.planned)
    tell(f"the first plan beside {sizes.accounts:,} accounts")
    figures.existing_accounts = existing_accounts(sizes.accounts, sizes.planned)
    with Processes(folder / "first") as processes:
        tell(f"first sync of {sizes.first_sync:,} people")
        figures.first_sync = _first_sync(CycleScene(processes, sizes.first_sync), sizes.first_sync)
    for size in sorted(sizes.known):
        with Processes(folder / str(size)) as processes:
            tell(f"{size:,} people: putting them into the store and into Zoho One")
            known = _Known(CycleScene(processes, size), size)
            _measure_known(known, figures, tell)
            if size == max(sizes.known):
                tell(f"{size:,} people: a full cycle")
                figures.full_cycle = known.full_cycle()
    return figures


class _Known:
    """A store that knows everybody, all of them assigned by groups."""

    def __init__(self, scene: CycleScene, people: int) -> None:
        self.scene, self.people = scene, people
        self._ids = [person.id for person in make_people(people)]
        self._groups = put_into_groups(scene, self._ids, min(GROUPS, people))
        self._unchanged = itertools.count()
        seed(scene)

    def no_change(self, scope: Scope) -> NoChange:
        """Measure cycles with nothing to do."""
        follow(self.scene, scope)
        measured = self.scene.run(times=TIMES)
        calls = max((run.calls for run in measured.runs), key=lambda each: sum(each.values()))
        seconds = statistics.median(run.seconds for run in measured.runs)
        return NoChange(self.people, scope, calls, seconds, measured.others_share)

    def changes(self, count: int) -> Changes:
        """Measure a cycle after `count` changes. Raises RuntimeError if it applied a different number."""
        self.scene.act([self._change(number) for number in itertools.islice(self._unchanged, count)])
        measured = self.scene.run()
        (run,) = measured.runs
        if run.results != {"done": count}:
            raise RuntimeError(f"{count} people changed in Entra, and in Zoho One: {run.results}")
        return Changes(self.people, count, run.calls, run.seconds, measured.others_share)

    def full_cycle(self) -> FullCycle:
        """Measure a full cycle with nothing to do."""
        measured = self.scene.run(RunKind.FULL_CYCLE)
        (run,) = measured.runs
        return FullCycle(self.people, run.seconds, run.steps, run.calls, measured.peak_mib, measured.others_share)

    def _change(self, number: int) -> dict[str, Any]:
        """Return one change: one in ten is disabled, one in ten leaves their group, the others get a new title."""
        person = self._ids[number]
        match number % 10:
            case 0:
                return {"do": "disable", "id": person}
            case 1:
                group = self._groups[number // -(-len(self._ids) // len(self._groups))]
                return {"do": "remove member", "id": group, "members": [person]}
            case _:
                return {"do": "change", "id": person, "values": {"jobTitle": f"New {number}"}}


def _measure_known(known: _Known, figures: CycleFigures, tell: Tell) -> None:
    for scope in (Scope.ALL_USERS, Scope.ASSIGNED):
        tell(f"{known.people:,} people: cycles with no change, {scope}")
        figures.no_change.append(known.no_change(scope))
    for count in CHANGES:
        if count * LARGEST_SHARE <= known.people:
            tell(f"{known.people:,} people: a cycle with {count} changes")
            figures.changes.append(known.changes(count))


def _first_sync(scene: CycleScene, people: int) -> FirstSync:
    scene.connect(Scope.ALL_USERS)
    measured = scene.run()
    (run,) = measured.runs
    if Counter(run.results) != Counter(done=people):
        raise RuntimeError(f"{people} people are in Entra, and in Zoho One: {run.results}")
    return FirstSync(
        people=people,
        at_once=AT_ONCE,
        latency_ms=LATENCY_MS,
        seconds=run.seconds,
        steps=run.steps,
        calls=run.calls,
        peak_mib=measured.peak_mib,
        cpu_shares=measured.cpu_shares,
        others_share=measured.others_share,
    )
