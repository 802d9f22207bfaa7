"""What the bridge relies on in Table Storage: the same answers from Azurite and from the tables in memory.

Where Azurite takes what Azure refuses, only the tables in memory are asked, and the source of the rule is named.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.data.tables import (
    RequestTooLargeError,
    TableClient,
    TableServiceClient,
    TableTransactionError,
    UpdateMode,
)

from shared.calls import counted
from shared.tables.errors import Conflict, Stale, TablesBusy
from shared.tables.service import connect, our_errors, taken
from tests.tables.memory.tables import MemoryTables

OLD = "W/\"datetime'2020-01-01T00%3A00%3A00.0000000Z'\""
"""No row's ETag."""


@pytest.fixture(params=["memory", pytest.param("azurite", marks=pytest.mark.process)], scope="module")
def service(request: pytest.FixtureRequest) -> Iterator[TableServiceClient]:
    if request.param == "memory":
        yield MemoryTables()
        return
    with connect(request.getfixturevalue("azurite_process")) as account:
        yield account


@pytest.fixture
def table(service: TableServiceClient, store_id: str) -> Iterator[TableClient]:
    name = f"t{store_id.removeprefix('t-')}"
    yield service.create_table(name)
    service.delete_table(name)


@pytest.fixture
def memory() -> TableClient:
    """A table in memory alone."""
    return MemoryTables().create_table("limits")


def row(key: str, /, partition: str = "p", **values: Any) -> dict[str, Any]:
    return {"PartitionKey": partition, "RowKey": key, **values}


def is_unchanged(etag: str) -> dict[str, Any]:
    return {"etag": etag, "match_condition": MatchConditions.IfNotModified}


def keys(table: TableClient, text: str = "PartitionKey eq 'p'", **more: Any) -> list[str]:
    return [entity["RowKey"] for entity in table.query_entities(text, **more)]


def code_of(error: BaseException) -> str:
    code = getattr(error, "error_code", None)
    return str(getattr(code, "value", code))


def test_a_row_is_read_as_it_was_written(table: TableClient) -> None:
    written = row("a", text="ä😀 ' \" \n", number=7, truth=True, nothing=None)
    etag = table.create_entity(written)["etag"]
    read = table.get_entity("p", "a")
    assert dict(read) == {name: value for name, value in written.items() if value is not None}
    assert read.metadata["etag"] == etag
    at = read.metadata["timestamp"]
    assert at is not None
    assert abs((datetime.now(UTC) - at).total_seconds()) < 300
    read["text"] = "another"
    assert table.get_entity("p", "a")["text"] == written["text"], "nobody shares what they read"


def test_a_part_of_a_row_is_read(table: TableClient) -> None:
    etag = table.create_entity(row("a", x="1", y="2"))["etag"]
    part = table.get_entity("p", "a", select=["x", "z"])
    assert (dict(part), part.metadata["etag"], part.metadata["timestamp"]) == ({"x": "1"}, etag, None)
    (listed,) = table.query_entities("PartitionKey eq 'p'", select=["RowKey"])
    assert (dict(listed), listed.metadata["etag"]) == ({"RowKey": "a"}, etag)


def test_what_is_not_there(table: TableClient) -> None:
    with pytest.raises(ResourceNotFoundError) as missing:
        table.get_entity("p", "a")
    assert (code_of(missing.value), missing.value.status_code) == ("ResourceNotFound", 404)
    for guard in ({}, is_unchanged(OLD)):
        with pytest.raises(ResourceNotFoundError):
            table.update_entity(row("a"), **guard)
        table.delete_entity("p", "a", **guard)  # no error
        table.delete_entity(row("a"), **guard)
    assert keys(table) == []


def test_two_do_not_create_one_row(table: TableClient) -> None:
    table.create_entity(row("a", x="1"))
    with pytest.raises(ResourceExistsError) as exists:
        table.create_entity(row("a", x="2"))
    assert exists.value.status_code == 409
    with pytest.raises(Conflict), our_errors():
        table.create_entity(row("a", x="3"))
    assert table.get_entity("p", "a")["x"] == "1"


def test_a_write_merges_or_replaces(table: TableClient) -> None:
    table.upsert_entity(row("a", x="1"))
    table.upsert_entity(row("a", y="2"))
    table.update_entity(row("a", z="3"))
    assert dict(table.get_entity("p", "a")) == row("a", x="1", y="2", z="3")
    table.update_entity(row("a", y="4"), mode=UpdateMode.REPLACE)
    assert dict(table.get_entity("p", "a")) == row("a", y="4")
    table.upsert_entity(row("a", x="5"), mode=UpdateMode.REPLACE)
    assert dict(table.get_entity("p", "a")) == row("a", x="5")


