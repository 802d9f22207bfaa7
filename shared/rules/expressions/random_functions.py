"""The functions of the reference page that make up a value: by chance, or until nobody else has it."""

import uuid
from collections.abc import Sequence
from typing import Final

from shared.rules.expressions.errors import RefusedError
from shared.rules.expressions.function import (
    ANY,
    INTEGER,
    PLAIN,
    Argument,
    Parameter,
    Thunk,
    built_function,
    function,
)
from shared.rules.expressions.limits import MAX_RANDOM_TEXT
from shared.rules.expressions.values import Attributes, EvaluationContext, as_text

_NUMBERS: Final = "0123456789"
_SPECIAL: Final = "~!@#$%^&*_-+=`|\\(){}[]:;\"'<>,.?/"
_CAPITALS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LOWER_CASE: Final = "abcdefghijklmnopqrstuvwxyz"


@function("Guid", example='Count(Split(Guid(), "-"))', result="5", needs_context=True)
def guid(context: EvaluationContext) -> str:
    """Answers a new random GUID (version 4), in lower case with hyphens."""
    return str(uuid.UUID(int=context.random.getrandbits(128), version=4))


@function(
    "RandomString",
    Parameter("Length", INTEGER),
    Parameter("MinimumNumbers", INTEGER),
    Parameter("MinimumSpecialCharacters", INTEGER),
    Parameter("MinimumCapital", INTEGER),
    Parameter("MinimumLowerCase", INTEGER),
    Parameter("CharactersToAvoid", PLAIN, required=False),
    example='Replace(RandomString(6, 3, 0, 0, 3), , "[0-9]|[a-z]", , "#", , )',
    result='"######"',
    needs_context=True,
)
def random_string(
    context: EvaluationContext,
    length: int,
    minimum_numbers: int,
    minimum_special_characters: int,
    minimum_capital: int,
    minimum_lower_case: int,
    characters_to_avoid: str | None = None,
) -> str:
    """Answers a random text of that length with at least so many numbers, special characters, capitals, small letters.

    Where the page is silent: what remains of the length is drawn from the sorts of which a minimum above 0 is asked,
    and from numbers and letters if none is; the special characters are those of Windows' password complexity. Refused
    are a length over 256 or below the minimums together, and characters to avoid that leave none of a sort.
    """
    minimums = (minimum_numbers, minimum_special_characters, minimum_capital, minimum_lower_case)
    if min(*minimums, length) < 0:
        raise RefusedError("a length or minimum is negative")
    if length > MAX_RANDOM_TEXT:
        raise RefusedError(f"the length is more than {MAX_RANDOM_TEXT}")
    if sum(minimums) > length:
        raise RefusedError("the minimums together are more than the length")
    avoided = frozenset(characters_to_avoid or "")
    sorts = [
        "".join(char for char in sort if char not in avoided) for sort in (_NUMBERS, _SPECIAL, _CAPITALS, _LOWER_CASE)
    ]
    asked = [sort for sort, minimum in zip(sorts, minimums, strict=True) if minimum]
    if not all(asked):
        raise RefusedError("CharactersToAvoid leaves no character of a sort that is asked for")
    rest = "".join(asked) or sorts[0] + sorts[2] + sorts[3]
    if not rest and length:
        raise RefusedError("CharactersToAvoid leaves no character")
    draw = context.random.randrange
    chars = [sort[draw(len(sort))] for sort, minimum in zip(sorts, minimums, strict=True) for _ in range(minimum)]
    chars += [rest[draw(len(rest))] for _ in range(length - len(chars))]
    for end in range(len(chars) - 1, 0, -1):
        other = draw(end + 1)
        chars[end], chars[other] = chars[other], chars[end]
    return "".join(chars)


@built_function(
    "SelectUniqueValue",
    Parameter("uniqueValueRule1", ANY),
    Parameter("uniqueValueRule2", ANY, repeating=True),
    example='SelectUniqueValue([mailNickname], Join(".", [givenName], [surname]))',
    result='"John.Doe"',
)
def select_unique_value(arguments: Sequence[Argument]) -> Thunk:
    """Answers the first of its rules' values that nobody in the target has yet.

    Where the page is silent: a rule that gives null or "" is passed over. If every value is taken it is refused, where
    Entra puts the entry in escrow.
    """
    rules = [argument.run for argument in arguments]

    def run(attributes: Attributes, context: EvaluationContext) -> str:
        for rule in rules:
            value = as_text(rule(attributes, context))
            if value and not context.is_taken(value):
                return value
        raise RefusedError("every value is taken; add a rule that gives another")

    return run
