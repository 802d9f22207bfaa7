"""Conclusions from a group as Zoho One shows it, case by case, while an answer may have been lost."""

from datetime import UTC, datetime

import pytest

from shared.rules.groups.conclusion import (
    BROUGHT_BACK,
    Conclusion,
    GroupAccountChange,
    InZohoOne,
    after_refusal,
    conclude,
    drift_of,
    link,
)
from shared.rules.groups.group import Group, GroupPendingChange, GroupSourceState, ZohoGroup, ZohoGroupRecord
from shared.rules.groups.member_change import MemberChange

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SALES, BOARD = ZohoGroup(display_name="Sales"), ZohoGroup(display_name="Board")


def said(name: str = "Sales") -> GroupSourceState:
    return GroupSourceState(resource="{}", display_name=name, desired=ZohoGroup(display_name=name), modified=NOON)


def record(name: str = "Sales", group_id: str = "z1", *, adopted: bool = False) -> ZohoGroupRecord:
    return ZohoGroupRecord(id=group_id, holds=ZohoGroup(display_name=name), adopted=adopted)


def mark(**values: object) -> GroupPendingChange:
    return GroupPendingChange.model_validate({"reason": "a test", "before": None, "lease_ends": NOON} | values)


def group(
    account: ZohoGroupRecord | None = None, pending: GroupPendingChange | None = None, name: str = "Sales"
) -> Group:
    return Group(id="g1", said=said(name), account=account, pending=pending, created=NOON)


KNOWN, ADOPTED = record(), record(adopted=True)
STRANGER, RENAMED = record("Board", "z2"), record("Board", "z1")

WHOSE = [
    # what the row and the mark say of it                       what Zoho One shows    was there before the bridge
    ("confirmed, made here", group(KNOWN), KNOWN, False),
    ("confirmed, made here, renamed there", group(KNOWN), RENAMED, False),
    ("confirmed, taken over, renamed there", group(ADOPTED), RENAMED, True),
    ("never asked for", group(pending=mark()), KNOWN, True),
    ("no mark at all", group(), KNOWN, True),
    ("asked for, no answer", group(pending=mark(attempted=("Sales",))), KNOWN, False),
    ("asked for under another name, no answer", group(pending=mark(attempted=("Board",))), KNOWN, True),
    ("asked for, then renamed in Entra", group(pending=mark(attempted=("Board", "Sales"))), KNOWN, False),
    (
        "made here, found again, then renamed there by a call without an answer",
        group(pending=mark(attempted=("Sales",), found=KNOWN), name="Board"),
        RENAMED,
        False,
    ),
    (
        "taken over, then renamed there by a call without an answer",
        group(pending=mark(attempted=("Board",), found=ADOPTED), name="Board"),
        RENAMED,
        True,
    ),
    ("another of the name that is asked for", group(pending=mark(found=KNOWN), name="Board"), STRANGER, True),
]


@pytest.mark.parametrize(("case", "known", "shown", "adopted"), WHOSE, ids=[case for case, *_ in WHOSE])
def test_whose_group_it_is(case: str, known: Group, shown: ZohoGroupRecord, adopted: bool) -> None:
    assert link(known, shown) == shown.model_copy(update={"adopted": adopted})


TOLD = GroupAccountChange(joining=("a", "b"), leaving=("x", "y"))
OPEN = [
    # row, what Zoho One shows, the accounts of all members                        what is left to tell
    ("there is none", group(KNOWN), None, ("a", "b", "c"), GroupAccountChange(("a", "b", "c"))),
    ("nothing came through", group(KNOWN), {"x", "y", "z"}, (), TOLD),
    ("all came through", group(KNOWN), {"a", "b", "z"}, (), GroupAccountChange()),
    ("some came through", group(KNOWN), {"a", "x"}, (), GroupAccountChange(("b",), ("x",))),
    (
        "taken over: everybody joins, only those named leave",
        group(),
        {"x", "z"},
        ("a", "b", "c"),
        GroupAccountChange(("a", "b", "c"), ("x",)),
    ),
    (
        "taken over: a member is not thrown out, whoever named them",
        group(),
        {"x"},
        ("x",),
        GroupAccountChange(("a", "b")),
    ),
]


