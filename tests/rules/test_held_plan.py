"""What a held plan may become, written out."""

from datetime import UTC, datetime
from itertools import product

import pytest

from shared.rules.held_plan import NEXT, CannotBecome, HeldPlan, HeldState, Move

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

# from     | to
ALLOWED = """
  held     | approved
  held     | discarded
  held     | overtaken
  approved | applying
  approved | discarded
  approved | overtaken
  applying | applied
  applying | overtaken
"""
PAIRS = {tuple(cell.strip() for cell in line.split("|")) for line in ALLOWED.strip().splitlines()}


def _plan(state: HeldState) -> HeldPlan:
    return HeldPlan(id="1", store="s", digest="", counts={}, breaches=(), active_users=1, moves=(_move(state),))


def _move(state: HeldState) -> Move:
    return Move(state=state, by="ada", at=NOON, why="")


@pytest.mark.parametrize(("before", "after"), list(product(HeldState, HeldState)))
def test_each_change_of_state(before: HeldState, after: HeldState) -> None:
    if (before, after) in PAIRS:
        assert _plan(before).moved(_move(after)).state is after
    else:
        with pytest.raises(CannotBecome, match=f"was {before} by ada"):
            _plan(before).moved(_move(after))


def test_every_state_has_its_followers() -> None:
    assert set(NEXT) == set(HeldState)
    assert {state for state in HeldState if not _plan(state).is_open} == {"applied", "discarded", "overtaken"}
