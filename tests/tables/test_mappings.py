"""Versions of a store's mapping, on Azurite."""

import json
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from azure.data.tables import TableClient
from hypothesis import given, settings

from shared.rules.mapping.mapping import DEFAULT_MAPPING, LONGEST_MAPPING, Mapping
from shared.rules.zoho_user import ZohoField
from shared.tables.errors import MappingUnusable
from shared.tables.mappings import REMEMBERED, Mappings, SavedMeanwhile
from shared.tables.service import connect
from tests.rules.mapping.test_mapping import MAPPINGS, USER_NAME

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def _mapping(title: str) -> Mapping:
    rule = {"target": "title", "source": {"kind": "hard-coded value", "value": title}}
    return Mapping.model_validate({"rules": [USER_NAME, rule]})


@pytest.fixture
def table(azurite: str) -> Iterator[TableClient]:
    with connect(azurite) as service:
        yield service.create_table_if_not_exists("mappings")


@pytest.fixture
def mappings(table: TableClient) -> Mappings:
    return Mappings(table)


def test_a_new_store_has_the_default_mapping(mappings: Mappings, store_id: str) -> None:
    assert mappings.current(store_id).mapping == DEFAULT_MAPPING
    assert [version.number for version in mappings.versions(store_id)] == [0]


def test_each_saving_makes_a_version_with_who_when_why_and_the_difference(mappings: Mappings, store_id: str) -> None:
    mappings.save(store_id, _mapping("One"), based_on=0, by="ada", at=NOON, why="first")
    second = mappings.save(store_id, _mapping("Two"), based_on=1, by="grace", at=NOON, why="second")
    assert (second.number, second.saved_by, second.saved_at, second.why) == (2, "grace", NOON, "second")
    assert [(change.target, change.before, change.after) for change in second.changes] == [("title", '"One"', '"Two"')]
    assert mappings.current(store_id) == second
    assert [version.number for version in mappings.versions(store_id)] == [2, 1, 0]


def test_the_second_of_two_who_save_at_once_is_told_of_the_first(mappings: Mappings, store_id: str) -> None:
    def save(name: str) -> str:
        try:
            mappings.save(store_id, _mapping(name), based_on=0, by=name, at=NOON, why=f"{name}'s change")
        except SavedMeanwhile as conflict:
            return str(conflict)
        return ""

    names = ["ada", "grace", "joan", "mary"]
    with ThreadPoolExecutor(4) as pool:
        outcomes = dict(zip(names, pool.map(save, names), strict=True))
    (winner,) = (name for name, refused in outcomes.items() if not refused)
    assert all(refused.startswith(winner) for name, refused in outcomes.items() if name != winner)
    assert [version.saved_by for version in mappings.versions(store_id)] == [winner, ""]


def test_any_version_can_be_restored(mappings: Mappings, store_id: str) -> None:
    mappings.save(store_id, _mapping("One"), based_on=0, by="ada", at=NOON, why="")
    mappings.save(store_id, _mapping("Two"), based_on=1, by="ada", at=NOON, why="")
    restored = mappings.restore(store_id, 1, based_on=2, by="grace", at=NOON)
    assert (restored.number, restored.mapping, restored.why) == (3, _mapping("One"), "Version 1 restored")
    assert mappings.restore(store_id, 0, based_on=3, by="grace", at=NOON).mapping == DEFAULT_MAPPING
    with pytest.raises(KeyError):
        mappings.restore(store_id, 99, based_on=4, by="grace", at=NOON)


def test_another_worker_sees_a_new_version_within_half_a_minute(table: TableClient, store_id: str) -> None:
    now = [0.0]
    worker, other = Mappings(table, lambda: now[0]), Mappings(table)
    before = worker.compiled(store_id)
    assert worker.compiled(store_id) is before
    other.save(store_id, _mapping("New"), based_on=0, by="ada", at=NOON, why="")
    now[0] += REMEMBERED
    assert REMEMBERED < 30
    after = worker.compiled(store_id)
    assert after.mapping == _mapping("New")
    now[0] += REMEMBERED
    assert worker.compiled(store_id) is after, "compiled once for each version"


def test_the_worker_that_saved_sees_it_at_once(mappings: Mappings, store_id: str) -> None:
    mappings.compiled(store_id)
    mappings.save(store_id, _mapping("New"), based_on=0, by="ada", at=NOON, why="")
    assert mappings.compiled(store_id).mapping == _mapping("New")


@pytest.mark.parametrize(
    "source",
    [
        {"kind": "expression", "expression": "ToUpper([givenNam"},
        {"kind": "profile field", "field": "renamed"},
    ],
)
def test_a_saved_mapping_that_does_not_compile_any_more_has_an_error_of_its_own(
    mappings: Mappings, store_id: str, source: dict[str, str]
) -> None:
    mapping = Mapping.model_validate({"rules": [USER_NAME, {"target": "title", "source": source}]})
    mappings.save(store_id, mapping, based_on=0, by="an older app", at=NOON, why="")
    with pytest.raises(MappingUnusable, match=store_id):
        mappings.compiled(store_id)


@pytest.mark.parametrize("character", ["a", '"', "\x01", "👩"])
def test_the_longest_mapping_can_be_saved(mappings: Mappings, store_id: str, character: str) -> None:
    written = len(json.dumps(character, ensure_ascii=False).encode("utf-16-le")) // 2 - 2
    text = character * ((LONGEST_MAPPING - 4_000) // written // len(ZohoField))

    def longest(last: str) -> Mapping:
        rules = [
            {"target": target, "source": {"kind": "expression", "expression": text + last}} for target in ZohoField
        ]
        return Mapping.model_validate({"rules": rules})

    assert len(longest("1").model_dump_json().encode("utf-16-le")) // 2 > LONGEST_MAPPING * 0.9
    mappings.save(store_id, longest("1"), based_on=0, by="ada", at=NOON, why="")
    saved = mappings.save(store_id, longest("2"), based_on=1, by="ada", at=NOON, why="")
    assert mappings.current(store_id) == saved


@settings(max_examples=settings().max_examples // 4)
@given(rules=MAPPINGS)
def test_every_valid_mapping_round_trips_through_table_storage(
    azurite: str, rules: tuple[dict[str, object], ...]
) -> None:
    mapping = Mapping.model_validate({"rules": [USER_NAME, *rules]})
    store = f"t-{uuid.uuid4().hex}"
    with connect(azurite) as service:
        mappings = Mappings(service.create_table_if_not_exists("mappings"))
        mappings.save(store, mapping, based_on=0, by="ada", at=NOON, why="")
        assert mappings.current(store).mapping == mapping