def test_an_etag_guards_a_row(table: TableClient) -> None:
    first = table.create_entity(row("a"))["etag"]
    second = table.update_entity(row("a", x="1"), **is_unchanged(first))["etag"]
    assert first != second
    for write in (
        lambda: table.update_entity(row("a", x="2"), **is_unchanged(first)),
        lambda: table.delete_entity("p", "a", **is_unchanged(first)),
    ):
        with pytest.raises(ResourceModifiedError) as modified:
            write()
        assert (code_of(modified.value), modified.value.status_code) == ("UpdateConditionNotSatisfied", 412)
    assert table.get_entity("p", "a").metadata["etag"] == second
    table.delete_entity("p", "a", **is_unchanged(second))
    assert table.create_entity(row("a"))["etag"] not in (first, second), "a row made anew is another"


def test_an_etag_and_its_condition_go_together(table: TableClient) -> None:
    table.create_entity(row("a"))
    for wrong in ({"etag": OLD}, {"match_condition": MatchConditions.IfNotModified}):
        with pytest.raises(ValueError, match=r"(?i)etag"):
            table.update_entity(row("a"), **wrong)
        with pytest.raises(ValueError, match=r"(?i)etag"):
            table.submit_transaction([("update", row("a"), wrong)])


def test_of_two_who_take_a_row_one_does(table: TableClient) -> None:
    table.create_entity(row("a"))
    read = table.get_entity("p", "a")
    assert [taken(table, read), taken(table, read)] == [True, False]


def test_a_transaction_does_all(table: TableClient) -> None:
    etags = [table.create_entity(row(key, x="1"))["etag"] for key in "abc"]
    written = table.submit_transaction(
        [
            ("create", row("d", x="1")),
            ("update", row("a", y="2"), is_unchanged(etags[0])),
            ("update", row("b", y="2"), {"mode": UpdateMode.REPLACE}),
            ("upsert", row("e", x="1")),
            ("delete", row("c"), is_unchanged(etags[2])),
        ]
    )
    rows = {entity["RowKey"]: entity for entity in table.query_entities("PartitionKey eq 'p'")}
    assert {key: dict(entity) for key, entity in rows.items()} == {
        "a": row("a", x="1", y="2"),
        "b": row("b", y="2"),
        "d": row("d", x="1"),
        "e": row("e", x="1"),
    }
    assert [each.get("etag") for each in written] == [*(rows[key].metadata["etag"] for key in "dabe"), None]
    assert table.submit_transaction([]) == []


@pytest.mark.parametrize(
    ("operation", "status", "code", "ours"),
    [
        (("create", row("a")), 409, "EntityAlreadyExists", Conflict),
        (("update", row("z")), 404, "ResourceNotFound", Stale),
        (("update", row("z"), is_unchanged(OLD)), 404, "ResourceNotFound", Stale),
        (("update", row("a"), is_unchanged(OLD)), 412, "UpdateConditionNotSatisfied", Stale),
        (("delete", row("z")), 404, "ResourceNotFound", Stale),
        (("delete", row("a"), is_unchanged(OLD)), 412, "UpdateConditionNotSatisfied", Stale),
        (("upsert", row("new")), 400, "InvalidDuplicateRow", TableTransactionError),
        (("upsert", row("b", x="x" * 32_769)), 400, "PropertyValueTooLarge", Exception),
        (("upsert", row("b#")), 400, "InvalidInput", TableTransactionError),
    ],
)
def test_a_transaction_does_all_or_none(
    table: TableClient, operation: tuple[Any, ...], status: int, code: str, ours: type[Exception]
) -> None:
    table.create_entity(row("a"))
    operations = [("create", row("new")), operation]
    with pytest.raises(TableTransactionError) as refused:
        table.submit_transaction(operations)
    assert (refused.value.status_code, code_of(refused.value), refused.value.index) == (status, code, 1)
    with pytest.raises(ours), our_errors():
        table.submit_transaction(operations)
    assert keys(table) == ["a"]


def test_a_transaction_is_about_one_partition_and_text(table: TableClient) -> None:
    with pytest.raises(ValueError, match="one partition"):
        table.submit_transaction([("create", row("a")), ("create", row("a", partition="q"))])
    with pytest.raises(TypeError, match="text"):
        table.submit_transaction([("create", row("a", x=1))])


def test_a_transaction_has_a_hundred_operations(table: TableClient) -> None:
    table.submit_transaction([("create", row(f"{number:03}")) for number in range(100)])
    with pytest.raises(TableTransactionError) as refused:
        table.submit_transaction([("upsert", row(f"{number:03}")) for number in range(101)])
    assert (refused.value.status_code, code_of(refused.value)) == (400, "InvalidInput")


