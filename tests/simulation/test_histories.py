"""Histories of the whole bridge, by seed: played in a process of their own."""

import os
import subprocess
import sys

import pytest

from tests.simulation.mutations import MUTATIONS
from tests.simulation.registry import ACTS
from tests.simulation.steps import WEIGHTS, WILD, drawn

HISTORIES = int(os.environ.get("HISTORIES", "15"))
"""Of each of the two tests; `make campaign` plays as many as its time allows."""


def simulated(*arguments: str) -> str:
    """What a run of the simulation prints. Fails where it does, with what it said."""
    command = [sys.executable, "-m", "tests.simulation", *arguments]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=230)
    assert run.returncode == 0, run.stdout[-8000:] + run.stderr[-4000:]
    return run.stdout


@pytest.mark.parametrize("part", [0, 1])
def test_every_promise_holds_in_histories_that_chance_composes(part: int) -> None:
    told = simulated("--histories", str(HISTORIES), "--start", str(part * HISTORIES))
    assert f"histories {HISTORIES}," in told


def test_a_seed_is_a_history() -> None:
    assert drawn(7) == drawn(7)
    assert drawn(7) != drawn(8)


def test_a_history_is_played_the_same_again() -> None:
    assert simulated("--seed", "3", "--steps", "12") == simulated("--seed", "3", "--steps", "12")


def test_the_app_waits_by_the_worlds_clock_and_not_by_a_real_one() -> None:
    code = (
        "from tests.simulation.world import *; prepare(); world = World(Plan(1)); bridge = world.bridge();"
        "of = bridge.outside.sleep, bridge.outside.monotonic, bridge.stores._monotonic, bridge.mappings._monotonic;"
        "print({each.__module__ for each in of}); bridge.outside.sleep(86_400); print(world.schedule.now().date())"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=100)
    assert run.stdout.splitlines() == ["{'tests.simulation.patched'}", "2026-03-03"], run.stderr


def test_each_cure_that_can_be_taken_back_is_there() -> None:
    code = (
        "from tests.simulation.world import prepare; from tests.simulation.mutations import MUTATIONS, take_back;"
        "prepare(); [take_back(name) for name in MUTATIONS]"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=100)
    assert run.returncode == 0, run.stderr[-3000:]
    assert run.stdout.count("taken back: ") == len(MUTATIONS)


def test_each_step_is_an_action_and_each_mutation_says_what_it_takes_back() -> None:
    import tests.simulation.bridge_acts
    import tests.simulation.entra_acts  # noqa: F401

    assert set(WEIGHTS | WILD) == set(ACTS)
    assert all(mutation.says for mutation in MUTATIONS.values())
