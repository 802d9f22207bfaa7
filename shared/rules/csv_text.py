"""Rows as CSV that a spreadsheet opens without doing anything."""

import csv
import io
from collections.abc import Iterable, Sequence

_STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""A cell that begins so is a formula to a spreadsheet: a name in Entra could send data elsewhere.

https://owasp.org/www-community/attacks/CSV_Injection
"""


def formula_safe(cell: str) -> str:
    """A cell that stays text: an apostrophe before what begins like a formula."""
    return f"'{cell}" if cell.lstrip(" ").startswith(_STARTS_FORMULA) else cell


def as_csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table (RFC 4180), with a byte order mark, without which Excel takes UTF-8 for something else."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows([formula_safe(cell) for cell in row] for row in rows)
    return "\ufeff" + text.getvalue()
