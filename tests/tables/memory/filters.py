"""The filters that the bridge writes: comparisons of texts, all of which have to be true.

https://learn.microsoft.com/rest/api/storageservices/querying-tables-and-entities
"""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

_TERM = re.compile(r"(\w+) (eq|gt|ge|lt|le) (?:@(\w+)|'((?:[^']|'')*)')")
_AND = " and "
_COMPARED: Mapping[str, Callable[[str, str], bool]] = {
    "eq": operator.eq,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}


@dataclass(frozen=True)
class Term:
    """A property, compared with a text in the order of UTF-16."""

    name: str
    how: str
    text: str

    def holds(self, values: Mapping[str, object]) -> bool:
        """Of an entity. A property that it has not, or that is no text, compares to nothing."""
        value = values.get(self.name)
        return isinstance(value, str) and _COMPARED[self.how](order(value), order(self.text))


@dataclass(frozen=True)
class Filter:
    """What rows are asked for: where the keys begin and end, and what else they must be."""

    partition: str | None
    starts: str
    """In the order of keys; no row before this is asked for."""
    ends: str | None
    """No row from here on is asked for."""
    terms: tuple[Term, ...]
    """What the bounds do not say."""


EVERYTHING = Filter(None, "", None, ())


def filter_of(text: str, parameters: Mapping[str, object]) -> Filter:
    """A filter with its parameters put in. Raises ValueError for one that this double does not know."""
    partition, starts, ends = None, "", None
    terms: list[Term] = []
    for name, how, parameter, literal in _parsed(text):
        value = parameters[parameter] if parameter else literal
        if not isinstance(value, str):
            raise ValueError(f"{text}: the bridge compares texts alone")  # noqa: TRY004 - one kind of error
        match name, how:
            case "PartitionKey", "eq":
                partition = value
            case "RowKey", "ge":
                starts = max(starts, order(value))
            case "RowKey", "lt":
                ends = order(value) if ends is None else min(ends, order(value))
            case _:
                terms.append(Term(name, how, value))
    return Filter(partition, starts, ends, tuple(terms))


@lru_cache
def _parsed(text: str) -> tuple[tuple[str, str, str, str], ...]:
    found = []
    for part in text.split(_AND):
        term = _TERM.fullmatch(part)
        if term is None:
            raise ValueError(f"{text}: this double knows comparisons and `and` alone")
        name, how, parameter, literal = term.groups()
        found.append((name, how, parameter or "", (literal or "").replace("''", "'")))
    return tuple(found)


def order(text: str) -> str:
    """A text that sorts among others as the text itself does in UTF-16, by which the service compares."""
    if text.isascii() or max(text) < "\ue000":
        return text
    pairs = text.encode("utf-16-be", "surrogatepass")
    return "".join(chr(pairs[at] << 8 | pairs[at + 1]) for at in range(0, len(pairs), 2))
