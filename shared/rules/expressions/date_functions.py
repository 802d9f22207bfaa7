"""The functions of the reference page on dates and times.

CDate, DateAdd and Now are said to return a text in UTC, in the form M/d/yyyy h:mm:ss tt, and to be used within each
other. Here they answer a point in time, which becomes that text where text is wanted or the expression ends.
"""

import calendar
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import Final

from shared.rules.expressions.dotnet_dates import format_moment, parse_exact
from shared.rules.expressions.dotnet_format import DateTimeError, Format
from shared.rules.expressions.errors import RefusedError
from shared.rules.expressions.function import FORMAT, INTEGER, MOMENT, TEXT, Kind, Parameter, function
from shared.rules.expressions.values import EvaluationContext, Value, as_text, in_utc

_STEPS: Final = MappingProxyType(
    {
        "ww": timedelta(weeks=1),
        "d": timedelta(days=1),
        "h": timedelta(hours=1),
        "n": timedelta(minutes=1),
        "s": timedelta(seconds=1),
    }
)
_MONTHS: Final = MappingProxyType({"yyyy": 12, "m": 1})
_INTERVALS: Final = (*_MONTHS, *_STEPS)
_OUT_OF_RANGE: Final = "the date lies outside the years 1 to 9999"
_YEAR_1601: Final = datetime(1601, 1, 1, tzinfo=UTC)  # from which AD counts in units of 100 ns


def _as_interval(value: Value) -> str:
    text = as_text(value)
    if text not in _INTERVALS:
        raise RefusedError(f"the interval must be one of {', '.join(_INTERVALS)}")
    return text


INTERVAL: Final = Kind(f"one of {', '.join(_INTERVALS)}", _as_interval)


@function(
    "CDate",
    Parameter("Expression", MOMENT),
    example='CDate("2009-06-15T01:45:30-07:00")',
    result='"6/15/2009 8:45:30 AM"',
)
def c_date(expression: datetime | None) -> datetime | None:
    """Answers the point in time a text stands for, in UTC.

    The page refers to .NET's formats; read are full dates as its DateTime.Parse does: ISO 8601, M/d/yyyy, or with an
    English month, each with a time and an offset from UTC or not. Null stays null.
    """
    return expression


@function("Now", example="Now()", result='"7/2/2021 3:33:38 PM"', needs_context=True)
def now(context: EvaluationContext) -> datetime:
    """Answers the time of the evaluation, in UTC."""
    return in_utc(context.now)


@function(
    "DateAdd",
    Parameter("interval", INTERVAL),
    Parameter("value", INTEGER),
    Parameter("dateTime", MOMENT),
    example='DateAdd("d", 7, CDate("2012-03-16-07:00"))',
    result='"3/23/2012 7:00:00 AM"',
)
def date_add(interval: str, value: int, date_time: datetime | None) -> datetime | None:
    """Answers the date so many years (yyyy), months (m), weeks (ww), days, hours, minutes (n) or seconds later.

    A month too short for the day ends on its last day, as in .NET. Null stays null.
    """
    if date_time is None:
        return None
    try:
        return (
            date_time + _STEPS[interval] * value
            if interval in _STEPS
            else _add_months(date_time, value * _MONTHS[interval])
        )
    except (ValueError, OverflowError):
        raise RefusedError(_OUT_OF_RANGE) from None


def _add_months(moment: datetime, months: int) -> datetime:
    years, month = divmod(moment.month - 1 + months, 12)
    year = moment.year + years
    if not 1 <= year <= 9999:
        raise ValueError(year)
    return moment.replace(year=year, month=month + 1, day=min(moment.day, calendar.monthrange(year, month + 1)[1]))


