"""The guard's limits, each at its edge; and the rolling count of a push."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.rules.change import ChangeKind
from shared.rules.guard import Rule, check, check_deprovisionings, check_members
from shared.rules.guard_limits import INTERVAL, GuardLimits, Threshold
from shared.rules.plan import Plan
from shared.rules.recent_deprovisionings import Deprovisionings, RecentDeprovisionings
from shared.rules.zoho_user import ZohoField
from tests.rules.plans import changes

DOCS = Path(__file__).parents[2] / "docs" / "reconciler.md"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DEFAULT = GuardLimits()
COUNTS = st.integers(0, 60)
ONE = Deprovisionings(("somebody",), count=1, active=1)


def plan(deactivate: int = 0, delete: int = 0, create: int = 0, title: int = 0, adopt: int = 0, link: int = 0) -> Plan:
    """``adopt``: accounts whose title changes; ``link``: accounts that hold what they should already."""
    return Plan(
        store="contoso",
        changes=(
            *changes(ChangeKind.DEACTIVATE, deactivate),
            *changes(ChangeKind.DELETE, delete),
            *changes(ChangeKind.CREATE, create, ZohoField.TITLE),
            *changes(ChangeKind.UPDATE, title, ZohoField.TITLE),
            *changes(ChangeKind.ADOPT, adopt, ZohoField.TITLE),
            *changes(ChangeKind.ADOPT, link),
            *changes(ChangeKind.PROPOSE, 1000, ZohoField.TITLE),  # nothing is done of these
        ),
    )


CASES: list[tuple[Plan, int, int, list[Rule]]] = [
    # plan                          active  recent  held for
    (plan(), 0, 0, []),
    (plan(deactivate=10), 20, 0, []),  # half of twenty: no more than half, and no more than ten
    (plan(deactivate=6), 10, 0, [Rule.DEPROVISIONINGS]),  # more than half, however few they are
    (plan(deactivate=2), 2, 0, []),  # but not of two
    (plan(deactivate=2), 3, 0, [Rule.DEPROVISIONINGS]),
    (plan(deactivate=200), 100_000, 0, []),
    (plan(deactivate=201), 100_000, 0, [Rule.DEPROVISIONINGS]),  # 0.2 %
    (plan(deactivate=1), 100_000, 200, [Rule.DEPROVISIONINGS]),
    (plan(deactivate=11), 11, 0, [Rule.DEPROVISIONINGS]),
    (plan(deactivate=11), 110, 0, []),  # 10 % is not over 10 %
    (plan(deactivate=11), 109, 0, [Rule.DEPROVISIONINGS]),
    (plan(deactivate=6, delete=5), 100, 0, [Rule.DEPROVISIONINGS]),  # both together
    (plan(delete=11), 0, 0, [Rule.DEPROVISIONINGS]),  # of inactive accounts, and nobody is active
    (plan(deactivate=1), 100, 10, []),  # 11 of the original 110
    (plan(deactivate=1), 98, 10, [Rule.DEPROVISIONINGS]),
    (plan(create=1), 0, 5000, []),  # no deprovisioning, so nothing is held for earlier ones
    (plan(create=5000), 0, 0, []),  # a first sync
    (plan(create=4000), 1000, 0, []),  # the rest of one
    (plan(adopt=20), 0, 0, []),  # a small organisation's first plan
    (plan(adopt=21), 0, 0, [Rule.ADOPTED]),
    (plan(adopt=21, link=189), 0, 0, []),  # 10 % is not over 10 %
    (plan(adopt=21, link=188), 0, 0, [Rule.ADOPTED]),
    (plan(link=5000), 0, 0, []),  # they hold what they should: adopting them changes nothing
    (plan(adopt=51), 500, 0, []),
    (plan(adopt=51, link=50), 0, 0, [Rule.ADOPTED, Rule.ONE_FIELD]),
    (plan(adopt=26, title=26), 77, 0, [Rule.ADOPTED, Rule.ONE_FIELD]),  # of the 103 who are there then
    (plan(title=50), 50, 0, []),
    (plan(title=51), 102, 0, []),  # half is not over half
    (plan(title=51), 101, 0, [Rule.ONE_FIELD]),
    (plan(title=51, deactivate=11), 101, 0, [Rule.DEPROVISIONINGS, Rule.ONE_FIELD]),
]


@pytest.mark.parametrize(("planned", "active", "recent", "rules"), CASES)
def test_what_is_held_by_default(planned: Plan, active: int, recent: int, rules: list[Rule]) -> None:
    assert [breach.rule for breach in check(planned, active, DEFAULT, recent)] == rules


def test_licences_can_be_counted() -> None:
    limits = GuardLimits(creations=5)
    assert check(plan(create=5), 100, limits) == ()
    (breach,) = check(plan(create=6), 100, limits)
    assert str(breach) == "6 people would be created; the limit is 5."


def test_a_breach_says_percentage_limit_and_both_counts() -> None:
    (breach,) = check(plan(deactivate=20, delete=5), 180, DEFAULT, recent=20)
    assert (breach.count, breach.of, breach.recent, breach.percentage) == (45, 200, 20, 22.5)
    assert str(breach) == (
        "45 of 200 active people (22.5 %) would be deactivated or deleted, counting 20 of the last 40 minutes; "
        "the limit is 10 people and 10 %."
    )
    (breach,) = check(plan(title=80), 100, DEFAULT)
    assert breach.field is ZohoField.TITLE
    assert str(breach) == (
        "The field title would change for 80 of 100 active people (80.0 %); the limit is 50 people and 50 %."
    )
    (breach,) = check(plan(delete=11), 0, DEFAULT)
    assert breach.percentage == 100


@given(few=COUNTS, more=COUNTS, deletions=COUNTS, active=st.integers(0, 300), recent=COUNTS, data=st.data())
def test_more_who_leave_never_pass_where_fewer_are_held(
    few: int, more: int, deletions: int, active: int, recent: int, data: st.DataObject
) -> None:
    count, percent = data.draw(st.integers(0, 50)), data.draw(st.floats(0, 100))
    limits = GuardLimits(leavings=Threshold(count=count, percent=percent))
    if check(plan(deactivate=few, delete=deletions), active, limits, recent):
        assert check(plan(deactivate=few + more, delete=deletions), active, limits, recent)
        assert check(plan(deactivate=few, delete=deletions + more), active, limits, recent)


@given(few=st.integers(0, 120), more=COUNTS, active=st.integers(0, 200))
def test_more_of_one_field_never_pass_where_fewer_are_held(few: int, more: int, active: int) -> None:
    if check(plan(title=few), active, DEFAULT):
        assert check(plan(title=few + more), active, DEFAULT)


@given(leavings=st.integers(1, 60), active=st.integers(60, 300))
def test_one_by_one_is_held_where_all_at_once_is(leavings: int, active: int) -> None:
    recent = RecentDeprovisionings().counted(active, NOON)
    left = 0
    while left < leavings and recent.breach(NOON, DEFAULT, ONE) is None:
        recent, left = recent.begun(NOON, ONE), left + 1
    assert (left < leavings) == bool(check(plan(deactivate=leavings), active, DEFAULT))


def test_what_left_is_forgotten_after_the_interval_and_never_earlier() -> None:
    recent = RecentDeprovisionings().counted(100, NOON).with_deprovisionings(NOON, 3)
    assert recent.active_users == 97
    for minutes, count in [(0, 3), (39, 3), (40, 3), (41, 0), (-5, 3)]:
        assert recent.within(NOON + timedelta(minutes=minutes)) == count, minutes
    assert recent.within(NOON + INTERVAL - timedelta(microseconds=1)) == 3


@given(minutes=st.lists(st.integers(0, 10_000), max_size=300))
def test_it_never_holds_more_numbers_than_the_interval_has_minutes(minutes: list[int]) -> None:
    recent = RecentDeprovisionings()
    for minute in sorted(minutes):
        recent = recent.with_deprovisionings(NOON + timedelta(minutes=minute), 1)
    assert len(recent.by_minute) <= 41
    assert RecentDeprovisionings.model_validate_json(recent.model_dump_json()) == recent


def test_what_was_approved_does_not_count_and_opening_the_guard_forgives_nothing() -> None:
    recent = RecentDeprovisionings().counted(60, NOON).begun(NOON, Deprovisionings(("a", "b"), 2, 2)).hold()
    assert (recent.held, recent.within(NOON), recent.active_users) == (True, 2, 58)
    assert (recent.opened().held, recent.opened().within(NOON)) == (False, 2)
    approved = recent.begun(NOON, Deprovisionings(("c", "d", "e"), 3, 3, is_approved=True))
    assert (approved.within(NOON), approved.active_users) == (2, 55)


def test_what_is_deleted_counts_though_the_account_was_not_active() -> None:
    recent = RecentDeprovisionings().counted(20, NOON).begun(NOON, Deprovisionings(("a", "b"), count=2, active=0))
    assert (recent.within(NOON), recent.active_users) == (2, 20)
    breach = recent.breach(NOON, GuardLimits(leavings=Threshold(count=2, percent=1)), Deprovisionings(("c",), 1, 0))
    assert breach is not None
    assert (breach.count, breach.of) == (3, 23)


@pytest.mark.parametrize(("people", "first"), [(1, None), (2, None), (3, 2), (8, 5), (60, 11), (5_000, 201)])
def test_the_first_number_that_is_held_by_default(people: int, first: int | None) -> None:
    assert DEFAULT.deprovisionings.first_held(people) == first
    held = [number for number in range(1, people + 1) if check_deprovisionings(number, people, DEFAULT, recent=0)]
    assert held == list(range(first or people + 1, people + 1))


def test_the_documentation_says_who_goes_without_a_decision() -> None:
    told = re.findall(r"^\| ([\d,]+) \|(?:[^|]+\|){3} (\d+) \| (\d+) on \|$", DOCS.read_text(), re.MULTILINE)
    assert [row[0] for row in told] == ["3", "8", "60", "5,000"]
    for people, go, held in told:
        assert DEFAULT.deprovisionings.first_held(int(people.replace(",", ""))) == int(held) == int(go) + 1


def test_limits_that_an_earlier_version_stored_are_read_with_the_limits_that_came_since() -> None:
    stored = (
        '{"leavings": {"count": 5, "percent": 20.0}, "members": {"count": 50, "percent": 50.0}, "creations": null, '
        '"one_field": {"count": 50, "percent": 50.0}}'
    )
    limits = GuardLimits.model_validate_json(stored)
    assert (limits.leavings, limits.leavings_share, limits.leavings_most) == (
        Threshold(count=5, percent=20),
        DEFAULT.leavings_share,
        DEFAULT.leavings_most,
    )
    recent = RecentDeprovisionings.model_validate_json(
        '{"active_users":24,"counted_at":"2026-03-02T12:00:00Z","by_minute":{"29540880":4},"held":true}'
    )
    assert (recent.held, recent.within(NOON), recent.discarded) == (True, 4, None)


@pytest.mark.parametrize("limits", [{"leavings": {"count": -1, "percent": 1}}, {"one_field": {"percent": 101}}])
def test_limits_that_make_no_sense_are_refused(limits: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        GuardLimits.model_validate(limits)


@pytest.mark.parametrize(
    ("removed", "members", "recent", "held"),
    [
        (50, 50, 0, False),  # all of fifty: no more than fifty
        (51, 102, 0, False),  # half is not over half
        (51, 101, 0, True),
        (1, 99, 50, False),  # the last of many requests: 51 of the original 149
        (1, 49, 50, True),
        (0, 0, 5000, False),
    ],
)
def test_members_removed(removed: int, members: int, recent: int, held: bool) -> None:
    breach = check_members(removed, members, DEFAULT, recent)
    assert (breach is not None) is held
    if breach is not None:
        assert breach.rule is Rule.MEMBERS
        assert str(breach).startswith(f"{removed + recent} of {members + recent} members")


@given(count=st.integers(1, 250), known=st.integers(0, 300), more=st.integers(0, 300))
def test_a_number_of_people_that_is_too_low_lets_nobody_go_whom_the_right_one_holds(
    count: int, known: int, more: int
) -> None:
    if check_deprovisionings(count, known + more, DEFAULT, recent=0):
        assert check_deprovisionings(count, known, DEFAULT, recent=0, is_counted=False)
    assert bool(check(plan(deactivate=count), known, DEFAULT, is_counted=False)) is bool(
        check_deprovisionings(count, known, DEFAULT, recent=0, is_counted=False)
    )


def test_who_came_back_and_leaves_again_counts_once() -> None:
    recent = RecentDeprovisionings().counted(8, NOON).begun(NOON, Deprovisionings(("a",), 1, 1))
    later = NOON + timedelta(minutes=20)
    again = Deprovisionings(("a",), 1, 1, counted_at=(NOON,))
    assert recent.begun(later, again).within(later) == 1
    assert recent.begun(later, again).within(NOON + timedelta(minutes=50)) == 1, "from the second time on"
    assert recent.begun(later, Deprovisionings(("b",), 1, 1)).within(later) == 2
    approved = Deprovisionings(("a",), 1, 1, is_approved=True, counted_at=(NOON,))
    assert recent.begun(later, approved).within(later) == 0
    long_after = NOON + 2 * INTERVAL
    assert recent.begun(long_after, again).within(long_after) == 1


def test_a_limit_is_not_passed_by_one_person_who_leaves_twice() -> None:
    two = GuardLimits(leavings=Threshold(count=2, percent=0))
    recent = RecentDeprovisionings().counted(8, NOON).begun(NOON, Deprovisionings(("a", "b"), 2, 2))
    assert recent.breach(NOON, two, Deprovisionings(("a",), 1, 1, counted_at=(NOON,))) is None
    assert recent.breach(NOON, two, Deprovisionings(("c",), 1, 1)) is not None
