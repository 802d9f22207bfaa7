"""Reading, checking and writing expressions: what is refused and where, what is warned of, and the normal form."""

import pytest

from shared.rules.expressions import ExpressionError, Limitation, compile_expression

REFUSED: list[tuple[str, int, str]] = [
    ("", 0, "the expression ends"),
    ("   ", 3, "the expression ends"),
    ('Join("", [a]', 12, "expected a closing parenthesis"),
    ('Join("", [a]))', 13, "expected"),
    ('Join("" [a])', 8, "expected"),
    ('Join("", [a)', 9, "bracket opened here is never closed"),
    ('Join(", [a])', 5, "quotation mark opened here is never closed"),
    ("Join(“x”, [a])", 5, "straight quotation marks"),
    ("Join('x', [a])", 5, "double quotation marks"),
    ("Join([], [a])", 5, "never closed, or has no name"),
    ("Join([ ], [a])", 5, "write an attribute's name"),
    ('"a" & [b]', 4, "Join or Append"),
    ("Left([a], 1.5)", 11, "only whole numbers"),
    ("Left([a], 99999999999999999999)", 10, "largest number"),
    ("[a] = [b] = [c]", 10, "expected"),
    ("Jion([a], [b])", 0, "there is no function Jion; did you mean Join?"),
    ('Append(Tolowre([a]), "x")', 7, "did you mean ToLower?"),
    ("Frobnicate([a])", 0, "there is no function Frobnicate"),
    ("__import__([a])", 0, "there is no function __import__"),
    ("Append([a])", 0, "suffix is missing; write Append(source, suffix)"),
    ("Append([a], )", 12, "suffix is missing"),
    ('Append([a], "b", "c")', 17, "one argument too many"),
    ("Now([a])", 4, "one argument too many"),
    ("Coalesce(, [a])", 9, "source1 is missing"),
    ('Switch([a], "d", "k")', 0, "each key needs a value"),
    ("Switch([a], )", 0, "key1, value1 is missing"),
    ("SelectUniqueValue([a])", 0, "uniqueValueRule2 is missing"),
    ("Replace([a])", 0, "give oldValue with replacementValue"),
    ('Replace([a], , , "group", "x")', 0, "give oldValue with replacementValue"),
    ('Replace([a], , "(", , "x")', 15, "a ( is never closed"),
    ('Replace([a], , "a{99999}", , "x")', 15, "smaller counts"),
    ('Left([a], "two")', 10, "needs a whole number"),
    ('DateAdd("w", 1, Now())', 8, "the interval must be one of yyyy, m, ww, d, h, n, s"),
    ('DateDiff("d", "yesterday", Now())', 14, "not a date"),
    ('FormatDateTime([a], , "x", "yyyy")', 22, "no standard date format"),
    ('FormatDateTime([a], , "yyyy", )', 30, "outputFormat is missing"),
    ('FormatDateTime([a], "Sometimes", "yyyy", "yyyy")', 20, "DateTimeStyles"),
    ('InStr([a], "b", 1, vbFoo)', 19, "vbBinaryCompare or vbTextCompare"),
    ("Not(Yes)", 4, 'did you mean "Yes", [Yes] or Yes(…)?'),
    ('IIF([a] = "x", [a], IgnoreObjectFlow)', 20, "the store's criteria do that"),
    ('FormatDateTime([a], , , "yyyy")', 22, "inputFormat is missing"),
    ('FormatDateTime([a], "yyyy")', 0, "outputFormat is missing"),
    ('FormatDateTime([a], , "yyyy")', 0, "outputFormat is missing"),
    ('InStr([a], "b", 1, True)', 19, "vbBinaryCompare or vbTextCompare"),
    ('Left("abc", NULL)', 12, "needs a whole number"),
    ("givenName", 0, "[givenName]"),
    ("Left([a], " * 51 + "[a]" + ", 1)" * 51, 500, "nest at most 50"),
    ('Join("",' + "1," * 2_600 + "1)", 5_004, "use at most 2,500"),
    (f'Append([a], "{"x" * 10_000}")', 10_000, "10,000 characters"),
    ('Join("", ' + ", ".join(['Replace([a], , "a", , "b", , )'] * 21) + ")", 649, "at most 20 regular expressions"),
]


