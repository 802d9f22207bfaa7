"""Attributes that Entra sends to a sync endpoint and that no schema has: recorded by name, never with a value."""

from collections.abc import Mapping
from datetime import datetime
from typing import Self

from pydantic import AwareDatetime, ConfigDict

from shared.model import Model

MOST = 50
"""Maximum number of names stored for one store; the ones not sent for the longest time are dropped."""


class IgnoredAttribute(Model):
    """One ignored attribute."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    count: int
    """Number of requests that contained it."""
    last: AwareDatetime


class IgnoredAttributes(Model):
    """The ignored attributes of one store, most recent first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    attributes: tuple[IgnoredAttribute, ...] = ()

    def with_counts(self, counts: Mapping[str, int], now: datetime) -> Self:
        """Return the attributes with the counts of more requests."""
        known = {attribute.name: attribute.count for attribute in self.attributes}
        new = [
            IgnoredAttribute(name=name, count=known.get(name, 0) + count, last=now) for name, count in counts.items()
        ]
        rest = [attribute for attribute in self.attributes if attribute.name not in counts]
        return self.model_copy(update={"attributes": (*new, *rest)[:MOST]})
