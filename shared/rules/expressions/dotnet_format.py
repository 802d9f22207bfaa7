""".NET's date and time format strings, taken apart.

Source: "Standard date and time format strings" and "Custom date and time format strings" in .NET's documentation; names
and patterns are those of the invariant culture, which is what a service without a user has.
"""

from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple

DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip

STANDARD_FORMATS: Final = MappingProxyType(
    {
        "d": "MM/dd/yyyy",
        "D": "dddd, dd MMMM yyyy",
        "f": "dddd, dd MMMM yyyy HH:mm",
        "F": "dddd, dd MMMM yyyy HH:mm:ss",
        "g": "MM/dd/yyyy HH:mm",
        "G": "MM/dd/yyyy HH:mm:ss",
        "m": "MMMM dd",
        "M": "MMMM dd",
        "o": "yyyy'-'MM'-'dd'T'HH':'mm':'ss'.'fffffffK",
        "O": "yyyy'-'MM'-'dd'T'HH':'mm':'ss'.'fffffffK",
        "r": "ddd, dd MMM yyyy HH':'mm':'ss 'GMT'",
        "R": "ddd, dd MMM yyyy HH':'mm':'ss 'GMT'",
        "s": "yyyy'-'MM'-'dd'T'HH':'mm':'ss",
        "t": "HH:mm",
        "T": "HH:mm:ss",
        "u": "yyyy'-'MM'-'dd HH':'mm':'ss'Z'",
        "U": "dddd, dd MMMM yyyy HH:mm:ss",
        "y": "yyyy MMMM",
        "Y": "yyyy MMMM",
    }
)
"""What a format of one letter stands for."""

_LONGEST: Final = MappingProxyType({"f": 7, "F": 7})  # .NET's clock ticks in 100 ns, so it refuses an eighth digit
_SPECIFIERS: Final = frozenset("dfFghHKmMstyz")


class DateTimeError(ValueError):
    """A format string or a date that .NET would refuse; the message says why."""


class Piece(NamedTuple):
    """One part of a format: `width` times the specifier `letter`, or, where `letter` is empty, the text itself."""

    letter: str
    width: int
    text: str


type Format = tuple[Piece, ...]


@lru_cache(maxsize=256)  # the formats of a mapping's rules; a format from a person's data only pushes another out
def parse_format(text: str) -> Format:
    """Take a format string apart, a standard one first written out.

    Raises DateTimeError: empty, an unknown one-letter format, an open quote, a trailing backslash or percent sign.
    """
    if not text:
        raise DateTimeError("the date format is empty; give one such as yyyy-MM-dd")
    if len(text) == 1:
        if text not in STANDARD_FORMATS:
            raise DateTimeError(f"{text} is no standard date format; to use it as a custom one, write %{text}")
        text = STANDARD_FORMATS[text]
    pieces: list[Piece] = []
    at = 0
    while at < len(text):
        piece, at = _next_piece(text, at)
        pieces.append(piece)
    return tuple(pieces)


def _next_piece(text: str, at: int) -> tuple[Piece, int]:
    letter = text[at]
    if letter in _SPECIFIERS:
        end = at
        while end < len(text) and text[end] == letter:
            end += 1
        if end - at > _LONGEST.get(letter, len(text)):
            raise DateTimeError(f"a date format has at most {_LONGEST[letter]} {letter} in a row")
        return Piece(letter, end - at, ""), end
    if letter in "\"'":
        return _quoted(text, at)
    if letter == "\\":
        if at + 1 == len(text):
            raise DateTimeError("the date format ends in a backslash; it must stand before a character")
        return Piece("", 0, text[at + 1]), at + 2
    if letter == "%":
        if at + 1 == len(text) or text[at + 1] == "%":
            raise DateTimeError("a percent sign in a date format must stand before a specifier")
        return _next_piece(text, at + 1)
    return Piece("", 0, letter), at + 1


def _quoted(text: str, at: int) -> tuple[Piece, int]:
    """A quoted literal; a backslash inside it takes the next character as it is, as in .NET."""
    quote = text[at]
    literal: list[str] = []
    at += 1
    while at < len(text) and text[at] != quote:
        at += text[at] == "\\"
        literal.append(text[at : at + 1])
        at += 1
    if at >= len(text):
        raise DateTimeError(f"a quotation mark ({quote}) in the date format is never closed")
    return Piece("", 0, "".join(literal)), at + 1
