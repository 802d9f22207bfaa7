"""Tables in memory, until those with Azure's limits are here."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import TableEntity, TableTransactionError, UpdateMode

_PART = re.compile(r"(\w+) (eq|ge|lt|gt|le) (?:@(\w+)|'([^']*)')")
_OPS: dict[str, Callable[[str, str], bool]] = {
    "eq": str.__eq__, "ge": str.__ge__, "lt": str.__lt__, "gt": str.__gt__, "le": str.__le__,
}  # fmt: skip
type Hook = Callable[[str, str, Callable[[], Any], list[tuple[str, str]]], Any]


class StubService:
    def __init__(self) -> None:
        self.rows: dict[str, dict[tuple[str, str], tuple[dict[str, Any], str]]] = {}
        self.etags = count()

    def client(self, hook: Hook) -> "StubClient":
        return StubClient(self, hook)


class StubClient:
    def __init__(self, service: StubService, hook: Hook) -> None:
        self.service, self.hook = service, hook

    def get_table_client(self, name: str, **_: Any) -> "StubTable":
        return StubTable(self.service, name, self.hook)

    def list_tables(self) -> list[Any]:
        from types import SimpleNamespace

        return self.hook("list", "tables", lambda: [SimpleNamespace(name=n) for n in self.service.rows], [])

    def create_table_if_not_exists(self, name: str) -> None:
        self.service.rows.setdefault(name, {})


def _failed(code: str, status: int) -> TableTransactionError:
    error = TableTransactionError(message=code)
    error.error_code = code  # type: ignore[attr-defined]
    error.status_code = status
    return error


class StubTable:
    def __init__(self, service: StubService, name: str, hook: Hook) -> None:
        self.service, self.table_name, self.hook = service, name, hook

    @property
    def rows(self) -> dict[tuple[str, str], tuple[dict[str, Any], str]]:
        return self.service.rows.setdefault(self.table_name, {})

    def _call(self, kind: str, act: Callable[[], Any], keys: list[tuple[str, str]] | None = None) -> Any:
        return self.hook(kind, self.table_name, act, keys or [])

    def get_entity(self, partition_key: str, row_key: str, select: Sequence[str] | None = None) -> TableEntity:
        def act() -> TableEntity:
            if (partition_key, row_key) not in self.rows:
                raise ResourceNotFoundError("no")
            return _entity(*self.rows[partition_key, row_key], select)

        return self._call("get", act)

    def list_entities(self, **_: Any) -> Iterator[TableEntity]:
        return self._call("query", lambda: iter([_entity(*self.rows[k], None) for k in sorted(self.rows)]))

    def query_entities(self, query: str, *, parameters: Mapping[str, str] | None = None, select: Sequence[str] | None = None, **_: Any) -> Iterator[TableEntity]:
        parts = [(n, op, (parameters or {})[p] if p else t) for n, op, p, t in _PART.findall(query)]

        def act() -> Iterator[TableEntity]:
            found = []
            for key in sorted(self.rows):
                row = self.rows[key][0]
                if all(_OPS[op](str(row.get(n, "")), v) for n, op, v in parts):
                    found.append(_entity(*self.rows[key], select))
            return iter(found)

        def pages() -> Iterator[TableEntity]:
            yield from self._call("query", act)

        return pages()

    def _put(self, row: Mapping[str, Any], mode: UpdateMode) -> str:
        key = row["PartitionKey"], row["RowKey"]
        before = self.rows.get(key)
        new = {**before[0], **row} if before and mode is UpdateMode.MERGE else dict(row)
        etag = f'W/"{next(self.service.etags)}"'
        self.rows[key] = new, etag
        return etag

    def create_entity(self, row: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        def act() -> dict[str, Any]:
            if (row["PartitionKey"], row["RowKey"]) in self.rows:
                raise ResourceExistsError("there")
            return {"etag": self._put(row, UpdateMode.REPLACE)}

        return self._call("create", act, [_key(row)])

    def upsert_entity(self, row: Mapping[str, Any], mode: UpdateMode = UpdateMode.MERGE, **_: Any) -> dict[str, Any]:
        return self._call("upsert", lambda: {"etag": self._put(row, mode)}, [_key(row)])

    def _guard(self, key: tuple[str, str], etag: str | None) -> None:
        if key not in self.rows:
            raise ResourceNotFoundError("no")
        if etag not in (None, "", "*") and self.rows[key][1] != etag:
            raise ResourceModifiedError("changed")

    def update_entity(self, row: Mapping[str, Any], mode: UpdateMode = UpdateMode.MERGE, *, etag: str | None = None, match_condition: MatchConditions | None = None, **_: Any) -> dict[str, Any]:
        def act() -> dict[str, Any]:
            self._guard((row["PartitionKey"], row["RowKey"]), etag)
            return {"etag": self._put(row, mode)}

        return self._call("update", act, [_key(row)])

    def delete_entity(self, *keys: Any, etag: str | None = None, match_condition: MatchConditions | None = None, **_: Any) -> None:
        key = (keys[0]["PartitionKey"], keys[0]["RowKey"]) if len(keys) == 1 else (keys[0], keys[1])

        def act() -> None:
            if key not in self.rows:
                if etag:
                    raise ResourceNotFoundError("no")
                return
            self._guard(key, etag)
            del self.rows[key]

        self._call("delete", act, [key])

    def submit_transaction(self, operations: Iterable[tuple[Any, ...]], **_: Any) -> list[Mapping[str, Any]]:
        todo = [(kind, dict(row), (rest or [{}])[0]) for kind, row, *rest in operations]

        def act() -> list[Mapping[str, Any]]:
            assert len({(r["PartitionKey"], r["RowKey"]) for _, r, _ in todo}) == len(todo) <= 100
            for kind, row, options in todo:
                there = self.rows.get((row["PartitionKey"], row["RowKey"]))
                if kind == "create" and there:
                    raise _failed("EntityAlreadyExists", 409)
                if kind in ("update", "delete"):
                    if there is None:
                        raise _failed("ResourceNotFound", 404)
                    if options.get("etag") not in (None, "", "*", there[1]):
                        raise _failed("UpdateConditionNotSatisfied", 412)
            done: list[Mapping[str, Any]] = []
            for kind, row, options in todo:
                if kind == "delete":
                    del self.rows[row["PartitionKey"], row["RowKey"]]
                    done.append({})
                else:
                    mode = UpdateMode.REPLACE if kind == "create" else options.get("mode", UpdateMode.MERGE)
                    done.append({"etag": self._put(row, mode)})
            return done

        return self._call("submit", act, [_key(row) for _, row, _ in todo]) if todo else []


def _key(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["PartitionKey"], row["RowKey"]


def _entity(row: Mapping[str, Any], etag: str, select: Sequence[str] | None) -> TableEntity:
    entity = TableEntity(**({k: row[k] for k in select if k in row} if select else row))
    entity._metadata = {"etag": etag, "timestamp": None}
    return entity
