r"""The parser from the text of an expression to a tree.

Source: "Syntax overview" of "Reference for writing expressions for attribute mappings in Microsoft Entra ID". It
describes functions, attributes and constants; its examples add whole numbers, `&HF`, comparisons, vbBinaryCompare and
empty arguments. Beyond the page, the whole expression may also be a bare attribute, constant or comparison, and a
backslash before anything but a backslash or quotation mark is literal (with a warning), because `"\d"` is what people
paste.
"""

import re
from functools import lru_cache
from typing import Final

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from shared.rules.expressions.errors import ExpressionError
from shared.rules.expressions.limits import MAX_DEPTH, MAX_EXPRESSION, MAX_INTEGER, MAX_NODES
from shared.rules.expressions.tree import Attribute, Call, Comparison, Constant, Node, Omitted, Word, walk

_GRAMMAR: Final = r"""
    ?start: item
    ?item: value
         | value OPERATOR value -> comparison
    ?value: STRING -> string
          | NUMBER -> number
          | HEXADECIMAL -> hexadecimal
          | ATTRIBUTE -> attribute
          | NAME -> word
          | NAME "(" [item] (COMMA [item])* RIGHT -> call

    STRING: /"(?:[^"\\]|\\.)*"/s
    NUMBER: /-?[0-9]+/
    HEXADECIMAL: /&[Hh][0-9A-Fa-f]+/
    ATTRIBUTE: /\[(?:[^\[\]]|\[[^\[\]]*\])+\]/
    NAME: /[A-Za-z_][A-Za-z0-9_]*/
    OPERATOR: "<>" | "<=" | ">=" | "=" | "<" | ">"
    COMMA: ","
    RIGHT: ")"
    %ignore /\s+/
"""

_EXPECTED: Final = {
    "RIGHT": "a closing parenthesis",
    "COMMA": "a comma",
    "LPAR": "an opening parenthesis",
    "OPERATOR": "a comparison such as =",
    "STRING": 'a text in "quotation marks"',
    "NUMBER": "a number",
    "ATTRIBUTE": "an attribute in [brackets]",
    "NAME": "a function",
    "$END": "the end",
}

_UNREADABLE: Final = {
    '"': "the quotation mark opened here is never closed",
    "[": "the bracket opened here is never closed, or has no name in it",
    "“": 'use straight quotation marks, "',
    "”": 'use straight quotation marks, "',
    "'": 'put text in double quotation marks, "',
    "&": "join texts with Join or Append; & is only for hexadecimal numbers such as &HF",
    "+": "join texts with Join or Append",
    ".": 'only whole numbers are numbers; put any other in "quotation marks"',
}


_ESCAPE: Final = re.compile(r'\\(["\\])')


class _TreeBuilder(Transformer[Token, Node]):
    """Called by the parser from the inside out, so that nesting of any depth does not need Python's stack."""

    def string(self, children: list[Token]) -> Node:
        text = str(children[0])[1:-1]
        return Constant(_start(children[0]), _ESCAPE.sub(r"\1", text), stray_backslash="\\" in _ESCAPE.sub("", text))

    def number(self, children: list[Token]) -> Node:
        return _integer(children[0], str(children[0]), 10)

    def hexadecimal(self, children: list[Token]) -> Node:
        return _integer(children[0], str(children[0])[2:], 16)

    def attribute(self, children: list[Token]) -> Node:
        name = str(children[0])[1:-1]
        if not name.strip():
            raise ExpressionError(_start(children[0]), "write an attribute's name between the brackets")
        return Attribute(_start(children[0]), name)

    def word(self, children: list[Token]) -> Node:
        return Word(_start(children[0]), str(children[0]))

    def comparison(self, children: list[Node | Token]) -> Node:
        left, operator, right = children
        assert isinstance(operator, Token)
        assert not isinstance(left, Token)
        assert not isinstance(right, Token)
        return Comparison(_start(operator), str(operator), left, right)

    def call(self, children: list[Node | Token | None]) -> Node:
        """Build a call. Children are the name, then an argument or nothing before each comma and before the
        closing parenthesis.
        """
        name, *rest = children
        arguments: list[Node] = []
        pending: Node | None = None
        for child in rest:
            if isinstance(child, Token):
                arguments.append(pending or Omitted(_start(child)))
                pending = None
            else:
                pending = child
        if len(arguments) == 1 and isinstance(arguments[0], Omitted):
            arguments = []
        assert isinstance(name, Token)
        return Call(_start(name), str(name), tuple(arguments))


_PARSER: Final = Lark(_GRAMMAR, parser="lalr", transformer=_TreeBuilder(), maybe_placeholders=True)


@lru_cache(maxsize=256)  # the trees do not change, and a mapping is compiled again by each process and page
def parse(text: str) -> Node:
    """Return the tree of an expression. Raises ExpressionError: too long, too deep, too many parts, or not of the
    grammar.
    """
    if len(text) > MAX_EXPRESSION:
        raise ExpressionError(
            MAX_EXPRESSION, f"shorten the expression to Entra's limit of {MAX_EXPRESSION:,} characters"
        )
    try:
        root: Node = _PARSER.parse(text)  # type: ignore[assignment] # lark does not know what its transformer builds
    except UnexpectedInput as error:
        raise _explained(error, text) from None
    for count, (node, depth) in enumerate(walk(root), 1):
        if depth > MAX_DEPTH and isinstance(node, Call):
            raise ExpressionError(node.position, f"nest at most {MAX_DEPTH} functions in each other")
        if count > MAX_NODES:
            raise ExpressionError(node.position, f"use at most {MAX_NODES:,} functions, attributes and constants")
    return root


def _explained(error: UnexpectedInput, text: str) -> ExpressionError:
    if isinstance(error, UnexpectedCharacters):
        position = error.pos_in_stream or 0
        char = text[position]
        return ExpressionError(position, _UNREADABLE.get(char, f"the character {char!r} means nothing here"))
    if isinstance(error, UnexpectedToken):
        ended = error.token.type == "$END"
        position = len(text) if ended else _start(error.token)
        found = "the expression ends" if ended else f"there is {str(error.token)[:40]!r}"
        expected = [words for terminal, words in _EXPECTED.items() if terminal in error.accepts | error.expected]
        return ExpressionError(position, f"expected {' or '.join(expected) or 'nothing more'}, but {found}")
    return ExpressionError(len(text), "the expression cannot be read")


def _start(token: Token) -> int:
    return token.start_pos or 0


def _integer(token: Token, digits: str, base: int) -> Constant:
    number = int(digits, base) if len(digits) <= len(str(MAX_INTEGER)) + 1 else MAX_INTEGER + 1
    if not -MAX_INTEGER <= number <= MAX_INTEGER:
        raise ExpressionError(_start(token), f"the largest number is {MAX_INTEGER}")
    return Constant(_start(token), number)
