""".NET's regular expressions, run by the PyPI package `regex` under a time limit.

A pattern is translated, not passed on: what means something else in `regex` (fuzzy matching, possessive quantifiers,
recursion, set operators, numbering of groups) is rewritten or refused, and what would take too much memory is
refused. Not translated, and so refused: balancing groups, numbered group names, conditions, the options `n` and `x`.
Source: "Regular expression language - quick reference" and "Substitutions" in .NET's documentation.
.NET matches UTF-16 units and this matches characters, which differ only where `.` or a class meets one beyond U+FFFF.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple

import regex

from shared.rules.expressions.dotnet_pattern import Translator
from shared.rules.expressions.errors import RefusedError
from shared.rules.expressions.limits import MAX_PATTERN, MAX_TEXT, PATTERN_SECONDS

_FLAGS: Final = regex.VERSION1  # its zero-width matches, inline options and sets work as .NET's


class Pattern(NamedTuple):
    """A compiled pattern and what .NET calls its groups: by number (unnamed ones first, then named) and by name."""

    compiled: "regex.Pattern[str]"
    numbers: tuple[int, ...]
    names: frozenset[str]


type Match = "regex.Match[str]"
type Piece = str | Callable[[Match], str]


@lru_cache(maxsize=64)  # patterns of a mapping's rules; the largest allowed takes about half a megabyte
def compile_pattern(text: str) -> Pattern:
    """Translate and compile a pattern. Raises RefusedError: not one of .NET's, not supported here, or too large."""
    if len(text) > MAX_PATTERN:
        raise RefusedError(f"the regular expression has more than {MAX_PATTERN:,} characters")
    translator = Translator(text)
    translated = translator.translate()
    try:
        compiled = regex.compile(translated, _FLAGS, cache_pattern=False)
    except regex.error as error:
        raise RefusedError(f"not a regular expression: {str(error).partition(' at position ')[0]}") from None
    except Exception:  # `regex` also leaks KeyError, OverflowError and RecursionError for odd patterns
        raise RefusedError("not a regular expression this can run") from None
    return Pattern(compiled, tuple(translator.numbers()), frozenset(compiled.groupindex))


def substitute(pattern: Pattern, replacement: str, source: str, seconds: float = PATTERN_SECONDS) -> str:
    """Replace every match by a replacement in which `$1`, `${name}`, `$&` and the like stand for what was matched."""
    pieces = _parse_replacement(pattern, replacement)
    if not pieces:
        return _replace_each(pattern, lambda _match: "", source, seconds)
    if len(pieces) == 1 and isinstance(only := pieces[0], str):
        return _replace_each(pattern, lambda _match: only, source, seconds)

    def expand(match: Match) -> str:
        return "".join([piece if isinstance(piece, str) else piece(match) for piece in pieces])

    return _replace_each(pattern, expand, source, seconds)


def substitute_group(pattern: Pattern, group: str, value: str, source: str, seconds: float = PATTERN_SECONDS) -> str:
    """In every match replace only what the named group took part in; a match without it stays as it is."""
    number = _group(pattern, group)

    def expand(match: Match) -> str:
        start, end = match.span(number)
        if start < 0:
            return match[0]
        if start < match.start() or end > match.end():  # the group stands in a look-around, outside of the match
            return match[0]
        return f"{source[match.start() : start]}{value}{source[end : match.end()]}"

    return _replace_each(pattern, expand, source, seconds)


def extract_group(pattern: Pattern, group: str, source: str, seconds: float = PATTERN_SECONDS) -> str | None:
    """What the named group matched the first time the pattern matches, or nothing."""
    number = _group(pattern, group)
    try:
        match = pattern.compiled.search(source, timeout=seconds)
    except TimeoutError:
        raise _too_slow() from None
    return None if match is None else match[number]


def _replace_each(pattern: Pattern, expand: Callable[[Match], str], source: str, seconds: float) -> str:
    """Replaces every match, refused while it grows beyond a text's bound and not only when it has."""
    left = MAX_TEXT

    def bounded(match: Match) -> str:
        nonlocal left
        text = expand(match)
        left -= len(text)
        if left < 0:
            raise _too_long()
        return text

    try:
        replaced = pattern.compiled.sub(bounded, source, timeout=seconds)
    except TimeoutError:
        raise _too_slow() from None
    if len(replaced) > MAX_TEXT:
        raise _too_long()
    return replaced


def _too_long() -> RefusedError:
    return RefusedError(f"the text has more than {MAX_TEXT:,} characters")


def _too_slow() -> RefusedError:
    return RefusedError(f"the regular expression took longer than {PATTERN_SECONDS * 1000:.0f} ms; make it simpler")


def _group(pattern: Pattern, group: str) -> int:
    if group in pattern.names:
        return int(pattern.compiled.groupindex[group])
    if group.isascii() and group.isdigit() and len(group) < 4 and int(group) < len(pattern.numbers):
        return pattern.numbers[int(group)]
    raise RefusedError(f'the regular expression has no group named "{group}"')


_SPECIAL: Final[dict[str, Callable[[Match], str]]] = {
    "&": lambda match: match[0],
    "`": lambda match: match.string[: match.start()],
    "'": lambda match: match.string[match.end() :],
    "_": lambda match: match.string,
}

_SUBSTITUTION: Final = regex.compile(r"\$(?:(?<sign>[$&`'_+])|(?<number>[0-9]{1,3})|\{(?<name>\w+)\})")


@lru_cache(maxsize=64)
def _parse_replacement(pattern: Pattern, text: str) -> tuple[Piece, ...]:
    """The parts of a replacement; as in .NET, a `$` that names no group of the pattern stands for itself."""
    pieces: list[Piece] = []
    at = 0
    for found in _SUBSTITUTION.finditer(text):
        if found.start() > at:
            pieces.append(text[at : found.start()])
        pieces.append(_piece(pattern, found))
        at = found.end()
    if at < len(text):
        pieces.append(text[at:])
    return tuple(pieces)


def _piece(pattern: Pattern, found: Match) -> Piece:
    sign = found["sign"]
    if sign == "$":
        return "$"
    if sign in _SPECIAL:
        return _SPECIAL[sign]
    if sign == "+":
        return lambda match: match[pattern.numbers[-1]] or ""
    try:
        number = _group(pattern, found["number"] or found["name"])
    except RefusedError:
        return str(found[0])
    return lambda match: match[number] or ""
