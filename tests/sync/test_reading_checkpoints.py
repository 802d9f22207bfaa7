"""Long readings: the lease is kept, what was done is kept, and the next message goes on where the last one ended."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

import pytest

from local.entra.people import PEOPLE
from shared.app.container import Bridge
from shared.entra.members_delta import MOST_GROUPS
from shared.entra.users import read_users
from shared.entra.users_delta import DeltaPosition
from shared.rules.entra_connection import Scope
from shared.rules.groups.group import DELETED
from shared.rules.groups.settings import GroupSettings
from shared.rules.guard_limits import GroupLimit, GuardLimits, Threshold
from shared.rules.run import RunState
from shared.rules.status import Reflection
from shared.sync.cycle_note import CycleNote, CycleRequest, lease_name, sealed
from shared.sync.progress import Unkept
from shared.sync.source import groups as following
from shared.sync.source import people as people_reader
from shared.sync.source.groups import UNASSIGNED, Chunk, GroupReader, GroupReading, ScopeCheckpoint
from shared.sync.source.reading_checkpoint import ReadingCheckpoint
from shared.tables.entra_groups import EntraGroup, EntraGroups
from shared.tables.entra_scope import EntraScope
from shared.tables.leases import Leases
from tests.conftest import Entra
from tests.sync.reconciled import Reconciled

IDS = [person.id for person in PEOPLE]
STAFF, *MORE = (f"00000000-0000-0000-0000-{number:012}" for number in range(8))
FEW = IDS[:3]
MOST_OF_A_ROW = 2**20
"""Bytes, in UTF-16: https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model"""


@pytest.fixture
def reconciled(reconciled: Reconciled) -> Reconciled:
    """A store with three people, of an Entra where the others are not assigned."""
    reconciled.entra.act(*({"do": "unassign", "id": each} for each in IDS if each not in FEW))
    assert reconciled.cycle().state is RunState.DONE
    return reconciled


def test_a_large_group_is_assigned_in_several_messages(reconciled: Reconciled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people_reader, "PORTION", 4)
    reconciled.entra.act({"do": "put group", "id": STAFF, "members": IDS[3:]}, {"do": "assign group", "id": STAFF})
    scope, left = EntraScope(reconciled.bridge.table("entra")), list[int]()
    request: CycleRequest | None = reconciled.asked()
    while request is not None:
        done = reconciled.hurried(request)
        request = done.goes_on
        left.append(len(list(scope.marked(reconciled.store_id))))
        assert len(left) < 60
    assert left[:8] == [22, 18, 14, 10, 6, 2, 0, 0], "each message keeps what it read"
    reconciled.entra.forget("calls")
    reconciled.assert_as_in_entra()
    assert reconciled.cycle().planned == {}
    assert "POST /v1.0/$batch" not in reconciled.entra.calls(), "nobody is read again who was read"


def test_reading_by_id_keeps_the_lease(reconciled: Reconciled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people_reader, "PORTION", 2)
    reconciled.entra.act({"do": "put group", "id": STAFF, "members": IDS[3:]}, {"do": "assign group", "id": STAFF})
    now, held = [datetime.now(UTC)], list[bool]()
    leases = Leases(reconciled.bridge.table("leases"), lambda: now[0])
    cycles = reconciled.cycles(leases=leases, now=lambda: now[0], budget=timedelta(hours=1))
    real = read_users

    def slow(*args: Any) -> Iterator[Any]:
        for found in real(*args):
            yield found
            now[0] += timedelta(seconds=20)
            lease = leases.read(lease_name(reconciled.store_id))
            held.append(lease is not None and lease.is_held(now[0]))

    monkeypatch.setattr(people_reader, "read_users", slow)
    assert cycles.run(reconciled.asked()).run.state is RunState.DONE
    assert held == [True] * 22, "seven minutes, which is longer than a lease"


def test_ending_many_groups_ends_in_several_messages_and_keeps_nobody_in(
    reconciled: Reconciled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "ENDED_AT_ONCE", 2)
    everybody = GuardLimits(
        leavings=Threshold(count=100, percent=100), leavings_share=None, groups=GroupLimit(count=100, share=100)
    )
    reconciled.change(groups=GroupSettings(deleted=Reflection.CHANGE), guard=everybody)
    for group in MORE:
        reconciled.entra.act({"do": "put group", "id": group, "members": FEW[:1]})
    reconciled.change(entra=reconciled.entra.connection(scope=Scope.ALL_USERS))
    reconciled.cycle()
    assert len(reconciled.groups()) == len(MORE)
    reconciled.entra.act({"do": "assign group", "id": MORE[0]})
    reconciled.change(entra=reconciled.entra.connection(scope=Scope.ASSIGNED))
    groups, left = EntraGroups(reconciled.bridge.table("entra")), list[int]()
    request: CycleRequest | None = reconciled.asked()
    while request is not None:
        request = reconciled.hurried(request).goes_on
        left.append(sum(each.gone is None for each in groups.all(reconciled.store_id)))
        assert len(left) < 60
    assert left[:3] == [5, 3, 1]
    reconciled.assert_as_in_entra()
    assert set(reconciled.groups()) == {MORE[0]}
    rows = reconciled.bridge.table("entra").query_entities(
        "PartitionKey eq @store and RowKey ge 'ending:' and RowKey lt 'ending;'",
        parameters={"store": reconciled.store_id},
    )
    assert list(rows) == []


class _Ended(Exception):
    """The time is over."""


class _Follower(GroupReader):
    def _read_changes(self, number: int, link: str) -> None:
        raise NotImplementedError

    def _read_in_full(self, number: int) -> None:
        raise NotImplementedError


class _Kept(Unkept[ScopeCheckpoint]):
    """Remembers what is kept."""

    def __init__(self, reached: ScopeCheckpoint, *, ends: bool = False) -> None:
        super().__init__(reached)
        self.kept: list[ScopeCheckpoint] = []
        self._ends = ends

    def keep(self, reached: ScopeCheckpoint) -> None:
        """Another place."""
        super().keep(reached)
        self.kept.append(reached)

    def may_end(self) -> None:
        """It ends at the first place where it may."""
        if self._ends:
            raise _Ended


def test_the_note_stays_below_the_limit_of_a_row_with_four_thousand_groups_that_end(
    entra: Entra, reading_bridge: Bridge, store_id: str
) -> None:
    """And as many that are followed from then on: from all users to a scope with many assigned groups."""
    old, new = ([str(uuid5(NAMESPACE_DNS, f"{kind} {number}")) for number in range(4000)] for kind in ("old", "new"))
    link = f"https://graph.microsoft.com/v1.0/groups/delta?$deltatoken={'x' * 700}"
    chunks = tuple(Chunk(groups=tuple(new[at : at + MOST_GROUPS]), link=link) for at in range(0, 4000, MOST_GROUPS))
    groups, scope = reading_bridge.flow.entra_groups, reading_bridge.flow.scope
    reading = GroupReading(entra.client(), scope, groups, reading_bridge.identities, store_id, True, True, [])
    checkpoint = _Kept(ScopeCheckpoint(), ends=True)
    with pytest.raises(_Ended):
        _Follower(reading, checkpoint).unfollow(dict.fromkeys(old, UNASSIGNED), chunks)
    kept = checkpoint.kept
    position = DeltaPosition(link=link, select=("displayName",) * 40, full=False)
    for progress in kept:
        note = CycleNote(reading=ReadingCheckpoint(position=position, scope=progress))
        assert 2 * len(sealed(note, reading_bridge.secrets)) < MOST_OF_A_ROW * 0.6
    left = dict(groups.ending(store_id, kept[-1].ending_list))
    assert len(left) == 4000 - following.ENDED_AT_ONCE
    assert set(left.values()) == {UNASSIGNED}


def test_a_note_of_the_release_before_goes_on_with_the_groups_that_end(
    entra: Entra, reading_bridge: Bridge, store_id: str
) -> None:
    groups, scope = reading_bridge.flow.entra_groups, reading_bridge.flow.scope
    groups.put(store_id, [EntraGroup(STAFF, "Staff")], look=False)
    scope.change(store_id, STAFF, IDS[:5], (), mark=False)
    before = ScopeCheckpoint.model_validate({"ending": [[STAFF, DELETED]], "direct": "x", "assignments": 7})
    reading = GroupReading(entra.client(), scope, groups, reading_bridge.identities, store_id, True, True, [])
    checkpoint = _Kept(before)
    _Follower(reading, checkpoint).end()
    kept = checkpoint.kept
    assert (kept[-1].ending, kept[-1].ending_list, kept[-1].direct) == ((), "", "x")
    assert scope.everyone(store_id) == set()
    assert groups.shown(store_id, STAFF) == EntraGroup(STAFF, "Staff", DELETED)


def test_dropping_history_and_reading_everybody_in_scope_have_a_heartbeat(
    reconciled: Reconciled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.tables.identities.MOST_IN_A_PAGE", 2)
    monkeypatch.setattr("shared.tables.entra_scope.PAGE", 2)
    beats = list[str]()
    identities = reconciled.bridge.identities
    identities.drop_events_before(reconciled.store_id, datetime.now(UTC), lambda: beats.append("events"))
    EntraScope(reconciled.bridge.table("entra")).everyone(reconciled.store_id, lambda: beats.append("scope"))
    assert beats == ["events"] * 2 + ["scope"] * 2
    assert identities.history(reconciled.store_id, FEW[0].replace("-", "")) == []
