"""Dates by .NET's format strings, as its documentation of standard and custom format strings has them."""

from datetime import UTC, date, datetime, timedelta

import pytest

from shared.rules.expressions.date_text import parse_moment
from shared.rules.expressions.dotnet_dates import format_moment, parse_exact
from shared.rules.expressions.dotnet_format import DateTimeError, parse_format

MOMENT = datetime(2009, 6, 5, 13, 4, 7, 89_120, UTC)  # a Friday
TODAY = date(2021, 8, 25)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("%d", "5"), ("dd", "05"), ("ddd", "Fri"), ("dddd", "Friday"), ("ddddd", "Friday"),
        ("%M", "6"), ("MM", "06"), ("MMM", "Jun"), ("MMMM", "June"),
        ("%y", "9"), ("yy", "09"), ("yyy", "2009"), ("yyyy", "2009"), ("yyyyy", "02009"),
        ("%h", "1"), ("hh", "01"), ("%H", "13"), ("HH", "13"), ("%m", "4"), ("mm", "04"), ("%s", "7"), ("ss", "07"),
        ("%f", "0"), ("ff", "08"), ("fff", "089"), ("ffffff", "089120"), ("fffffff", "0891200"),
        ("%F", ""), ("FFF", "089"), ("FFFFFFF", "08912"), ("ss.FFFF", "07.0891"),
        ("%t", "P"), ("tt", "PM"), ("gg", "A.D."), ("%z", "+0"), ("zz", "+00"), ("zzz", "+00:00"), ("%K", "Z"),
        ("yyyy'year'", "2009year"), ('"d:" d', "d: 5"), ("\\d d", "d 5"), ("h 'o''clock'", "1 oclock"),
        ("d", "06/05/2009"), ("D", "Friday, 05 June 2009"), ("f", "Friday, 05 June 2009 13:04"),
        ("F", "Friday, 05 June 2009 13:04:07"), ("g", "06/05/2009 13:04"), ("G", "06/05/2009 13:04:07"),
        ("m", "June 05"), ("o", "2009-06-05T13:04:07.0891200Z"), ("r", "Fri, 05 Jun 2009 13:04:07 GMT"),
        ("s", "2009-06-05T13:04:07"), ("t", "13:04"), ("T", "13:04:07"), ("u", "2009-06-05 13:04:07Z"),
        ("y", "2009 June"),
    ],
)  # fmt: skip
def test_written(form: str, expected: str) -> None:
    assert format_moment(MOMENT, parse_format(form)) == expected


@pytest.mark.parametrize(
    ("text", "form", "expected"),
    [
        ("20150123105347.1Z", "yyyyMMddHHmmss.fZ", datetime(2015, 1, 23, 10, 53, 47, 100_000, UTC)),
        ("2020-12-31-08:00", "yyyy-MM-ddzzz", datetime(2020, 12, 31, 8, tzinfo=UTC)),
        ("2020-12-31T10:00:00Z", "yyyy-MM-ddTHH:mm:ssK", datetime(2020, 12, 31, 10, tzinfo=UTC)),
        ("2020-12-31T10:00:00", "yyyy-MM-ddTHH:mm:ssK", datetime(2020, 12, 31, 10, tzinfo=UTC)),
        ("1/2/2020 12:30:05 am", "M/d/yyyy hh:mm:ss tt", datetime(2020, 1, 2, 0, 30, 5, tzinfo=UTC)),
        ("1/2/2020 12:30:05 PM", "M/d/yyyy h:mm:ss tt", datetime(2020, 1, 2, 12, 30, 5, tzinfo=UTC)),
        ("Friday, 5 JUNE 2009", "dddd, d MMMM yyyy", datetime(2009, 6, 5, tzinfo=UTC)),
        ("05Jun49", "ddMMMyy", datetime(2049, 6, 5, tzinfo=UTC)),
        ("05Jun50", "ddMMMyy", datetime(1950, 6, 5, tzinfo=UTC)),
        ("07.12", "ss.FFF", datetime(2021, 8, 25, 0, 0, 7, 120_000, UTC)),
        ("07.", "ss.FFF", datetime(2021, 8, 25, 0, 0, 7, tzinfo=UTC)),
        ("Mar", "MMM", datetime(2021, 3, 1, tzinfo=UTC)),
        ("2020-02-29", "d", None),
        ("2020-02-30", "yyyy-MM-dd", None),
        ("2020-2-3", "yyyy-MM-dd", None),
        ("2020-02-29 ", "yyyy-MM-dd", None),
        ("13:00 PM", "hh:mm tt", None),
        ("Thursday 5 June 2009", "dddd d MMMM yyyy", None),
        ("2020 2021", "yyyy yyyy", None),
        ("٢٠٢٠", "yyyy", None),
        ("²²²²", "yyyy", None),
        ("2020-01-01+15:00", "yyyy-MM-ddzzz", None),
        ("0001-01-01+01:00", "yyyy-MM-ddzzz", None),
        ("99999", "yyyyy", None),
    ],
)
def test_read(text: str, form: str, expected: datetime | None) -> None:
    if expected is None:
        with pytest.raises(DateTimeError):
            parse_exact(text, parse_format(form), TODAY)
    else:
        assert parse_exact(text, parse_format(form), TODAY)[0] == expected


@pytest.mark.parametrize("form", ["", "x", "ffffffff", "'open", "end\\", "end%", "%%"])
def test_refused_format(form: str) -> None:
    with pytest.raises(DateTimeError):
        parse_format(form)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2020-03-16", datetime(2020, 3, 16, tzinfo=UTC)),
        ("2020/3/6", datetime(2020, 3, 6, tzinfo=UTC)),
        ("2020-03-16T07:08:09.1234567+05:30", datetime(2020, 3, 16, 1, 38, 9, 123_456, UTC)),
        ("2020-12-31 23:59:59-08:00", datetime(2021, 1, 1, 7, 59, 59, tzinfo=UTC)),
        ("3/16/2020 12:00 PM", datetime(2020, 3, 16, 12, tzinfo=UTC)),
        ("16 Mar 2020 7:30", datetime(2020, 3, 16, 7, 30, tzinfo=UTC)),
        ("16/3/2020", None),
        ("2020-02-30", None),
        ("2020-03-16 13:00 PM", None),
        ("16 Foo 2020", None),
        ("9999-12-31T23:59:59-01:00", None),
        ("2020", None),
        ("9" * 1000, None),
    ],
)
def test_read_without_a_format(text: str, expected: datetime | None) -> None:
    if expected is None:
        with pytest.raises(DateTimeError):
            parse_moment(text)
    else:
        assert parse_moment(text) == expected


def test_what_is_written_is_read_again() -> None:
    form = parse_format("o")
    for days in range(0, 3_000_000, 99_991):
        moment = datetime(1, 1, 1, 23, 59, 58, 123_456, UTC) + timedelta(days=days)
        assert parse_exact(format_moment(moment, form), form, TODAY) == (moment, True)
