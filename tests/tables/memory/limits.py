"""What Table Storage takes, and the words in which it refuses the rest.

Sources: https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model (entities,
properties, keys), https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions, and
https://learn.microsoft.com/rest/api/storageservices/table-service-error-codes.
"""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import Enum
from typing import NamedTuple
from uuid import UUID

type Value = str | bool | int | float | bytes | datetime | UUID
type Values = Mapping[str, Value]

LARGEST_ENTITY = 1024 * 1024
LARGEST_PROPERTY = 64 * 1024
LARGEST_KEY = 1024
"""Bytes; a string has two for each UTF-16 unit."""
MOST_PROPERTIES = 252
"""Beside PartitionKey, RowKey and Timestamp."""
MOST_OPERATIONS = 100
LARGEST_TRANSACTION = 4 * 1024 * 1024
"""Bytes of the request's body."""
LARGEST_PAGE = 1_000
LONGEST_NAME = 255

_AROUND_OPERATION = 700
"""Bytes of a transaction's body around each row, at most; keys that are longer than usual not counted."""
_ESCAPED = 12
"""Bytes that JSON takes for one character, at most."""
_SYSTEM = {"PartitionKey", "RowKey", "Timestamp"}
_FORBIDDEN_IN_KEYS = re.compile(r"[/\\#?\x00-\x1f\x7f-\x9f]")
_IDENTIFIER = re.compile(r"[^\W\d]\w*")
_LEAST_INT, _LARGEST_INT = -(2**31), 2**31 - 1


class Refusal(Exception):
    """What the service answers instead."""

    def __init__(self, status: int, code: str, message: str, index: int = 0) -> None:
        super().__init__(message)
        self.status, self.code, self.index = status, code, index


class Key(NamedTuple):
    """Of a row."""

    partition: str
    row: str


def kept(entity: Mapping[str, object]) -> dict[str, Value]:
    """An entity's values as the service keeps them. Raises TypeError as the SDK."""
    return {name: _kept(value) for name, value in entity.items() if value is not None and name != "Timestamp"}


def _kept(value: object) -> Value:
    """Raises TypeError as the SDK."""
    if isinstance(value, str):
        return str(value.value) if isinstance(value, Enum) else value
    if isinstance(value, int) and not isinstance(value, bool) and not _LEAST_INT <= value <= _LARGEST_INT:
        raise TypeError(f"{value} is too large to be cast to type EdmType.INT32.")
    if not isinstance(value, bool | int | float | bytes | datetime | UUID):
        raise TypeError(f"Type not supported when sending data to the service: {type(value)}.")
    return value


def check_key(key: Key) -> None:
    """Raises Refusal."""
    for text in key:
        if _FORBIDDEN_IN_KEYS.search(text):
            raise Refusal(400, "InvalidInput", "One of the request inputs is not valid.")
        if 2 * units(text) > LARGEST_KEY:
            raise Refusal(400, "InvalidInput", "The key is longer than 1 KiB.")


def check_entity(values: Values) -> None:
    """An entity as it would be kept, its keys included. Raises Refusal."""
    if len(values) - 2 > MOST_PROPERTIES:
        raise Refusal(400, "TooManyProperties", "The entity contains more properties than allowed.")
    size = 4  # https://learn.microsoft.com/archive/blogs/avkashchauhan/how-the-size-of-an-entity-is-caclulated-in-windows-azure-table-storage
    for name, value in values.items():
        of_value = 2 * units(value) if isinstance(value, str) else len(value) if isinstance(value, bytes) else 16
        if name in _SYSTEM:
            size += of_value
            continue
        if of_value > LARGEST_PROPERTY:
            raise Refusal(400, "PropertyValueTooLarge", "The property value exceeds the maximum allowed size (64KB).")
        size += 8 + 2 * len(name) + of_value + 4
        if not (name.isascii() and name.isidentifier()):
            _check_name(name)
        if len(name) > LONGEST_NAME:
            raise Refusal(400, "PropertyNameTooLong", "The property name exceeds the maximum allowed length.")
    if size > LARGEST_ENTITY:
        raise Refusal(400, "EntityTooLarge", "The entity is larger than the maximum allowed size (1MB).")


def _check_name(name: str) -> None:
    if not _IDENTIFIER.fullmatch(name):
        raise Refusal(400, "PropertyNameInvalid", "The property name is invalid.")


def check_transaction(keys: Iterable[Key], rows: Iterable[Values]) -> None:
    """What no transaction may be, whatever is in the table. Raises Refusal."""
    seen: set[Key] = set()
    for index, key in enumerate(keys):
        if index == MOST_OPERATIONS:
            raise Refusal(400, "InvalidInput", "The batch request operation exceeds the maximum 100 changes.")
        if key in seen:
            raise Refusal(400, "InvalidDuplicateRow", f"A command with RowKey '{key.row}' is already present", index)
        seen.add(key)
    rows = list(rows)
    at_most = sum(_AROUND_OPERATION + _ESCAPED * sum(len(str(value)) for value in row.values()) for row in rows)
    if at_most > LARGEST_TRANSACTION:
        exactly = sum(_AROUND_OPERATION + len(json.dumps(dict(row), default=str)) for row in rows)
        if exactly > LARGEST_TRANSACTION:
            raise Refusal(413, "RequestBodyTooLarge", "The request body is too large.")


def units(text: str) -> int:
    """How long a text is in UTF-16."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2
