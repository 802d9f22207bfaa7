"""What the benchmark makes of the figures of cycles."""

import pytest

from local.bench.cycle_figures import Changes, CycleFigures, FirstSync, FullCycle, NoChange, verdicts
from shared.rules.entra_connection import Scope


@pytest.mark.parametrize(
    ("calls", "seconds", "expected"),
    [(10, 0.5, ["PASS", "PASS"]), (11, 0.5, ["MISSED", "PASS"]), (10, 0.51, ["PASS", "MISSED"])],
)
def test_a_cycle_with_no_change_costs_the_same_with_any_number_of_people(
    calls: int, seconds: float, expected: list[str]
) -> None:
    few = NoChange(100, Scope.ASSIGNED, {"graph": 3, "tables": 5}, 0.4, 0.0)
    many = NoChange(100_000, Scope.ASSIGNED, {"graph": 3, "tables": calls - 3}, seconds, 0.0)
    assert _told(CycleFigures(100, no_change=[many, few])) == expected


@pytest.mark.parametrize(("tables", "expected"), [(90, "PASS"), (95, "PASS"), (97, "MISSED")])
def test_changes_cost_the_same_among_any_number_of_people(tables: int, expected: str) -> None:
    few = Changes(1_000, 10, {"tables": 90, "zoho": 10, "graph": 1}, 1.0, 0.0)
    many = Changes(100_000, 10, {"tables": tables, "zoho": 10, "graph": 500}, 9.0, 0.0)
    assert _told(CycleFigures(100, changes=[few, many])) == [expected]
    assert _told(CycleFigures(100, changes=[few])) == []


@pytest.mark.parametrize(("seconds", "expected"), [(34.7, "PASS"), (34.8, "MISSED")])
def test_a_first_sync_comes_near_what_zoho_one_allows(seconds: float, expected: str) -> None:
    first = FirstSync(5_000, 16, 100.0, 99.0, {"reading Entra": 9.0, "applying": seconds}, {}, 1.0, {}, 0.0)
    assert first.ideal == 160
    assert _told(CycleFigures(100, first_sync=first)) == [expected]


@pytest.mark.parametrize(("mib", "expected"), [(399.0, "PASS"), (400.0, "MISSED")])
def test_a_full_cycle_stays_small(mib: float, expected: str) -> None:
    assert _told(CycleFigures(100, full_cycle=FullCycle(100_000, 1.0, {}, {}, mib, 0.0))) == [expected]


def _told(figures: CycleFigures) -> list[str]:
    return [one.verdict for one in verdicts(figures)]
