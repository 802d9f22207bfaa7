"""Provision on demand: what each step found for one person or group, as Entra's own page shows it.

https://learn.microsoft.com/entra/identity/app-provisioning/provision-on-demand
"""

from enum import StrEnum

from pydantic import ConfigDict

from shared.model import Model
from shared.rules.change import ChangeKind, FieldChange
from shared.rules.plan import PlannedMembers
from shared.rules.run import Result

MOST_PEOPLE = 5
"""At once, as in Entra."""


class Step(StrEnum):
    """In this order."""

    IMPORT = "import"
    SCOPE = "scope"
    MATCH = "match"
    MAP = "map"
    ACTION = "action"


class StepFound(Model):
    """What one step found."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: Step
    passed: bool
    """Whether the next step follows."""
    told: str
    """A sentence."""
    details: tuple[tuple[str, str], ...] = ()
    """Names and values, as a table shows them."""


class OnDemandReport(Model):
    """One person's or one group's steps, as far as they went, and what became of him or it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    object_id: str
    identity: str = ""
    """The bridge's id; empty where it has none yet."""
    name: str
    steps: tuple[StepFound, ...]
    kind: ChangeKind = ChangeKind.NOTHING
    fields: tuple[FieldChange, ...] = ()
    members: PlannedMembers | None = None
    """Of a group; None: it is about a person."""
    result: Result = Result.NOT_TRIED
    """``DONE`` also where there was nothing to do."""