def test_a_transaction_has_four_mebibytes(table: TableClient) -> None:
    large = {f"p{number}": "x" * 32_000 for number in range(15)}
    with pytest.raises(RequestTooLargeError) as refused:
        table.submit_transaction([("upsert", row(str(number), **large)) for number in range(9)])
    assert (refused.value.status_code, code_of(refused.value)) == (413, "RequestBodyTooLarge")
    table.submit_transaction([("upsert", row(str(number), **large)) for number in range(8)])


@pytest.mark.parametrize("text", ["x" * 32_768, "é" * 32_768, "😀" * 16_384])
def test_a_property_has_64_kibibytes_in_utf_16(table: TableClient, text: str) -> None:
    table.upsert_entity(row("a", x=text))
    with pytest.raises(HttpResponseError) as refused:
        table.upsert_entity(row("a", x=text + "x"))
    assert (refused.value.status_code, code_of(refused.value)) == (400, "PropertyValueTooLarge")
    assert table.get_entity("p", "a")["x"] == text


@pytest.mark.parametrize("key", ["", "a b", "a'b", "a%b", "a+b", "ä😀", "x" * 512, "a:b;~!"])
def test_a_key_may_be(table: TableClient, key: str) -> None:
    table.create_entity(row(key, x="1"))
    table.submit_transaction([("update", row(key, y="2"))])
    assert dict(table.get_entity("p", key)) == row(key, x="1", y="2")
    assert keys(table, "PartitionKey eq @p and RowKey ge @key", parameters={"p": "p", "key": key}) == [key]


@pytest.mark.parametrize("key", ["a/b", "a\\b", "a#b", "a?b", "a\x01b", "a\x7fb", "a\x85b", "x" * 513])
def test_a_key_may_not_be(table: TableClient, key: str) -> None:
    for write in (
        lambda: table.create_entity(row(key)),
        lambda: table.submit_transaction([("create", row(key))]),
    ):
        with pytest.raises(HttpResponseError) as refused:
            write()
        assert refused.value.status_code == 400
    assert keys(table) == []


def test_rows_come_in_the_order_of_utf_16(table: TableClient) -> None:
    ordered = ["A", "Z", "a", "z", "é", "😀", "\ue000"]
    table.submit_transaction([("create", row(key)) for key in reversed(ordered)])
    assert keys(table) == ordered
    assert keys(table, "PartitionKey eq 'p' and RowKey gt '😀'") == ["\ue000"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("PartitionKey eq @p and RowKey ge 'a:' and RowKey lt 'a;'", ["a:1", "a:2"]),
        ("PartitionKey eq @p and RowKey gt @from and RowKey le @to", ["a:2", "b"]),
        ("PartitionKey eq @p and RowKey eq 'it''s'", ["it's"]),
        ("PartitionKey eq @p and RowKey lt 'a:2'", ["a:1"]),
        ("PartitionKey eq @p and ends le '2026-06'", ["a:1", "b"]),
        ("ends le @to", []),
        ("ends lt '2026-03'", ["a:1", "q"]),
    ],
)
def test_rows_are_asked_for(table: TableClient, text: str, found: list[str]) -> None:
    table.submit_transaction(
        [("create", row("a:1", ends="2026-01")), ("create", row("a:2")), ("create", row("b", ends="2026-05"))]
    )
    table.submit_transaction([("create", row("it's", ends="2027"))])
    table.create_entity(row("q", partition="q", ends="2026-02"))
    table.create_entity(row("r", partition="r", ends=7))
    parameters = {"p": "p", "from": "a:1", "to": "b"} if "@to" in text and "ends" not in text else {"p": "p", "to": "0"}
    assert keys(table, text, parameters=parameters) == found


def test_a_thousand_rows_are_a_page_and_a_round_trip(table: TableClient) -> None:
    for first in range(0, 1_100, 100):
        table.submit_transaction([("create", row(f"{first + number:04}")) for number in range(100)])
    with counted() as calls:
        assert len(keys(table)) == 1_100
    assert calls.taken() == {"tables": 2}
    with counted() as calls:
        assert len(list(table.list_entities(select="RowKey", results_per_page=550))) == 1_100
    assert calls.taken() == {"tables": 2}, "a page that ends with the last row is the last"


def test_a_page_goes_on_at_the_row_that_was_next(table: TableClient) -> None:
    table.submit_transaction([("create", row(key)) for key in "abcdef"])
    pages = table.query_entities("PartitionKey eq 'p'", results_per_page=2).by_page()
    assert [entity["RowKey"] for entity in next(pages)] == ["a", "b"]
    table.delete_entity("p", "c")
    table.create_entity(row("bb"))
    table.create_entity(row("ca"))
    assert [[entity["RowKey"] for entity in page] for page in pages] == [["ca", "d"], ["e", "f"]]


