"""One table's rows, in the order of their keys."""

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Self

from tests.tables.memory.filters import Filter, order
from tests.tables.memory.limits import Key, Values


class Row(NamedTuple):
    """As it was written last. Nobody changes its values: a write puts another row in its place."""

    values: Values
    etag: str
    at: datetime


@dataclass
class _Partition:
    keys: list[str] = field(default_factory=list)
    """Of its rows, as ``order`` has them, sorted."""
    rows: dict[str, Row] = field(default_factory=dict)
    """By the same."""
    is_shared: bool = False
    """With a snapshot: it is copied before it is written."""

    def copy(self) -> "_Partition":
        return _Partition(self.keys.copy(), self.rows.copy())


class Rows:
    """Rows by key. Nobody else may call it meanwhile."""

    def __init__(self, partitions: dict[str, _Partition] | None = None) -> None:
        self._partitions = partitions if partitions is not None else {}

    def get(self, key: Key) -> Row | None:
        """One row."""
        partition = self._partitions.get(key.partition)
        return partition.rows.get(order(key.row)) if partition is not None else None

    def put(self, key: Key, row: Row) -> None:
        """In place of the one with its key, if there is one."""
        partition, place = self._writable(key.partition), order(key.row)
        if place not in partition.rows:
            insort(partition.keys, place)
        partition.rows[place] = row

    def remove(self, key: Key) -> None:
        """One that is there."""
        partition, place = self._writable(key.partition), order(key.row)
        del partition.rows[place]
        del partition.keys[bisect_left(partition.keys, place)]

    def found(self, asked: Filter, start: Key | None) -> Iterator[Row]:
        """The rows that are asked for, in the order of their keys, from one key on."""
        for name in self._asked(asked, start):
            partition = self._partitions[name]
            first = asked.starts
            if start is not None and start.partition == name:
                first = max(first, order(start.row))
            for at in range(bisect_left(partition.keys, first), len(partition.keys)):
                place = partition.keys[at]
                if asked.ends is not None and place >= asked.ends:
                    break
                row = partition.rows[place]
                if all(term.holds(row.values) for term in asked.terms):
                    yield row

    def copy(self) -> Self:
        """The same rows; what is written to one of the two is not seen in the other. No row is copied before that."""
        for partition in self._partitions.values():
            partition.is_shared = True
        return type(self)(self._partitions.copy())

    def _asked(self, asked: Filter, start: Key | None) -> list[str]:
        if asked.partition is not None:
            return [asked.partition] if asked.partition in self._partitions else []
        names = sorted(self._partitions, key=order)
        return [name for name in names if start is None or order(name) >= order(start.partition)]

    def _writable(self, name: str) -> _Partition:
        partition = self._partitions.get(name)
        if partition is None:
            partition = self._partitions[name] = _Partition()
        elif partition.is_shared:
            partition = self._partitions[name] = partition.copy()
        return partition
