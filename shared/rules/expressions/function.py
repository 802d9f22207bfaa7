"""The definition of a function: name, signature, implementation, and an example.

Arguments are converted by the kind of their parameters before the function sees them, constants already when the
expression is compiled; so a function is written for the right types, and an error in a constant has a position.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.rules.expressions.dotnet_format import DateTimeError, Format, parse_format
from shared.rules.expressions.dotnet_regex import Pattern, compile_pattern
from shared.rules.expressions.errors import RefusedError
from shared.rules.expressions.tree import Node
from shared.rules.expressions.values import (
    Attributes,
    EvaluationContext,
    Value,
    as_integer,
    as_moment,
    as_text,
    as_text_or_values,
    as_truth,
    as_values,
    bounded,
)

type Thunk = Callable[[Attributes, EvaluationContext], Any]
"""A compiled expression: returns its value for one person."""


REFERENCE: Final = (
    "https://learn.microsoft.com/entra/identity/app-provisioning/functions-for-customizing-application-data"
)
ROLES_PAGE: Final = (
    "https://learn.microsoft.com/entra/identity/app-provisioning/customize-application-attributes"
    "#provisioning-a-role-to-a-scim-app"
)
CHINA_REFERENCE: Final = (
    "https://docs.azure.cn/entra/identity/app-provisioning/functions-for-customizing-application-data"
)
"""The same page for Entra in China, which has functions that the page for the other clouds leaves out."""


@dataclass(frozen=True, slots=True)
class Kind:
    """The type of a parameter: a name for the documentation, and the conversion that refuses everything else."""

    name: str
    convert: Callable[[Value], Any]


def _as_is(value: Value) -> Value:
    return value


def _as_text_or_empty(value: Value) -> str:
    return as_text(value) or ""


def _as_pattern(value: Value) -> Pattern:
    return compile_pattern(as_text(value) or "")


def _as_format(value: Value) -> Format:
    try:
        return parse_format(as_text(value) or "")
    except DateTimeError as error:
        raise RefusedError(str(error)) from None


def _as_word(value: Value) -> str:
    if value not in ("vbBinaryCompare", "vbTextCompare"):
        raise RefusedError("write vbBinaryCompare or vbTextCompare, without quotation marks")
    return str(value)


ANY: Final = Kind("any", _as_is)
TEXT: Final = Kind("text", as_text)
TEXTS: Final = Kind("text, or every value of a multi-valued attribute", as_text_or_values)
PLAIN: Final = Kind("text, null being empty", _as_text_or_empty)
VALUES: Final = Kind("multi-valued attribute", as_values)
INTEGER: Final = Kind("whole number", as_integer)
CONDITION: Final = Kind("condition", as_truth)
MOMENT: Final = Kind("date and time", as_moment)
PATTERN: Final = Kind("regular expression of .NET", _as_pattern)
FORMAT: Final = Kind("date format of .NET", _as_format)
WORD: Final = Kind("vbBinaryCompare or vbTextCompare", _as_word)
"""The only kind that is written without quotation marks."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter, named as on the reference page; a repeating one stands for any number of arguments from there on."""

    name: str
    kind: Kind
    required: bool = True
    repeating: bool = False


@dataclass(frozen=True, slots=True)
class Argument:
    """A compiled argument: converted to the kind of its parameter, or unconverted for functions with `build`."""

    node: Node
    run: Thunk
    omitted: bool = False
    constant: bool = False
    value: Any = None


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the reference page.

    `run` computes it from its converted arguments (after the context, if it `needs_context`). If it must not evaluate
    all its arguments, or can prepare constant ones, `build` makes it from the arguments instead.
    """

    name: str
    parameters: tuple[Parameter, ...]
    description: str
    example: str
    example_result: str
    run: Callable[..., Value] | None = None
    build: Callable[[Sequence[Argument]], Thunk] | None = None
    needs_context: bool = False
    maps_values: bool = False
    page: str = ""
    """Where Microsoft describes it, if not under its name on the reference page."""

    @property
    def link(self) -> str:
        """The address of its description."""
        return self.page or f"{REFERENCE}#{self.name.lower()}"

    @property
    def signature(self) -> str:
        """The function as the reference page writes it in a heading."""
        return f"{self.name}({', '.join(f'{p.name}, …' if p.repeating else p.name for p in self.parameters)})"

    def parameter(self, index: int) -> Parameter | None:
        """Return the parameter of the argument at `index`, or None if the function does not take so many."""
        if index < len(self.parameters):
            return self.parameters[index]
        last = self.parameters[-1] if self.parameters else None
        return last if last and last.repeating else None


def function(
    name: str, *parameters: Parameter, example: str, result: str, needs_context: bool = False, page: str = ""
) -> Callable[[Callable[..., Value]], Function]:
    """Make a function of the language from a Python function; its docstring becomes the description.

    A first parameter of the kind `TEXTS` makes it return one value for each value of a multi-valued attribute: the page
    does not mention this, and its sister page on Entra Connect's functions says so of all that accept text.
    """
    maps_values = bool(parameters) and parameters[0].kind is TEXTS

    def make(run: Callable[..., Value]) -> Function:
        return Function(
            name,
            parameters,
            _description(run),
            example,
            result,
            run=_mapped(run) if maps_values else run,
            needs_context=needs_context,
            maps_values=maps_values,
            page=page,
        )

    return make


def built_function(
    name: str, *parameters: Parameter, example: str, result: str
) -> Callable[[Callable[[Sequence[Argument]], Thunk]], Function]:
    """Make a function of the language from a Python function that receives its arguments unevaluated, once."""

    def make(build: Callable[[Sequence[Argument]], Thunk]) -> Function:
        return Function(name, parameters, _description(build), example, result, build=build)

    return make


def _description(implementation: Callable[..., object]) -> str:
    return " ".join((implementation.__doc__ or "").split())


def _mapped(run: Callable[..., Value]) -> Callable[..., Value]:
    def mapped(source: str | tuple[str, ...] | None, *rest: object) -> Value:
        return map_values(source, lambda text: run(text, *rest)) if isinstance(source, tuple) else run(source, *rest)

    return mapped


def map_values(values: tuple[str, ...], run: Callable[[str], Value]) -> tuple[str, ...]:
    """Return the result of `run` for each value, refused as soon as all together are larger than a text may be."""
    return bounded(as_text(run(value)) or "" for value in values)
