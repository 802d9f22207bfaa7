"""A lease is kept as long as its process works, and no longer."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from shared.tables.heartbeat import LASTS, Heartbeat
from shared.tables.leases import Lease, LeaseLost, Leases
from shared.tables.service import connect

OFTEN = timedelta(seconds=0.05)


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def leases(azurite: str) -> Iterator[Leases]:
    with connect(azurite) as service:
        yield Leases(service.create_table_if_not_exists("leases"), now)


def _taken(leases: Leases, name: str) -> Lease:
    lease = leases.acquire(name, timedelta(seconds=0.3), lambda note: note or "note")
    assert lease is not None
    return lease


def _eventually(so: Callable[[], bool]) -> None:
    ends = time.monotonic() + 20
    while not so():
        assert time.monotonic() < ends
        time.sleep(0.02)


def test_a_step_that_takes_longer_than_the_lease_keeps_it(leases: Leases, store_id: str) -> None:
    lease = _taken(leases, store_id)
    with Heartbeat(leases, lease, now, every=OFTEN) as heart:
        _eventually(lambda: now() > lease.ends + timedelta(seconds=0.2))
        assert leases.acquire(store_id, LASTS, lambda note: note) is None
        heart.write("further")
        heart.beat()
        heart.release("done")
    again = leases.acquire(store_id, LASTS, lambda note: note)
    assert again is not None
    assert again.note == "done"


def test_a_lease_that_another_took_over_is_not_ours_to_keep(leases: Leases, store_id: str) -> None:
    lease = _taken(leases, store_id)
    leases.renew(lease, LASTS, "another's")
    with Heartbeat(leases, lease, now, every=OFTEN) as heart:

        def lost() -> bool:
            try:
                heart.beat()
            except LeaseLost:
                return True
            return False

        _eventually(lost)
        with pytest.raises(LeaseLost):
            heart.release("done")


def test_the_heartbeat_asks_whether_the_work_goes_on(leases: Leases, store_id: str) -> None:
    why = list[str]()
    look: Callable[[], str | None] = partial(lambda told: told[0] if told else None, why)
    with Heartbeat(leases, _taken(leases, store_id), now, look, OFTEN) as heart:
        assert heart.must_end is None
        why.append("Provisioning is stopped.")
        _eventually(lambda: heart.must_end == "Provisioning is stopped.")
        heart.remove()
    assert leases.read(store_id) is None
