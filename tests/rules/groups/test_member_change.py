"""Changes of members as differences: what Python's own sets say of the same."""

from hypothesis import given
from hypothesis import strategies as st

from shared.rules.groups.member_change import MemberChange, MemberRequest

PEOPLE = st.sampled_from("abcdefgh")
SOME = st.lists(PEOPLE, max_size=5)
OPERATIONS = st.lists(st.tuples(st.sampled_from(["add", "remove", "replace"]), SOME), max_size=6)


def _expected(members: set[str], operations: list[tuple[str, list[str]]]) -> set[str]:
    for verb, people in operations:
        if verb == "add":
            members = members | set(people)
        elif verb == "remove":
            members = members - set(people)
        else:
            members = set(people)
    return members


def _applied(members: set[str], change: MemberChange) -> set[str]:
    assert members.isdisjoint(change.joining), "who joins was no member"
    assert members.issuperset(change.leaving), "who leaves was one"
    return (members | set(change.joining)) - set(change.leaving)


def _request(operations: list[tuple[str, list[str]]]) -> MemberRequest:
    request = MemberRequest()
    for verb, people in operations:
        match verb:
            case "add":
                request = request.add(people)
            case "remove":
                request = request.remove(people)
            case _:
                request = request.replace(people)
    return request


@given(members=st.frozensets(PEOPLE), operations=OPERATIONS)
def test_a_request_is_what_its_operations_are_one_after_another(
    members: frozenset[str], operations: list[tuple[str, list[str]]]
) -> None:
    request = _request(operations)
    change = request.difference(sorted(members))
    assert _applied(set(members), change) == _expected(set(members), operations)
    if not request.only:
        named = members & set(request.change.everybody)
        assert request.change.among(named) == change, "whoever is not named need not be known"


@given(members=st.frozensets(PEOPLE), operations=OPERATIONS, size=st.integers(1, 3))
def test_slices_are_the_same_change_and_undoing_goes_back(
    members: frozenset[str], operations: list[tuple[str, list[str]]], size: int
) -> None:
    change = _request(operations).difference(sorted(members))
    sliced = set(members)
    for portion in change.slices(size):
        assert len(portion) <= size
        sliced = _applied(sliced, portion)
    assert sliced == _applied(set(members), change)
    assert _applied(sliced, change.undone) == members


@given(first=OPERATIONS, second=OPERATIONS)
def test_the_last_word_about_somebody_counts(
    first: list[tuple[str, list[str]]], second: list[tuple[str, list[str]]]
) -> None:
    early, late = _request(first).change, _request(second).change
    both = early.then(late.joining, late.leaving)
    for person in both.everybody:
        said = late if person in late.everybody else early
        assert (person in both.joining) is (person in said.joining)
    assert set(both.everybody) == {*early.everybody, *late.everybody}
