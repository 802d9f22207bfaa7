"""Transactions as this project writes them, beside the SDK's own."""

import os
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Any

import pytest
from azure.core import MatchConditions
from azure.core.pipeline.policies import RetryPolicy
from azure.data.tables import TableClient, TableServiceClient, TableTransactionError, UpdateMode
from hypothesis import given
from hypothesis import strategies as st
from requests import ConnectTimeout, PreparedRequest, ReadTimeout, Response
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

from shared.calls import counted
from shared.tables.entity_text import CHUNK
from shared.tables.errors import TablesError
from shared.tables.service import RETRIES, connect, our_errors

type Operation = tuple[Any, ...]
type Rows = dict[str, dict[str, object]]

REPLACE = {"mode": UpdateMode.REPLACE}
MERGE = {"mode": UpdateMode.MERGE}


@pytest.fixture(scope="module")
def ours(azurite: str) -> Iterator[TableClient]:
    with connect(azurite) as account:
        yield account.get_table_client("entra")


@pytest.fixture(scope="module")
def theirs(azurite: str) -> Iterator[TableClient]:
    with TableServiceClient.from_connection_string(azurite, retry_total=RETRIES) as account:
        yield account.get_table_client("entra")


def _new() -> str:
    return f"t-{os.urandom(8).hex()}"


def _rows(table: TableClient, partition: str) -> Rows:
    """What is there, with the types that it has."""
    found = table.query_entities("PartitionKey eq @partition", parameters={"partition": partition})
    return {str(row["RowKey"]): {name: value for name, value in row.items() if name != "PartitionKey"} for row in found}


def _done(table: TableClient, partition: str, operations: Sequence[Operation]) -> str:
    """What comes of a transaction: our error's name, or the code of one that is nobody's to act on."""
    keyed = [(name, {"PartitionKey": partition} | row, *options) for name, row, *options in operations]
    try:
        with our_errors():
            results = table.submit_transaction(keyed)
    except TablesError as error:
        return type(error).__name__
    except TableTransactionError as error:
        return f"{error.status_code} {error.error_code}"  # type: ignore[attr-defined]  # documented, but not declared
    etags = {str(row["RowKey"]): row.metadata["etag"] for row in _entities(table, partition)}
    told = [result.get("etag") for result in results]
    assert told == [etags.get(row["RowKey"]) for _, row, *_ in keyed]
    return "done"


def _entities(table: TableClient, partition: str) -> list[Any]:
    return list(table.query_entities("PartitionKey eq @partition", parameters={"partition": partition}))


KEYS = st.text(st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="/\\#?"), min_size=1, max_size=40)
TEXTS = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        ["\r\n--batch_", "\r\n--changeset_\r\nHTTP/1.1 404", "--", "W/\"'", "\x00\x1f\x7f", "\u2028", "\U0001f600" * 9]
    ),
)
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True).filter(
    lambda name: name.lower() not in ("partitionkey", "rowkey", "timestamp", "etag")
)
ROWS = st.lists(
    st.tuples(KEYS, st.dictionaries(NAMES, TEXTS, max_size=4)), min_size=1, max_size=6, unique_by=lambda row: row[0]
)


