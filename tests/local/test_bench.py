"""The benchmark's arithmetic, and one run that is too small to mean anything but has every row."""

import itertools
import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import settings

from local.bench.azurite_modes import Mode
from local.bench.figures import Case, CpuTimes, Kept, Rate, kept_rates, percentile
from local.bench.pages import PAGES
from local.bench.traffic import spread_out
from local.processes import ROOT
from shared.rules.entra_connection import Scope

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


@pytest.mark.skipif(
    settings.get_current_profile_name() != "campaign",
    reason="a minute of this machine's time: make campaign runs it; the other parts of the bench are run here",
)
@pytest.mark.timeout(240)
def test_a_small_run_has_every_row() -> None:
    figures = _measured("push", "--people", "20,40", "--seconds", "0.3")
    rows = [(rate["people"], rate["azurite"], rate["case"], rate["connections"]) for rate in figures["rates"]]
    assert rows == list(itertools.product([20, 40], Mode, Case, [4, 16]))
    assert all(rate["requests"] > 0 and rate["refused"] == 0 for rate in figures["rates"])
    assert {(rate["case"], round(rate["table_calls"])) for rate in figures["rates"]} == {
        (Case.GET, 1),
        (Case.PATCH, 4),  # and occasionally one more, for the guard's count
        (Case.POST, 2),
    }
    assert len(figures["point_reads"]) == len(figures["kept"]) == 4
    assert len(figures["pages"]) == 4 * len(PAGES)
    assert len(figures["first_answer_seconds"]) == 5
    assert figures["peak_memory_mib"] > 20


@pytest.mark.timeout(240)
def test_a_small_run_of_groups_has_every_figure() -> None:
    figures = _measured("groups", "--members", "10,60")
    costs = [(cost["members"], cost["change"], cost["count"], cost["table_calls"]) for cost in figures["costs"]]
    assert costs == [(members, change, 1, 4) for members in (10, 60) for change in ("add", "remove")]
    assert all(cost["zoho_calls"] == 1 and cost["ms"] > 0 for cost in figures["costs"])
    assert [(growth["change"], growth["calls"]) for growth in figures["growth"]] == [("add", 0), ("remove", 0)]


@pytest.mark.skipif(
    settings.get_current_profile_name() != "campaign",
    reason="a minute of this machine's time: make campaign runs it",
)
@pytest.mark.timeout(240)
def test_a_small_run_of_cycles_has_every_figure() -> None:
    known = [20, 40]
    sizes = ",".join(map(str, known))
    figures = _measured("cycle", "--known", sizes, "--first-sync", "20", "--planned", "52", "--accounts", "60")
    scopes = itertools.product(known, ["all users", "assigned users and groups"])
    assert [(each["people"], each["scope"]) for each in figures["no_change"]] == list(scopes)
    assert [(each["people"], each["changes"]) for each in figures["changes"]] == [(40, 10)]
    assert figures["full_cycle"]["people"] == 40
    assert figures["full_cycle"]["calls"]["zoho"] == 2, "a page of accounts, and the number of groups"
    assert figures["first_sync"]["calls"]["zoho"] == 1 + 20, "the first plan reads all accounts"
    assert figures["plan_size"]["people"] == 52
    assert (figures["existing_accounts"]["accounts"], figures["existing_accounts"]["calls"]["zoho"]) == (60, 1)
    told = {each["wanted"]: each["verdict"] for each in figures["verdicts"]}
    assert [told[f"A cycle with no change, {scope}, costs at most 10 calls"] for scope in Scope] == ["PASS", "PASS"]


def _measured(part: str, *options: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "local.bench", "--only", part, "--json", *options]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    figures: dict[str, Any] = json.loads(run.stdout)[part]
    return figures
