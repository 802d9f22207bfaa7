"""The map of the flow, and the one order of steps that it promises."""

import re
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

import pytest

import shared.sync
from local.entra.people import PEOPLE
from shared.rules.groups.settings import GroupSettings
from shared.rules.run import RunState
from shared.sync.guard.plans import PlanGuard
from shared.sync.plan.prepare import Preparation
from tests.sync.reconciled import Reconciled

FOLDER = Path(shared.sync.__file__).parent
GROUP = "00000000-0000-0000-0000-00000000000a"
MOST_LINES = 120


def test_the_map_names_every_file() -> None:
    text = shared.sync.__doc__ or ""
    named = set(re.findall(r"\w+", text))
    files = {path.stem for path in FOLDER.rglob("*.py")} - {"__init__"}
    assert files - named == set()
    assert len(text.splitlines()) < MOST_LINES


def test_no_part_of_the_flow_has_more_than_nine_parts() -> None:
    """The parts of a cycle were nineteen once. What a model keeps is no part."""
    modules = [import_module(found.name) for found in walk_packages([str(FOLDER)], "shared.sync.")]
    kinds = {kind for module in modules for kind in vars(module).values() if isinstance(kind, type)}
    counted = {kind.__name__: len(fields(kind)) for kind in kinds if is_dataclass(kind)}
    assert len(counted) > 30
    assert {name: count for name, count in counted.items() if count > 9} == {}


class Steps:
    """Hears the steps of a preparation, and none that a step takes itself."""

    def __init__(self, parts: Preparation, monkeypatch: pytest.MonkeyPatch) -> None:
        self.heard: list[str] = []
        self._depth = 0
        self._listens = True
        for part in (getattr(parts, field.name) for field in fields(parts)):
            for name in (name for name in vars(type(part)) if not name.startswith("_")):
                if callable(getattr(type(part), name)):
                    monkeypatch.setattr(type(part), name, self._heard(f"{type(part).__name__}.{name}", part, name))
        for name in ("judge", "breaches"):
            monkeypatch.setattr(PlanGuard, name, self._judged(getattr(PlanGuard, name)))

    def _heard(self, told: str, part: object, name: str) -> Callable[..., Any]:
        real = getattr(type(part), name)

        def step(*args: Any, **named: Any) -> Any:
            if self._listens and not self._depth:
                self.heard.append(told)
            self._depth += 1
            try:
                return real(*args, **named)
            finally:
                self._depth -= 1

        return step

    def _judged(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def judge(*args: Any, **named: Any) -> Any:
            self._listens = False  # what follows is no preparation
            return real(*args, **named)

        return judge

    def taken(self) -> list[str]:
        """Those since the last time."""
        heard, self.heard, self._listens = self.heard, [], True
        return heard


def test_a_dry_run_takes_the_steps_of_the_cycle_in_their_order(
    reconciled: Reconciled, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a cycle does before the guard judges the plan, a dry run does too: else it would show another plan."""
    reconciled.change(groups=GroupSettings())
    people = [person.id for person in PEOPLE[:3]]
    reconciled.entra.act({"do": "put group", "id": GROUP, "members": people}, {"do": "assign group", "id": GROUP})
    reconciled.cycle()
    reconciled.entra.act({"do": "change", "id": people[0], "values": {"jobTitle": "Count"}})
    stored = reconciled.identity(people[1])
    assert stored is not None
    arrival = {"PartitionKey": reconciled.store_id, "RowKey": f"pending:manager:{stored.id}", "id": stored.id}
    reconciled.bridge.table("identities").upsert_entity(arrival)
    steps = Steps(reconciled.bridge.flow.preparation, monkeypatch)
    reconciled.bridge.dry_run(reconciled.store)
    shown = steps.taken()
    assert reconciled.cycle().state is RunState.DONE
    assert steps.taken() == shown
    assert shown == [
        "Mappings.look_again",
        "GraphClients.of",
        "PeopleReader.read",
        "Recompute.after_rules",
        "PendingChanges.waiting",
        "Recompute.after_arrivals",
        "PendingChanges.waiting",
        "PeoplePlanner.plan",
        "GroupPlanner.plan",
    ]
