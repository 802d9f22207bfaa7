"""Row keys in the order of time, newest first, and how what is too old is dropped."""

import secrets
from datetime import datetime
from itertools import islice

from azure.data.tables import TableClient

from shared.tables.errors import Stale
from shared.tables.portions import MOST_ROWS
from shared.tables.service import our_errors

MOST_DROPPED = 1_000
"""Rows dropped in one call: some ten round trips, so that a cycle's time is not spent on old records."""

_LAST_MICROSECOND = 10**17


def inverted(at: datetime) -> str:
    """A text that sorts the earlier, the later the time is."""
    return f"{_LAST_MICROSECOND - int(at.timestamp() * 1_000_000):017d}"


def new_id(at: datetime) -> str:
    """An id for what begins then: the newest comes first in the order of ids."""
    return f"{inverted(at)}-{secrets.token_hex(4)}"


def drop(table: TableClient, partition: str, start: str, end: str, most: int) -> int:
    """Delete the rows from one key up to, not including, another, at most so many; how many it were. Raises TablesBusy.

    Fewer than ``most``: none is left, or somebody else is dropping the same.
    """
    if most <= 0:
        return 0
    with our_errors():
        found = table.query_entities(
            "PartitionKey eq @partition and RowKey ge @start and RowKey lt @end",
            parameters={"partition": partition, "start": start, "end": end},
            select=["RowKey"],
        )
        keys = [row["RowKey"] for row in islice(found, most)]
    for first in range(0, len(keys), MOST_ROWS):
        portion = keys[first : first + MOST_ROWS]
        try:
            with our_errors():
                table.submit_transaction([("delete", {"PartitionKey": partition, "RowKey": key}) for key in portion])
        except Stale:
            return first
    return len(keys)
