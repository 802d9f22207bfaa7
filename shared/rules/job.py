"""An errand: what an administrator asks for on a page, and a worker carries out while the page looks on.

The worker may be killed; then the message that asks for the errand comes again, and it is begun anew. So whatever is
an errand does no harm when it is carried out twice.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, ConfigDict, Field

from shared.model import Model
from shared.rules.change import ChangeKind
from shared.rules.entra_connection import ObjectId
from shared.rules.guard import Breach
from shared.rules.on_demand import MOST_PEOPLE, OnDemandReport, StepFound
from shared.rules.plan import ORDER, Plan, PlannedChange
from shared.rules.run import Result

LOST_AFTER = timedelta(minutes=15)
"""Without a word from the worker. One that was killed is followed by another within three minutes."""
SILENT_AFTER = timedelta(seconds=30)
"""From here on the page says that the worker may have ended."""
MOST_TROUBLES = 50
"""Sentences kept of who could not be mapped."""
LONGEST_DETAIL = 500
"""Characters kept of what a step found, so that an errand fits in a row; the run and the history have all."""


class MakePlan(Model):
    """Say what the next cycle would do, if it ran now."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["plan"] = "plan"


class ProvisionPeople(Model):
    """Take a few people from Entra to Zoho One now."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["people"] = "people"
    object_ids: tuple[ObjectId, ...] = Field(min_length=1, max_length=MOST_PEOPLE)
    identity: str | None = None
    """The person from whose page it was asked for."""


class ProvisionGroup(Model):
    """Take a group, and a few of its members, from Entra to Zoho One now."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["group"] = "group"
    object_id: ObjectId
    members: tuple[ObjectId, ...] = Field(default=(), max_length=MOST_PEOPLE)


class RetryPerson(Model):
    """Take what is pending of one person to Zoho One now; Entra is not asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["retry"] = "retry"
    identity: str


type Task = Annotated[MakePlan | ProvisionPeople | ProvisionGroup | RetryPerson, Field(discriminator="kind")]
"""Each kind of errand. Another one is a class here, a case in ``shared/admin/jobs.py`` that does it, a
title in ``shared/console/wording.py``, and a template ``console/job_<kind>.html`` that shows what came of it."""


class JobState(StrEnum):
    """How far an errand has come."""

    ASKED = "asked"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Phase(Model):
    """What is under way just now."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    done: int = 0
    of: int = 0
    """0 where that is not known."""


