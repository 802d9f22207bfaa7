"""Dates and times written and read by a format string, as .NET's `DateTime.ToString` and `ParseExact` do.

Every point in time is in UTC, as Entra's functions have it. Python keeps microseconds, so the seventh digit of .NET's
fraction is lost when reading and zero when writing.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import Final

from shared.rules.expressions.dotnet_format import DAYS, MONTHS, DateTimeError, Format, parse_format

GENERAL_US: Final = parse_format("M/d/yyyy h:mm:ss tt")
"""The form the reference page gives for CDate, DateAdd and Now."""

TWO_DIGIT_YEAR_MAX: Final = 2049
"""The latest year that two digits mean, as in the Gregorian calendar of .NET 8."""


def format_moment(moment: datetime, form: Format, *, zoned: bool = True) -> str:
    """Write a point in time in UTC; `zoned` false is .NET's unspecified kind, for which K writes nothing."""
    return "".join(
        [piece.text if not piece.letter else _WRITERS[piece.letter](moment, piece.width, zoned) for piece in form]
    )


def _write_day(moment: datetime, width: int, _: bool) -> str:
    if width <= 2:
        return f"{moment.day:0{width}}"
    name = DAYS[moment.weekday()]
    return name[:3] if width == 3 else name


def _write_month(moment: datetime, width: int, _: bool) -> str:
    if width <= 2:
        return f"{moment.month:0{width}}"
    name = MONTHS[moment.month - 1]
    return name[:3] if width == 3 else name


def _write_year(moment: datetime, width: int, _: bool) -> str:
    return f"{moment.year % 100:0{width}}" if width <= 2 else f"{moment.year:0{min(width, 9)}}"


def _write_trimmed_fraction(moment: datetime, width: int, _: bool) -> str:
    return _fraction(moment, width).rstrip("0")


def _fraction(moment: datetime, width: int) -> str:
    return f"{moment.microsecond:06}0"[:width]


_WRITERS: Final[MappingProxyType[str, Callable[[datetime, int, bool], str]]] = MappingProxyType(
    {
        "d": _write_day,
        "M": _write_month,
        "y": _write_year,
        "g": lambda _moment, _width, _zoned: "A.D.",
        "h": lambda moment, width, _zoned: f"{moment.hour % 12 or 12:0{min(width, 2)}}",
        "H": lambda moment, width, _zoned: f"{moment.hour:0{min(width, 2)}}",
        "m": lambda moment, width, _zoned: f"{moment.minute:0{min(width, 2)}}",
        "s": lambda moment, width, _zoned: f"{moment.second:0{min(width, 2)}}",
        "f": lambda moment, width, _zoned: _fraction(moment, width),
        "F": _write_trimmed_fraction,
        "t": lambda moment, width, _zoned: ("PM" if moment.hour >= 12 else "AM")[: min(width, 2)],
        "z": lambda _moment, width, _zoned: ("+0", "+00", "+00:00")[min(width, 3) - 1],
        "K": lambda _moment, width, zoned: "Z" * width if zoned else "",
    }
)


