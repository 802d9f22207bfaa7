"""Runs on Azurite: newest first, their changes by the page, and forgotten in time."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from azure.data.tables import TableClient, TableServiceClient

from shared.rules.change import ChangeKind
from shared.rules.run import Result, Run, RunChange, RunKind
from shared.rules.zoho_user import ZohoField
from shared.tables.by_time import new_id
from shared.tables.portions import MOST_BYTES, MOST_ROWS, portions
from shared.tables.runs import Runs
from tests.rules.plans import changes

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def table(azurite: str) -> Iterator[TableClient]:
    with TableServiceClient.from_connection_string(azurite) as service:
        yield service.create_table_if_not_exists("runs")


@pytest.fixture
def runs(table: TableClient) -> Runs:
    return Runs(table)


def _run(store: str, at: datetime) -> Run:
    return Run(id=new_id(at), store=store, kind=RunKind.CYCLE, asked_by="schedule", started=at)


def _changes(count: int) -> list[RunChange]:
    planned = changes(ChangeKind.UPDATE, count, ZohoField.TITLE)
    return [RunChange(change=change, result=Result.DONE, at=NOON) for change in planned]


def test_a_run_is_kept_and_kept_again(runs: Runs, store_id: str) -> None:
    run = _run(store_id, NOON)
    assert runs.get(store_id, run.id) is None
    runs.put(run)
    later = run.with_error("Zoho One did not answer")
    runs.put(later)
    assert runs.get(store_id, run.id) == later


def test_the_newest_come_first_by_the_page(runs: Runs, store_id: str) -> None:
    kept = [_run(store_id, NOON + hours * timedelta(hours=1)) for hours in (3, 1, 2, 0, 4)]
    for run in kept:
        runs.put(run)
    runs.put(_run(f"{store_id}-other", NOON))
    first = runs.newest(store_id, 2)
    rest = runs.newest(store_id, after=first[-1].id)
    assert [run.started.hour for run in (*first, *rest)] == [16, 15, 14, 13, 12]


def test_changes_are_rows_of_their_own_read_by_the_page(runs: Runs, store_id: str) -> None:
    run, other, made = _run(store_id, NOON), _run(store_id, NOON), _changes(230)
    runs.put_changes(store_id, run.id, 0, made[:150])
    runs.put_changes(store_id, run.id, 150, made[150:])
    runs.put_changes(store_id, run.id, 100, made[100:120])  # once more, after a kill
    runs.put_changes(store_id, other.id, 0, made[:1])
    pages = [runs.changes(store_id, run.id, first, 100) for first in (0, 100, 200, 300)]
    assert [len(page) for page in pages] == [100, 100, 30, 0]
    assert [change for page in pages for change in page] == made


def test_old_runs_are_forgotten_in_bounded_portions(runs: Runs, table: TableClient, store_id: str) -> None:
    old, new = _run(store_id, NOON - 31 * DAY), _run(store_id, NOON)
    for run in (old, new):
        runs.put(run)
        runs.put_changes(store_id, run.id, 0, _changes(130))
    cutoff = NOON - 30 * DAY
    assert runs.drop_before(store_id, cutoff, most=120) == 120
    assert runs.get(store_id, old.id) is not None, "its changes go first"
    assert runs.drop_before(store_id, cutoff, most=120) == 11
    assert runs.drop_before(store_id, cutoff) == 0
    assert [run.id for run in runs.newest(store_id)] == [new.id]
    rows = table.query_entities("PartitionKey eq @store", parameters={"store": store_id}, select=["RowKey"])
    assert sum(1 for _ in rows) == 131


def test_portions_have_a_hundred_rows_and_three_million_bytes_at_most() -> None:
    rows = [{"RowKey": str(number), "text": "ü" * 60_000} for number in range(20)] + [{"RowKey": "x"}] * 250
    found = list(portions(rows))
    assert [row for portion in found for row in portion] == rows
    assert max(map(len, found)) == MOST_ROWS
    assert len(found[0]) == MOST_BYTES // (60_000 * 12)


def test_a_large_change_goes_through(runs: Runs, store_id: str) -> None:
    (small,) = _changes(1)
    fields = tuple(replace(part, after="😀" * 20_000) for part in small.change.fields)
    large = small.model_copy(update={"change": small.change.model_copy(update={"fields": fields})})
    runs.put_changes(store_id, "r", 0, [large] * 30)
    assert runs.changes(store_id, "r") == [large] * 30
