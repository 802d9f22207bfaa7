"""The guard's limit on groups deleted, at its edges; what an administrator's allowance covers; when a refusal waits."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.rules.change import ChangeKind
from shared.rules.groups.hold import MOST_KEPT, Removal
from shared.rules.groups.refusal import FORGOTTEN_AFTER, GroupRefusal
from shared.rules.guard import INTERVAL, Breach, GroupLimit, GuardLimits, Rule, check
from shared.rules.minute_counts import MinuteCounts
from shared.rules.pending import PARKED_AFTER
from shared.rules.plan import GroupsThere, Plan, PlannedChange, PlannedMembers

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LIMITS = GuardLimits()


def plan(deleted: int, there: int, recent: int = 0, *, judged: int = 0) -> Plan:
    """A plan that deletes groups of 20 members, some of them tried again."""
    groups = tuple(
        PlannedChange(
            kind=ChangeKind.DELETE,
            identity=f"g{number}",
            name=f"Group {number}",
            user_name="",
            reason="",
            members=PlannedMembers(leaving=20, of=20),
            judged=number < judged,
        )
        for number in range(deleted)
    )
    return Plan(store="contoso", groups=groups, groups_there=GroupsThere(now=there, deleted=recent))


@pytest.mark.parametrize(
    ("planned", "held"),
    [
        # of groups: three and 10 %, half of at least three, fifty
        (plan(1, 1), False),
        (plan(2, 2), False),
        (plan(1, 3), False),
        (plan(2, 3), True),
        (plan(2, 4), False),
        (plan(3, 4), True),
        (plan(3, 8), False),
        (plan(4, 8), True),
        (plan(4, 40), False),
        (plan(5, 40), True),
        (plan(29, 30), True),
        (plan(50, 1000), False),
        (plan(51, 1000), True),
        (plan(1, 36, recent=4), True),  # five of the forty that there were
        (plan(1, 40, recent=3), False),
        (plan(0, 40, recent=30), False),  # nothing is deleted, so that nothing is held
        (plan(4, 8, judged=1), False),  # one is tried again
        (plan(6, 8, judged=6), False),
    ],
)
def test_a_plan_that_deletes_too_many_groups_is_held(planned: Plan, held: bool) -> None:
    assert [breach.rule for breach in check(planned, 100, LIMITS)] == ([Rule.GROUPS] if held else [])


def test_a_breach_says_how_many_groups_of_how_many() -> None:
    (breach,) = check(plan(5, 36, recent=4), 100, LIMITS)
    assert str(breach) == (
        "9 of 40 groups (22.5 %) would be deleted from Zoho One, counting 4 of the last 40 minutes; "
        "the limit is 3 groups and 10 %, or 50 % of at least 3, or 50 groups."
    )
    assert Breach.model_validate_json(breach.model_dump_json()) == breach


@given(st.builds(GroupLimit), st.integers(1, 400), st.integers(1, 400))
def test_what_the_page_says_may_go_is_what_may_go(limit: GroupLimit, of: int, count: int) -> None:
    assert (limit.limits.passed(min(count, of), of) is not None) is (min(count, of) > limit.free(of))


def test_what_was_shown_covers_itself_and_less_and_nothing_else() -> None:
    shown = Removal.of(["a", "b", "c"])
    assert shown.covers(Removal.of(["c", "b", "a"]))
    assert shown.covers(Removal.of(["a"]))
    assert not shown.covers(Removal.of(["a", "d"]))
    assert not shown.covers(Removal.of(["a", "b", "c", "d"]))
    assert not shown.covers(Removal.of_group(3))
    many = [f"p{number}" for number in range(MOST_KEPT + 1)]
    assert Removal.of(many).people == ()
    assert Removal.of(many).covers(Removal.of(many))
    assert not Removal.of(many).covers(Removal.of([*many[1:], "other"]))
    assert not Removal.of(many).covers(Removal.of(["other"]))
    deletion = Removal.of_group(3)
    assert deletion.covers(Removal.of_group(2))
    assert not deletion.covers(Removal.of_group(4)), "it has grown since"
    assert not deletion.covers(shown)


def test_counts_are_forgotten_after_the_interval_and_old_rows_are_read() -> None:
    counts = MinuteCounts().plus(NOON, 2).plus(NOON + timedelta(minutes=5), 1)
    assert (counts.within(NOON + INTERVAL), counts.within(NOON + INTERVAL + timedelta(minutes=1))) == (3, 1)
    old = '{"active_users":0,"counted_at":null,"by_minute":{"29541360":3},"held":false}'
    assert MinuteCounts.model_validate_json(old).by_minute == {29541360: 3}


def test_a_refusal_waits_once_it_is_parked_and_only_for_the_same_change() -> None:
    told: GroupRefusal | None = None
    for _ in range(PARKED_AFTER):
        assert told is None or told.waits("x", NOON) is None
        told = GroupRefusal.after(told, "x", "no", NOON, 0.5)
    assert told is not None
    assert "Zoho One refused it 5 times (no)" in (told.waits("x", NOON) or "")
    assert told.waits("y", NOON) is None
    assert told.waits("x", NOON + timedelta(days=1)) is None
    assert GroupRefusal.after(told, "y", "no", NOON, 0).is_parked, "the reason is the same"
    assert GroupRefusal.after(told, "x", "another reason", NOON, 0).is_parked, "the change is the same"
    assert GroupRefusal.after(told, "y", "another reason", NOON, 0).refusals == 1
    assert told.kept("x", NOON) is None
    assert told.kept("y", NOON) == told
    assert told.kept("y", NOON + FORGOTTEN_AFTER) is None