class _Reader:
    """Reads one date by one format, from left to right and, as .NET does, without ever going back."""

    def __init__(self, text: str, *, inner_white: bool) -> None:
        self.text = text
        self.at = 0
        self.inner_white = inner_white
        self.fields: dict[str, int] = {}
        self.offset: timedelta | None = None

    def read(self, form: Format) -> None:
        for piece in form:
            if self.inner_white:
                self._skip_white()
            letter, width, literal = piece
            if not letter:
                self._read_literal(literal)
            elif letter in "HhmsdM" and width <= 2:
                self._keep(letter, self._digits(width, 2))
            else:
                self._read_field(letter, width)
        if self.at != len(self.text):
            raise DateTimeError("the date does not end where its format does")

    def _skip_white(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def _read_literal(self, literal: str) -> None:
        if self.inner_white and literal.isspace():
            return
        if not self.text.startswith(literal, self.at):
            raise DateTimeError("the date does not have the form of its format")
        self.at += len(literal)

    def _read_field(self, letter: str, width: int) -> None:
        if letter == "d":
            self._keep("weekday", self._name(DAYS, short=width == 3))
        elif letter == "M":
            self._keep("M", self._name(MONTHS, short=width == 3) + 1)
        elif letter == "t":
            self._keep("t", self._name(("AM", "PM") if width > 1 else ("A", "P"), short=False))
        elif letter == "g":
            self._name(("A.D.", "AD"), short=False)
        elif letter in "zK":
            self._read_offset(letter, width)
        elif letter in "fF":
            self._read_fraction(width, exact=letter == "f")
        elif letter == "y":
            self._read_year(width)
        else:
            self._keep(letter, self._digits(2, 2))

    def _read_year(self, width: int) -> None:
        least = min(width, 5)  # five digits are already no year
        year = self._digits(least, 4 if width == 3 else max(least, 2))
        if width <= 2:
            year += TWO_DIGIT_YEAR_MAX // 100 * 100
            year -= 100 * (year > TWO_DIGIT_YEAR_MAX)
        self._keep("y", year)

    def _read_fraction(self, width: int, *, exact: bool) -> None:
        start = self.at
        if exact or self.text[start : start + 1].isdecimal():
            self._digits(width if exact else 1, width)
        self._keep("f", int(f"{self.text[start : self.at]:0<6}"[:6]))

    def _read_offset(self, letter: str, width: int) -> None:
        sign = self.text[self.at : self.at + 1]
        if sign == "Z" and (letter == "K" or width >= 3):
            self.at += 1
            self.offset = timedelta()
        elif sign in {"+", "-"}:
            self.at += 1
            hours = self._digits(1 if letter == "z" and width == 1 else 2, 2)
            minutes = 0
            if letter == "K" or width >= 3:
                self.at += self.text[self.at : self.at + 1] == ":"
                minutes = self._digits(2, 2)
            if hours > 14 or minutes > 59:
                raise DateTimeError("the date's offset from UTC is more than 14 hours")
            self.offset = timedelta(hours=hours, minutes=minutes) * (-1 if sign == "-" else 1)
        elif letter == "z":
            raise DateTimeError("the date has no offset from UTC where its format has one")

    def _name(self, names: tuple[str, ...], *, short: bool) -> int:
        rest = self.text[self.at : self.at + 9].casefold()
        for index, name in enumerate(names):
            sought = name[:3] if short else name
            if rest.startswith(sought.casefold()):
                self.at += len(sought)
                return index
        raise DateTimeError(f"the date does not have one of {', '.join(names)} where its format does")

    def _digits(self, least: int, most: int) -> int:
        digits = self.text[self.at : self.at + most]
        if not (digits.isdigit() and digits.isascii()):
            digits = digits[: next(at for at, char in enumerate(digits + " ") if char not in "0123456789")]
        if len(digits) < least:
            raise DateTimeError("the date has too few digits for its format")
        self.at += len(digits)
        return int(digits)

    def _keep(self, field: str, value: int) -> None:
        if self.fields.setdefault(field, value) != value:
            raise DateTimeError("the date gives one of its parts twice, and differently")


def parse_exact(text: str, form: Format, today: date, *, inner_white: bool = False) -> tuple[datetime, bool]:
    """Read a date by its format; answers it in UTC and whether it named an offset.

    What the format leaves out is filled as in .NET: no date is `today`, no year this year, month and day 1, the time 0.
    Raises DateTimeError: the text does not have the form, or is no date.
    """
    reader = _Reader(text, inner_white=inner_white)
    reader.read(form)
    fields = reader.fields
    dated = fields.keys() & {"y", "M", "d"}
    hour = fields.get("H", fields.get("h", 0))
    if "H" not in fields and "h" in fields and not 1 <= hour <= 12:
        raise DateTimeError("the hour is not between 1 and 12")
    if "t" in fields and ("H" not in fields or hour < 12):
        hour = hour % 12 + 12 * fields["t"]
    try:
        moment = datetime(
            fields.get("y", today.year),
            fields.get("M", 1 if dated else today.month),
            fields.get("d", 1 if dated else today.day),
            hour,
            fields.get("m", 0),
            fields.get("s", 0),
            fields.get("f", 0),
            UTC,
        )
        local = moment
        if reader.offset:
            moment -= reader.offset
    except (ValueError, OverflowError):
        raise DateTimeError("there is no such date or time") from None
    weekday = fields.get("weekday")
    if weekday is not None and weekday != local.weekday():
        raise DateTimeError("the date is not on the day of the week it names")
    return moment, reader.offset is not None
