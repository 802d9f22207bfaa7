"""Bounds of the work that one request may ask for, counted before any of it is done.

A body of 1 MiB can ask for minutes of work: the library applies each operation of a PATCH to a copy of the resource,
and compares each term of a filter with each entry. The numbers are far above what Entra sends, and the worst request
within them takes less than a second of processor time (tests/security/test_work.py).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import JsonValue
from scim2_models import InvalidValueException, PayloadTooLargeException

from shared.rules.groups.group import GROUP

MOST_OPERATIONS = 100
"""Operations of PATCH in a request that concern anything but the members of a group."""
MOST_MEMBERS = 2_000
"""Members that a request names, each in an operation of its own or all in one."""
MOST_MEMBERS_IN_A_PATH = 500
"""Members that one path names, as in ``members[value eq "…" or value eq "…"]``; Entra names one."""
MOST_ENTRIES = 200
"""Entries of lists in a request, and of one person, members of groups apart."""
MOST_ATTRIBUTES = 50
"""Attributes that a request asks for or leaves out: each is looked for in every resource of a page."""
MOST_VALUES = 2_000
"""Values of a body, members of groups apart."""
MOST_TERMS = 100
"""Terms of filters and of paths with filters in a request, members of groups apart."""
MOST_NESTING = 20
"""Brackets within brackets of a filter or a path."""

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_JOINED = re.compile(r"\b(?:and|or)\b", re.IGNORECASE)
_MEMBERS = re.compile(rf"(?:{re.escape(GROUP)}:)?members(?:\.value)?(?:\[|$)", re.IGNORECASE)


@dataclass
class _Counted:
    """What a body asks for, so far."""

    operations: int = 0
    members: int = 0
    entries: int = 0
    values: int = 0
    terms: int = 0

    def ensure_bounded(self) -> None:
        for name, most, words in (
            ("operations", MOST_OPERATIONS, "operations beside those on members"),
            ("members", MOST_MEMBERS, "members"),
            ("entries", MOST_ENTRIES, "entries of lists"),
            ("values", MOST_VALUES, "values"),
            ("terms", MOST_TERMS, "terms of filters"),
        ):
            if getattr(self, name) > most:
                raise PayloadTooLargeException(detail=f"A request may have {most:,} {words} at the most: send several")


def ensure_bounded_query(query: Mapping[str, str]) -> None:
    """Raise InvalidValueException for a query that asks for too much. Names of parameters have no letter case here."""
    for name, text in query.items():
        if name.lower() == "filter":
            terms, nesting = _terms(text)
            if terms > MOST_TERMS or nesting > MOST_NESTING:
                raise InvalidValueException(detail=f"A filter may have {MOST_TERMS} terms at the most")
        elif text.count(",") >= MOST_ATTRIBUTES:
            raise InvalidValueException(detail=f"{name[:40]} may name {MOST_ATTRIBUTES} attributes at the most")


def ensure_bounded_body(body: JsonValue) -> None:
    """Raise PayloadTooLargeException for a body that asks for too much."""
    counted, waiting = _Counted(), list[tuple[str, JsonValue]]([("", body)])
    while waiting:
        key, value = waiting.pop()
        if isinstance(value, dict):
            waiting += _of_object(counted, value)
        elif isinstance(value, list):
            waiting += _of_list(counted, key, value)
        elif isinstance(value, str) and key in ("path", "filter"):
            counted.terms += _bounded_terms(value)
        counted.ensure_bounded()


def _of_object(counted: _Counted, value: dict[str, JsonValue]) -> Iterator[tuple[str, JsonValue]]:
    """Yield the parts of an object; of an operation on members, they are counted here."""
    lowered = {key.lower(): part for key, part in value.items()}
    counted.values += len(value)
    if "op" not in lowered:
        yield from lowered.items()
        return
    path, content = lowered.get("path"), lowered.get("value")
    if isinstance(path, str) and _MEMBERS.match(path):
        terms, nesting = _terms(path)
        counted.members += max(terms, len(content) if isinstance(content, list) else 1)
        counted.values -= len(value)
        if nesting > MOST_NESTING or terms > MOST_MEMBERS_IN_A_PATH:
            raise PayloadTooLargeException(detail=f"A path may name {MOST_MEMBERS_IN_A_PATH} members at the most")
        return
    named_members = isinstance(content, dict) and content and all(_MEMBERS.match(key) for key in content)
    counted.operations += not named_members
    yield from lowered.items()


def _of_list(counted: _Counted, key: str, value: list[JsonValue]) -> Iterator[tuple[str, JsonValue]]:
    if _MEMBERS.match(key):
        counted.members += len(value)
        return
    if key in ("attributes", "excludedattributes") and len(value) > MOST_ATTRIBUTES:
        raise PayloadTooLargeException(detail=f"A request may name {MOST_ATTRIBUTES} attributes at the most")
    counted.values += len(value)
    if key != "operations":
        counted.entries += len(value)
    yield from ((key, entry) for entry in value)


def _bounded_terms(text: str) -> int:
    terms, nesting = _terms(text)
    if nesting > MOST_NESTING:
        raise PayloadTooLargeException(detail="A filter or path has too many brackets within brackets")
    return terms


def _terms(text: str) -> tuple[int, int]:
    """Return the number of terms, one for a path without a filter, and how deep the brackets are nested."""
    bare, depth, deepest = _QUOTED.sub('""', text), 0, 0
    for character in bare:
        if character in "([":
            depth += 1
            deepest = max(deepest, depth)
        elif character in ")]":
            depth -= 1
    return len(_JOINED.findall(bare)) + 1, deepest
