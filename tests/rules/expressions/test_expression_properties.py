"""For any text and any values of a person: a result within the bounds, or one of the two errors."""

import random
from contextlib import suppress
from datetime import UTC, datetime
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.rules.expressions import (
    FUNCTIONS,
    IGNORED,
    EvaluationContext,
    EvaluationError,
    ExpressionError,
    Function,
    Value,
    compile_expression,
)
from shared.rules.expressions.dotnet_regex import compile_pattern, substitute
from shared.rules.expressions.errors import RefusedError
from shared.rules.expressions.limits import MAX_INTEGER, MAX_TEXT
from shared.rules.expressions.tree import quoted

EXAMPLES = settings().max_examples
NAMES = ("a", "b c", "d.e", "urn:x:2.0:User:f", "absent")
TELLING = (
    "d",
    "yyyy",
    "yyyy-MM-dd",
    "M/d/yyyy h:mm:ss tt",
    "2021-08-25",
    "(?<g>a+)",
    "${g}",
    "g",
    "tr-TR",
    "-1",
    "300",
)

texts = st.one_of(st.sampled_from(TELLING), st.text(max_size=20), st.text("aA -,.é😀0'\\\"[](){}*+?$", max_size=20))
leaves = st.one_of(
    texts.map(quoted),
    st.sampled_from(NAMES).map("[{}]".format),
    st.integers(-3, 300).map(str),
    st.sampled_from(["&HFF", str(MAX_INTEGER), "Now()"]),
)
values: st.SearchStrategy[Value] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    texts,
    st.integers(0, MAX_TEXT).map("x".__mul__),
    st.datetimes(timezones=st.just(UTC)),
    st.datetimes(),
    st.lists(texts, max_size=4).map(tuple),
)
people = st.dictionaries(st.sampled_from(NAMES[:-1]), values)


def calls(arguments: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Calls of every function with as many arguments as it takes, some left out, some of them comparisons."""
    compared = st.tuples(arguments, st.sampled_from([" = ", "<>", "<", ">="]), arguments).map("".join)

    def call(function: Function) -> st.SearchStrategy[str]:
        spoken = [p for p in function.parameters if p.name != "compareType"]
        given_ones = [
            st.one_of(arguments, compared) if p.required else st.one_of(st.just(""), arguments) for p in spoken
        ]
        more = given_ones[-1:] if spoken and spoken[-1].repeating else []
        return st.tuples(*given_ones, *more).map(lambda parts: f"{function.name}({', '.join(parts)})")

    return st.sampled_from(list(FUNCTIONS.values())).flatmap(call)


expressions = st.recursive(leaves, calls, max_leaves=12)


def outcome(text: str, person: dict[str, Value]) -> object:
    """Return an expression's result; any error but the package's own two fails the test."""
    context = EvaluationContext(datetime(2021, 8, 25, tzinfo=UTC), random.Random(1), lambda value: len(value) < 3)
    try:
        return compile_expression(text).evaluate(person.get, context)
    except ExpressionError as error:
        return Refusal(error.reason, error.position in range(len(text) + 1))
    except EvaluationError as error:
        return Refusal(error.reason, in_text=True)


class Refusal(NamedTuple):
    """One of the package's two errors."""

    reason: str
    in_text: bool


def check_bounds(value: object) -> None:
    """Check for a value that a target can hold, or an error that says why and where."""
    if isinstance(value, Refusal):
        assert value.reason
        assert value.in_text
    elif isinstance(value, str):
        assert len(value) <= MAX_TEXT
    elif isinstance(value, tuple):
        assert sum(map(len, value)) <= MAX_TEXT
    else:
        assert value is None or value is IGNORED or isinstance(value, bool | int)


@settings(max_examples=EXAMPLES * 5 // 2, deadline=2_000)
@given(st.one_of(st.text(max_size=200), st.text('Join(Swch"[],\\ )=<>&H0', max_size=60)), people)
def test_any_text_is_answered_or_refused(text: str, person: dict[str, Value]) -> None:
    check_bounds(outcome(text, person))


@settings(max_examples=EXAMPLES * 5, deadline=2_000)
@given(expressions, people)
def test_any_expression_is_answered_within_bounds(text: str, person: dict[str, Value]) -> None:
    check_bounds(outcome(text, person))


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
@settings(max_examples=max(EXAMPLES // 6, 3), deadline=2_000)
@given(data=st.data())
def test_every_function_takes_any_value(function: Function, data: st.DataObject) -> None:
    least = max(2, len(function.parameters)) if function.parameters and function.parameters[-1].repeating else None
    count = (least + least % 2) if least else len(function.parameters)
    person = {f"v{index}": data.draw(values) for index in range(count)}
    arguments = ["" if p.name == "compareType" else f"[v{index}]" for index, p in enumerate(function.parameters)]
    arguments += [f"[v{index}]" for index in range(len(arguments), count)]
    check_bounds(outcome(f"{function.name}({', '.join(arguments)})", person))


@settings(max_examples=EXAMPLES * 5 // 2, deadline=2_000)
@given(expressions, people)
def test_normal_form_means_the_same(text: str, person: dict[str, Value]) -> None:
    try:
        expression = compile_expression(text)
    except ExpressionError:
        return
    normal = str(expression)
    again = compile_expression(normal)
    assert (str(again), again.attributes, again.only_on_creation) == (
        normal,
        expression.attributes,
        expression.only_on_creation,
    )
    assert outcome(normal, person) == outcome(text, person)


@settings(max_examples=EXAMPLES * 3, deadline=2_000)
@given(st.text("ab(|)*+?{1,2}[^]-\\dpkz<>'=!:i$.P#&~", max_size=30), st.text("$1{g}&`'_+a", max_size=12))
def test_any_pattern_is_run_or_refused(pattern: str, replacement: str) -> None:
    with suppress(RefusedError):
        assert len(substitute(compile_pattern(pattern), replacement, "aab-12 b\n" * 20)) <= MAX_TEXT
