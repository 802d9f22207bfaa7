"""Conditions: the comparison operators, and what asks whether something is so."""

from collections.abc import Callable
from datetime import datetime
from operator import eq, ge, gt, le, lt, ne
from types import MappingProxyType
from typing import Any, Final

from shared.rules.expressions.errors import RefusedError
from shared.rules.expressions.function import ANY, CONDITION, Parameter, function
from shared.rules.expressions.values import Value, as_integer, as_moment, as_text, is_null, is_null_or_empty

_OPERATORS: Final[MappingProxyType[str, Callable[[Any, Any], bool]]] = MappingProxyType(
    {"=": eq, "<>": ne, "<": lt, "<=": le, ">": gt, ">=": ge}
)


def compare(operator: str, left: Value, right: Value) -> bool:
    """Whether a comparison holds; one with null never does, not even `<>`, since "the condition check fails".

    Where the page is silent: a number compares with a text of digits as numbers, a date with a text that is a date as
    dates; all else compares as text, upper and lower case being different and characters in the order of Unicode.
    """
    if is_null(left) or is_null(right):
        return False
    compares = _OPERATORS[operator]
    if isinstance(left, str) and isinstance(right, str):
        return compares(left, right)
    for kind, convert in ((int, as_integer), (datetime, as_moment)):
        if isinstance(left, kind) or isinstance(right, kind):
            try:
                return compares(convert(left), convert(right))
            except RefusedError:
                break
    return compares(as_text(left), as_text(right))


@function("CBool", Parameter("Expression", CONDITION), example='CBool([city] = "Chennai")', result="True")
def c_bool(expression: bool) -> bool:
    """Answers whether the expression is True, or a number other than zero.

    Where the page is silent: null is False, "True" and "False" in any case are what they say, other text is refused.
    """
    return expression


@function("IsNull", Parameter("Expression", ANY), example="IsNull([middleName])", result="True")
def is_null_function(expression: Value) -> bool:
    """Answers True if the expression is null: for an attribute, if it is absent or has no values."""
    return is_null(expression)


@function("IsNullOrEmpty", Parameter("Expression", ANY), example='IsNullOrEmpty("")', result="True")
def is_null_or_empty_function(expression: Value) -> bool:
    """Answers True if the expression is null or the empty string."""
    return is_null_or_empty(expression)


@function("IsPresent", Parameter("Expression", ANY), example="IsPresent([displayName])", result="True")
def is_present(expression: Value) -> bool:
    """Answers True if the expression is neither null nor the empty string."""
    return not is_null_or_empty(expression)


@function("IsString", Parameter("Expression", ANY), example="IsString([displayName])", result="True")
def is_string(expression: Value) -> bool:
    """Answers True if the expression can be text.

    Where the page is silent, as in Entra Connect: whatever CStr takes, so not null and not several values.
    """
    return not is_null(expression) and not (isinstance(expression, tuple) and len(expression) > 1)


@function("Not", Parameter("source", ANY), example="Not([IsSoftDeleted])", result="True")
def not_function(source: Value) -> bool:
    """Answers False if the source is True or "True", in any case, and otherwise True, also for null and other text."""
    return not (source is True or (isinstance(source, str) and source.casefold() == "true"))
