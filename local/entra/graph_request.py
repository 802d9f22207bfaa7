"""A request to the simulated Graph, and how its query options are read."""

from dataclasses import dataclass
from typing import Any

from local.entra.graph_errors import GraphError

type Content = dict[str, Any]

LARGEST_PAGE = 999
DEFAULT_PAGE = 100


@dataclass(frozen=True)
class GraphRequest:
    """One request, whether it came alone or in a batch."""

    method: str
    base: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes = b""

    def allow(self, *options: str) -> None:
        """Refuse every other query option, so that nobody relies on one that is silently ignored here."""
        if unknown := set(self.query) - set(options):
            raise GraphError(400, "Request_UnsupportedQuery", f"Not simulated here: {', '.join(sorted(unknown))}")

    def number(self, name: str, default: int, *, least: int, most: int | None) -> int:
        """A query option that is a number."""
        text = self.query.get(name, str(default))
        if not text.isdecimal() or int(text) < least or (most is not None and int(text) > most):
            raise GraphError(400, "Request_BadRequest", f"Invalid value '{text}' for {name}")
        return int(text)
