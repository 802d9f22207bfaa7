"""What Entra sends to a sync endpoint and no schema of it has: told by name, never with a value."""

from collections.abc import Mapping
from datetime import datetime
from typing import Self

from pydantic import AwareDatetime, ConfigDict

from shared.model import Model

MOST = 50
"""Names kept for one store; those that were not sent for the longest time make room."""


class IgnoredAttribute(Model):
    """One attribute."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    count: int
    """Requests that named it."""
    last: AwareDatetime


class IgnoredAttributes(Model):
    """Those of one store, the last one first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    attributes: tuple[IgnoredAttribute, ...] = ()

    def with_counts(self, counts: Mapping[str, int], now: datetime) -> Self:
        """The same after more requests."""
        known = {attribute.name: attribute.count for attribute in self.attributes}
        new = [
            IgnoredAttribute(name=name, count=known.get(name, 0) + count, last=now) for name, count in counts.items()
        ]
        rest = [attribute for attribute in self.attributes if attribute.name not in counts]
        return self.model_copy(update={"attributes": (*new, *rest)[:MOST]})
