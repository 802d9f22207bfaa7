"""The values of expressions, what they may request from outside, and the conversions between types.

A conversion refuses a wrong type, so that the functions themselves only receive what their signature says.
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
"""Returns the value of an attribute by its name, exactly as written between the brackets; null if it is absent."""


class Ignored(Enum):
    """The type of `IGNORED`, so that a type checker can tell it from a value."""

    IGNORED = "ignored"


IGNORED: Final = Ignored.IGNORED
"""The result of evaluation when IgnoreFlowIfNullOrEmpty drops the attribute: leave the target unchanged."""


class RandomSource(Protocol):
    """The part of `random.Random` that Guid and RandomString need; `secrets.SystemRandom()` in production."""

    def randrange(self, stop: int, /) -> int:
        """Return a whole number from 0 to `stop` - 1."""

    def getrandbits(self, count: int, /) -> int:
        """Return a whole number of `count` random bits."""


@dataclass(frozen=True, slots=True)
class EvaluationContext:
    """Everything that a result depends on besides the person's attributes.

    `is_taken` says whether the target already holds a value; only SelectUniqueValue uses it. `default_domain` is the
    tenant's; only DefaultDomain uses it.
    """

    now: datetime
    random: RandomSource
    is_taken: Callable[[str], bool]
    default_domain: str = ""


def is_null(value: Value) -> bool:
    """Whether a value is null: absent, or a multi-valued attribute without values."""
    return value is None or value == ()


def is_null_or_empty(value: Value) -> bool:
    """Whether a value is null or the empty string."""
    return value is None or value in ((), "")


def as_text(value: Value) -> str | None:
    """Return the value as text, null staying null.

    True and False are written this way, points in time as `M/d/yyyy h:mm:ss tt` in UTC. A multi-valued attribute must
    have a single value; the page does not say which of several to use, so several are refused rather than guessed.
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
    """Return the value as text, or every value of a multi-valued attribute."""
    if isinstance(value, tuple):
        return bounded(value) or None
    return as_text(value)


def as_values(value: Value) -> tuple[str, ...]:
    """Return the values of a multi-valued attribute; a single one counts as one, null and the empty string as none."""
    if isinstance(value, tuple):
        return bounded(value)
    text = as_text(value)
    return (text,) if text else ()


def bounded(values: Iterable[str]) -> tuple[str, ...]:
    """Return the values as a tuple; refused if they are together larger than a text may be."""
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
    """Return the value as a whole number; text is read as decimal digits with an optional sign."""
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
    """Return the value as a condition: a number that is not zero, or "True"; null is false."""
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
    """Return the value as a point in time in UTC; text is read as `CDate` reads it, null stays null."""
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
    """Return the type of a refused value for a message; never the value itself, which may be personal and end in
    a log.
    """
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
    """Return a point in time in UTC, which is assumed if it has no offset."""
    if value.tzinfo is UTC:
        return value
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        raise RefusedError("the date lies outside the years 1 to 9999") from None


def shown(value: Value | Ignored) -> str:
    """Return a value as previews and documentation print it."""
    if value is IGNORED:
        return "(left as it is)"
    if value is None:
        return "(null)"
    if isinstance(value, tuple):
        return "[" + ", ".join(f'"{item}"' for item in value) + "]"
    if isinstance(value, datetime):
        return format_moment(in_utc(value), GENERAL_US)
    return f'"{value}"' if isinstance(value, str) else str(value)