@given(first=ROWS, second=ROWS)
def test_what_is_written_is_what_the_sdk_writes(
    ours: TableClient,
    theirs: TableClient,
    first: list[tuple[str, dict[str, str]]],
    second: list[tuple[str, dict[str, str]]],
) -> None:
    """Rows of any keys and texts, put, merged, replaced and deleted."""
    there = {key for key, _ in first}
    changes: list[Operation] = []
    for number, (key, row) in enumerate(second):
        name = ("upsert", "update", "delete")[number % 3] if key in there else ("create", "upsert")[number % 2]
        options = ((MERGE, REPLACE)[number // 3 % 2],) if name in ("upsert", "update") else ()
        changes.append((name, {"RowKey": key} | row, *options))
    seen = []
    for table in (ours, theirs):
        partition = _new()
        done = [_done(table, partition, [("create", {"RowKey": key} | row) for key, row in first])]
        seen.append((done, _rows(table, partition), _done(table, partition, changes), _rows(table, partition)))
    assert seen[0] == seen[1]


@pytest.mark.parametrize(
    ("operations", "outcome"),
    [
        pytest.param([("create", {"RowKey": "there"})], "Conflict", id="taken"),
        pytest.param([("create", {"RowKey": "new"}), ("delete", {"RowKey": "nobody"})], "Stale", id="delete-nobody"),
        pytest.param([("upsert", {"RowKey": "new"}), ("update", {"RowKey": "nobody"})], "Stale", id="update-nobody"),
        pytest.param(
            [
                ("upsert", {"RowKey": "new"}),
                ("update", {"RowKey": "there"}, {"etag": 'W/"x"', "match_condition": MatchConditions.IfNotModified}),
            ],
            "Stale",
            id="stale-etag",
        ),
        pytest.param([("upsert", {"RowKey": "a"}), ("upsert", {"RowKey": "a"})], "400 InvalidDuplicateRow", id="twice"),
        pytest.param([("upsert", {"RowKey": "a", "text": "x" * 32_769})], "TooLarge", id="text-too-large"),
        pytest.param([("upsert", {"RowKey": "a", "text": "x" * 32_768})], "done", id="largest-text"),
        pytest.param([("upsert", {"RowKey": "a"} | {f"t{i}": "ж" * CHUNK for i in range(33)})], "TooLarge", id="row"),
        pytest.param([("upsert", {"RowKey": "a"} | {f"t{i}": "ж" * CHUNK for i in range(10)})], "done", id="largest"),
        pytest.param([("upsert", {"RowKey": str(i)}) for i in range(100)], "done", id="hundred"),
        pytest.param(
            [("upsert", {"RowKey": str(i)} | {f"t{j}": "x" * 30_000 for j in range(20)}) for i in range(8)],
            "TooLarge",
            id="transaction-too-large",
        ),
        pytest.param([("upsert", {"RowKey": "a/b"})], "400 InvalidInput", id="key"),
    ],
)
def test_an_error_is_the_sdks_and_nothing_is_done(
    ours: TableClient, theirs: TableClient, operations: list[Operation], outcome: str
) -> None:
    for table in (ours, theirs):
        partition = _new()
        table.create_entity({"PartitionKey": partition, "RowKey": "there", "text": "as before"})
        before = _rows(table, partition)
        assert _done(table, partition, operations) == outcome, type(table)
        assert (_rows(table, partition) == before) == (outcome != "done"), type(table)


FAULTS = [("503", 1), ("503", 9), ("500", 1), ("429", 1), ("403", 1), ("not reached", 1), ("lost reply", 1)]


@pytest.mark.parametrize(("fault", "times"), FAULTS)
def test_what_goes_wrong_with_the_call_comes_to_what_it_does_with_the_sdk(
    ours: TableClient, theirs: TableClient, fault: str, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Repeated as often, and done as often."""
    seen = []
    for table in (ours, theirs):
        partition = _new()
        with monkeypatch.context() as patch, counted() as calls:
            sent = _faulty(patch, fault, times)
            outcome = _done(table, partition, [("create", {"RowKey": "new"})])
        seen.append((outcome, sent.count("$batch"), len(_entities(table, partition))))
        assert table is theirs or calls.taken() == {"tables": len(sent)}
    assert seen[0] == seen[1]
    assert (
        seen[0]
        == {
            ("503", 1): ("done", 2, 1),
            ("503", 9): ("TablesBusy", 3, 0),
            ("500", 1): ("done", 2, 1),
            ("429", 1): ("TablesBusy", 1, 0),
            ("403", 1): ("TablesBusy", 1, 0),
            ("not reached", 1): ("TablesBusy", 1, 0),
            ("lost reply", 1): ("TablesBusy", 1, 1),
        }[fault, times]
    )


def test_an_answer_that_ends_early_is_none(ours: TableClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the SDK it is an error that nobody expects."""
    partition = _new()
    with monkeypatch.context() as patch:
        _faulty(patch, "cut", 1)
        assert _done(ours, partition, [("create", {"RowKey": "new"})]) == "TablesBusy"


def _faulty(patch: pytest.MonkeyPatch, fault: str, times: int) -> list[str]:
    """Let the next transactions go wrong, and nothing else; the last part of each URL that is called."""
    sent: list[str] = []
    send = HTTPAdapter.send
    patch.setattr(RetryPolicy, "sleep", lambda *_, **__: None)

    def faulty(adapter: HTTPAdapter, request: PreparedRequest, *rest: Any, **named: Any) -> Response:
        sent.append(str(request.url).rpartition("/")[2])
        if sent[-1] != "$batch" or sent.count("$batch") > times:
            return send(adapter, request, *rest, **named)
        if fault.isdecimal():
            return _answer(adapter, request, int(fault), b"")
        if fault == "not reached":
            raise ConnectTimeout("made up")
        answer = send(adapter, request, *rest, **named)
        if fault == "lost reply":
            raise ReadTimeout("made up")
        assert answer.raw is not None
        cut = answer.raw.read().partition(b"HTTP/1.1")[0]
        return _answer(adapter, request, answer.status_code, cut, answer.headers["Content-Type"])

    patch.setattr(HTTPAdapter, "send", faulty)
    return sent


def _answer(adapter: HTTPAdapter, request: PreparedRequest, status: int, body: bytes, kind: str = "") -> Response:
    raw = HTTPResponse(BytesIO(body), {"Content-Type": kind} if kind else {}, status, preload_content=False)
    return adapter.build_response(request, raw)


@pytest.mark.parametrize(
    "operations",
    [
        [("create", {"RowKey": "a"}), ("create", {"PartitionKey": "another", "RowKey": "a"})],
        [("create", {"RowKey": "a", "count": 1})],
        [("remove", {"RowKey": "a"})],
        [("update", {"RowKey": "a"}, {"etag": 'W/"x"'})],
        [("delete", {"RowKey": "a"}, {"match_condition": MatchConditions.IfNotModified})],
        [("delete", {"RowKey": "a"}, {"match_condition": MatchConditions.IfMissing})],
        [("upsert", {"RowKey": "a"}, {"etag": 'W/"x"'})],
    ],
)
def test_what_is_no_transaction_is_not_sent(
    ours: TableClient, operations: list[Operation], table_calls: list[str]
) -> None:
    with pytest.raises((ValueError, TypeError)):
        ours.submit_transaction([(name, {"PartitionKey": "p"} | row, *options) for name, row, *options in operations])
    assert ours.submit_transaction([]) == []
    assert table_calls == []
