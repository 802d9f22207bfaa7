"""A lease has one holder, whoever races for it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from threading import Barrier

import pytest
from azure.data.tables import TableClient, TableServiceClient

from shared.rules.schedule import CycleTimes, Schedule, after_end, after_start, due
from shared.tables.errors import Stale
from shared.tables.leases import Lease, LeaseLost, Leases

MINUTE = timedelta(minutes=1)


class Clock:
    """The time, as a test has it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def _same(note: str) -> str | None:
    return note


@pytest.fixture
def table(azurite: str) -> Iterator[TableClient]:
    with TableServiceClient.from_connection_string(azurite) as service:
        yield service.create_table_if_not_exists("leases")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def leases(table: TableClient, clock: Clock) -> Leases:
    return Leases(table, clock)


@pytest.fixture
def name(store_id: str) -> str:
    return f"cycle:{store_id}"


def _taken(leases: Leases, name: str) -> Lease:
    lease = leases.acquire(name, MINUTE, _same)
    assert lease is not None
    return lease


def test_it_is_held_until_it_is_given_back_and_its_note_is_handed_on(leases: Leases, name: str) -> None:
    assert leases.read(name) is None
    lease = leases.acquire(name, MINUTE, lambda note: note + "first")
    assert lease is not None
    assert leases.acquire(name, MINUTE, _same) is None
    leases.release(lease, "first, done")
    assert leases.acquire(name, MINUTE, lambda _: None) is None, "nothing to do"
    again = leases.acquire(name, MINUTE, lambda note: note + ", second")
    assert again is not None
    assert again.note == "first, done, second"
    with pytest.raises(LeaseLost):
        leases.release(lease, "late")


def test_it_ends_by_time_unless_it_is_renewed(leases: Leases, clock: Clock, name: str) -> None:
    lease = _taken(leases, name)
    clock.now += 0.9 * MINUTE
    lease = leases.renew(lease, MINUTE)
    clock.now += 0.9 * MINUTE
    assert leases.acquire(name, MINUTE, _same) is None
    clock.now += 0.2 * MINUTE
    _taken(leases, name)
    with pytest.raises(LeaseLost):
        leases.renew(lease, MINUTE)


def test_one_that_ended_and_that_nobody_took_can_still_be_renewed(leases: Leases, clock: Clock, name: str) -> None:
    lease = _taken(leases, name)
    clock.now += 5 * MINUTE
    leases.renew(lease, MINUTE)
    assert leases.acquire(name, MINUTE, _same) is None


def test_all_of_a_kind_are_read_at_once(leases: Leases, store_id: str) -> None:
    for part in ("a", "b"):
        leases.acquire(f"{store_id}:{part}", MINUTE, lambda _, part=part: f"note {part}")  # type: ignore[misc]  # mypy does not infer a lambda's default
    found = leases.of_kind(store_id)
    assert {part: lease.note for part, lease in found.items()} == {"a": "note a", "b": "note b"}
    assert leases.of_kind(store_id[:-1]) == {}


def test_a_write_whose_answer_was_lost_is_recognised_when_the_sdk_repeats_it(
    leases: Leases, table: TableClient, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = table.create_entity

    def twice(row: dict[str, str]) -> object:
        write(row)
        return write(row)

    monkeypatch.setattr(table, "create_entity", twice)
    lease = _taken(leases, name)
    leases.renew(lease, MINUTE)


def test_who_lost_a_race_for_a_write_has_no_lease(leases: Leases, table: TableClient, clock: Clock, name: str) -> None:
    lease = _taken(leases, name)
    other = Leases(table, clock)
    other.renew(lease, MINUTE)
    with pytest.raises(LeaseLost):
        leases.renew(lease, 2 * MINUTE)
    assert not issubclass(LeaseLost, Stale), "what it stands for has to stop, not to be read again"


def test_of_two_instances_one_runs_each_cycle(azurite: str, clock: Clock, name: str) -> None:
    """The tick's race, on the lease's row, with the schedule in its note: 25 cycles, each seen by four at once."""
    schedule = Schedule().started(clock.now)
    running, most, starts = list[int](), list[int](), list[datetime]()

    def turn(note: str) -> str | None:
        times = CycleTimes.model_validate_json(note) if note else CycleTimes()
        if not due(clock.now, schedule, times):
            return None
        return after_start(clock.now, schedule, times).model_dump_json()

    with TableServiceClient.from_connection_string(azurite) as service, ThreadPoolExecutor(4) as pool:
        instances = [Leases(service.get_table_client("leases"), clock) for _ in range(4)]
        service.create_table_if_not_exists("leases")
        for tick in range(25 * 4):
            barrier = Barrier(4)

            def instance(leases: Leases, barrier: Barrier = barrier) -> None:
                barrier.wait()
                lease = leases.acquire(name, 10 * MINUTE, turn)
                if lease is None:
                    return
                running.append(1)
                most.append(len(running))
                starts.append(clock.now)
                running.pop()
                times = CycleTimes.model_validate_json(lease.note)
                leases.release(lease, after_end(clock.now, schedule, times, failed=False).model_dump_json())

            list(pool.map(instance, instances))
            clock.now += 10 * MINUTE
            assert len(starts) == tick // 4 + 1
    assert set(most) == {1}
    assert {(later - earlier) for earlier, later in pairwise(starts)} == {40 * MINUTE}
