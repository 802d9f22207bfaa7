"""What the reference page says will not work as it looks: found when an expression is compiled, as warnings."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from shared.rules.expressions.choice_functions import attributes_that_fail
from shared.rules.expressions.tree import Attribute, Call, Constant, Node, walk


class Limitation(StrEnum):
    """What a warning is about."""

    IIF_EMPTY = "iif-empty"
    SELECT_UNIQUE_NESTED = "select-unique-nested"
    ONLY_ON_CREATION = "only-on-creation"
    SWITCH_PRESENCE = "switch-presence"
    SWITCH_REFERENCE = "switch-reference"
    CHANGES_EVERY_TIME = "changes-every-time"
    SPELLING = "spelling"
    BACKSLASH = "backslash"


@dataclass(frozen=True, slots=True)
class ExpressionWarning:
    """A limitation, where in the expression it lies, what to do, and the attributes it is about."""

    limitation: Limitation
    position: int
    text: str
    attributes: tuple[str, ...] = ()


_PRESENCE: Final = frozenset({"IsPresent", "IsNull", "IsNullOrEmpty"})
_REFERENCES: Final = frozenset({"manager"})
_RANDOM: Final = frozenset({"Guid", "RandomString"})


def find_limitations(root: Node, written: dict[int, str]) -> tuple[ExpressionWarning, ...]:
    """The warnings of an expression, in order; `written` has the names before correction, by position."""
    only_once = isinstance(root, Call) and root.name == "SelectUniqueValue"
    found: list[ExpressionWarning] = []
    for node, depth in walk(root):
        if isinstance(node, Constant) and node.stray_backslash:
            found.append(
                _warning(
                    Limitation.BACKSLASH, node, 'in a constant write a backslash twice, as in "\\\\d"; it is taken so'
                )
            )
        if isinstance(node, Call):
            found += _of_call(node, depth, written[node.position], only_once=only_once)
    return tuple(sorted(found, key=lambda warning: warning.position))


def _of_call(call: Call, depth: int, written: str, *, only_once: bool) -> Iterator[ExpressionWarning]:
    if written != call.name:
        yield _warning(Limitation.SPELLING, call, f"Entra's syntax is case-sensitive: write {call.name}")
    if call.name == "IIF" and (names := _failing(call)):
        text = (
            f"where {' or '.join(f'[{name}]' for name in names)} is empty or null the check fails and valueIfFalse is "
            f'taken; to test for that use Switch, as in Switch([{names[0]}], [{names[0]}], "", "Other")'
        )
        yield ExpressionWarning(Limitation.IIF_EMPTY, call.position, text, names)
    if call.name == "Switch":
        yield from _of_switch(call)
    if call.name == "SelectUniqueValue":
        text = "set the rule to apply only during object creation, and not to an attribute that people are matched by"
        yield _warning(Limitation.ONLY_ON_CREATION, call, text)
        if depth > 1:
            text = (
                "SelectUniqueValue must not stand inside of another function: move that function into each of its rules"
            )
            yield _warning(Limitation.SELECT_UNIQUE_NESTED, call, text)
    if call.name in _RANDOM and not only_once:
        text = f"{call.name} gives another value each time: set the rule to apply only during object creation"
        yield _warning(Limitation.CHANGES_EVERY_TIME, call, text)


def _of_switch(call: Call) -> Iterator[ExpressionWarning]:
    source = call.arguments[0]
    if isinstance(source, Call) and source.name in _PRESENCE:
        text = f'do not use {source.name} as the source; use the attribute, with the empty text "" as one of the keys'
        yield _warning(Limitation.SWITCH_PRESENCE, call, text)
    if isinstance(source, Attribute) and source.name in _REFERENCES:
        text = f"Switch is not meant for [{source.name}], which refers to another object"
        yield _warning(Limitation.SWITCH_REFERENCE, call, text)


def _failing(call: Call) -> tuple[str, ...]:
    return tuple(dict.fromkeys(attribute.name for attribute in attributes_that_fail(call.arguments[0])))


def _warning(limitation: Limitation, node: Node, text: str) -> ExpressionWarning:
    return ExpressionWarning(limitation, node.position, text)
