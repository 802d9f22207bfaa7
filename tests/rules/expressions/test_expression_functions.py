"""The edges of each function: null, empty, several values, wrong types, Unicode, and what the page leaves open."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone

import pytest

from shared.rules.expressions import IGNORED, EvaluationError, Value

MAILS: Mapping[str, Value] = {
    "mails": ("A@b.c", "É@b.c"),
    "one": ("x",),
    "none": (),
    "empty": "",
    "grin": "😀é😀",
    "word": "some",
}

ROWS: list[tuple[str, str, object]] = [
    ("Append", 'Append([missing], ".x")', None),
    ("Append", 'Append("x", [missing])', "x"),
    ("Append", 'Append("", "x")', "x"),
    ("Append", 'Append([mails], "!")', ("A@b.c!", "É@b.c!")),
    ("Append", 'Append([grin], "😀")', "😀é😀😀"),
    ("Append", 'Append(12, "%")', "12%"),
    ("AppRoleAssignmentsComplex", "AppRoleAssignmentsComplex([missing])", ()),
    ("BitAnd", 'BitAnd("12", &h6)', 4),
    ("CBool", "CBool([missing])", False),
    ("CBool", 'CBool("0")', False),
    ("CBool", 'CBool("TRUE")', True),
    ("CBool", "CBool(-1)", True),
    ("CDate", "CDate([missing])", None),
    ("CDate", 'CDate("2020-02-29")', "2/29/2020 12:00:00 AM"),
    ("CDate", 'CDate("2020-02-29 13:05")', "2/29/2020 1:05:00 PM"),
    ("CDate", 'CDate("12/25/2007 12:30:00 am")', "12/25/2007 12:30:00 AM"),
    ("CDate", 'CDate("Tue, 25 Dec 2007 10:00:00 GMT")', "12/25/2007 10:00:00 AM"),
    ("CDate", 'CDate("December 25, 2007")', "12/25/2007 12:00:00 AM"),
    ("Coalesce", "Coalesce([missing], [none])", None),
    ("Coalesce", 'Coalesce([missing], "")', ""),
    ("Coalesce", 'Coalesce([empty], "x")', ""),
    ("Coalesce", "Coalesce([none], [mails])", ("A@b.c", "É@b.c")),
    ("ConvertToBase64", "ConvertToBase64([missing])", None),
    ("ConvertToBase64", 'ConvertToBase64("😀")', "PdgA3g=="),
    ("ConvertToUTF8Hex", 'ConvertToUTF8Hex("😀")', "F09F9880"),
    ("ConvertToUTF8Hex", "ConvertToUTF8Hex([empty])", ""),
    ("Count", "Count([missing])", 0),
    ("Count", "Count([none])", 0),
    ("Count", "Count([empty])", 0),
    ("Count", 'Count("a")', 1),
    ("CStr", "CStr(-12)", "-12"),
    ("CStr", "CStr(IsNull([missing]))", "True"),
    ("CStr", "CStr([missing])", None),
    ("DateAdd", 'DateAdd("m", 1, CDate("2021-01-31"))', "2/28/2021 12:00:00 AM"),
    ("DateAdd", 'DateAdd("yyyy", -1, CDate("2020-02-29"))', "2/28/2019 12:00:00 AM"),
    ("DateAdd", 'DateAdd("s", 1, "2020-12-31T23:59:59Z")', "1/1/2021 12:00:00 AM"),
    ("DateAdd", 'DateAdd("d", 1, [missing])', None),
    ("DateDiff", 'DateDiff("ww", "2021-08-28", "2021-08-29")', 1),  # a Saturday and a Sunday
    ("DateDiff", 'DateDiff("ww", "2021-08-29", "2021-09-04")', 0),
    ("DateDiff", 'DateDiff("yyyy", "2021-12-31", "2022-01-01")', 1),
    ("DateDiff", 'DateDiff("m", "2021-01-31", "2021-02-01")', 1),
    ("DateDiff", 'DateDiff("d", "2021-01-01T12:00:00", "2021-01-02T11:59:59")', 0),
    ("DateDiff", 'DateDiff("h", "2021-01-02", "2021-01-01T22:30:00")', -1),
    ("DateDiff", 'DateDiff("d", [missing], Now())', None),
    ("DateFromNum", "DateFromNum(0)", "1/1/1601 12:00:00 AM"),
    ("FormatDateTime", 'FormatDateTime([missing], , "yyyy", "yyyy")', None),
    ("FormatDateTime", 'FormatDateTime([empty], , "yyyy", "yyyy")', ""),
    ("FormatDateTime", 'FormatDateTime(Now(), , "M/d/yyyy h:mm:ss tt", "yyyy-MM-dd\'T\'HH:mm")', "2021-08-25T17:41"),
    ("FormatDateTime", 'FormatDateTime("2021-08-31+08:00", , "yyyy-MM-ddzzz", "yyyy-MM-dd")', "2021-08-30"),
    ("FormatDateTime", 'FormatDateTime(" 10:15 ", , "HH:mm", "yyyy-MM-dd HH:mm")', "2021-08-25 10:15"),
    ("FormatDateTime", 'FormatDateTime("1  May", "AllowInnerWhite", "d MMM", "yyyyMMdd")', "20210501"),
    ("IgnoreFlowIfNullOrEmpty", "IgnoreFlowIfNullOrEmpty([none])", IGNORED),
    ("IgnoreFlowIfNullOrEmpty", 'Join("-", "a", IgnoreFlowIfNullOrEmpty([empty]))', IGNORED),
    ("IIF", 'IIF([missing] <> "a", "yes", "no")', "no"),
    ("IIF", 'IIF(Coalesce([missing], "a") = "a", "yes", "no")', "yes"),
    ("IIF", 'IIF([mails] = "a", "yes", "no")', "refused"),
    ("IIF", 'IIF("9" < "10", "yes", "no")', "no"),
    ("IIF", 'IIF(9 < "10", "yes", "no")', "yes"),
    ("IIF", 'IIF(Now() > "2021-08-25", "yes", "no")', "yes"),
    ("IIF", 'IIF("A" = "a", "yes", "no")', "no"),
    ("IIF", 'IIF([word], "yes", "no")', "refused"),
    ("InStr", 'InStr("abc", "C")', 0),
    ("InStr", 'InStr("abc", "C", 1, vbTextCompare)', 3),
    ("InStr", 'InStr([grin], "é")', 2),
    ("InStr", 'InStr([missing], "a")', 0),
    ("InStr", 'InStr("abc", "a", 0)', "refused"),
    ("IsNull", "IsNull([none])", True),
    ("IsNull", "IsNull([empty])", False),
    ("IsNullOrEmpty", "IsNullOrEmpty([mails])", False),
    ("IsPresent", "IsPresent([none])", False),
    ("IsString", "IsString([mails])", False),
    ("IsString", "IsString(7)", True),
    ("IsString", "IsString([missing])", False),
    ("Item", "Item([mails], 2)", "É@b.c"),
    ("Item", "Item([mails], 3)", "refused"),
    ("Item", "Item([mails], 0)", "refused"),
    ("Item", 'Item("single", 1)', "single"),
    ("Item", "Item([missing], 5)", None),
    ("Join", 'Join("-", [missing], [empty], [none])', ""),
    ("Join", 'Join("-", "a", [missing], [mails], 5)', "a-A@b.c-É@b.c-5"),
    ("Left", "Left([missing], 3)", ""),
    ("Left", "Left([grin], 1)", "😀"),
    ("Left", 'Left("abc", -1)', "abc"),
    ("Left", 'Left("abc", 0)', ""),
    ("Left", "Left([mails], 1)", ("A", "É")),
    ("Mid", 'Mid("abc", 4, 1)', ""),
    ("Mid", 'Mid("abc", 2, 9223372036854775807)', "bc"),
    ("Mid", 'Mid("abc", 0, 1)', "refused"),
    ("Mid", 'Mid("abc", 1, -1)', "refused"),
    ("Mid", 'Mid("abc", [word], 1)', "refused"),
    ("Mid", "Mid([grin], 2, 2)", "é😀"),
    ("Mid", "Mid([missing], 1, 1)", None),
    ("NormalizeDiacritics", "NormalizeDiacritics([grin])", "😀e😀"),
    ("NormalizeDiacritics", 'NormalizeDiacritics("plain")', "plain"),
    ("NormalizeDiacritics", 'NormalizeDiacritics("Nguyễn Đỗ, Йван, がく, œuvre")', "Nguyen Đo, Йван, がく, oeuvre"),
    ("Not", "Not([missing])", True),
    ("Not", 'Not("tRuE")', False),
    ("Not", 'Not("maybe")', True),
    ("NumFromDate", "NumFromDate([missing])", None),
    ("NumFromDate", 'NumFromDate([word])', "refused"),
    ("PCase", 'PCase("o\'NEIL mc-DONALD 1st éCOLE")', "O'neil Mc-Donald 1St École"),
    ("PCase", 'PCase("a-b c", "-")', "A-B c"),
    ("PCase", 'PCase("aB cD", "")', "Ab cd"),
    ("PCase", "PCase([missing])", None),
    ("RandomString", "RandomString(0, 0, 0, 0, 0)", ""),
    ("RandomString", "RandomString(257, 0, 0, 0, 0)", "refused"),
    ("RandomString", "RandomString(3, 2, 2, 0, 0)", "refused"),
    ("RandomString", 'RandomString(3, 1, 0, 0, 0, "0123456789")', "refused"),
    ("RandomString", "RandomString(-1, 0, 0, 0, 0)", "refused"),
    ("Redact", "Redact([mails])", ("A@b.c", "É@b.c")),
    ("RemoveDuplicates", "RemoveDuplicates([missing])", ()),
    ("RemoveDuplicates", 'RemoveDuplicates(Split("a,A,a", ","))', ("a", "A")),
    ("Replace", 'Replace([missing], "a", , , "b")', None),
    ("Replace", 'Replace("banana", "a", , , [missing])', "bnn"),
    ("Replace", 'Replace("banana", "A", , , "o")', "banana"),
    ("Replace", 'Replace("banana", [missing], , , "o")', "refused"),
    ("Replace", r'Replace([mails], , "@.*", , "", , )', ("A", "É")),
    ("Replace", r'Replace("2021-08", , "(\\d+)-(\\d+)", , "$2/$1 $$ $9", , )', "08/2021 $ $9"),
    ("Replace", 'Replace("abc", , "(?<x>z)", "x", , "q", )', "abc"),
    ("Replace", 'Replace([missing], , "(?<x>z)", "x", , "q", )', None),
    ("Replace", 'Replace("abc", , "(?<x>b)", "nosuch", "", , )', "refused"),
    ("Replace", "Replace([grin], \"😀\", , , \"x\")", "xéx"),
    ("SelectUniqueValue", 'SelectUniqueValue([missing], "taken", "free")', "free"),
    ("SelectUniqueValue", 'SelectUniqueValue("taken", [empty])', "refused"),
    ("SingleAppRoleAssignment", "SingleAppRoleAssignment([missing])", None),
    ("SingleAppRoleAssignment", "SingleAppRoleAssignment([mails])", "A@b.c"),
    ("Split", "Split([missing], \",\")", None),
    ("Split", "Split([empty], \",\")", ()),
    ("Split", 'Split("a,,b", ",")', ("a", "", "b")),
    ("Split", 'Split("a::b", "::")', ("a", "b")),
    ("Split", 'Split("ab", "")', ("ab",)),
    ("StripSpaces", 'StripSpaces("a\tb c")', "a\tbc"),
    ("StripSpaces", "StripSpaces([missing])", None),
    ("Switch", 'Switch([none], "default", "", "null")', "null"),
    ("Switch", 'Switch("b", , "a", "1")', None),
    ("Switch", 'Switch(2, "default", "2", "two")', "two"),
    ("Switch", 'Switch("a", "d", "a", "first", "a", "second")', "first"),
    ("Switch", 'Switch("a", "d", [missing], "null", Left("abc", 1), "left")', "left"),
    ("Switch", 'Switch([mails], "d", "a", "b")', "refused"),
    ("ToLower", 'ToLower("İIΣ")', "İiσ"),
    ("ToLower", 'ToLower("IĞI", "tr-TR")', "ığı"),
    ("ToLower", 'ToLower("A", "no such culture")', "refused"),
    ("ToLower", "ToLower([mails])", ("a@b.c", "é@b.c")),
    ("ToUpper", 'ToUpper("straße 𐐨")', "STRAßE 𐐀"),
    ("ToUpper", 'ToUpper("diı", "az")', "DİI"),
    ("ToUpper", "ToUpper([missing])", None),
    ("Word", "Word([missing], 1, \" \")", ""),
    ("Word", 'Word("a  b", 2, " ")', "b"),
    ("Word", 'Word("a b", 3, " ")', ""),
    ("Word", 'Word("a b", 0, " ")', ""),
    ("Word", 'Word("a b", 1, "")', "a b"),
    ("Word", 'Word("a]b^c", 2, "^]")', "b"),
    ("Word", "Word([one], 1, \" \")", "x"),
    ("Word", "Word([mails], 1, \" \")", "refused"),
]  # fmt: skip


@pytest.mark.parametrize(("function", "text", "expected"), ROWS)
def test_edge(answer: Callable[..., object], function: str, text: str, expected: object) -> None:
    if expected == "refused":
        with pytest.raises(EvaluationError):
            answer(text, MAILS, ["taken"])
    else:
        got = answer(text, MAILS, ["taken"])
        assert (type(got), got) == (type(expected), expected)


def test_an_evaluation_error_names_the_function_and_not_the_value(answer: Callable[..., object]) -> None:
    with pytest.raises(EvaluationError) as caught:
        answer("Left([givenName], Mid([surname], 1, 3))", {"surname": "Secret"})
    assert (caught.value.function, caught.value.reason) == ("Left", "needs a whole number, not text")


@pytest.mark.parametrize("value", [{"a": 1}, ["x"], 1.5, b"x", object()])
def test_a_value_of_no_known_type_is_refused(answer: Callable[..., object], value: object) -> None:
    for text in ("[x]", "Left([x], 1)", 'Join("", [x])', 'Switch([x], , "a", "b")', "CDate([x])", "Not([x])"):
        try:
            answer(text, {"x": value})
        except EvaluationError:
            continue
        assert text == "Not([x])"


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2021, 8, 25, 19, 41, 18, tzinfo=timezone(timedelta(hours=2))),
        datetime(2021, 8, 25, 17, 41, 18),  # noqa: DTZ001 - one without a zone is taken to be in UTC
        datetime(2021, 8, 25, 17, 41, 18, tzinfo=UTC),
    ],
)
def test_a_date_becomes_text_in_utc(answer: Callable[..., object], moment: datetime) -> None:
    assert answer("[hired]", {"hired": moment}) == "8/25/2021 5:41:18 PM"


@pytest.mark.parametrize(
    "text",
    [
        'Replace([long], "a", , , [long])',
        'Replace("aaaa", , "a", , [long], , )',
        "Join([long], 1, 2, 3)",
        "Append([long], [long])",
        "ConvertToUTF8Hex([long])",
        'FormatDateTime("2021", , "yyyy", [format])',
        "[longer]",
        "Count([many])",
        "Append([values], [values])",
    ],
)
def test_no_answer_is_larger_than_the_bound(answer: Callable[..., object], text: str) -> None:
    attributes = {
        "long": "a" * 30_000,
        "longer": "a" * 40_000,
        "format": "MMMM " * 6_000,
        "many": ("x",) * 40_000,
        "values": ("x" * 100,) * 300,
    }
    with pytest.raises(EvaluationError):
        answer(text, attributes)


@pytest.mark.parametrize("pattern", ["(a|aa)+$", "(a*)*b", "(?:a+)+b", r"(\\w+\\s?)+:", "(.*.*.*.*.*.*)x"])
def test_a_slow_pattern_ends(answer: Callable[..., object], pattern: str) -> None:
    """It answers or is refused for its time, and no other reason; pytest's own limit says if it does neither."""
    reason = "50 ms"
    try:
        answer(f'Replace([long], , "{pattern}", , "x", , )', {"long": "a" * 5_000 + "!"})
    except EvaluationError as error:
        reason = error.reason
    assert "50 ms" in reason
