"""Pages of everybody, as Entra's Account Discovery asks for them: each costs what the page costs."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from shared.app.container import Bridge
from shared.scim.places import REMEMBERED, STEP, KnownPlaces
from shared.tables.record_table import Row
from tests.conftest import Endpoint
from tests.tables.memory.table import Call
from tests.tables.memory.tables import MemoryTables

MANY = 100_000
"""People among whom the ids are spread."""
PAGE = 200
"""The largest that the endpoint announces."""


@dataclass
class Queries:
    """Round trips of the tables, from the last look on."""

    calls: list[Call] = field(default_factory=list)

    def taken(self) -> int:
        """Their number since the last time."""
        number = len(self.calls)
        self.calls.clear()
        return number


@pytest.fixture
def queries(memory: MemoryTables, monkeypatch: pytest.MonkeyPatch) -> Queries:
    """Round trips that are about people and groups, and not about the store."""
    found = Queries()

    def noted(call: Call, carry_out: Callable[[], Any]) -> Any:
        if call.table == "identities":
            found.calls.append(call)
        return carry_out()

    monkeypatch.setattr(memory, "around", noted)
    return found


def _person(number: int) -> str:
    return f"{number * (16**32 // MANY):032x}"


def _row(store_id: str, number: int, person: str) -> Row:
    schema = "urn:ietf:params:scim:schemas:core:2.0:User"
    resource = json.dumps({"schemas": [schema], "userName": f"u{number}@contoso.example"})
    times = {"created": "2026-11-23T00:00:00+00:00", "modified": "2026-11-23T00:00:00+00:00"}
    return {"PartitionKey": store_id, "RowKey": f"id:{person}", "id": person, "resource": resource, **times}


@pytest.fixture
def inhabited(endpoint: Endpoint, host_bridge: Bridge, store_id: str) -> Iterator[Callable[[int], Endpoint]]:
    """An endpoint with as many people as are asked for."""
    table = host_bridge.table("identities")

    def filled(people: int) -> Endpoint:
        for number in range(people):
            table.upsert_entity(_row(store_id, number, _person(number)))
        return endpoint

    yield filled
    for row in list(table.query_entities("PartitionKey eq @store", parameters={"store": store_id}, select="RowKey")):
        table.delete_entity(store_id, row["RowKey"])


def _page(endpoint: Endpoint, start: int, count: int = PAGE) -> dict[str, Any]:
    answer = endpoint.request("GET", "/Users", query={"startIndex": str(start), "count": str(count)})
    assert answer.status_code == 200, answer.text
    listed: dict[str, Any] = answer.json()
    return listed


def _ids(listed: dict[str, Any]) -> list[str]:
    return [user["id"] for user in listed["Resources"]]


def test_each_page_costs_one_round_trip_after_the_first_has_counted(
    inhabited: Callable[[int], Endpoint], queries: Queries
) -> None:
    endpoint, people = inhabited(2345), 2345
    queries.taken()
    walked = _ids(_page(endpoint, 1))
    assert queries.taken() == 1 + people // 1000 + 1, "the page, and the keys of all"
    for start in range(1 + PAGE, people + 1, PAGE):
        listed = _page(endpoint, start)
        assert (listed["totalResults"], listed["startIndex"]) == (people, start)
        walked += _ids(listed)
        assert queries.taken() == 1, start
    assert walked == [_person(number) for number in range(people)], "everybody once, in order"
    assert _ids(_page(endpoint, people + 1)) == []
    assert _ids(_page(endpoint, 777, 3)) == [_person(number) for number in (776, 777, 778)], "any place"


def test_a_store_that_fits_on_a_page_is_read_once(inhabited: Callable[[int], Endpoint], queries: Queries) -> None:
    endpoint = inhabited(PAGE)
    queries.taken()
    assert len(_ids(_page(endpoint, 1))) == PAGE
    assert queries.taken() == 1
    counted = _page(endpoint, 1, 0)
    assert (counted["totalResults"], _ids(counted)) == (PAGE, [])


def test_a_walk_goes_on_while_people_come_and_go(inhabited: Callable[[int], Endpoint], host_bridge: Bridge) -> None:
    """Whoever is there all the time is on a page, but for those that move over the end of one."""
    endpoint, people = inhabited(300), 300
    store_id = endpoint.url.rsplit("/", 1)[1]
    _page(endpoint, 1)
    table = host_bridge.table("identities")
    table.upsert_entity(_row(store_id, 5000, _person(0) + "0"))
    table.delete_entity(store_id, f"id:{_person(250)}")
    walked = [each for start in range(1, people + 1, STEP) for each in _ids(_page(endpoint, start, STEP))]
    missing = {_person(number) for number in range(people)} - set(walked)
    assert missing <= {_person(99), _person(250)}
    assert _page(endpoint, 1)["totalResults"] == people, "the next walk counts again"


def test_groups_follow_people_on_the_pages_of_both(inhabited: Callable[[int], Endpoint]) -> None:
    endpoint = inhabited(5)
    group = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Staff"}
    assert endpoint.request("POST", "/Groups", json=group).status_code == 201
    found = []
    for start in range(1, 8, 2):
        query = {"startIndex": str(start), "count": "2"}
        listed = endpoint.request("GET", "/", query=query).json()
        assert listed["totalResults"] == 6
        found += [each["meta"]["resourceType"] for each in listed["Resources"]]
    assert found == ["User"] * 5 + ["Group"]


def test_what_is_remembered_is_counted_again_after_an_hour() -> None:
    now, ids = [0.0], [f"{number:04}" for number in range(STEP + 1)]
    places = KnownPlaces(lambda: now[0])
    assert places.known(("a",), lambda: ids).before(STEP) == (f"{STEP - 1:04}", 0)
    now[0] = REMEMBERED - 1
    assert places.known(("a",), list).total == STEP + 1
    assert places.known(("b",), list).total == 0, "another store's are its own"
    now[0] = REMEMBERED
    assert places.known(("a",), list).total == 0
