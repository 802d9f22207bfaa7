"""Provision on demand: the result of each step for one person or group, as on Entra's own page.

https://learn.microsoft.com/entra/identity/app-provisioning/provision-on-demand
"""

from enum import StrEnum

from pydantic import ConfigDict

from shared.model import Model
from shared.rules.change import ChangeKind, FieldChange
from shared.rules.plan import PlannedMembers
from shared.rules.run import Result

MOST_PEOPLE = 5
"""Maximum number of people in one request, as in Entra."""


class Step(StrEnum):
    """The steps, in order."""

    IMPORT = "import"
    SCOPE = "scope"
    MATCH = "match"
    MAP = "map"
    ACTION = "action"


class StepFound(Model):
    """The result of one step."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: Step
    passed: bool
    """Whether the next step follows."""
    told: str
    """A sentence."""
    details: tuple[tuple[str, str], ...] = ()
    """Names and values, shown as a table."""


class OnDemandReport(Model):
    """The completed steps of one person or group, and the result."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    object_id: str
    identity: str = ""
    """The bridge's id; empty if there is none yet."""
    name: str
    steps: tuple[StepFound, ...]
    kind: ChangeKind = ChangeKind.NOTHING
    fields: tuple[FieldChange, ...] = ()
    members: PlannedMembers | None = None
    """For a group its members; None for a person."""
    result: Result = Result.NOT_TRIED
    """``DONE`` also if there was nothing to do."""