@pytest.mark.parametrize(("text", "position", "reason"), REFUSED, ids=[row[0][:30] for row in REFUSED])
def test_refused_with_position_and_what_to_do(text: str, position: int, reason: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text)
    assert reason in caught.value.reason
    assert caught.value.position == position


WARNED: list[tuple[str, Limitation, int, tuple[str, ...]]] = [
    ('Append(IIF([a]="x","1","2"), "")', Limitation.IIF_EMPTY, 7, ("a",)),
    ('IIF(IsNullOrEmpty([a]), "x", [a])', Limitation.IIF_EMPTY, 0, ("a",)),
    ('IIF([b] = [a], "x", "y")', Limitation.IIF_EMPTY, 0, ("b", "a")),
    ('Append("x", SelectUniqueValue([a], [b]))', Limitation.SELECT_UNIQUE_NESTED, 12, ()),
    ("SelectUniqueValue([a], [b])", Limitation.ONLY_ON_CREATION, 0, ()),
    ('Switch(IsPresent([a]), "x", "True", [a])', Limitation.SWITCH_PRESENCE, 0, ()),
    ('Switch([manager], "x", "y", "z")', Limitation.SWITCH_REFERENCE, 0, ()),
    ("Left(Guid(), 5)", Limitation.CHANGES_EVERY_TIME, 5, ()),
    ('switch([a], "x", "y", "z")', Limitation.SPELLING, 0, ()),
    (r'Replace([a], , "\d", , "x")', Limitation.BACKSLASH, 15, ()),
]


@pytest.mark.parametrize(("text", "limitation", "position", "attributes"), WARNED)
def test_warned_of(text: str, limitation: Limitation, position: int, attributes: tuple[str, ...]) -> None:
    found = {warning.limitation: warning for warning in compile_expression(text).warnings}
    assert (found[limitation].position, found[limitation].attributes) == (position, attributes)
    assert found[limitation].text


@pytest.mark.parametrize(
    "text",
    [
        'Switch([IsSoftDeleted], , "False", "True", "True", "False")',
        'IIF(Coalesce([a], "x") = "x", "1", "2")',
        'IIF(DateDiff("d", Now(), "2021-01-01") > 5, "False", "True")',
        r'Replace([a], , "\\d", , "", , )',
        'Join("", [givenName], [surname])',
    ],
)
def test_not_warned_of(text: str) -> None:
    assert compile_expression(text).warnings == ()


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ('switch( [IsSoftDeleted],,"False" , "True")', 'Switch([IsSoftDeleted], , "False", "True")'),
        ("  BITAND(&HF,&hf7)\n", "BitAnd(15, 247)"),
        ('IIF([a]="x",[b],Now( ))', 'IIF([a] = "x", [b], Now())'),
        (r'Append("Company name: \"Contoso\"","\\")', r'Append("Company name: \"Contoso\"", "\\")'),
        (r'Append("\d","")', r'Append("\\d", "")'),
        ('Replace([m],"@c",,,"",,)', 'Replace([m], "@c", , , "", , )'),
        ('[emails[type eq "work"].value]', '[emails[type eq "work"].value]'),
    ],
)
def test_normal_form_compiles_to_itself(text: str, normal: str) -> None:
    expression = compile_expression(text)
    assert str(expression) == normal
    assert str(compile_expression(normal)) == normal
    assert compile_expression(normal) == expression


@pytest.mark.parametrize(
    "name",
    [
        "givenName",
        "first name",
        "manager.displayName",
        "extension_0123abcd_costCentre",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
        'emails[type eq "work"].value',
        "名前",
    ],
)
def test_attribute_names_are_taken_as_written(name: str) -> None:
    assert compile_expression(f'Append([{name}], "")').attributes == {name}


def test_what_an_expression_says_of_itself() -> None:
    expression = compile_expression('SelectUniqueValue(Redact([a]), Append([b], "2"))')
    assert expression.attributes == {"a", "b"}
    assert expression.only_on_creation
    plain = compile_expression("Left([a], 1)")
    assert not plain.only_on_creation
