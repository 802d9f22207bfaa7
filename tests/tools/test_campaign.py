"""The campaign says of each part what it found: no violation, a violation, or that it had too little time."""

import pytest

from tools.campaign import Outcome, _once, _tests

QUICKLY = 30.0
"""Seconds that a program of these tests does not need."""


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("print('7 histories in 1 s')", Outcome(0, "7 histories in 1 s")),
        ("print('VIOLATION 2 times: two accounts'); exit(1)", Outcome(1, "VIOLATION 2 times: two accounts")),
        ("exit('No module named that')", Outcome(1, "No module named that")),
    ],
)
def test_a_program_is_judged_by_its_status_and_told_by_its_words(program: str, expected: Outcome) -> None:
    assert _once(["-c", program], QUICKLY) == expected


def test_a_part_that_does_not_end_in_its_time_proves_nothing() -> None:
    program = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_DFL)"
    program += "; print('3 histories so far', flush=True); time.sleep(60)"
    assert _once(["-c", program], 3) == Outcome(2, "3 histories so far")


def test_where_no_test_ran_something_is_wrong() -> None:
    assert _tests(["-n", "0", "tests/tools/no_such_test.py"], QUICKLY).status == 1
