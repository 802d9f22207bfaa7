"""Changes of rows, as the SDK is asked for them and as the service does them."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from azure.core import MatchConditions
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.data.tables import RequestTooLargeError, TableErrorCode, TableTransactionError, UpdateMode

from shared.tables.errors import TablesBusy
from tests.tables.memory.limits import Key, Refusal, Values, check_entity, check_key, kept
from tests.tables.memory.rows import Row

type Kind = Literal["create", "upsert", "update", "delete"]

_BY_CODE: Mapping[str, type[HttpResponseError]] = {
    "UpdateConditionNotSatisfied": ResourceModifiedError,
    "ResourceNotFound": ResourceNotFoundError,
    "EntityAlreadyExists": ResourceExistsError,
    "TableAlreadyExists": ResourceExistsError,
}
_BY_STATUS: Mapping[int, type[HttpResponseError]] = {404: ResourceNotFoundError, 409: ResourceExistsError}


class Operation(NamedTuple):
    """One change of one row."""

    kind: Kind
    key: Key
    values: Values
    etag: str | None = None
    """That the row must have. None for any."""
    replaces: bool = False
    """Whether properties that it does not name go."""

    def outcome(self, there: Row | None) -> Values | None:
        """What the row holds then; None where it is gone. Raises Refusal."""
        if self.kind != "delete":
            check_key(self.key)
            check_entity(self.values)
        if self.kind == "create":
            if there is not None:
                raise Refusal(409, "EntityAlreadyExists", "The specified entity already exists.")
            return self.values
        if self.kind != "upsert":
            if there is None:
                raise Refusal(404, "ResourceNotFound", "The specified resource does not exist.")
            if self.etag is not None and self.etag != there.etag:
                raise Refusal(412, "UpdateConditionNotSatisfied", "The update condition was not satisfied.")
        if self.kind == "delete":
            return None
        if self.replaces or there is None:
            return self.values
        merged = {**there.values, **self.values}
        check_entity(merged)
        return merged


def alone(
    kind: Kind, entity: Mapping[str, Any], mode: UpdateMode = UpdateMode.REPLACE, etag: str | None = None
) -> Operation:
    """One that the SDK sends by itself. Raises ValueError and TypeError as it does."""
    key = key_of(entity)
    return Operation(kind, key, kept(entity), etag, mode == UpdateMode.REPLACE)


def in_transaction(kind: str, row: Mapping[str, Any], options: Mapping[str, Any] | None = None) -> Operation:
    """One of shared/tables/transactions.py. Raises ValueError and TypeError as that does."""
    key, given = Key(row["PartitionKey"], row["RowKey"]), dict(options or {})
    if kind not in ("create", "upsert", "update", "delete"):
        raise ValueError(f"{kind} is no operation")
    mode = given.pop("mode", UpdateMode.MERGE) if kind in ("upsert", "update") else UpdateMode.REPLACE
    etag = _guarded(**given) if kind in ("update", "delete") else None
    if kind == "delete":
        return Operation("delete", key, {}, etag)
    if not all(isinstance(value, str) for value in row.values()):
        raise TypeError("rows hold text alone")
    return Operation(kind, key, kept(row), etag, mode is UpdateMode.REPLACE)  # type: ignore[arg-type]  # one of four


def _guarded(etag: str = "", match_condition: MatchConditions = MatchConditions.Unconditionally) -> str | None:
    if match_condition is not (MatchConditions.IfNotModified if etag else MatchConditions.Unconditionally):
        raise ValueError("an ETag and the condition that it is still the row's go together")
    return etag or None


def guard(entity: Mapping[str, Any], etag: str | None, match_condition: MatchConditions | None) -> str | None:
    """The ETag that a row must have. Raises ValueError as the SDK, and for conditions that the bridge does not use."""
    if match_condition is not None and not etag:
        etag = getattr(entity, "metadata", {}).get("etag")
    return _guarded(etag or "", match_condition or MatchConditions.Unconditionally)


def key_of(entity: Mapping[str, Any]) -> Key:
    """An entity's. Raises ValueError and TypeError as the SDK."""
    for name in ("PartitionKey", "RowKey"):
        if entity.get(name) is None:
            raise ValueError(f"{name} must be present in an entity")
        if not isinstance(entity[name], str):
            raise TypeError("PartitionKey or RowKey must be of type string.")
    return Key(entity["PartitionKey"], entity["RowKey"])


def error_of(refusal: Refusal, operation: str) -> Exception:
    """What the bridge's client raises for a refusal: the SDK's error, but for transactions and for missing tables."""
    error: HttpResponseError
    if operation == "submit_transaction":
        kind = RequestTooLargeError if refusal.status == 413 else TableTransactionError
        error = kind(message=f"{refusal.index}:{refusal} ({refusal.code})")
        error.error_code = refusal.code  # type: ignore[attr-defined]  # documented, but not declared
    elif refusal.code == "TableNotFound":
        return TablesBusy("A table of the bridge's is missing; within a minute it is made again, empty")
    elif operation == "create_entity":  # of which the SDK raises the answer as it came, without a code
        error = _BY_STATUS.get(refusal.status, HttpResponseError)(f"{refusal}")
    else:
        error = _BY_CODE.get(refusal.code, HttpResponseError)(f"{refusal}\nErrorCode:{refusal.code}")
        error.error_code = TableErrorCode(refusal.code)  # type: ignore[attr-defined]
    error.status_code = refusal.status
    return error