@function(
    "DateDiff",
    Parameter("interval", INTERVAL),
    Parameter("date1", MOMENT),
    Parameter("date2", MOMENT),
    example='DateDiff("d", CDate("2021-08-18+08:00"), CDate("2021-08-31+08:00"))',
    result="13",
)
def date_diff(interval: str, date1: datetime | None, date2: datetime | None) -> int | None:
    """Answers how many intervals date2 is after date1, negative if it is before.

    Counted as Visual Basic's DateDiff does, which gives every result in the page's table: whole days, hours, minutes
    and seconds; the difference of the calendar's years and months; and of its weeks, which begin on Sunday.
    If a date is null, so is the answer.
    """
    if date1 is None or date2 is None:
        return None
    if interval in _MONTHS:
        months = (date2.year - date1.year) * 12 + date2.month - date1.month
        return date2.year - date1.year if interval == "yyyy" else months
    difference = date2 - date1
    if interval == "ww":
        difference += timedelta(days=date1.isoweekday() % 7 - date2.isoweekday() % 7)
    whole = abs(difference) // _STEPS[interval]
    return whole if difference > timedelta() else -whole


@function(
    "DateFromNum",
    Parameter("value", INTEGER),
    example="DateFromNum(129699324000000000)",
    result='"1/1/2012 11:00:00 PM"',
)
def date_from_num(value: int) -> datetime:
    """Answers the point in time of a number in AD's form: units of 100 ns since 1601-01-01 in UTC."""
    try:
        return _YEAR_1601 + timedelta(microseconds=value // 10)
    except OverflowError:
        raise RefusedError(_OUT_OF_RANGE) from None


@function(
    "NumFromDate",
    Parameter("value", MOMENT),
    example='NumFromDate("2012-01-01T23:00:00Z")',
    result="129699324000000000",
)
def num_from_date(value: datetime | None) -> int | None:
    """Answers a date in AD's form: units of 100 ns since 1601-01-01 in UTC. Null stays null."""
    return None if value is None else (value - _YEAR_1601) // timedelta(microseconds=1) * 10


_STYLES: Final = frozenset(
    {
        "none", "allowleadingwhite", "allowtrailingwhite", "allowinnerwhite", "allowwhitespaces",
        "nocurrentdatedefault", "adjusttouniversal", "assumelocal", "assumeuniversal", "roundtripkind",
    }
)  # fmt: skip
_DEFAULT_STYLES: Final = frozenset({"roundtripkind", "allowleadingwhite", "allowtrailingwhite"})


def _as_styles(value: Value) -> frozenset[str]:
    names = (as_text(value) or "").lower().replace("datetimestyles.", "").replace("|", ",").split(",")
    styles = frozenset(name.strip() for name in names) - {""}
    if styles - _STYLES:
        raise RefusedError("dateTimeStyles must name members of .NET's DateTimeStyles, such as AllowWhiteSpaces")
    if "allowwhitespaces" in styles:
        styles |= {"allowleadingwhite", "allowtrailingwhite", "allowinnerwhite"}
    return styles or _DEFAULT_STYLES


STYLES: Final = Kind("names of .NET's DateTimeStyles", _as_styles)


@function(
    "FormatDateTime",
    Parameter("source", TEXT),
    Parameter("dateTimeStyles", STYLES, required=False),
    Parameter("inputFormat", FORMAT),
    Parameter("outputFormat", FORMAT),
    example='FormatDateTime([extensionAttribute1], , "yyyyMMddHHmmss.fZ", "yyyy-MM-dd")',
    result='"2015-01-23"',
    needs_context=True,
)
def format_date_time(
    context: EvaluationContext,
    source: str | None,
    date_time_styles: frozenset[str] | None,
    input_format: Format,
    output_format: Format,
) -> str | None:
    """Reads a date in one format and writes it in another.

    Formats are .NET's, standard or custom, in the invariant culture. A date with an offset is written in UTC, the time
    zone of the page's other functions. Null and "" stay as they are, where the page is silent.
    """
    if not source:
        return source
    styles = date_time_styles or _DEFAULT_STYLES
    text = source.lstrip() if "allowleadingwhite" in styles else source
    text = text.rstrip() if "allowtrailingwhite" in styles else text
    today = date.min if "nocurrentdatedefault" in styles else in_utc(context.now).date()
    try:
        moment, zoned = parse_exact(text, input_format, today, inner_white="allowinnerwhite" in styles)
    except DateTimeError as error:
        raise RefusedError(str(error)) from None
    zoned = zoned or bool(styles & {"adjusttouniversal", "assumeuniversal", "assumelocal"})
    return format_moment(moment, output_format, zoned=zoned)
