"""Groups and memberships in Table Storage: what is written together, and what is found out where a change is none."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from shared.app.container import Bridge
from shared.rules.groups.group import Group, GroupPendingChange, GroupSourceState
from shared.rules.groups.member_change import MemberChange
from shared.rules.history import Event, EventKind
from shared.tables.errors import Conflict, Stale
from shared.tables.group_rows import StoredGroup
from shared.tables.groups import GroupLookup, Groups, NotAllChange

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
EVENT = Event(at=NOON, kind=EventKind.UPDATED, reason="")


@pytest.fixture
def groups(bridge: Bridge) -> Groups:
    return bridge.groups.groups


def _group(name: str = "Sales") -> Group:
    said = GroupSourceState(resource=f'{{"displayName": "{name}"}}', display_name=name, desired=None, modified=NOON)
    return Group(id=uuid4().hex, said=said, created=NOON)


def _pending(group: Group, change: MemberChange) -> Group:
    mark = GroupPendingChange(reason="a test", before=group.said, members=change, writer="me", lease_ends=NOON)
    return group.model_copy(update={"pending": mark})


def _people(count: int) -> tuple[str, ...]:
    return tuple(sorted(uuid4().hex for _ in range(count)))


def _change(groups: Groups, store: str, stored: StoredGroup, change: MemberChange) -> StoredGroup:
    """As a push does it, on nobody's side."""
    begun = groups.begin(store, stored, _pending(stored.group, change), change)
    return groups.end(store, begun, begun.stored.group.settled(None), EVENT)


def test_a_name_is_unique_in_any_letter_case_and_found_so(groups: Groups, store_id: str) -> None:
    first = groups.write(store_id, None, _group("Sales"))
    with pytest.raises(Conflict):
        groups.write(store_id, None, _group("SALES"))
    assert [found.id for found in groups.find(store_id, GroupLookup.NAME, "sALES")] == [first.group.id]
    renamed = first.group.model_copy(update={"said": first.group.said.model_copy(update={"display_name": "Board"})})
    groups.write(store_id, first, renamed)
    assert groups.find(store_id, GroupLookup.NAME, "Sales") == []
    with pytest.raises(Stale):
        groups.write(store_id, first, renamed)


@pytest.mark.parametrize("count", [1, 49, 50, 60, 100, 148, 160])
def test_members_are_written_and_taken_away_whatever_their_number(groups: Groups, store_id: str, count: int) -> None:
    stored, people = groups.write(store_id, None, _group()), _people(count)
    stored = _change(groups, store_id, stored, MemberChange(joining=people))
    assert (tuple(groups.members(store_id, stored.group.id)), stored.group.members) == (people, count)
    assert groups.of_person(store_id, people[-1]) == [stored.group.id]
    assert groups.members_among(store_id, stored.group.id, (*people[:3], uuid4().hex)) == set(people[:3])
    stored = _change(groups, store_id, stored, MemberChange(leaving=people))
    assert (list(groups.members(store_id, stored.group.id)), stored.group.members) == ([], 0)
    assert groups.of_person(store_id, people[-1]) == []


@pytest.mark.parametrize("count", [3, 100])
def test_what_is_no_change_is_found_out_before_anything_is_written(groups: Groups, store_id: str, count: int) -> None:
    stored, people = groups.write(store_id, None, _group()), _people(count)
    stored = _change(groups, store_id, stored, MemberChange(joining=people[:1]))
    stranger = uuid4().hex
    change = MemberChange(joining=people, leaving=(stranger,))
    with pytest.raises(NotAllChange) as raised:
        groups.begin(store_id, stored, _pending(stored.group, change), change)
    assert raised.value.exact == MemberChange(joining=people[1:])
    assert list(groups.members(store_id, stored.group.id)) == [people[0]]


def test_what_is_no_change_is_put_right_where_some_was_written(groups: Groups, store_id: str) -> None:
    """The last of a hundred is a member already, which only the second transaction finds out."""
    stored, people = groups.write(store_id, None, _group()), _people(100)
    stored = _change(groups, store_id, stored, MemberChange(joining=people[-1:]))
    stored = _change(groups, store_id, stored, MemberChange(joining=people))
    assert (tuple(groups.members(store_id, stored.group.id)), stored.group.members) == (people, 100)
    stored = _change(groups, store_id, stored, MemberChange(leaving=people[-1:]))
    stored = _change(groups, store_id, stored, MemberChange(leaving=people))
    assert (list(groups.members(store_id, stored.group.id)), stored.group.members) == ([], 0)


def test_undoing_goes_back(groups: Groups, store_id: str) -> None:
    stored, people = groups.write(store_id, None, _group()), _people(60)
    stored = _change(groups, store_id, stored, MemberChange(joining=people[:30]))
    change = MemberChange(joining=people[30:], leaving=people[:30])
    begun = groups.begin(store_id, stored, _pending(stored.group, change), change)
    groups.undo(store_id, begun, stored.group, change.undone, EVENT)
    assert tuple(groups.members(store_id, stored.group.id)) == people[:30]
    assert groups.pending(store_id) == []


def test_what_a_deleted_group_leaves_behind_goes_bit_by_bit(groups: Groups, store_id: str) -> None:
    stored, people = groups.write(store_id, None, _group()), _people(130)
    stored = _change(groups, store_id, stored, MemberChange(joining=people))
    groups.remove(store_id, stored, EVENT)
    assert (groups.read(store_id, stored.group.id), groups.pending(store_id)) == (None, [stored.group.id])
    assert groups.clear_members(store_id, stored.group.id, 100) is False
    assert len(list(groups.members(store_id, stored.group.id))) == 30
    assert groups.clear_members(store_id, stored.group.id, 100) is True
    assert groups.clear_members(store_id, stored.group.id, 100) is True, "twice does no harm"
    assert (groups.pending(store_id), groups.of_person(store_id, people[0])) == ([], [])


def test_a_slice_takes_a_part_of_a_row_only(groups: Groups, store_id: str) -> None:
    """The mark of the largest change there is, on top of an earlier one, with names as long as they may be."""
    stored = groups.write(store_id, None, _group("n" * 1000))
    change, again = MemberChange(joining=_people(500)), MemberChange(leaving=_people(1000))
    marked = _pending(stored.group, change)
    assert marked.pending is not None
    marked = marked.model_copy(update={"pending": marked.pending.model_copy(update={"again": again})})
    begun = groups.begin(store_id, stored, marked, MemberChange())
    assert groups.read(store_id, stored.group.id) == begun.stored
