"""Dates and times in text without a stated format, as .NET's `DateTime.Parse` reads them in the invariant culture.

Read are ISO 8601 with a full date, month/day/year, and days and years around an English month; each with or without a
time, a fraction, AM or PM, and an offset. .NET reads more (a time alone, other cultures); FormatDateTime reads those by
their format.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from shared.rules.expressions.dotnet_format import MONTHS, DateTimeError

_LONGEST: Final = 64  # characters; the longest form, with weekday, month, fraction and offset, has some 55

_DATE: Final = re.compile(
    r"""
    (?: [A-Za-z]{3,9} ,?\ + )?
    (?: (?P<iso>[0-9]{4}) (?P<mark>[-/]) (?P<iso_month>[0-9]{1,2}) (?P=mark) (?P<iso_day>[0-9]{1,2})
      | (?P<us_month>[0-9]{1,2}) / (?P<us_day>[0-9]{1,2}) / (?P<us>[0-9]{4})
      | (?P<before>[0-9]{1,2}) [ -] (?P<name>[A-Za-z]{3,9}) ,? [ -] (?P<named>[0-9]{4})
      | (?P<name_first>[A-Za-z]{3,9}) \  (?P<after>[0-9]{1,2}) ,? \  (?P<named_first>[0-9]{4})
    )
    (?: (?: T | ,?\ + )
        (?P<hour>[0-9]{1,2}) : (?P<minute>[0-9]{2}) (?: : (?P<second>[0-9]{2}) (?: [.,] (?P<fraction>[0-9]{1,9}) )? )?
        (?: \ * (?P<half>[AaPp]) [Mm] )?
    )?
    \ * (?P<zone> Z | z | GMT | UTC | (?P<sign>[+-]) (?P<hours>[0-9]{2}) :? (?P<minutes>[0-9]{2}) )?
    """,
    re.VERBOSE,
)


def parse_moment(text: str) -> datetime:
    """Read a date, with or without a time, in UTC; without an offset it is taken to be in UTC.

    Raises DateTimeError: no such form, or no such date.
    """
    stripped = text.strip()
    match = _DATE.fullmatch(stripped) if len(stripped) <= _LONGEST else None
    if match is None:
        raise DateTimeError("the text is not a date such as 2020-03-16T07:00:00-07:00 or 3/16/2020 7:00:00 AM")
    part = match.groupdict()
    try:
        moment = datetime(
            int(part["iso"] or part["us"] or part["named"] or part["named_first"]),
            int(part["iso_month"] or part["us_month"] or _month(part["name"] or part["name_first"])),
            int(part["iso_day"] or part["us_day"] or part["before"] or part["after"]),
            _hour(int(part["hour"] or 0), part["half"]),
            int(part["minute"] or 0),
            int(part["second"] or 0),
            int(f"{part['fraction'] or '':0<6}"[:6]),
            UTC,
        )
        return moment - _offset(part["sign"], part["hours"], part["minutes"])
    except (ValueError, OverflowError):
        raise DateTimeError("there is no such date or time") from None


def _month(name: str) -> int:
    for number, month in enumerate(MONTHS, 1):
        if name.casefold() in {month.casefold(), month[:3].casefold()}:
            return number
    raise ValueError(name)


def _hour(hour: int, half: str | None) -> int:
    if half is None:
        return hour
    if not 1 <= hour <= 12:
        raise ValueError(hour)
    return hour % 12 + 12 * (half in "Pp")


def _offset(sign: str | None, hours: str | None, minutes: str | None) -> timedelta:
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    if offset > timedelta(hours=14):
        raise ValueError(offset)
    return -offset if sign == "-" else offset