@pytest.mark.parametrize(("case", "known", "members", "everybody", "left"), OPEN, ids=[case for case, *_ in OPEN])
def test_what_is_left_to_tell(
    case: str, known: Group, members: set[str] | None, everybody: tuple[str, ...], left: GroupAccountChange
) -> None:
    shown = InZohoOne(KNOWN, frozenset(members)) if members is not None else None
    concluded = conclude(known, shown, TOLD, everybody)
    assert concluded.to_send == left
    assert (concluded.account is None) is (members is None)


def test_there_is_nothing_where_zoho_one_shows_nothing() -> None:
    assert conclude(group(), None, GroupAccountChange()) == Conclusion(None, GroupAccountChange())


CHANGE, AGAIN = MemberChange(joining=("a",), leaving=("b",)), MemberChange(joining=("c",), leaving=("d",))
BACK = MemberChange(joining=("c", "b"), leaving=("d", "a"))
REFUSED = [
    # account, members sent, no earlier try open          what has to be told
    ("one call, one member: nothing was done", KNOWN, 1, True, None),
    ("no members: nothing was done", KNOWN, 0, True, None),
    ("several members: some may have been taken", KNOWN, 2, True, BACK),
    ("an earlier try without an answer", KNOWN, 1, False, BACK),
    ("no group there", None, 2, False, None),
]


@pytest.mark.parametrize(("case", "account", "sent", "certain", "again"), REFUSED, ids=[case for case, *_ in REFUSED])
def test_what_stays_to_be_told_after_a_refusal(
    case: str, account: ZohoGroupRecord | None, sent: int, certain: bool, again: MemberChange | None
) -> None:
    refused = group(account, mark(before=said(), members=CHANGE, again=AGAIN, accounts={"d": "z9"}))
    left = after_refusal(refused, sent, NOON, certain=certain)
    assert (left.again if left else None) == again
    if left is not None:
        assert (left.reason, left.members, left.before, left.accounts, left.writer) == (
            BROUGHT_BACK,
            MemberChange(),
            said(),
            {"d": "z9"},
            None,
        )


ACCOUNTS = {"p1": "a1", "p2": "a2"}
DRIFT = [
    # row, what Zoho One shows, exact members       told, missing, foreign
    ("as it should be", group(KNOWN), InZohoOne(KNOWN, frozenset({"a1", "a2"})), True, None),
    ("an answer is open", group(KNOWN, mark()), None, True, None),
    ("nothing is confirmed", group(), None, True, None),
    ("deleted there", group(KNOWN), None, False, ("deleted there", (), ())),
    ("taken out there", group(KNOWN), InZohoOne(KNOWN, frozenset({"a1"})), False, ("1 members removed", ("p2",), ())),
    ("put in there", group(KNOWN), InZohoOne(KNOWN, frozenset({"a1", "a2", "z"})), False, None),
    (
        "put in there, exact members",
        group(KNOWN),
        InZohoOne(KNOWN, frozenset({"a1", "a2", "z"})),
        True,
        ("1 members added", (), ("z",)),
    ),
    (
        "renamed there",
        group(KNOWN),
        InZohoOne(RENAMED, frozenset({"a1", "a2"})),
        False,
        ("displayName", (), ()),
    ),
]


@pytest.mark.parametrize(("case", "known", "shown", "exact", "found"), DRIFT, ids=[case for case, *_ in DRIFT])
def test_what_somebody_changed_there(
    case: str,
    known: Group,
    shown: InZohoOne | None,
    exact: bool,
    found: tuple[str, tuple[str, ...], tuple[str, ...]] | None,
) -> None:
    drift = drift_of(known, ["p1", "p2", "p3"], ACCOUNTS, shown, exact=exact)
    if found is None:
        assert drift is None
        return
    assert drift is not None
    assert found[0] in drift.told
    assert (drift.missing, drift.foreign) == found[1:]


def test_nothing_follows_from_members_that_are_not_shown() -> None:
    shown = InZohoOne(KNOWN, frozenset({"a1"}), is_whole=False)
    concluded = conclude(
        group(KNOWN), shown, GroupAccountChange(("a2",), ("a3",)), changing=GroupAccountChange((), ("a3",))
    )
    assert (concluded.to_send, concluded.before) == (GroupAccountChange(("a2",), ("a3",)), GroupAccountChange())
    assert drift_of(group(KNOWN), ["p1", "p2"], {"p1": "a1", "p2": "a2"}, shown, exact=False) is None
