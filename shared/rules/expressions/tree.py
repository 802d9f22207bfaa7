"""An expression taken apart, before anything is known of its functions, and written again in one normal form."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Constant:
    """A text in quotation marks or a whole number."""

    position: int
    value: str | int
    stray_backslash: bool = False
    """A backslash before something that needs none; it stands for itself."""

    def __str__(self) -> str:
        return quoted(self.value) if isinstance(self.value, str) else str(self.value)


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of the person, `[givenName]`; the name is everything between the brackets, exactly."""

    position: int
    name: str

    def __str__(self) -> str:
        return f"[{self.name}]"


@dataclass(frozen=True, slots=True)
class Word:
    """A name without brackets or quotation marks, such as vbTextCompare."""

    position: int
    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Omitted:
    """An argument left out between two commas, or before the closing parenthesis."""

    position: int

    def __str__(self) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two values around `=`, `<>`, `<`, `<=`, `>` or `>=`."""

    position: int
    operator: str
    left: "Node"
    right: "Node"

    def __str__(self) -> str:
        return f"{self.left} {self.operator} {self.right}"


@dataclass(frozen=True, slots=True)
class Call:
    """A function with its arguments."""

    position: int
    name: str
    arguments: tuple["Node", ...]

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(str, self.arguments))})"


type Node = Constant | Attribute | Word | Omitted | Comparison | Call


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below this one."""
    if isinstance(node, Call):
        return node.arguments
    return (node.left, node.right) if isinstance(node, Comparison) else ()


def walk(root: Node) -> Iterator[tuple[Node, int]]:
    """Every node with its depth, in the order of the text; without recursion, since depth is what may be wrong."""
    pending = [(root, 1)]
    while pending:
        node, depth = pending.pop()
        yield node, depth
        pending.extend((child, depth + 1) for child in reversed(children(node)))


def quoted(text: str) -> str:
    """A text as a constant: in quotation marks, with a backslash before each quotation mark and backslash."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
