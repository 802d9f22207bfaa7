"""The guard of a push: who leaves is counted in the transaction of his leaving, exactly, and in no round trip more."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

import pytest
from azure.data.tables import TableClient, TableEntity

from shared.rules.change import ChangeKind
from shared.rules.guard_limits import GuardLimits, Threshold
from shared.rules.recent_deprovisionings import Deprovisionings, RecentDeprovisionings
from shared.sync.guard.admission import Admission
from shared.tables.errors import Stale
from shared.tables.identities import Identities
from shared.tables.pending import PendingChanges
from shared.tables.recent_deprovisionings import DISCARDED, HELD, DeprovisioningCounts, Limit
from shared.tables.record_table import Operation
from shared.tables.service import connect, our_errors
from tests.rules.plans import changes, identity, user
from tests.rules.test_admin_change import STORE

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
LIMITS = GuardLimits(leavings=Threshold(count=5, percent=10))
ONE = Deprovisionings(("somebody",), count=1, active=1)


class Person:
    """The rows of a person who leaves, written with the count as push does it."""

    numbers = count()

    def __init__(self, table: TableClient, store: str) -> None:
        self.table = table
        self.row = {"PartitionKey": store, "RowKey": f"id:{next(self.numbers)}"}

    def __call__(self, operation: Operation) -> str:
        with our_errors():
            return str(self.table.submit_transaction([("create", self.row), operation])[1]["etag"])


@pytest.fixture
def table(azurite: str) -> Iterator[TableClient]:
    with connect(azurite) as service:
        yield service.create_table_if_not_exists("identities")


def _people(active: int) -> Callable[[], int]:
    return lambda: active


def _limit(now: datetime) -> Limit:
    return lambda recent, is_counted: recent.breach(now, LIMITS, ONE, is_counted=is_counted)


def _admit(
    leavings: DeprovisioningCounts, table: TableClient, store: str, active: int, at: datetime = NOON
) -> str | None:
    """One more who would leave, of so many active people."""
    return leavings.admit(store, ONE, at, _limit(at), _people(active), Person(table, store))


def _left(table: TableClient, store: str) -> int:
    rows = table.query_entities("PartitionKey eq @s and RowKey ge 'id:' and RowKey lt 'id;'", parameters={"s": store})
    return sum(1 for _ in rows)


def test_the_first_pass_and_the_rest_are_held_until_somebody_decides(table: TableClient, store_id: str) -> None:
    leavings = DeprovisioningCounts(table)
    answers = [_admit(leavings, table, store_id, 20) for _ in range(8)]
    assert answers[:5] == [None] * 5
    assert str(answers[5]).startswith("6 of 25 active people (24.0 %)"), "20 are left, and five have gone"
    assert answers[6:] == [HELD] * 2
    assert _left(table, store_id) == 5
    # Not even when the interval has passed, nor on another worker.
    assert _admit(DeprovisioningCounts(table), table, store_id, 20, NOON + HOUR) == HELD
    DeprovisioningCounts(table).change(store_id, RecentDeprovisionings.opened)
    # What was counted goes on counting, for as long as the interval lasts.
    assert str(_admit(leavings, table, store_id, 15)).startswith("6 of 20")
    DeprovisioningCounts(table).change(store_id, RecentDeprovisionings.opened)
    assert _admit(leavings, table, store_id, 15, NOON + HOUR) is None


def test_in_a_large_store_the_people_are_counted_before_it_is_held(table: TableClient, store_id: str) -> None:
    leavings, counted = DeprovisioningCounts(table), list[int]()

    def people() -> int:
        counted.append(1)
        return 1000

    for _ in range(20):
        assert leavings.admit(store_id, ONE, NOON, _limit(NOON), people, Person(table, store_id)) is None
    assert len(counted) == 1
    assert leavings.read(store_id).recent.active_users == 1000 - 19, "they were counted when one had left"


def test_slow_leavers_are_never_held(table: TableClient, store_id: str) -> None:
    leavings = DeprovisioningCounts(table)
    for number in range(20):
        at = NOON + number * timedelta(minutes=10)
        assert _admit(leavings, table, store_id, 30, at) is None


def test_workers_who_race_let_no_one_more_pass(azurite: str, table: TableClient, store_id: str) -> None:
    workers = [DeprovisioningCounts(table) for _ in range(4)]

    def push(number: int) -> str | None:
        return workers[number % 4].admit(store_id, ONE, NOON, _limit(NOON), _people(20), Person(table, store_id))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(push, range(24)))
    assert answers.count(None) == 5
    assert _left(table, store_id) == 5
    stored = workers[0].read(store_id).recent
    assert (stored.within(NOON), stored.held) == (5, True)


def test_a_worker_alone_needs_no_round_trip_more(
    table: TableClient, store_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    leavings = DeprovisioningCounts(table)
    for _ in range(2):  # the second is held among three people, so they are counted once
        _admit(leavings, table, store_id, 1000)
    calls = list[str]()
    for method in ("get_entity", "query_entities", "submit_transaction"):
        monkeypatch.setattr(table, method, _counted(getattr(table, method), calls, method))
    assert _admit(leavings, table, store_id, 1000) is None
    assert calls == ["submit_transaction"], "the one in which he leaves"


def _counted(call: Callable[..., Any], calls: list[str], method: str) -> Callable[..., Any]:
    def counted(*given: Any, **named: Any) -> Any:
        calls.append(method)
        return call(*given, **named)

    return counted


def test_a_conflict_over_the_person_himself_is_passed_on(table: TableClient, store_id: str) -> None:
    leavings = DeprovisioningCounts(table)
    assert _admit(leavings, table, store_id, 20) is None

    def conflict(operation: Operation) -> str:
        raise Stale

    with pytest.raises(Stale):
        leavings.admit(store_id, ONE, NOON, _limit(NOON), _people(20), conflict)
    assert leavings.read(store_id).recent.within(NOON) == 1, "who did not leave is not counted"


def test_two_workers_who_begin_departures_at_once_lose_neither_a_count_nor_a_lease(
    table: TableClient, store_id: str
) -> None:
    identities, pending_changes, names = (
        Identities(table),
        PendingChanges(table),
        [f"p{number}" for number in range(40)],
    )
    for name in names:
        person = identity(name, user(name), user(name, active=False), pending="Entra says so.")
        pending = person.pending.model_copy(update={"begun": False}) if person.pending else None
        identities.write(store_id, None, person.model_copy(update={"id": _id(name), "pending": pending}))
    never = Threshold(count=1000, percent=100)
    guard = GuardLimits(leavings=never, leavings_share=None, leavings_most=None)
    store = STORE.model_copy(update={"id": store_id, "guard": guard})
    workers = [Admission(identities, pending_changes, DeprovisioningCounts(table), lambda: NOON) for _ in range(2)]

    def begin(number: int) -> list[str]:
        read = identities.several(store_id, [_id(name) for name in names[5 * number : 5 * number + 5]])
        found = workers[number % 2].begin(store, [(each, each.identity) for each in read.values()])
        assert found.held is None
        return [each.identity.id for each in found.leased]

    with ThreadPoolExecutor(8) as pool:
        leased = [each for some in pool.map(begin, range(8)) for each in some]
    assert sorted(leased) == sorted(map(_id, names))
    assert DeprovisioningCounts(table).read(store_id).recent.within(NOON) == len(names)
    assert all(each.identity.pending and each.identity.pending.counted for each in identities.everybody(store_id))


def test_a_conflict_over_one_person_keeps_nobody_else_from_leaving(table: TableClient, store_id: str) -> None:
    identities = Identities(table)
    for name in ("ada", "ben"):
        person = identity(name, user(name), user(name, active=False), pending="Entra says so.")
        identities.write(store_id, None, person.model_copy(update={"id": _id(name)}))
    read = identities.several(store_id, [_id("ada"), _id("ben")])
    identities.write(store_id, read[_id("ada")], read[_id("ada")].identity)
    admission = Admission(identities, PendingChanges(table), DeprovisioningCounts(table), lambda: NOON)
    store = STORE.model_copy(update={"id": store_id})
    found = admission.begin(store, [(each, each.identity) for each in read.values()])
    assert [each.identity.id for each in found.leased] == [_id("ben")]
    assert DeprovisioningCounts(table).read(store_id).recent.within(NOON) == 1


def test_discarded_departures_are_kept_until_they_are_forgotten(table: TableClient, store_id: str) -> None:
    leavings, other = DeprovisioningCounts(table), DeprovisioningCounts(table)
    some, more = changes(ChangeKind.DEACTIVATE, 2), changes(ChangeKind.DELETE, 1)
    leavings.change(store_id, RecentDeprovisionings.hold)
    leavings.discard(store_id, some, NOON)
    leavings.discard(store_id, more, NOON)
    recent = other.read(store_id).recent
    assert (recent.held, recent.needs_attention) == (False, True)
    ids = [each.identity for each in (*some, *more)]
    assert other.discarded_among(store_id, recent, [*ids, "another"]) == set(ids)
    again = Deprovisionings((ids[0],), count=0, active=0)  # begun before, so that the limits say nothing
    assert other.admit(store_id, again, NOON, _limit(NOON), _people(20), Person(table, store_id)) == DISCARDED
    approved = Deprovisionings((ids[0],), count=1, active=1, is_approved=True)
    assert other.admit(store_id, approved, NOON, _limit(NOON), _people(20), Person(table, store_id)) is None
    assert PendingChanges(table).waiting(store_id).is_guarded
    leavings.forget(store_id, {ids[0]}.__contains__, NOON, opens=False)
    left = other.discarded_among(store_id, other.read(store_id).recent, ids)
    assert left == set(ids[1:])
    for row in _discarded(table, store_id):
        table.delete_entity(row)
    assert DeprovisioningCounts(table).discarded_among(store_id, other.read(store_id).recent, ["x"]) == {"x"}, (
        "nobody knows"
    )
    leavings.forget(store_id, lambda _: True, NOON, opens=False)
    assert not DeprovisioningCounts(table).read(store_id).recent.needs_attention
    assert not PendingChanges(table).waiting(store_id).is_guarded
    assert not _discarded(table, store_id), "of all sets none is left"


def _discarded(table: TableClient, store: str) -> list[TableEntity]:
    where = "PartitionKey eq @s and RowKey ge 'discarded:' and RowKey lt 'discarded;'"
    return list(table.query_entities(where, parameters={"s": store}))


def _id(name: str) -> str:
    return uuid5(NAMESPACE_DNS, name).hex
