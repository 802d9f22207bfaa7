"""The functions of the reference page on dates and times.

The page says that CDate, DateAdd and Now return text in UTC, in the form M/d/yyyy h:mm:ss tt, and that they can be
nested. Here they return a point in time, which becomes that text where text is needed or the expression ends.
"""

import calendar
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import Final

from shared.rules.expressions.dotnet_dates import format_moment, parse_exact
from shared.rules.expressions.dotnet_format import DateTimeError, Format
from shared.rules.expressions.errors import RefusedError
from shared.rules.expressions.function import FORMAT, INTEGER, MOMENT, Kind, Parameter, function
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
    """Returns the point in time described by a text, in UTC.

    The page refers to .NET's formats. Full dates are read as DateTime.Parse reads them: ISO 8601, M/d/yyyy, or with an
    English month, each with or without a time and an offset from UTC. Null stays null.
    """
    return expression


@function("Now", example="Now()", result='"7/2/2021 3:33:38 PM"', needs_context=True)
def now(context: EvaluationContext) -> datetime:
    """Returns the time of the evaluation, in UTC."""
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
    """Returns the date plus this number of years (yyyy), months (m), weeks (ww), days, hours, minutes (n) or seconds.

    If the month is too short for the day, the result is its last day, as in .NET. Null stays null.
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
    """Returns how many intervals date2 is after date1, negative if it is before.

    Counted as by Visual Basic's DateDiff, which gives every result in the page's table: whole days, hours, minutes and
    seconds; the difference of the calendar's years and months; and of its weeks, which begin on Sunday. If a date is
    null, so is the result.
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
    """Returns the point in time of a number in AD's form: units of 100 ns since 1601-01-01 in UTC."""
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
    """Returns a date in AD's form: units of 100 ns since 1601-01-01 in UTC. Null stays null."""
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


def _as_text_or_moment(value: Value) -> str | datetime | None:
    return in_utc(value) if isinstance(value, datetime) else as_text(value)


def _as_optional_format(value: Value) -> Format | None:
    return None if value is None else FORMAT.convert(value)


@function(
    "FormatDateTime",
    Parameter("source", Kind("text, or date and time", _as_text_or_moment)),
    Parameter("dateTimeStyles", STYLES, required=False),
    Parameter("inputFormat", Kind(FORMAT.name, _as_optional_format), required=False),
    Parameter("outputFormat", FORMAT),
    example='FormatDateTime([extensionAttribute1], , "yyyyMMddHHmmss.fZ", "yyyy-MM-dd")',
    result='"2015-01-23"',
    needs_context=True,
)
def format_date_time(
    context: EvaluationContext,
    source: str | datetime | None,
    date_time_styles: frozenset[str] | None,
    input_format: Format | None,
    output_format: Format,
) -> str | None:
    """Reads a date in one format and writes it in another.

    Formats are .NET's, standard or custom, in the invariant culture. A date with an offset is written in UTC, the time
    zone of the page's other functions. Where the page is silent: null and "" stay unchanged. Two things are not on the
    page: three parameters (source, inputFormat, outputFormat), as in Microsoft Graph's list of functions
    (schema/functions); and the result of CDate, DateAdd, Now or DateFromNum as source, which needs no inputFormat. The
    page says that these return text in M/d/yyyy h:mm:ss tt; Microsoft's examples for provisioning from HR, which are
    followed, format them as dates whatever inputFormat says.
    """
    if isinstance(source, datetime):
        return format_moment(source, output_format, zoned=True)
    if not source:
        return source
    if input_format is None:
        raise RefusedError("inputFormat is missing: only a date of CDate, DateAdd, Now or DateFromNum needs none")
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