class PlanMade(Model):
    """What is known of a plan without its changes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    digest: str
    counts: dict[ChangeKind, int]
    """Changes of people of each kind, in order; those that only confirm are among them."""
    group_counts: dict[ChangeKind, int] = {}
    """The same of groups."""
    left_alone: int
    beginning: str
    """The digest of what is shown of it: see ``beginning``."""
    breaches: tuple[Breach, ...] = ()
    """What the guard would hold it for."""
    troubles: tuple[str, ...] = ()
    """Who could not be mapped, and why; at most MOST_TROUBLES."""
    more_troubles: int = 0

    @classmethod
    def of(cls, plan: Plan, breaches: tuple[Breach, ...], troubles: Sequence[str], shown: Plan) -> Self:
        """For a plan of which this much is shown."""
        return cls(
            digest=plan.digest,
            counts=_numbers(plan.changes),
            group_counts=_numbers(plan.groups),
            left_alone=len(plan.suppressed),
            beginning=shown.digest,
            breaches=breaches,
            troubles=tuple(troubles[:MOST_TROUBLES]),
            more_troubles=max(len(troubles) - MOST_TROUBLES, 0),
        )

    @property
    def changes(self) -> int:
        """How many accounts and groups would change."""
        both = (*self.counts.items(), *self.group_counts.items())
        return sum(number for kind, number in both if kind is not ChangeKind.NOTHING)


class Job(Model):
    """One errand, as it was last heard of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    store: str
    task: Task
    asked_by: str
    asked: AwareDatetime
    state: JobState = JobState.ASKED
    attempts: int = 0
    """How often it was begun."""
    heard: AwareDatetime | None = None
    """When whoever carries it out last said something."""
    news: int = 0
    """How often something was said: another number, and a page has something new to show."""
    phase: Phase | None = None
    reports: tuple[OnDemandReport, ...] = ()
    """Each person's steps, as far as they have come."""
    run: str | None = None
    """The id of the run that records it."""
    plan: PlanMade | None = None
    failure: str | None = None
    """A sentence: why it came to nothing, or, while it is running, why it did the last time and is tried again."""

    @property
    def is_open(self) -> bool:
        """Whether something may still come of it."""
        return self.state in (JobState.ASKED, JobState.RUNNING)

    @property
    def ended(self) -> datetime | None:
        """When, or None while it is open."""
        return None if self.is_open else self.heard

    def is_lost(self, now: datetime) -> bool:
        """Whether nothing more is to be waited for, though it never ended."""
        return self.is_open and now - (self.heard or self.asked) > LOST_AFTER

    def is_silent(self, now: datetime) -> bool:
        """Whether it is running, and nothing was heard of it for a while."""
        return self.state is JobState.RUNNING and now - (self.heard or self.asked) > SILENT_AFTER

    def begun(self, now: datetime) -> Self:
        """A worker takes it up. What was heard of an earlier attempt is forgotten."""
        nothing = {"phase": None, "reports": (), "failure": None}
        return self._said(now, state=JobState.RUNNING, attempts=self.attempts + 1, **nothing)

    def in_phase(self, phase: Phase, now: datetime) -> Self:
        """It has come so far."""
        return self._said(now, phase=phase)

    def with_step(self, person: str, found: StepFound, now: datetime) -> Self:
        """One more step of one person is done."""
        reports = {report.object_id: report for report in self.reports}
        so_far = reports.get(person) or OnDemandReport(object_id=person, name=person, steps=())
        reports[person] = so_far.model_copy(update={"steps": (*so_far.steps, _short(found))})
        return self._said(now, reports=tuple(reports.values()))

    def with_plan(self, plan: PlanMade, now: datetime) -> Self:
        """The plan is made."""
        return self._said(now, state=JobState.DONE, phase=None, plan=plan)

    def with_run(self, run: str, reports: tuple[OnDemandReport, ...], now: datetime) -> Self:
        """It is done, or it failed for at least one person, whose report says why."""
        failed = any(report.result in (Result.FAILED, Result.PARKED) for report in reports)
        state = JobState.FAILED if failed else JobState.DONE
        shown = tuple(
            report.model_copy(update={"steps": tuple(map(_short, report.steps)), "fields": ()}) for report in reports
        )
        return self._said(now, state=state, phase=None, run=run, reports=shown)

    def stumbled(self, why: str, now: datetime) -> Self:
        """This attempt came to nothing; there will be another."""
        return self._said(now, failure=why)

    def failed(self, why: str, now: datetime) -> Self:
        """It came to nothing."""
        return self._said(now, state=JobState.FAILED, phase=None, failure=why)

    def _said(self, now: datetime, **changes: object) -> Self:
        return self.model_copy(update={"heard": now, "news": self.news + 1, **changes})


def beginning(plan: Plan, most: int) -> Plan:
    """A plan with the first changes of each kind, the first groups, and the first of those that are left alone."""
    shown = (islice((change for change in plan.changes if change.kind is kind), most) for kind in ORDER)
    changes = tuple(change for some in shown for change in some)
    return plan.model_copy(
        update={"changes": changes, "suppressed": plan.suppressed[:most], "groups": plan.groups[:most]}
    )


def _numbers(changes: Sequence[PlannedChange]) -> dict[ChangeKind, int]:
    numbers = {kind: sum(change.kind is kind for change in changes) for kind in ORDER}
    return {kind: number for kind, number in numbers.items() if number}


def _short(found: StepFound) -> StepFound:
    """A step without what is too long to be shown."""
    details = tuple((name, _cut(text)) for name, text in found.details)
    return found.model_copy(update={"details": details})


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_DETAIL else f"{text[: LONGEST_DETAIL - 1]}…"
