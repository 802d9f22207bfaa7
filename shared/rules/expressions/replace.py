"""Replace, which is five functions in one: which of them is meant shows in the parameters that are given."""

from collections.abc import Callable, Sequence

from shared.rules.expressions.dotnet_regex import Pattern, extract_group, substitute, substitute_group
from shared.rules.expressions.errors import RefusedError
from shared.rules.expressions.function import (
    PATTERN,
    PLAIN,
    TEXTS,
    Argument,
    Parameter,
    Thunk,
    built_function,
    map_values,
)
from shared.rules.expressions.limits import MAX_TEXT, PATTERN_SECONDS
from shared.rules.expressions.values import Attributes, EvaluationContext, Value, is_null_or_empty

_FORMS = (
    "give oldValue with replacementValue or template, or regexPattern with replacementValue, with regexGroupName and "
    "replacementValue, or with regexGroupName and replacementAttributeName"
)


@built_function(
    "Replace",
    Parameter("source", TEXTS),
    Parameter("oldValue", PLAIN, required=False),
    Parameter("regexPattern", PATTERN, required=False),
    Parameter("regexGroupName", PLAIN, required=False),
    Parameter("replacementValue", PLAIN, required=False),
    Parameter("replacementAttributeName", PLAIN, required=False),
    Parameter("template", PLAIN, required=False),
    example='Replace([telephoneNumber], , "\\\\+(?<isdCode>\\\\d* )(?<phoneNumber>\\\\d{10})", , "${phoneNumber}", , )',
    result='"9998887777"',
)
def replace(arguments: Sequence[Argument]) -> Thunk:
    """Replaces in the source, in its case, by the parameters that are given; where several forms fit, the first counts.

    oldValue and replacementValue: every oldValue becomes replacementValue. oldValue and template: every oldValue in the
    template becomes the source. regexPattern and replacementValue: every match becomes replacementValue, in which
    ${name}, $1 and the like stand for groups. regexPattern, regexGroupName and replacementValue: in every match only
    the group becomes replacementValue, taken literally. regexPattern, regexGroupName and replacementAttributeName:
    the source if it has a value, otherwise what the group matches first in replacementAttributeName.

    Where the page is silent: a null source stays null (except in the last form), no match leaves the source as it is
    (in the last form it gives null), a null replacement is empty, and an empty oldValue is refused. The page's example
    that collapses a mobile number prints it without the plus sign, which its pattern does not match and so is kept.
    """
    given = dict(zip(("source", "old", "pattern", "group", "value", "attribute", "template"), arguments, strict=False))
    given = {name: argument for name, argument in given.items() if not argument.omitted}
    if given.keys() >= {"old", "value"}:
        return _over_source(given, ("old", "value"), _replace_text)
    if given.keys() >= {"old", "template"}:
        return _over_source(given, ("old", "template"), _fill_template)
    if given.keys() >= {"pattern", "group", "value"}:
        return _over_source(given, ("pattern", "group", "value"), _replace_group)
    if given.keys() >= {"pattern", "group", "attribute"}:
        return _source_or_group(given)
    if given.keys() >= {"pattern", "value"}:
        return _over_source(given, ("pattern", "value"), _replace_matches)
    raise RefusedError(_FORMS)


def _over_source(given: dict[str, Argument], names: Sequence[str], change: Callable[..., str]) -> Thunk:
    """Changes the source, or every value of a multi-valued one, by the other arguments.

    A regular expression's time is for all values together, so that many values take no longer than one.
    """
    source = given["source"].run
    others = [given[name].run for name in names]

    def run(attributes: Attributes, context: EvaluationContext) -> Value:
        text: str | tuple[str, ...] | None = source(attributes, context)
        if text is None:
            return None
        rest = [other(attributes, context) for other in others]
        if isinstance(text, tuple):
            return map_values(text, lambda value: change(value, *rest, seconds=PATTERN_SECONDS / len(text)))
        return change(text, *rest)

    return run


def _replace_text(source: str, old: str, new: str, **_: float) -> str:
    if not old:
        raise RefusedError("oldValue is empty")
    if len(source) + source.count(old) * (len(new) - len(old)) > MAX_TEXT:
        raise RefusedError(f"the text has more than {MAX_TEXT:,} characters")
    return source.replace(old, new)


def _fill_template(source: str, old: str, template: str, **_: float) -> str:
    return _replace_text(template, old, source)


def _replace_matches(source: str, pattern: Pattern, value: str, seconds: float = PATTERN_SECONDS) -> str:
    return substitute(pattern, value, source, seconds)


def _replace_group(source: str, pattern: Pattern, group: str, value: str, seconds: float = PATTERN_SECONDS) -> str:
    return substitute_group(pattern, group, value, source, seconds)


def _source_or_group(given: dict[str, Argument]) -> Thunk:
    source, pattern, group, other = (given[name].run for name in ("source", "pattern", "group", "attribute"))

    def run(attributes: Attributes, context: EvaluationContext) -> Value:
        text: Value = source(attributes, context)
        if not is_null_or_empty(text):
            return text
        return extract_group(pattern(attributes, context), group(attributes, context), other(attributes, context))

    return run
