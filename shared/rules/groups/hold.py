"""A request about one group that the guard held back, and what an administrator allowed."""

import hashlib
from collections.abc import Iterable
from typing import Self

from pydantic import AwareDatetime, ConfigDict

from shared.model import Model

MOST_KEPT = 500
"""Leavers whose ids are kept with a hold: a tenth of a row. Of more, the number and a digest are kept."""


class Removal(Model):
    """What a request takes away from one group: some of its members, or the group."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    leaving: int
    """Number of members who are taken out."""
    digest: str = ""
    """The digest of their ids; empty for a deletion."""
    people: tuple[str, ...] = ()
    """Their ids, if they are at most MOST_KEPT."""
    deletion: bool = False

    @classmethod
    def of(cls, people: Iterable[str]) -> Self:
        """The removal of these members."""
        ids = tuple(sorted(people))
        digest = hashlib.sha256("\n".join(ids).encode()).hexdigest()
        return cls(leaving=len(ids), digest=digest, people=ids if len(ids) <= MOST_KEPT else ())

    @classmethod
    def of_group(cls, members: int) -> Self:
        """The deletion of a group that has so many members."""
        return cls(leaving=members, deletion=True)

    def covers(self, asked: Self) -> bool:
        """Whether an administrator who saw this one has seen all that ``asked`` takes away."""
        if self.deletion or asked.deletion:
            return self.deletion and asked.deletion and asked.leaving <= self.leaving
        if self.digest == asked.digest:
            return True
        known = len(self.people) == self.leaving and len(asked.people) == asked.leaving
        return known and set(asked.people) <= set(self.people)


class HeldMembers(Model):
    """A request that the guard held back."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: AwareDatetime
    told: str
    """The reason, a sentence."""
    removal: Removal | None = None
    """What the request takes away; None in rows of releases that did not keep it, which cannot be allowed."""

    @property
    def is_deletion(self) -> bool:
        """Whether it is the group that would go."""
        return self.removal is not None and self.removal.deletion


class Allowance(Model):
    """An administrator's word that a request which was held back may pass."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    until: AwareDatetime
    removal: Removal
    """What the administrator was shown; nothing else is allowed."""
