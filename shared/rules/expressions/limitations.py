"""Limitations that the reference page lists: reported as warnings when an expression is compiled."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from shared.rules.expressions.choice_functions import attributes_that_fail
from shared.rules.expressions.tree import Attribute, Call, Comparison, Constant, Node, Omitted, Word, walk


class Limitation(StrEnum):
    """The subject of a warning."""

    IIF_EMPTY = "iif-empty"
    SELECT_UNIQUE_NESTED = "select-unique-nested"
    ONLY_ON_CREATION = "only-on-creation"
    SWITCH_PRESENCE = "switch-presence"
    SWITCH_REFERENCE = "switch-reference"
    CHANGES_EVERY_TIME = "changes-every-time"
    SPELLING = "spelling"
    BACKSLASH = "backslash"
    NULL_COMPARED = "null-compared"
    PAGES = "pages"


@dataclass(frozen=True, slots=True)
class ExpressionWarning:
    """A limitation, its place in the expression, what to do, and the attributes concerned."""

    limitation: Limitation
    position: int
    text: str
    attributes: tuple[str, ...] = ()


_PRESENCE: Final = frozenset({"IsPresent", "IsNull", "IsNullOrEmpty"})
_REFERENCES: Final = frozenset({"manager"})
DATES: Final = frozenset({"CDate", "DateAdd", "Now", "DateFromNum"})
"""The functions that return a point in time."""
_RANDOM: Final = frozenset({"Guid", "RandomString"})


def find_limitations(
    root: Node, written: dict[int, str], written_arguments: dict[int, int]
) -> tuple[ExpressionWarning, ...]:
    """Return the warnings of an expression, in order.

    `written` has the names of functions before correction, by position, `written_arguments` how many they were given.
    """
    only_once = isinstance(root, Call) and root.name == "SelectUniqueValue"
    found: list[ExpressionWarning] = []
    for node, depth in walk(root):
        if isinstance(node, Constant) and node.stray_backslash:
            found.append(
                _warning(
                    Limitation.BACKSLASH,
                    node,
                    'in a constant write a backslash twice, as in "\\\\d"; it is read as such',
                )
            )
        if isinstance(node, Comparison) and any(_is_null(each) for each in (node.left, node.right)):
            text = "a comparison with NULL never holds: use IsNull or IsNullOrEmpty"
            found.append(_warning(Limitation.NULL_COMPARED, node, text))
        if isinstance(node, Call):
            found += _of_pages(node, written_arguments.get(node.position, 0))
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


def _is_null(node: Node) -> bool:
    return isinstance(node, Word) and node.name == "NULL"


def _of_pages(call: Call, given: int) -> Iterator[ExpressionWarning]:
    """Where Microsoft's pages contradict each other: which one is followed."""
    if call.name != "FormatDateTime":
        return
    if given == len(call.arguments) - 1:
        text = (
            "three parameters are read as source, inputFormat and outputFormat, as Microsoft Graph lists the function; "
            "the reference page has four"
        )
        yield _warning(Limitation.PAGES, call, text)
    source = call.arguments[0]
    if isinstance(source, Call) and source.name in DATES and not isinstance(call.arguments[2], Omitted):
        text = (
            f"{source.name} gives a date, so inputFormat does not matter, as in Microsoft's examples for provisioning "
            "from HR; by the reference page it would be the format of a text"
        )
        yield _warning(Limitation.PAGES, call, text)


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
