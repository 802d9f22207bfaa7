"""A plan that the guard holds, from then until an administrator, or the world, has decided."""

from enum import StrEnum
from types import MappingProxyType
from typing import Self

from pydantic import AwareDatetime, ConfigDict

from shared.model import Model
from shared.rules.change import ChangeKind
from shared.rules.guard import Breach


class HeldState(StrEnum):
    """What has become of it."""

    HELD = "held"
    APPROVED = "approved"  # a cycle will compare it with the world, then begin
    APPLYING = "applying"  # begun: what is gone from the plan of now has been done
    APPLIED = "applied"
    DISCARDED = "discarded"
    OVERTAKEN = "overtaken"  # the world moved, or another plan is held


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
"""What each state may become."""


class CannotBecome(Exception):
    """The plan's state does not allow what was asked."""


class Move(Model):
    """One change of state."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: HeldState
    by: str
    """The administrator, or "cycle"."""
    at: AwareDatetime
    why: str


class HeldPlan(Model):
    """What is known of a held plan without its changes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    store: str
    digest: str
    counts: dict[ChangeKind, int]
    """Of people."""
    group_counts: dict[ChangeKind, int] = {}
    breaches: tuple[Breach, ...]
    active_users: int
    moves: tuple[Move, ...]
    """From the first, by which it was held; oldest first."""

    @property
    def state(self) -> HeldState:
        """What has become of it."""
        return self.moves[-1].state

    @property
    def is_open(self) -> bool:
        """Whether something may still come of it."""
        return bool(NEXT[self.state])

    def moved(self, move: Move) -> Self:
        """With one more change of state. Raises CannotBecome."""
        if move.state not in NEXT[self.state]:
            last = self.moves[-1]
            raise CannotBecome(
                f"The plan was {self.state} by {last.by} at {last.at:%Y-%m-%d %H:%M} and cannot become {move.state}."
            )
        return self.model_copy(update={"moves": (*self.moves, move)})
