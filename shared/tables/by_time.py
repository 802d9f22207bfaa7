"""Row keys that sort newest first, and the deletion of old rows."""

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
    """Return a text that sorts the earlier, the later the time is."""
    return f"{_LAST_MICROSECOND - int(at.timestamp() * 1_000_000):017d}"


def new_id(at: datetime) -> str:
    """Return an id for something that starts at this time; newer ids sort first."""
    return f"{inverted(at)}-{secrets.token_hex(4)}"


def drop(table: TableClient, partition: str, start: str, end: str, most: int) -> int:
    """Delete at most ``most`` rows from one key up to, not including, another; return their number. Raises TablesBusy.

    A number below ``most`` means that none is left, or that another process deletes the same rows.
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
