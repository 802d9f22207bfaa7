"""The translation of one .NET regular expression into the syntax of the PyPI package `regex`, and its size."""

import re
from typing import Final

from shared.rules.expressions.errors import RefusedError
from shared.rules.expressions.limits import MAX_PATTERN_SIZE

_COUNTED: Final = re.compile(r"\{([0-9]+)(?:(,)([0-9]*))?\}")
_NAME: Final = re.compile(r"[^\W\d]\w*")
_OPTIONS: Final = re.compile(r"\?([ims]*)(?:-([ims]+))?([:)])")
_PROPERTY: Final = re.compile(r"\{(Is)?(\w[\w-]*)\}")
_HEX: Final = re.compile(r"x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}")
_DEEPEST: Final = 50  # groups in groups; `regex` compiles by recursion
_PLAIN_GROUPS: Final = ("?:", "?=", "?!", "?<=", "?<!", "?>")
_SAME_ESCAPES: Final = frozenset("AbBdDGsSwW" + "tnrfva")
_CLASS_ESCAPES: Final = frozenset("dDsSwW" + "tnrfva")


class Translator:
    """Reads a pattern once, from left to right; `numbers` is complete when `translate` has returned."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.unnamed: list[int] = []
        self.named: dict[str, int] = {}
        self.count = 0
        self.sizes = [0]  # elements so far in each open group
        self.last = 0  # elements in what a quantifier here would repeat; 0 where there is nothing to repeat
        self.references: list[tuple[int, int]] = []  # where in the output a group is meant by number, and which
        self.out: list[str] = []

    def translate(self) -> str:
        """The pattern for `regex`. Raises RefusedError: .NET would refuse it, or it is not supported, or too large."""
        while self.at < len(self.pattern):
            self._step(self.pattern[self.at])
        if len(self.sizes) > 1:
            raise RefusedError("not a regular expression: a ( is never closed")
        self._check_size(self.sizes[0])
        numbers = self.numbers()
        for index, number in self.references:
            if number >= len(numbers):
                raise RefusedError(f"not a regular expression: it has no group {number}")
            self.out[index] = f"\\g<{numbers[number]}>"
        return "".join(self.out)

    def numbers(self) -> list[int]:
        """The number `regex` gives to each group, in .NET's order: the whole match, unnamed groups, named groups."""
        return [0, *self.unnamed, *self.named.values()]

    def _step(self, char: str) -> None:
        if char == "\\":
            self._escape(_SAME_ESCAPES)
            self._element()
        elif char == "[":
            self._class()
            self._element()
        elif char == "(":
            self._open()
        elif char == ")":
            self._close()
        elif char in "*+?" or (char == "{" and _COUNTED.match(self.pattern, self.at)):
            self._quantifier(char)
        elif char == "|":
            self._copy(1)
            self.last = 0
        else:
            self.out.append("\\" + char if char in "{}" else char)
            self.at += 1
            self._element()

    def _copy(self, count: int) -> None:
        self.out.append(self.pattern[self.at : self.at + count])
        self.at += count

    def _element(self, size: int = 1) -> None:
        self.last = size
        self.sizes[-1] += size

    def _check_size(self, size: int) -> None:
        if size > MAX_PATTERN_SIZE:
            raise RefusedError(
                f"the regular expression repeats more than {MAX_PATTERN_SIZE:,} elements; use smaller counts"
            )

    def _quantifier(self, char: str) -> None:
        if not self.last:
            raise RefusedError(f"not a regular expression: there is nothing for {char} to repeat")
        if counted := _COUNTED.match(self.pattern, self.at):
            least, most = int(counted[1][:9]), int((counted[3] or counted[1])[:9])
            if most < least:
                raise RefusedError(f"not a regular expression: {counted[0]} counts down")
            self.sizes[-1] += self.last * (max(least, most, 1) - 1)
            self._check_size(self.sizes[-1])
            self._copy(len(counted[0]))
        else:
            self._copy(1)
        if self.pattern[self.at : self.at + 1] == "?":
            self._copy(1)
        self.last = 0  # .NET has no possessive quantifiers: a second one in a row is an error

    def _open(self) -> None:
        if len(self.sizes) > _DEEPEST:
            raise RefusedError(f"the regular expression nests more than {_DEEPEST} groups")
        self.at += 1
        if not self.pattern.startswith("?", self.at):
            self.count += 1
            self.unnamed.append(self.count)
            self.out.append("(")
        elif self.pattern.startswith("?#", self.at):
            end = self.pattern.find(")", self.at)
            if end < 0:
                raise RefusedError("not a regular expression: a comment is never closed")
            self.at = end + 1
            return
        elif self._options():
            return
        else:
            self._special_group()
        self.sizes.append(0)
        self.last = 0

    def _options(self) -> bool:
        """Options, for the rest of the group `(?i)` or for one of their own `(?i:`, copied up to the colon."""
        found = _OPTIONS.match(self.pattern, self.at)
        if found is None or found[0] == "?:":
            return False
        off = (found[2] or "") + ("f" if "i" in found[1] else "")  # .NET folds no ß into ss, as `regex` else does
        self.out.append(f"(?{found[1]}{'-' if off else ''}{off}{found[3]}")
        self.at += len(found[0])
        if found[3] == ":":
            self.sizes.append(0)
        self.last = 0
        return True

    def _special_group(self) -> None:
        rest = self.pattern[self.at :]
        for opening in _PLAIN_GROUPS:
            if rest.startswith(opening):
                self.out.append("(")
                self._copy(len(opening))
                return
        for left, right in (("?<", ">"), ("?'", "'")):
            if rest.startswith(left):
                self._named_group(rest[2:].partition(right)[0])
                return
        raise RefusedError(f"the regular expression has a group not supported here: ({rest[:4]}")

    def _named_group(self, name: str) -> None:
        if not _NAME.fullmatch(name):
            raise RefusedError(f'the regular expression has a group name not supported here: "{name}"')
        if name not in self.named:
            self.count += 1
            self.named[name] = self.count
        self.out.append(f"(?P<{name}>")
        self.at += len(name) + 3

    def _close(self) -> None:
        if len(self.sizes) == 1:
            raise RefusedError("not a regular expression: a ) closes nothing")
        self._copy(1)
        size = self.sizes.pop()
        self._check_size(size)
        self._element(size + 1)

    def _escape(self, same: frozenset[str]) -> None:
        escaped = self.pattern[self.at + 1 : self.at + 2]
        if not escaped:
            raise RefusedError("not a regular expression: it ends in a backslash")
        rest = self.pattern[self.at + 1 :]
        if escaped in same or not (escaped.isalnum() or escaped == "_"):
            self._copy(2)
        elif escaped in "pP" and (found := _PROPERTY.match(rest, 1)):
            self.out.append(f"\\{escaped}{{{'In' if found[1] else ''}{found[2]}}}")
            self.at += 1 + found.end()
        elif found := _HEX.match(rest):
            self._copy(1 + found.end())
        else:
            self._rewritten_escape(escaped, rest, in_class=same is _CLASS_ESCAPES)

    def _rewritten_escape(self, escaped: str, rest: str, *, in_class: bool) -> None:
        if escaped == "e":
            self.out.append("\\x1b")
        elif escaped == "b" and in_class:
            self.out.append("\\x08")
        elif escaped == "z" and not in_class:
            self.out.append("\\Z")
        elif escaped == "Z" and not in_class:
            self.out.append("(?=\\n?\\Z)")
        elif escaped == "c" and len(rest) > 1 and "@" <= rest[1].upper() <= "_":
            self.out.append(f"\\x{ord(rest[1].upper()) - 64:02x}")
            self.at += 1
        elif escaped == "0":
            self.out.append("\\x00")
        elif escaped.isdigit() and escaped.isascii() and not in_class:
            self.references.append((len(self.out), int(escaped)))
            self.out.append("")
        elif escaped == "k" and not in_class and (found := re.match(r"k(?:<(\w+)>|'(\w+)')", rest)):
            self.out.append(f"(?P={found[1] or found[2]})")
            self.at += found.end() - 1
        else:
            raise RefusedError(f"not a regular expression of .NET's: \\{escaped}")
        self.at += 2

    def _class(self) -> None:
        """A character class; of the operations on sets `regex` knows, .NET has only `[a-z-[aeiou]]`."""
        self._copy(2 if self.pattern.startswith("[^", self.at) else 1)
        first = True
        while self.at < len(self.pattern):
            char = self.pattern[self.at]
            if char == "]" and not first:
                self._copy(1)
                return
            if char == "\\":
                self._escape(_CLASS_ESCAPES)
            elif self.pattern.startswith("-[", self.at) and not first:
                self.out.append("--")
                self.at += 1
                self._class()
            else:
                self.out.append("\\" + char if char in "[]&|~" or (char == "-" and self._lone_hyphen(first)) else char)
                self.at += 1
            first = False
        raise RefusedError("not a regular expression: a [ is never closed")

    def _lone_hyphen(self, first: bool) -> bool:
        return first or self.pattern.startswith("]", self.at + 1) or self.pattern.startswith("--", self.at)
