"""A compiled expression: text in, closures out, evaluated for one person after another."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, Final

from shared.rules.expressions.conditions import compare
from shared.rules.expressions.errors import EvaluationError, ExpressionError, IgnoreFlow, RefusedError
from shared.rules.expressions.function import ANY, PATTERN, WORD, Argument, Function, Kind, Thunk
from shared.rules.expressions.grammar import parse
from shared.rules.expressions.limitations import DATES, ExpressionWarning, find_limitations
from shared.rules.expressions.limits import MAX_PATTERNS, MAX_TEXT
from shared.rules.expressions.table import FUNCTIONS
from shared.rules.expressions.tree import Attribute, Call, Comparison, Constant, Node, Omitted, Word, walk
from shared.rules.expressions.values import (
    IGNORED,
    Attributes,
    EvaluationContext,
    Ignored,
    Value,
    as_integer,
    as_text,
    as_text_or_values,
)

_NAMES: Final = {name.lower(): name for name in FUNCTIONS}

_VALUES: Final[dict[str, bool | None]] = {"True": True, "False": False, "NULL": None}
"""Words that are values. The reference page has none; Entra Connect's and cloud sync's pages do, and people paste them.
"""
_IGNORE: Final = "IgnoreAttributeFlow"
"""The word that leaves the target as it is; in Microsoft's examples for provisioning from HR."""
_WORDS: Final = {word.lower(): word for word in (*_VALUES, _IGNORE)}
_REFUSED: Final = {
    "ignoreobjectflow": "IgnoreObjectFlow leaves out a whole user, which is only for provisioning into Entra; here the "
    "store's criteria do that"
}


class Expression:
    """A checked and compiled expression; made by `compile_expression`, immutable.

    `attributes` and `functions` are the names it uses, `warnings` what the reference page says will not work as it
    looks.
    `only_on_creation`: it holds SelectUniqueValue, which is for new people only.
    """

    __slots__ = ("_root", "_run", "attributes", "functions", "only_on_creation", "warnings")

    def __init__(self, root: Node, warnings: tuple[ExpressionWarning, ...]) -> None:
        self._root = root
        self._run = _compile(root)
        self.functions = frozenset(node.name for node, _ in walk(root) if isinstance(node, Call))
        self.attributes = frozenset(node.name for node, _ in walk(root) if isinstance(node, Attribute))
        self.warnings = warnings
        self.only_on_creation = "SelectUniqueValue" in self.functions

    def __str__(self) -> str:
        """Return the expression in one normal form, which compiles to an equal expression."""
        return str(self._root)

    def __repr__(self) -> str:
        return f"compile_expression({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def evaluate(self, attributes: Attributes, context: EvaluationContext) -> Value | Ignored:
        """Return the expression's value for one person, or `IGNORED` if IgnoreFlowIfNullOrEmpty drops it.

        A point in time is returned as text. Raises EvaluationError if a function refuses its input.
        """
        try:
            value = self._run(attributes, context)
            return _finished(value) if not isinstance(value, str) or len(value) > MAX_TEXT else value
        except IgnoreFlow:
            return IGNORED
        except RefusedError as refused:
            raise EvaluationError("", refused.reason) from None


def compile_expression(text: str) -> Expression:
    """Parse, check and compile an expression as it is written in the Entra portal.

    Functions are found in any case, since the page calls its syntax case-sensitive but itself writes `switch` and
    `IsNullorEmpty`; a warning gives the spelling to use. Raises ExpressionError with the position and what to do.
    """
    root = parse(text)
    calls = [node for node, _ in walk(root) if isinstance(node, Call)]
    written = {node.position: node.name for node in calls}
    given = {node.position: len(node.arguments) for node in calls}
    root = _corrected(root)
    patterns = [node for node, _ in walk(root) if isinstance(node, Call) and _takes_pattern(node)]
    if len(patterns) > MAX_PATTERNS:
        raise ExpressionError(patterns[MAX_PATTERNS].position, f"use at most {MAX_PATTERNS} regular expressions")
    _check(root)
    return Expression(root, find_limitations(root, written, given))


def _corrected(node: Node) -> Node:
    """Return the tree with every function's name in the reference's spelling."""
    if isinstance(node, Comparison):
        return Comparison(node.position, node.operator, _corrected(node.left), _corrected(node.right))
    if isinstance(node, Word):
        return Word(node.position, _WORDS.get(node.name.lower(), node.name))
    if not isinstance(node, Call):
        return node
    name = _NAMES.get(node.name.lower())
    if name is None:
        close = get_close_matches(node.name.lower(), _NAMES, n=1)
        hint = f"; did you mean {_NAMES[close[0]]}?" if close else ""
        raise ExpressionError(node.position, f"there is no function {node.name}{hint}")
    arguments = tuple(_corrected(argument) for argument in node.arguments)
    if name == "FormatDateTime" and len(arguments) == 3 and not any(isinstance(each, Omitted) for each in arguments):
        arguments = (arguments[0], Omitted(arguments[1].position), *arguments[1:])
    return Call(node.position, name, arguments)


def _takes_pattern(call: Call) -> bool:
    kinds = [parameter.kind for parameter in FUNCTIONS[call.name].parameters]
    given = zip(kinds, call.arguments, strict=False)
    return any(kind is PATTERN and not isinstance(argument, Omitted) for kind, argument in given)


