"""What other pages of Microsoft's write than the reference page, each read as its page means it."""

from datetime import UTC, datetime

import pytest

from shared.rules.expressions import IGNORED, EvaluationError, Limitation, Value, compile_expression
from tests.rules.expressions.conftest import Answer

HIRED = {"hired": "2025-01-15", "gone": "2020-02-29T10:00:00Z", "none": None, "a": "x", "on": True}

ROWS: list[tuple[str, Value | object]] = [
    # Three parameters.
    ('FormatDateTime([hired], "yyyy-MM-dd", "dd.MM.yyyy")', "15.01.2025"),
    ('FormatDateTime([hired], , "yyyy-MM-dd", "dd.MM.yyyy")', "15.01.2025"),
    ('FormatDateTime([none], "yyyy-MM-dd", "dd.MM.yyyy")', None),
    # A date as source.
    ('FormatDateTime(CDate([hired]), , , "yyyy")', "2025"),
    ('FormatDateTime(DateAdd("yyyy", 5, CDate([hired])), , "yyyy-MM-dd", "yyyy-MM-dd")', "2030-01-15"),
    ('FormatDateTime(DateAdd("yyyy", 5, CDate([hired])), "o", "yyyy-MM-dd")', "2030-01-15"),
    ('FormatDateTime(Now(), , , "yyyy-MM-ddTHH:mm:ssZ")', "2021-08-25T17:41:18Z"),
    ('FormatDateTime(DateFromNum(129699324000000000), , , "yyyy-MM-dd")', "2012-01-01"),
    ('FormatDateTime(IIF([a] = "x", CDate([hired]), CDate([gone])), , , "yyyy")', "2025"),
    ('FormatDateTime(CDate([none]), , , "yyyy")', None),
    ('Join("", FormatDateTime(DateAdd("yyyy", 5, CDate([hired])), , "yyyy-MM-dd", "yyyy-MM-dd"), " 23:59:59")',
     "2030-01-15 23:59:59"),
    # Words.
    ("IgnoreAttributeFlow", IGNORED),
    ('IIF([a] = "x", IgnoreAttributeFlow, [a])', IGNORED),
    ('IIF([a] = "y", IgnoreAttributeFlow, [a])', "x"),
    ('Switch([a], ignoreattributeflow, "y", "z")', IGNORED),
    ('Switch([a], "d", "x", IgnoreAttributeFlow)', IGNORED),
    ('Append(Coalesce([none], IgnoreAttributeFlow), "x")', IGNORED),
    ("True", True),
    ("FALSE", False),
    ("null", None),
    ("Not(True)", False),
    ('IIF([on] = True, "yes", "no")', "yes"),
    ('Switch([on], "?", True, "yes", False, "no")', "yes"),
    ("Coalesce(NULL, [a])", "x"),
    ('IIF(True, NULL, "x")', None),
    ('Switch([a], NULL, "y", "z")', None),
    ('Join("-", [a], True)', "x-True"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "result"), ROWS, ids=[row[0][:60] for row in ROWS])
def test_a_dialect(text: str, result: object, answer: Answer) -> None:
    assert answer(text, HIRED) == result
    assert type(answer(text, HIRED)) is type(result)
    normal = str(compile_expression(text))
    assert compile_expression(normal) == compile_expression(text)
    assert answer(normal, HIRED) == result


@pytest.mark.parametrize(
    ("text", "limitation"),
    [
        ('FormatDateTime([hired], "yyyy-MM-dd", "yyyy")', [Limitation.PAGES]),
        ('FormatDateTime([hired], , "yyyy-MM-dd", "yyyy")', []),
        ('FormatDateTime(CDate([hired]), , "yyyy-MM-dd", "yyyy")', [Limitation.PAGES]),
        ('FormatDateTime(CDate([hired]), , , "yyyy")', []),
        ('Append(IIF([a] = NULL, "x", "y"), "z")', [Limitation.IIF_EMPTY, Limitation.NULL_COMPARED]),
        ("[a] <> NULL", [Limitation.NULL_COMPARED]),
        ("IsNull(NULL)", []),
    ],
)
def test_which_page_is_followed_is_said(text: str, limitation: list[Limitation]) -> None:
    assert [warning.limitation for warning in compile_expression(text).warnings] == limitation


def test_a_text_without_its_format_is_refused_for_the_person(answer: Answer) -> None:
    with pytest.raises(EvaluationError, match="inputFormat is missing"):
        answer('FormatDateTime(Coalesce([hired], Now()), , , "yyyy")', HIRED)
    assert answer('FormatDateTime(Coalesce([none], Now()), , , "yyyy")', HIRED) == "2021"


def test_the_tenants_default_domain_is_given_or_asked_for(answer: Answer) -> None:
    with pytest.raises(EvaluationError, match="set it on the mapping page"):
        answer("DefaultDomain()")


def test_a_date_stays_a_date(answer: Answer) -> None:
    assert answer("CDate([hired])", {"hired": datetime(2025, 1, 15, tzinfo=UTC)}) == "1/15/2025 12:00:00 AM"
