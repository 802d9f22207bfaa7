"""Rows in portions that Table Storage takes as one transaction."""

from collections.abc import Iterable, Iterator, Mapping

MOST_ROWS = 100
MOST_BYTES = 3_000_000
"""Bytes of rows in a transaction, which may take 4 MiB; the rest is for headers, keys and quotes.

https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions
"""


def portions[R: Mapping[str, str]](rows: Iterable[R]) -> Iterator[list[R]]:
    """Return the rows in order, each portion small enough. One row is assumed to be: an entity has at most 1 MiB."""
    portion, size = list[R](), 0
    for row in rows:
        bytes_ = sum(len(name) + _wire_bytes(value) for name, value in row.items())
        if portion and (len(portion) == MOST_ROWS or size + bytes_ > MOST_BYTES):
            yield portion
            portion, size = [], 0
        portion.append(row)
        size += bytes_
    if portion:
        yield portion


def _wire_bytes(text: str) -> int:
    """Return an upper bound of the JSON bytes the SDK writes: six for a character outside ASCII, two for a quote."""
    return 2 * len(text) if text.isascii() else 12 * len(text)
