"""Grants: both of their rows and the mark together, and what may be written twice."""

from collections.abc import Iterator

import pytest
from azure.data.tables import TableClient

from shared.tables.entra_scope import HIMSELF, EntraScope
from shared.tables.service import connect

ANNA, BERT, CARLA = "anna", "bert", "carla"


@pytest.fixture
def table(azurite: str) -> Iterator[TableClient]:
    with connect(azurite) as service:
        yield service.get_table_client("entra")


@pytest.fixture
def scope(table: TableClient) -> EntraScope:
    return EntraScope(table)


def test_somebody_in_two_groups_is_in_scope_until_both_let_him_go(scope: EntraScope, store_id: str) -> None:
    scope.change(store_id, "a", {ANNA, BERT}, set(), mark=False)
    scope.change(store_id, "b", {ANNA}, set(), mark=False)
    scope.change(store_id, HIMSELF, {CARLA}, set(), mark=False)
    assert scope.everyone(store_id) == {ANNA, BERT, CARLA}
    assert set(scope.of(store_id, "a")) == {ANNA, BERT}
    assert list(scope.of(store_id, HIMSELF)) == [CARLA]
    scope.change(store_id, "a", set(), {ANNA, BERT}, mark=False)
    assert scope.has(store_id, ANNA)
    assert not scope.has(store_id, BERT)
    scope.change(store_id, "b", set(), {ANNA}, mark=False)
    assert not scope.has(store_id, ANNA)
    assert scope.everyone(store_id) == {CARLA}
    assert not list(scope.marked(store_id))


def test_stores_keys_and_groups_do_not_run_into_each_other(scope: EntraScope, store_id: str) -> None:
    scope.change(store_id, "a", {"1"}, set(), mark=True)
    scope.change(f"{store_id}x", "a", {"2"}, set(), mark=True)
    scope.change(store_id, "ab", {"11"}, set(), mark=False)
    assert list(scope.of(store_id, "a")) == ["1"]
    assert list(scope.marked(store_id)) == ["1"]
    scope.change(store_id, "a", set(), {"1"}, mark=False)
    assert not scope.has(store_id, "1")
    assert scope.has(store_id, "11")


def test_what_is_said_twice_is_no_error_and_what_was_not_there_is_not_marked(scope: EntraScope, store_id: str) -> None:
    scope.change(store_id, "a", {ANNA, BERT}, set(), mark=False)
    for _ in range(2):
        scope.change(store_id, "a", {ANNA}, {BERT, CARLA}, mark=True)
        assert scope.everyone(store_id) == {ANNA}
        assert set(scope.marked(store_id)) == {ANNA, BERT}
    scope.change(store_id, "b", set(), {CARLA}, mark=True)
    assert set(scope.marked(store_id)) == {ANNA, BERT}


def test_marks_last_until_they_are_taken_away_and_may_be_taken_twice(scope: EntraScope, store_id: str) -> None:
    scope.change(store_id, "a", {ANNA, BERT, CARLA}, set(), mark=True)
    scope.unmark(store_id, [ANNA])
    assert set(scope.marked(store_id)) == {BERT, CARLA}
    scope.unmark(store_id, [ANNA, BERT])
    assert set(scope.marked(store_id)) == {CARLA}
    scope.unmark(store_id, [])
    assert scope.everyone(store_id) == {ANNA, BERT, CARLA}


def test_a_thousand_go_a_hundred_rows_at_a_time(scope: EntraScope, store_id: str, table_calls: list[str]) -> None:
    people = {f"{number:04}" for number in range(1100)}
    table_calls.clear()
    scope.change(store_id, "a", people, set(), mark=False)
    assert table_calls == ["POST"] * 22
    table_calls.clear()
    assert scope.everyone(store_id) == people
    assert table_calls == ["GET"] * 2
    table_calls.clear()
    assert scope.has(store_id, "0500")
    assert table_calls == ["GET"]
    table_calls.clear()
    scope.change(store_id, "a", set(), people, mark=True)
    assert table_calls == ["POST"] * 34
    assert scope.everyone(store_id) == set()
    table_calls.clear()
    scope.unmark(store_id, sorted(people))
    assert table_calls == ["POST"] * 11
    assert not list(scope.marked(store_id))
