"""Whatever is asked of a table and in whatever order, Azurite and the tables in memory answer the same."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError
from azure.data.tables import TableClient, TableTransactionError, UpdateMode
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.tables.service import connect
from tests.tables.memory.tables import MemoryTables

OLD = "W/\"datetime'2020-01-01T00%3A00%3A00.0000000Z'\""
"""No row's ETag."""
EXAMPLES = 400 if settings.get_current_profile_name() == "campaign" else 12
ETAGS = st.sampled_from(("", "last", "former", "old"))
PARTITIONS = st.sampled_from(("p", "q"))
KEYS = st.sampled_from(("a", "b", "c"))
VALUES = st.dictionaries(st.sampled_from(("x", "y")), st.sampled_from(("1", "ä 😀", "x" * 40)))
MODES = st.sampled_from((UpdateMode.MERGE, UpdateMode.REPLACE))
FILTERS = st.sampled_from(
    (
        "PartitionKey eq 'p'",
        "PartitionKey eq 'p' and RowKey ge 'b'",
        "PartitionKey eq 'q' and RowKey gt 'a' and RowKey lt 'c'",
    )
)
WRITES = st.one_of(
    st.tuples(st.just("create"), PARTITIONS, KEYS, VALUES),
    st.tuples(st.just("upsert"), PARTITIONS, KEYS, VALUES, MODES),
    st.tuples(st.just("update"), PARTITIONS, KEYS, VALUES, MODES, ETAGS),
    st.tuples(st.just("delete"), PARTITIONS, KEYS, ETAGS),
)


def _row(write: tuple[Any, ...]) -> str:
    """Which row a write of a transaction is about. Two writes of one row are refused: test_contract.py."""
    return str(write[2])


STEPS = st.one_of(
    WRITES,
    st.tuples(st.just("get"), PARTITIONS, KEYS),
    st.tuples(st.just("query"), FILTERS),
    st.tuples(st.just("transact"), PARTITIONS, st.lists(WRITES, min_size=1, max_size=3, unique_by=_row)),
)


class Side:
    """One of the two tables, with the ETags that it gave."""

    def __init__(self, table: TableClient) -> None:
        self._table = table
        self._etags: dict[tuple[str, str], list[str]] = {}

    def step(self, kind: str, *said: Any) -> Any:
        """Carry out one step, and return all that is answered but ETags and times."""
        carried_out: dict[str, Callable[..., Any]] = {
            "get": self._get,
            "query": self._query,
            "transact": self._transact,
        }
        try:
            return carried_out[kind](*said) if kind in carried_out else self._write(kind, *said)
        except TableTransactionError as error:
            return error.status_code, _code(error), error.index
        except HttpResponseError as error:
            return error.status_code, _code(error)

    def all(self) -> list[dict[str, Any]]:
        """Every row, in the order of the service."""
        return [dict(entity) for entity in self._table.list_entities()]

    def _get(self, partition: str, key: str) -> Any:
        return dict(self._table.get_entity(partition, key))

    def _query(self, text: str) -> Any:
        return [dict(entity) for entity in self._table.query_entities(text)]

    def _write(self, kind: str, partition: str, key: str, *rest: Any) -> Any:
        operation, entity, more = self._operation(kind, partition, key, *rest)
        done = getattr(self._table, f"{operation}_entity")(entity, **more)
        self._note(partition, key, done)
        return sorted(set(done or ()) & {"etag"})

    def _transact(self, partition: str, asked: list[Any]) -> Any:
        writes = [(kind, partition, *rest) for kind, _, *rest in asked]
        answers = self._table.submit_transaction([self._operation(*write) for write in writes])
        for (_, partition, key, *_), answer in zip(writes, answers, strict=True):
            self._note(partition, key, answer)
        return len(answers)

    def _operation(self, kind: str, partition: str, key: str, *rest: Any) -> tuple[str, dict[str, Any], dict[str, Any]]:
        named = {"PartitionKey": partition, "RowKey": key}
        match kind, rest:
            case "create", (values,):
                return kind, named | values, {}
            case "upsert", (values, mode):
                return kind, named | values, {"mode": mode}
            case "update", (values, mode, which):
                return kind, named | values, {"mode": mode} | self._guard(partition, key, which)
            case _, (which,):
                return kind, named, self._guard(partition, key, which)
        raise AssertionError(kind)

    def _guard(self, partition: str, key: str, which: str) -> dict[str, Any]:
        if not which:
            return {}
        etags = [OLD, OLD, *self._etags.get((partition, key), [])]
        etag = {"last": etags[-1], "former": etags[-2], "old": OLD}[which]
        return {"etag": etag, "match_condition": MatchConditions.IfNotModified}

    def _note(self, partition: str, key: str, answer: Any) -> None:
        if answer and answer.get("etag"):
            self._etags.setdefault((partition, key), []).append(answer["etag"])


def _code(error: HttpResponseError) -> str:
    code = getattr(error, "error_code", None)
    return str(getattr(code, "value", code))


@pytest.mark.process
def test_both_tables_answer_the_same_and_hold_the_same(azurite_process: str) -> None:
    in_memory = MemoryTables()

    with connect(azurite_process) as account:

        @settings(max_examples=EXAMPLES)
        @given(st.lists(STEPS, max_size=25))
        def answer_the_same(steps: list[tuple[Any, ...]]) -> None:
            name = f"t{uuid4().hex}"
            sides = [Side(tables.create_table(name)) for tables in (in_memory, account)]
            for step in steps:
                memory, azurite = (side.step(*step) for side in sides)
                assert memory == azurite, step
            memory, azurite = (side.all() for side in sides)
            assert memory == azurite
            account.delete_table(name)

        answer_the_same()
