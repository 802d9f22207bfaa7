"""The functions of the reference page that choose among their arguments, and so do not evaluate all of them."""

from collections.abc import Sequence
from typing import Any, Final

from shared.rules.expressions.errors import IgnoreFlow
from shared.rules.expressions.function import ANY, CONDITION, Argument, Parameter, Thunk, built_function
from shared.rules.expressions.tree import Attribute, Call, Node, children
from shared.rules.expressions.values import (
    Attributes,
    EvaluationContext,
    as_text,
    is_null,
    is_null_or_empty,
)

_MINDS_NULL: Final = frozenset({"coalesce", "iif", "switch"})


def attributes_that_fail(condition: Node) -> tuple[Attribute, ...]:
    """The attributes of a condition with which it fails if they are null or empty.

    Not those inside of a function that says itself what becomes of null.
    """
    if isinstance(condition, Attribute):
        return (condition,)
    if isinstance(condition, Call) and condition.name.lower() in _MINDS_NULL:
        return ()
    return tuple(attribute for child in children(condition) for attribute in attributes_that_fail(child))


@built_function(
    "IIF",
    Parameter("condition", CONDITION),
    Parameter("valueIfTrue", ANY),
    Parameter("valueIfFalse", ANY),
    example='IIF([country] = "USA", [country], [department])',
    result='"Sales"',
)
def iif(arguments: Sequence[Argument]) -> Thunk:
    """Answers valueIfTrue if the condition holds, and otherwise valueIfFalse.

    The page lists as a limitation that the check fails where an attribute in the condition is null or empty; here that
    means valueIfFalse, whatever the condition: also for IIF(IsNullOrEmpty([a]), …), for which it names Switch instead.
    """
    condition, if_true, if_false = (argument.run for argument in arguments)
    failing = tuple(dict.fromkeys(attribute.name for attribute in attributes_that_fail(arguments[0].node)))

    def run(attributes: Attributes, context: EvaluationContext) -> Any:
        for name in failing:
            if is_null_or_empty(attributes(name)):
                return if_false(attributes, context)
        chosen = if_true if condition(attributes, context) else if_false
        return chosen(attributes, context)

    return run


@built_function(
    "Switch",
    Parameter("source", ANY),
    Parameter("defaultValue", ANY, required=False),
    Parameter("key1, value1", ANY, repeating=True),
    example='Switch([state], "Australia/Sydney", "NSW", "Australia/Sydney", "QLD", "Australia/Brisbane")',
    result='"Australia/Brisbane"',
)
def switch(arguments: Sequence[Argument]) -> Thunk:
    """Answers the value whose key equals the source, and defaultValue (null if left out) if none does.

    Keys compare as text and in their case, True being "True"; a null source matches the key "", as the page advises to
    use it. Of equal keys the first counts.
    """
    source, default = arguments[0].run, arguments[1].run
    pairs = list(zip(arguments[2::2], arguments[3::2], strict=True))
    constant = all(key.constant for key, _ in pairs)
    table = {as_text(key.value) or "": value.run for key, value in reversed(pairs)} if constant else {}

    def look_up(attributes: Attributes, context: EvaluationContext) -> Any:
        sought = as_text(source(attributes, context)) or ""
        return table.get(sought, default)(attributes, context)

    def search(attributes: Attributes, context: EvaluationContext) -> Any:
        sought = as_text(source(attributes, context)) or ""
        for key, value in pairs:
            if (as_text(key.run(attributes, context)) or "") == sought:
                return value.run(attributes, context)
        return default(attributes, context)

    return look_up if constant else search


@built_function(
    "Coalesce",
    Parameter("source1", ANY),
    Parameter("source2", ANY, required=False, repeating=True),
    example="Coalesce([mail], [userPrincipalName])",
    result='"John.Doe@contoso.com"',
)
def coalesce(arguments: Sequence[Argument]) -> Thunk:
    """Answers the first source that is not null, or null; the last one is what the page calls defaultValue.

    The empty string is not null. An argument left out counts as null.
    """
    sources = [argument.run for argument in arguments]

    def run(attributes: Attributes, context: EvaluationContext) -> Any:
        for source in sources:
            value = source(attributes, context)
            if not is_null(value):
                return value
        return None

    return run


@built_function(
    "IgnoreFlowIfNullOrEmpty",
    Parameter("Expression", ANY),
    example="IgnoreFlowIfNullOrEmpty([middleName])",
    result="(left as it is)",
)
def ignore_flow_if_null_or_empty(arguments: Sequence[Argument]) -> Thunk:
    """Answers the expression, or, if that is null or empty, has the whole rule leave its target as it is.

    So also where it stands inside of another function, of which the page does not speak.
    """
    (expression,) = (argument.run for argument in arguments)

    def run(attributes: Attributes, context: EvaluationContext) -> Any:
        value = expression(attributes, context)
        if is_null_or_empty(value):
            raise IgnoreFlow
        return value

    return run
