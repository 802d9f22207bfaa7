"""The guard of a push: who leaves is counted in the transaction of his leaving, exactly, and in no round trip more."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from azure.data.tables import TableClient, TableServiceClient

from shared.directory.guard import GuardLimits, Threshold
from shared.directory.recent_leavings import Departures, RecentLeavings
from shared.tables.errors import Changed
from shared.tables.recent_leavings import HELD, Leavings
from shared.tables.service import our_errors
from shared.tables.store_rows import Operation

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
LIMITS = GuardLimits(leavings=Threshold(count=5, percent=10))
ONE = Departures(("somebody",), count=1, active=1)


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
    with TableServiceClient.from_connection_string(azurite) as service:
        yield service.create_table_if_not_exists("identities")


def _people(active: int) -> Callable[[], int]:
    return lambda: active


def _left(table: TableClient, store: str) -> int:
    rows = table.query_entities("PartitionKey eq @s and RowKey ge 'id:' and RowKey lt 'id;'", parameters={"s": store})
    return sum(1 for _ in rows)


def test_the_first_pass_and_the_rest_are_held_until_somebody_decides(table: TableClient, store_id: str) -> None:
    leavings = Leavings(table)
    answers = [leavings.admit(store_id, ONE, NOON, LIMITS, _people(20), Person(table, store_id)) for _ in range(8)]
    assert answers[:5] == [None] * 5
    assert str(answers[5]).startswith("6 of 25 active people (24.0 %)"), "20 are left, and five have gone"
    assert answers[6:] == [HELD] * 2
    assert _left(table, store_id) == 5
    # Not even when the interval has passed, nor on another worker.
    assert Leavings(table).admit(store_id, ONE, NOON + HOUR, LIMITS, _people(20), Person(table, store_id)) == HELD
    Leavings(table).change(store_id, RecentLeavings.opened)
    # What was counted goes on counting, for as long as the interval lasts.
    assert str(leavings.admit(store_id, ONE, NOON, LIMITS, _people(15), Person(table, store_id))).startswith("6 of 20")
    Leavings(table).change(store_id, RecentLeavings.opened)
    assert leavings.admit(store_id, ONE, NOON + HOUR, LIMITS, _people(15), Person(table, store_id)) is None


def test_in_a_large_store_the_people_are_counted_before_it_is_held(table: TableClient, store_id: str) -> None:
    leavings, counted = Leavings(table), list[int]()

    def people() -> int:
        counted.append(1)
        return 1000

    for _ in range(20):
        assert leavings.admit(store_id, ONE, NOON, LIMITS, people, Person(table, store_id)) is None
    assert len(counted) == 1
    assert leavings.read(store_id).recent.active_users == 1000 - 18, "they were counted when two had left"


def test_slow_leavers_are_never_held(table: TableClient, store_id: str) -> None:
    leavings = Leavings(table)
    for number in range(20):
        at = NOON + number * timedelta(minutes=10)
        assert leavings.admit(store_id, ONE, at, LIMITS, _people(30), Person(table, store_id)) is None


def test_workers_who_race_let_no_one_more_pass(azurite: str, table: TableClient, store_id: str) -> None:
    workers = [Leavings(table) for _ in range(4)]

    def push(number: int) -> str | None:
        return workers[number % 4].admit(store_id, ONE, NOON, LIMITS, _people(20), Person(table, store_id))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(push, range(24)))
    assert answers.count(None) == 5
    assert _left(table, store_id) == 5
    stored = workers[0].read(store_id).recent
    assert (stored.within(NOON), stored.held) == (5, True)


def test_a_worker_alone_needs_no_round_trip_more(
    table: TableClient, store_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    leavings = Leavings(table)
    leavings.admit(store_id, ONE, NOON, LIMITS, _people(1000), Person(table, store_id))
    calls = list[str]()
    for method in ("get_entity", "query_entities", "submit_transaction"):
        monkeypatch.setattr(table, method, _counted(getattr(table, method), calls, method))
    assert leavings.admit(store_id, ONE, NOON, LIMITS, _people(1000), Person(table, store_id)) is None
    assert calls == ["submit_transaction"], "the one in which he leaves"


def _counted(call: Callable[..., Any], calls: list[str], method: str) -> Callable[..., Any]:
    def counted(*given: Any, **named: Any) -> Any:
        calls.append(method)
        return call(*given, **named)

    return counted


def test_a_conflict_over_the_person_himself_is_passed_on(table: TableClient, store_id: str) -> None:
    leavings = Leavings(table)
    assert leavings.admit(store_id, ONE, NOON, LIMITS, _people(20), Person(table, store_id)) is None

    def conflict(operation: Operation) -> str:
        raise Changed

    with pytest.raises(Changed):
        leavings.admit(store_id, ONE, NOON, LIMITS, _people(20), conflict)
    assert leavings.read(store_id).recent.within(NOON) == 1, "who did not leave is not counted"
