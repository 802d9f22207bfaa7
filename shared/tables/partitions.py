"""Everything that is kept of a store in partitions of its own."""

from collections.abc import Sequence
from dataclasses import dataclass

from azure.data.tables import TableClient

from shared.tables.by_time import MOST_DROPPED, drop

_FIRST, _LAST = "!", "~~"
"""No row key sorts before or behind."""


@dataclass(frozen=True)
class Partitions:
    """The tables in which a store's partition is nobody else's."""

    tables: Sequence[TableClient]

    def drop_some(self, store: str, most: int = MOST_DROPPED) -> bool:
        """Delete at most so many of a store's rows; whether none is left. Raises TablesBusy."""
        return not any(drop(table, store, _FIRST, _LAST, most) for table in self.tables)
