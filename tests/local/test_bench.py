"""The benchmark's arithmetic, and one run that is too small to mean anything but has every row."""

import itertools
import json
import subprocess
import sys

import pytest

from local.bench.azurite_modes import Mode
from local.bench.figures import Case, CpuTimes, Kept, Rate, kept_rates, percentile
from local.bench.pages import PAGES
from local.bench.traffic import spread_out
from local.processes import ROOT

HUNDRED = [float(number) for number in range(100, 0, -1)]


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([], 0.5, 0.0),
        ([7.0], 0.5, 7.0),
        ([7.0], 0.99, 7.0),
        ([3.0, 1.0], 0.5, 1.0),
        ([3.0, 1.0, 2.0], 0.5, 2.0),
        (HUNDRED, 0.5, 50.0),
        (HUNDRED, 0.99, 99.0),
        (HUNDRED, 1.0, 100.0),
    ],
)
def test_a_percentile_is_a_value_that_was_measured(values: list[float], share: float, expected: float) -> None:
    assert percentile(values, share) == expected


@pytest.mark.parametrize(("ratio", "verdict"), [(1.02, "PASS"), (0.9, "PASS"), (0.899, "MISSED"), (0.0, "MISSED")])
def test_nine_tenths_of_the_rate_have_to_be_kept(ratio: float, verdict: str) -> None:
    assert Kept(Mode.AS_IT_IS, 4, 1_000, 10_000, ratio).verdict == verdict


def test_rates_are_compared_from_the_fewest_people_to_the_most_each_in_its_own_way() -> None:
    rates = [
        _rate(Case.GET, 1_000, Mode.AS_IT_IS, 200.0),
        _rate(Case.POST, 1_000, Mode.AS_IT_IS, 50.0),
        _rate(Case.GET, 1_000, Mode.BY_KEY, 210.0),
        _rate(Case.GET, 5_000, Mode.AS_IT_IS, 1.0),
        _rate(Case.GET, 10_000, Mode.AS_IT_IS, 100.0),
        _rate(Case.GET, 10_000, Mode.BY_KEY, 210.0),
    ]
    assert kept_rates(rates) == [
        Kept(Mode.AS_IT_IS, 4, 1_000, 10_000, 0.5),
        Kept(Mode.BY_KEY, 4, 1_000, 10_000, 1.0),
    ]
    assert kept_rates(rates[:3]) == []


def _rate(case: Case, people: int, azurite: Mode, per_second: float) -> Rate:
    return Rate(case, people, azurite, 4, 100, per_second, 1.0, 2.0, 1.0, 0, CpuTimes(1.0, 1.0, 0.0, 0.1), 0.0)


@pytest.mark.parametrize(
    ("count", "expected"), [(1, [0]), (3, [0, 3, 6]), (10, list(range(10))), (99, list(range(10)))]
)
def test_a_sample_is_spread_out(count: int, expected: list[int]) -> None:
    assert spread_out(range(10), count) == expected


@pytest.mark.timeout(240)
def test_a_small_run_has_every_row() -> None:
    command = [sys.executable, "-m", "local.bench", "--people", "20,40", "--seconds", "0.3", "--json"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    figures = json.loads(run.stdout)
    rows = [(rate["people"], rate["azurite"], rate["case"], rate["connections"]) for rate in figures["rates"]]
    assert rows == list(itertools.product([20, 40], Mode, Case, [4, 16]))
    assert all(rate["requests"] > 0 and rate["refused"] == 0 for rate in figures["rates"])
    assert {(rate["case"], rate["table_calls"]) for rate in figures["rates"]} == {
        (Case.GET, 1.0),
        (Case.PATCH, 3.0),
        (Case.POST, 2.0),
    }
    assert len(figures["point_reads"]) == len(figures["kept"]) == 4
    assert len(figures["pages"]) == 4 * len(PAGES)
    assert len(figures["first_answer_seconds"]) == 5
    assert figures["peak_memory_mib"] > 20