def _check(root: Node) -> None:
    """Check that every function has the arguments it needs, and that bare words occur only where they have a
    meaning.
    """
    words = set()
    for node, _ in walk(root):
        if isinstance(node, Call):
            _check_arguments(FUNCTIONS[node.name], node)
            words |= {
                argument.position
                for index, argument in enumerate(node.arguments)
                if isinstance(argument, Word) and (p := FUNCTIONS[node.name].parameter(index)) and p.kind is WORD
            }
        elif isinstance(node, Word) and node.name.lower() in _REFUSED:
            raise ExpressionError(node.position, _REFUSED[node.name.lower()])
        elif isinstance(node, Word) and node.position not in words and node.name not in _WORDS.values():
            hint = f'did you mean "{node.name}", [{node.name}] or {node.name}(…)?'
            raise ExpressionError(node.position, f"{node.name} is no value; {hint}")


def _check_arguments(function: Function, call: Call) -> None:
    for index, argument in enumerate(call.arguments):
        parameter = function.parameter(index)
        if parameter is None:
            raise ExpressionError(argument.position, f"that is one argument too many; write {function.signature}")
        if isinstance(argument, Omitted) and parameter.required:
            raise ExpressionError(argument.position, f"{parameter.name} is missing; write {function.signature}")
    for parameter in function.parameters[len(call.arguments) :]:
        if parameter.required:
            raise ExpressionError(call.position, f"{parameter.name} is missing; write {function.signature}")
    if function.name == "FormatDateTime":
        _check_input_format(function, call)
    if function.name == "Switch" and len(call.arguments) % 2:
        reason = f"each key needs a value, and the default a place, if empty: write {function.signature}"
        raise ExpressionError(call.position, reason)


def _check_input_format(function: Function, call: Call) -> None:
    """Only a date needs no input format, and whether something else is one can be seen in a call's name alone."""
    source, given = call.arguments[0], call.arguments[2]
    may_be_date = isinstance(source, Call) and (source.name in DATES or source.name in ("IIF", "Switch", "Coalesce"))
    if isinstance(given, Omitted) and not may_be_date:
        raise ExpressionError(given.position, f"inputFormat is missing; write {function.signature}")


def _ignored(_attributes: Attributes, _context: EvaluationContext) -> Value:
    raise IgnoreFlow


def _compile(node: Node) -> Thunk:
    if isinstance(node, Word) and node.name == _IGNORE:
        return _ignored
    if isinstance(node, Constant | Word):
        value = node.value if isinstance(node, Constant) else _VALUES.get(node.name, node.name)
        return lambda _attributes, _context: value
    if isinstance(node, Attribute):
        name = node.name
        return lambda attributes, _context: attributes(name)
    if isinstance(node, Comparison):
        return _compile_comparison(node)
    assert isinstance(node, Call)
    return _compile_call(FUNCTIONS[node.name], node)


def _compile_comparison(node: Comparison) -> Thunk:
    operator, left, right = node.operator, _compile(node.left), _compile(node.right)
    return lambda attributes, context: compare(operator, left(attributes, context), right(attributes, context))


def _compile_call(function: Function, call: Call) -> Thunk:
    arguments = [_compile_argument(function, index, node) for index, node in enumerate(call.arguments)]
    if function.build is None:
        return _bounded(function.name, _applied(function, [argument.run for argument in arguments]))
    try:
        return _bounded(function.name, function.build(arguments))
    except RefusedError as refused:
        raise ExpressionError(call.position, refused.reason) from None


def _compile_argument(function: Function, index: int, node: Node) -> Argument:
    parameter = function.parameter(index)
    kind = parameter.kind if parameter else ANY
    if isinstance(node, Omitted):
        return Argument(node, lambda _attributes, _context: None, omitted=True, constant=True)
    if isinstance(node, Word) and node.name == _IGNORE:
        return Argument(node, _ignored)
    if isinstance(node, Constant | Word):
        try:
            value = kind.convert(node.value if isinstance(node, Constant) else _VALUES.get(node.name, node.name))
        except RefusedError as refused:
            raise ExpressionError(node.position, refused.reason) from None
        return Argument(node, lambda _attributes, _context: value, constant=True, value=value)
    return Argument(node, _converted(kind, node))


def _converted(kind: Kind, node: Node) -> Thunk:
    convert = kind.convert
    if kind is ANY:
        return _compile(node)
    if isinstance(node, Attribute):
        name = node.name
        return lambda attributes, _context: convert(attributes(name))
    run = _compile(node)
    return lambda attributes, context: convert(run(attributes, context))


def _applied(function: Function, arguments: Sequence[Thunk]) -> Thunk:
    """Return the function called with its evaluated arguments; one and two are written out, which halves their time."""
    run: Any = function.run
    if function.needs_context:
        return lambda attributes, context: run(context, *[argument(attributes, context) for argument in arguments])
    match arguments:
        case [one]:
            return lambda attributes, context: run(one(attributes, context))
        case [one, two]:
            return lambda attributes, context: run(one(attributes, context), two(attributes, context))
        case _:
            return lambda attributes, context: run(*[argument(attributes, context) for argument in arguments])


def _bounded(name: str, run: Thunk) -> Thunk:
    """Return the function with bounded results; its errors contain its name."""

    def bounded(attributes: Attributes, context: EvaluationContext) -> Any:
        try:
            value = run(attributes, context)
        except RefusedError as refused:
            raise EvaluationError(name, refused.reason) from None
        if isinstance(value, str) and len(value) > MAX_TEXT:
            raise EvaluationError(name, f"the text has more than {MAX_TEXT:,} characters")
        return value

    return bounded


def _finished(value: Value) -> Value:
    """Return a value as a target accepts it: bounded, and a point in time as text."""
    if isinstance(value, tuple):
        return as_text_or_values(value) or ()
    if value is None or isinstance(value, bool):
        return value
    return as_integer(value) if isinstance(value, int) else as_text(value)