def test_tables_come_and_go(service: TableServiceClient, store_id: str) -> None:
    name = f"c{store_id.removeprefix('t-')}"
    table = service.create_table(name)
    table.create_entity(row("a"))
    with pytest.raises(ResourceExistsError):
        service.create_table(name)
    service.create_table_if_not_exists(name)
    assert name in [each.name for each in service.list_tables()]
    service.delete_table(name)
    service.delete_table(name)  # no error
    assert name not in [each.name for each in service.list_tables()]
    missing: tuple[Callable[[], object], ...] = (
        lambda: table.get_entity("p", "a"),
        lambda: keys(table),
        lambda: table.create_entity(row("a")),
        lambda: table.upsert_entity(row("a")),
        lambda: table.delete_entity("p", "a"),
        lambda: table.submit_transaction([("create", row("a"))]),
    )
    for call in missing:
        with pytest.raises(TablesBusy, match="missing"), our_errors():
            call()
    service.create_table(name)
    assert keys(table) == []
    service.delete_table(name)


def test_each_call_is_counted_once(table: TableClient) -> None:
    with counted() as calls:
        table.create_entity(row("a"))
        table.get_entity("p", "a")
        table.submit_transaction([("upsert", row("a")), ("upsert", row("b"))])
        table.delete_entity("p", "zz")
        keys(table)
    assert calls.taken() == {"tables": 5}


DATA_MODEL = "https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model"
QUERIES = "https://learn.microsoft.com/rest/api/storageservices/query-timeout-and-pagination"


@pytest.mark.parametrize(
    ("values", "code", "source"),
    [
        ({f"p{number}": "1" for number in range(253)}, "TooManyProperties", DATA_MODEL),
        ({f"p{number}": "x" * 32_000 for number in range(17)}, "EntityTooLarge", DATA_MODEL),
        ({"a-b": "1"}, "PropertyNameInvalid", DATA_MODEL),
        ({"x" * 256: "1"}, "PropertyNameTooLong", DATA_MODEL),
    ],
)
def test_azurite_takes_what_azure_refuses(memory: TableClient, values: dict[str, str], code: str, source: str) -> None:
    with pytest.raises(HttpResponseError) as refused:
        memory.upsert_entity(row("a", **values))
    assert (refused.value.status_code, code_of(refused.value)) == (400, code), source
    with pytest.raises(TableTransactionError) as refused:
        memory.submit_transaction([("upsert", row("a", **values))])
    assert code_of(refused.value) == code


def test_what_is_merged_has_the_limits_too(memory: TableClient) -> None:
    memory.upsert_entity(row("a", **{f"p{number}": "1" for number in range(252)}))
    with pytest.raises(HttpResponseError) as refused:
        memory.upsert_entity(row("a", more="1"))
    assert code_of(refused.value) == "TooManyProperties"


@pytest.mark.parametrize("size", [0, 1_001])
def test_a_page_has_at_most_a_thousand_rows(memory: TableClient, size: int) -> None:
    with pytest.raises(HttpResponseError) as refused:
        keys(memory, results_per_page=size)
    assert refused.value.status_code == 400, QUERIES


def test_a_snapshot_is_gone_back_to(memory: TableClient) -> None:
    tables = MemoryTables()
    table = tables.create_table("rows")
    table.create_entity(row("a", x="1"))
    etag = table.get_entity("p", "a").metadata["etag"]
    before = tables.snapshot()
    for _ in range(2):
        table.upsert_entity(row("a", x="2"))
        table.create_entity(row("b"))
        tables.create_table("another")
        assert keys(table) == ["a", "b"]
        tables.restore(before)
        assert dict(table.get_entity("p", "a")) == row("a", x="1")
        assert table.get_entity("p", "a").metadata["etag"] == etag
        assert keys(table) == ["a"]
        assert [each.name for each in tables.list_tables()] == ["rows"]


def test_what_stands_around_calls_sees_each(memory: TableClient) -> None:
    tables, seen = MemoryTables(), list[str]()
    table = tables.create_table("rows")

    def around(call: Any, carry_out: Callable[[], Any]) -> Any:
        seen.append(f"{call.table} {call.operation} {','.join(key.row for key in call.keys)}")
        answer = carry_out()
        if call.operation == "submit_transaction":
            raise TimeoutError
        return answer

    tables.around = around
    table.create_entity(row("a"))
    with pytest.raises(TimeoutError):
        table.submit_transaction([("delete", row("a")), ("create", row("b"))])
    assert keys(table) == ["b"], "what is lost is the answer"
    assert seen == ["rows create_entity a", "rows submit_transaction a,b", "rows query "]
