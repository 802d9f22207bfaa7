"""A plan that the guard holds or a store observed, until an administrator decides or a newer plan replaces it."""

from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Self

from pydantic import AwareDatetime, ConfigDict

from shared.model import Model
from shared.rules.change import ChangeKind
from shared.rules.guard import FIRST_PLAN_RULES, Breach


class HeldState(StrEnum):
    """The state of a held plan."""

    HELD = "held"
    APPROVED = "approved"  # a cycle will compare it with the current plan, then start
    APPLYING = "applying"  # started: a change that is missing from the current plan has been done
    APPLIED = "applied"
    DISCARDED = "discarded"
    OVERTAKEN = "overtaken"  # the current plan is a different one, or another plan is held


NEXT = MappingProxyType(
    {
        HeldState.HELD: frozenset({HeldState.APPROVED, HeldState.DISCARDED, HeldState.OVERTAKEN}),
        HeldState.APPROVED: frozenset({HeldState.APPLYING, HeldState.DISCARDED, HeldState.OVERTAKEN}),
        HeldState.APPLYING: frozenset({HeldState.APPLIED, HeldState.OVERTAKEN}),
        HeldState.APPLIED: frozenset[HeldState](),
        HeldState.DISCARDED: frozenset[HeldState](),
        HeldState.OVERTAKEN: frozenset[HeldState](),
    }
)
"""The states that may follow each state."""


class CannotBecome(Exception):
    """The plan's state does not allow the requested one."""


class Move(Model):
    """One change of state."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: HeldState
    by: str
    """The administrator, or "cycle"."""
    at: AwareDatetime
    why: str


class HeldPlan(Model):
    """A held plan without its changes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    store: str
    digest: str
    counts: dict[ChangeKind, int]
    """Number of people by kind of change."""
    group_counts: dict[ChangeKind, int] = {}
    breaches: tuple[Breach, ...]
    active_users: int
    moves: tuple[Move, ...]
    """Every change of state, oldest first; the first one held the plan."""

    @property
    def state(self) -> HeldState:
        """The current state."""
        return self.moves[-1].state

    @property
    def made_at(self) -> datetime:
        """When the plan was first made."""
        return self.moves[0].at

    @property
    def is_open(self) -> bool:
        """Whether the plan is still undecided or unfinished."""
        return bool(NEXT[self.state])

    @property
    def follows_observing(self) -> bool:
        """Whether no plan but this one may be applied without being seen: it was made by observing, or after it."""
        return any(breach.rule in FIRST_PLAN_RULES for breach in self.breaches)

    def moved(self, move: Move) -> Self:
        """Return the plan with one more change of state. Raises CannotBecome."""
        if move.state not in NEXT[self.state]:
            last = self.moves[-1]
            raise CannotBecome(
                f"The plan was {self.state} by {last.by} at {last.at:%Y-%m-%d %H:%M} and cannot become {move.state}."
            )
        return self.model_copy(update={"moves": (*self.moves, move)})
