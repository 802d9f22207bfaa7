"""Routes of HTTP functions: templates like `scim/{store}/{*path}`, matched as Azure's host matches them.

Source: https://learn.microsoft.com/aspnet/core/fundamentals/routing#route-templates. Constraints, defaults and optional
parameters are left out, and refused, because the app uses none.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

PARAMETER = re.compile(r"\{(\*{0,2})([A-Za-z_]\w*)\}")
LITERAL = re.compile(r"[^{}*?]+")


@dataclass(frozen=True)
class Route[T]:
    """Where requests to a target are addressed: a template and methods. No methods means every method."""

    template: str
    methods: frozenset[str]
    target: T

    def __post_init__(self) -> None:
        """Refuse what this module does not match. Raises ValueError."""
        for place, segment in enumerate(self.segments, start=1):
            parameter = PARAMETER.fullmatch(segment)
            if not parameter and not LITERAL.fullmatch(segment):
                raise ValueError(f"the local host cannot match {segment!r} in the route {self.template!r}")
            if parameter and parameter[1] and place < len(self.segments):
                raise ValueError(f"the catch-all must come last in the route {self.template!r}")

    @property
    def segments(self) -> list[str]:
        return _segments(self.template)

    @property
    def precedence(self) -> list[int]:
        """Sorts the most specific first: segment by segment, a literal, a parameter, a catch-all."""
        return [2 if segment.startswith("{*") else 1 if segment.startswith("{") else 0 for segment in self.segments]

    def match(self, path: str) -> Mapping[str, str] | None:
        """The parameters a raw, percent-encoded path gives, or None when it is another route's."""
        found: dict[str, str] = {}
        rest = _segments(path)
        for segment in self.segments:
            parameter = PARAMETER.fullmatch(segment)
            if parameter and parameter[1]:
                found[parameter[2]] = "/".join(map(_decode, rest))
                return {name: value for name, value in found.items() if value}
            if not rest:
                return None
            value = _decode(rest.pop(0))
            if parameter:
                found[parameter[2]] = value
            elif value.casefold() != segment.casefold():
                return None
        return None if rest else found


@dataclass(frozen=True)
class Match[T]:
    """A route found for a request: its target and the parameters of the path."""

    target: T
    parameters: Mapping[str, str]


class Routes[T]:
    """All routes of an app, most specific first."""

    def __init__(self, routes: Iterable[Route[T]]) -> None:
        self._routes = sorted(routes, key=lambda route: route.precedence)

    def find(self, method: str, path: str) -> Match[T] | frozenset[str]:
        """The route for a request, or the methods that its path would take: none where no route has the path."""
        allowed: frozenset[str] = frozenset()
        for route in self._routes:
            if (parameters := route.match(path)) is not None:
                if not route.methods or method in route.methods:
                    return Match(route.target, parameters)
                allowed |= route.methods
        return allowed


def _segments(path: str) -> list[str]:
    return path.strip("/").split("/") if path.strip("/") else []


def _decode(segment: str) -> str:
    """Decode a segment as Kestrel does: all but `%2F`, which would read as a separator (dotnet/aspnetcore#30655)."""
    return "%2F".join(unquote(part) for part in re.split("%2[Ff]", segment))
