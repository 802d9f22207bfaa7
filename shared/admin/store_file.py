"""The file that a directory store is copied into: a line of JSON for what it is, one for each row, one that ends it."""

import gzip
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError

from shared.model import HIDDEN, Model
from shared.rules.store import Store
from shared.tables.copies import Row

type Line = tuple[str, Row]
"""A table, and a row of it."""

_LINE = TypeAdapter[Line](Line, config=HIDDEN)


class NotAStoreFile(Exception):
    """The file is another one, or was cut off."""


class Head(Model):
    """The first line."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["zoho-one-bridge-store-1"] = "zoho-one-bridge-store-1"
    holds: Literal["store", "secrets"]
    store: Store
    exported: datetime


class Tail(Model):
    """The last line: how many rows stand before it, by table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: dict[str, int]


def write_file(path: Path, head: Head, lines: Iterable[Line]) -> Counter[str]:
    """Write a new file that only its owner reads; how many rows of each table. Raises OSError where there is one."""
    counts = Counter[str]()
    with _opened(path, new=True) as file:
        file.write(head.model_dump_json() + "\n")
        for table, row in lines:
            counts[table] += 1
            file.write(_LINE.dump_json((table, row)).decode() + "\n")
        file.write(Tail(rows=counts).model_dump_json() + "\n")
    return counts


def check_file(path: Path, holds: Literal["store", "secrets"]) -> Store:
    """The store that a file is of, once it was read to its end. Raises NotAStoreFile and OSError."""
    head, counts, tail = None, Counter[str](), None
    try:
        with _opened(path) as file:
            head = Head.model_validate_json(file.readline())
            for text in file:
                if tail is not None:
                    raise NotAStoreFile(f"{path} goes on behind its end")
                if text.startswith("["):
                    counts[_LINE.validate_json(text)[0]] += 1
                else:
                    tail = Tail.model_validate_json(text)
    except (ValidationError, UnicodeDecodeError, gzip.BadGzipFile, EOFError):
        raise NotAStoreFile(f"{path} is no copy of a directory store, or was cut off or changed") from None
    if tail is None or tail.rows != counts:
        raise NotAStoreFile(f"{path} was cut off: it ends before its end")
    if head.holds != holds:
        raise NotAStoreFile(f"{path} holds a store's {head.holds}: the files stand in the wrong places")
    return head.store


def lines_of(path: Path, table: str) -> Iterator[Row]:
    """The rows of one table in a file that was checked."""
    with _opened(path) as file:
        for text in file:
            if text.startswith("["):
                name, row = _LINE.validate_json(text)
                if name == table:
                    yield row


@contextmanager
def _opened(path: Path, *, new: bool = False) -> Iterator[IO[str]]:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL if new else os.O_RDONLY
    with os.fdopen(os.open(path, flags, 0o600), "wb" if new else "rb") as raw:
        packed = gzip.GzipFile(fileobj=raw, mode="wb" if new else "rb") if path.suffix == ".gz" else raw
        with TextIOWrapper(packed, encoding="utf-8") as text:
            yield text
