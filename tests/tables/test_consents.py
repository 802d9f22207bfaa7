"""A consent is answered once, and in time."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from azure.data.tables import TableClient

from local.store import new_key
from shared.tables.consents import Consents
from shared.tables.service import connect


@pytest.fixture
def table(azurite: str) -> TableClient:
    """A table that only this test writes."""
    return connect(azurite).create_table(f"consents{new_key()[:12].encode().hex()}")


class Clock:
    """The time, as a test has it."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


def test_of_many_answers_one_counts(table: TableClient) -> None:
    consents = Consents(table, Clock())
    for _ in range(5):
        state = consents.open("contoso", "admin", "eu", "https://bridge/oauth/callback").state
        with ThreadPoolExecutor(8) as pool:
            taken = [asked for asked in pool.map(lambda _, state=state: consents.take(state), range(8)) if asked]
        assert [asked.store for asked in taken] == ["contoso"]


def test_after_ten_minutes_it_is_too_late_and_nothing_is_left(table: TableClient) -> None:
    clock = Clock()
    consents = Consents(table, clock)
    opened = [consents.open("contoso", "admin", "eu", "https://bridge/oauth/callback") for _ in range(3)]
    raw = str(list(table.list_entities()))
    assert not any(secret in raw for one in opened for secret in (one.state, one.cookie))
    clock.now += timedelta(minutes=9, seconds=59)
    assert consents.take(opened[0].state) is not None
    clock.now += timedelta(seconds=1)
    assert consents.take(opened[1].state) is None
    consents.open("contoso", "admin", "eu", "https://bridge/oauth/callback")
    assert len(list(table.list_entities())) == 1
