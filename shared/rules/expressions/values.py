"""The values expressions work on, what they may ask of the outside, and how one type of value becomes another.

A conversion is where a wrong type is refused, so that the functions themselves only see what their signature says.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Final, Protocol

from shared.rules.expressions.date_text import parse_moment
from shared.rules.expressions.dotnet_dates import GENERAL_US, format_moment
from shared.rules.expressions.dotnet_format import DateTimeError
from shared.rules.expressions.errors import RefusedError
from shared.rules.expressions.limits import MAX_INTEGER, MAX_TEXT

type Value = bool | int | str | datetime | tuple[str, ...] | None
"""Null, a truth value, a whole number, text, a point in time, or the values of a multi-valued attribute."""

type Attributes = Callable[[str], Value]
"""Answers an attribute's name, exactly as written between the brackets, with its value; null when it is absent."""


class Ignored(Enum):
    """The type of `IGNORED`, so that a type checker can tell it from a value."""

    IGNORED = "ignored"


IGNORED: Final = Ignored.IGNORED
"""What evaluation answers when IgnoreFlowIfNullOrEmpty drops the attribute: leave the target as it is."""


class RandomSource(Protocol):
    """The part of `random.Random` that Guid and RandomString need; `secrets.SystemRandom()` where it is in earnest."""

    def randrange(self, stop: int, /) -> int:
        """Answer a whole number from 0 to `stop` - 1."""

    def getrandbits(self, count: int, /) -> int:
        """Answer a whole number of `count` random bits."""


@dataclass(frozen=True, slots=True)
class EvaluationContext:
    """All that an answer depends on besides the person's attributes.

    `is_taken` says whether the target already holds a value; only SelectUniqueValue asks.
    """

    now: datetime
    random: RandomSource
    is_taken: Callable[[str], bool]


def is_null(value: Value) -> bool:
    """Whether a value is null: absent, or a multi-valued attribute without values."""
    return value is None or value == ()


def is_null_or_empty(value: Value) -> bool:
    """Whether a value is null or the empty string."""
    return value is None or value in ((), "")


def as_text(value: Value) -> str | None:
    """The value as text, null staying null.

    True and False are written so, points in time as `M/d/yyyy h:mm:ss tt` in UTC. Of a multi-valued attribute the only
    value is taken; where there are more, the page does not say which, so it is refused rather than guessed.
    """
    if isinstance(value, str):
        if len(value) > MAX_TEXT:
            raise RefusedError(f"the text has more than {MAX_TEXT:,} characters")
        return value
    if value is None:
        return None
    if isinstance(value, tuple):
        if len(value) > 1:
            raise RefusedError(f"takes one value, not the {len(value)} of a multi-valued attribute; use Item or Join")
        return as_text(value[0]) if value else None
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, int):
        return str(as_integer(value))
    if isinstance(value, datetime):
        return format_moment(in_utc(value), GENERAL_US)
    raise RefusedError(f"cannot use {_kind(value)}")


def as_text_or_values(value: Value) -> str | tuple[str, ...] | None:
    """The value as text, or every value of a multi-valued attribute."""
    if isinstance(value, tuple):
        return bounded(value) or None
    return as_text(value)


def as_values(value: Value) -> tuple[str, ...]:
    """The values of a multi-valued attribute; a single one counts as one, null and the empty string as none."""
    if isinstance(value, tuple):
        return bounded(value)
    text = as_text(value)
    return (text,) if text else ()


def bounded(values: Iterable[str]) -> tuple[str, ...]:
    """The values as a tuple, refused where they are together larger than a text may be."""
    kept = []
    left = MAX_TEXT
    for value in values:
        text = as_text(value)
        left -= len(text or "") + 1
        if left < 0:
            raise RefusedError(f"the values together have more than {MAX_TEXT:,} characters")
        kept.append(text or "")
    return tuple(kept)


def as_integer(value: Value) -> int:
    """The value as a whole number; text is read as decimal digits with an optional sign."""
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    else:
        text = (as_text(value) or "").strip()
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= len(str(MAX_INTEGER))):
            raise RefusedError(f"needs a whole number, not {_kind(value)}")
        number = int(text)
    if not -MAX_INTEGER <= number <= MAX_INTEGER:
        raise RefusedError("the number does not fit in 64 bits")
    return number


def as_truth(value: Value) -> bool:
    """The value as a condition: a number that is not zero, or "True"; null is false."""
    if isinstance(value, bool):
        return value
    text = as_text(value)
    if text is None:
        return False
    word = text.strip().casefold()
    if word in {"true", "false"}:
        return word == "true"
    try:
        return as_integer(text) != 0
    except RefusedError:
        raise RefusedError(f"needs True, False or a number, not {_kind(value)}") from None


def as_moment(value: Value) -> datetime | None:
    """The value as a point in time in UTC; text is read as `CDate` reads it, null stays null."""
    if isinstance(value, datetime):
        return in_utc(value)
    text = as_text(value)
    if text is None:
        return None
    try:
        return parse_moment(text)
    except DateTimeError as error:
        raise RefusedError(str(error)) from None


def _kind(value: object) -> str:
    """What a refused value is, for a message; never the value itself, which may be personal and end in a log."""
    if value is None:
        return "null"
    kinds: dict[type, str] = {
        str: "text",
        bool: "True or False",
        int: "a number",
        datetime: "a date",
        tuple: "several values",
    }
    return kinds.get(type(value), f"a value of type {type(value).__name__}")


def in_utc(value: datetime) -> datetime:
    """A point in time in UTC, in which one without an offset is taken to be."""
    if value.tzinfo is UTC:
        return value
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        raise RefusedError("the date lies outside the years 1 to 9999") from None


def shown(value: Value | Ignored) -> str:
    """A value as previews and documentation print it."""
    if value is IGNORED:
        return "(left as it is)"
    if value is None:
        return "(null)"
    if isinstance(value, tuple):
        return "[" + ", ".join(f'"{item}"' for item in value) + "]"
    if isinstance(value, datetime):
        return format_moment(in_utc(value), GENERAL_US)
    return f'"{value}"' if isinstance(value, str) else str(value)
