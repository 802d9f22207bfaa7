"""Letters without their diacritical marks, by the table of NormalizeDiacritics on the reference page.

The table's rows are one rule with few exceptions: a Latin letter loses its marks. A test compares every row of the
table with this module.
"""

import unicodedata
from types import MappingProxyType
from typing import Final

import regex

_LETTERS: Final = MappingProxyType(
    {"æ": "ae", "Æ": "AE", "ø": "oe", "Ø": "OE", "œ": "oe", "Œ": "OE", "ß": "ss", "ł": "l", "Ł": "L", "ı": "i"}
)
"""The table's results for letters that Unicode does not decompose into a letter and a mark."""

_MARKED: Final = regex.compile(r"[[\p{Script=Latin}]--[A-Za-z]]\p{Mn}*|[A-Za-z]\p{Mn}+", regex.VERSION1)


def without_diacritics(text: str) -> str:
    """Return the text with its marked Latin letters replaced, composed or not; everything else stays unchanged."""
    return _MARKED.sub(_plain, text)


def _plain(match: "regex.Match[str]") -> str:
    letter = match[0][0]
    base = unicodedata.normalize("NFD", letter)[0]
    return _LETTERS.get(base, base)
