"""Letters without their diacritical marks, by the table of NormalizeDiacritics on the reference page.

The table's rows are one rule with few exceptions: a Latin letter loses the marks on it. A test holds every row of the
table against this.
"""

import unicodedata
from types import MappingProxyType
from typing import Final

import regex

_LETTERS: Final = MappingProxyType(
    {"æ": "ae", "Æ": "AE", "ø": "oe", "Ø": "OE", "œ": "oe", "Œ": "OE", "ß": "ss", "ł": "l", "Ł": "L", "ı": "i"}
)
"""What the table gives for letters that Unicode does not take apart into a letter and a mark."""

_MARKED: Final = regex.compile(r"[[\p{Script=Latin}]--[A-Za-z]]\p{Mn}*|[A-Za-z]\p{Mn}+", regex.VERSION1)


def without_diacritics(text: str) -> str:
    """The text with its marked Latin letters replaced, whether composed or not; all else stays as it is."""
    return _MARKED.sub(_plain, text)


def _plain(match: "regex.Match[str]") -> str:
    letter = match[0][0]
    base = unicodedata.normalize("NFD", letter)[0]
    return _LETTERS.get(base, base)
