"""The template as the parser reads it, and its words: what the parser leaves unchecked is checked on them."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pycep import BicepParser

from local.processes import ROOT

FOLDER = ROOT / "infra/bicep"
FILES = sorted(FOLDER.rglob("*.bicep"))

_TOKEN = re.compile(
    r"(?P<comment>//[^\n]*|/\*.*?\*/)"
    r"|(?P<text>'''.*?'''|'(?:\\.|\$\{(?:[^{}']|'[^']*')*\}|[^'\\])*')"
    r"|(?P<word>[A-Za-z_]\w*)"
    r"|(?P<mark>\?\?|\.\?|[^\s\w])"
    r"|(?P<line>\n)",
    re.DOTALL,
)
_INTERPOLATION = re.compile(r"\$\{((?:[^{}']|'[^']*')*)\}")

DECLARING = frozenset({"param", "var", "resource", "module", "output", "metadata"})
OTHERS = frozenset({"targetScope", "existing", "if", "for", "in", "true", "false", "null", "using"})
TYPES = frozenset({"string", "int", "bool", "object", "array"})
KEYWORDS = DECLARING | OTHERS | TYPES
"""With the names of types, which stand where a symbol could."""


@dataclass(frozen=True)
class Word:
    """A word outside of texts and comments, with what stands beside it."""

    text: str
    before: str
    after: str


@dataclass(frozen=True)
class Module:
    """A module as it is called: its path, or its registry address with the version."""

    source: str
    params: Mapping[str, Any]


class Bicep:
    """One file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = path.read_text()
        self.tree: Any = BicepParser().parse(text=self.text)

    @property
    def declared(self) -> frozenset[str]:
        """Parameters, variables, resources and modules."""
        kinds = ("parameters", "variables", "resources", "modules")
        return frozenset(name for kind in kinds for name in self.tree.get(kind, {}))

    @property
    def used(self) -> frozenset[str]:
        """The symbols that are read."""
        words = list(words_of(self.text))
        local = {word.text for word in words if word.before in ("for", "(", ",") and _is_loop_variable(word, self.text)}
        return frozenset(word.text for word in words if _is_symbol(word)) - local

    @property
    def properties(self) -> frozenset[str]:
        """The outputs that are read, as ``module.output``."""
        return frozenset(f"{module}.{output}" for module, output in re.findall(r"(\w+)!?\.outputs\.(\w+)", self.text))

    def modules(self) -> dict[str, Module]:
        """What it calls, by name."""
        found = {}
        for name, module in self.tree.get("modules", {}).items():
            config = module["config"]
            while "params" not in config:
                config = config["config"] if "config" in config else config["loop"]["body"]
            found[name] = Module(module["detail"]["full"], config["params"])
        return found

    def resource(self, name: str) -> Any:
        """A resource's properties."""
        config = self.tree["resources"][name]["config"]
        return config.get("properties", config)


@cache
def read(path: Path) -> Bicep:
    """A file of the template; the parser takes its time."""
    return Bicep(path)


def bicep(name: str) -> Bicep:
    """A file of the template by its name, such as ``main`` or ``modules/storage``."""
    return read(FOLDER / f"{name}.bicep")


def roles() -> dict[str, str]:
    """The roles that the template may give, by name."""
    read: dict[str, str] = json.loads((FOLDER / "roles.json").read_text())
    return read


def words_of(text: str) -> Iterator[Word]:
    """Every word that is neither in a text nor in a comment; those in a text's ``${…}`` are."""
    tokens = [match for match in _TOKEN.finditer(text) if match.lastgroup != "comment"]
    marks = ["\n", *(match[0] for match in tokens), "\n"]
    for place, match in enumerate(tokens, 1):
        if match.lastgroup == "word":
            yield Word(match[0], marks[place - 1], marks[place + 1])
        elif match.lastgroup == "text" and not match[0].startswith("'''"):
            for inner in _INTERPOLATION.findall(match[0]):
                yield from words_of(f"({inner})")


def _is_symbol(word: Word) -> bool:
    if word.text in KEYWORDS or word.before in {".", ".?", "@", *DECLARING}:
        return False
    is_key = word.after == ":" and word.before in ("\n", "{", ",")
    return not is_key and word.after != "("


def _is_loop_variable(word: Word, text: str) -> bool:
    return re.search(rf"\bfor (?:\((?:\w+, )?{word.text}(?:, \w+)?\)|{word.text}) in\b", text) is not None
