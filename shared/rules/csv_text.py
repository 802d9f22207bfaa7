"""Rows as CSV that a spreadsheet opens without executing anything."""

import csv
import io
from collections.abc import Iterable, Sequence

_STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""First characters that make a cell a formula in a spreadsheet: with one, a name in Entra could send data elsewhere.

https://owasp.org/www-community/attacks/CSV_Injection
"""


def formula_safe(cell: str) -> str:
    """Return the cell as text: with an apostrophe before anything that starts like a formula."""
    return f"'{cell}" if cell.lstrip(" ").startswith(_STARTS_FORMULA) else cell


def as_csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return the table as CSV (RFC 4180) with a byte order mark, without which Excel misreads UTF-8."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows([formula_safe(cell) for cell in row] for row in rows)
    return "\ufeff" + text.getvalue()
