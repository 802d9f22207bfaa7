"""A job: what an administrator asks for on a page, and a worker carries out while the page shows its progress.

If the worker is killed, the message that asks for the job is delivered again and the job starts over. So every kind of
job is harmless when it runs twice.
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
"""Silence after which a job is lost. A killed worker is replaced within three minutes."""
SILENT_AFTER = timedelta(seconds=30)
"""Silence after which the page says that the worker may have ended."""
MOST_TROUBLES = 50
"""Maximum number of stored sentences about failed mappings of people."""
LONGEST_DETAIL = 500
"""Maximum number of characters stored of a step's result, so that a job fits in a row; the run and the history
have all.
"""


class MakePlan(Model):
    """Show what the next cycle would do now."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["plan"] = "plan"


class ProvisionPeople(Model):
    """Provision a few people from Entra to Zoho One now."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["people"] = "people"
    object_ids: tuple[ObjectId, ...] = Field(min_length=1, max_length=MOST_PEOPLE)
    identity: str | None = None
    """The person, if it was requested on their page."""


class ProvisionGroup(Model):
    """Provision a group and a few of its members from Entra to Zoho One now."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["group"] = "group"
    object_id: ObjectId
    members: tuple[ObjectId, ...] = Field(default=(), max_length=MOST_PEOPLE)


class RetryPerson(Model):
    """Apply one person's pending change now; Entra is not read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["retry"] = "retry"
    identity: str


type Task = Annotated[MakePlan | ProvisionPeople | ProvisionGroup | RetryPerson, Field(discriminator="kind")]
"""Each kind of job. Another one is a class here, a case in ``shared/admin/jobs.py`` that does it, a
title in ``shared/console/wording.py``, and a template ``console/job_<kind>.html`` that shows what came of it."""


class JobState(StrEnum):
    """The progress of a job."""

    ASKED = "asked"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Phase(Model):
    """What is in progress."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    done: int = 0
    of: int = 0
    """0 if unknown."""


class PlanMade(Model):
    """A plan without its changes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    digest: str
    counts: dict[ChangeKind, int]
    """Changes of people by kind, in order, including those that only confirm."""
    group_counts: dict[ChangeKind, int] = {}
    """Changes of groups by kind."""
    left_alone: int
    beginning: str
    """The digest of the changes shown: see ``beginning``."""
    breaches: tuple[Breach, ...] = ()
    """The limits for which the guard would hold the plan."""
    troubles: tuple[str, ...] = ()
    """People with a failed mapping, and why; at most MOST_TROUBLES."""
    more_troubles: int = 0

    @classmethod
    def of(cls, plan: Plan, breaches: tuple[Breach, ...], troubles: Sequence[str], shown: Plan) -> Self:
        """Return the record of a plan of which only ``shown`` is displayed."""
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
        """Number of accounts and groups that would change."""
        both = (*self.counts.items(), *self.group_counts.items())
        return sum(number for kind, number in both if kind is not ChangeKind.NOTHING)


class Job(Model):
    """The latest state of one job."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    store: str
    task: Task
    asked_by: str
    asked: AwareDatetime
    state: JobState = JobState.ASKED
    attempts: int = 0
    """Number of times it was started."""
    heard: AwareDatetime | None = None
    """When its worker last reported."""
    news: int = 0
    """Number of reports: when it changes, a page has something new to show."""
    phase: Phase | None = None
    reports: tuple[OnDemandReport, ...] = ()
    """Each person's steps so far."""
    run: str | None = None
    """The id of the run that records it."""
    plan: PlanMade | None = None
    failure: str | None = None
    """Why the job failed, or, while it is running, why the previous attempt failed, a sentence."""

    @property
    def is_open(self) -> bool:
        """Whether the job is unfinished."""
        return self.state in (JobState.ASKED, JobState.RUNNING)

    @property
    def ended(self) -> datetime | None:
        """When the job ended, or None while it is open."""
        return None if self.is_open else self.heard

    def is_lost(self, now: datetime) -> bool:
        """Whether the job stopped without ending, so that waiting is pointless."""
        return self.is_open and now - (self.heard or self.asked) > LOST_AFTER

    def is_silent(self, now: datetime) -> bool:
        """Whether the job is running and has not reported for a while."""
        return self.state is JobState.RUNNING and now - (self.heard or self.asked) > SILENT_AFTER

    def begun(self, now: datetime) -> Self:
        """Return the job at the start of an attempt, without the results of earlier ones."""
        nothing = {"phase": None, "reports": (), "failure": None}
        return self._said(now, state=JobState.RUNNING, attempts=self.attempts + 1, **nothing)

    def in_phase(self, phase: Phase, now: datetime) -> Self:
        """Return the job in this phase."""
        return self._said(now, phase=phase)

    def with_step(self, person: str, found: StepFound, now: datetime) -> Self:
        """Return the job with one more completed step of one person."""
        reports = {report.object_id: report for report in self.reports}
        so_far = reports.get(person) or OnDemandReport(object_id=person, name=person, steps=())
        reports[person] = so_far.model_copy(update={"steps": (*so_far.steps, _short(found))})
        return self._said(now, reports=tuple(reports.values()))

    def with_plan(self, plan: PlanMade, now: datetime) -> Self:
        """Return the job with its finished plan."""
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
        """Return the job after a failed attempt that will be retried."""
        return self._said(now, failure=why)

    def failed(self, why: str, now: datetime) -> Self:
        """Return the job after its final failure."""
        return self._said(now, state=JobState.FAILED, phase=None, failure=why)

    def _said(self, now: datetime, **changes: object) -> Self:
        return self.model_copy(update={"heard": now, "news": self.news + 1, **changes})


def beginning(plan: Plan, most: int) -> Plan:
    """Return the plan with the first changes of each kind, the first groups, and the first unchanged people."""
    shown = (islice((change for change in plan.changes if change.kind is kind), most) for kind in ORDER)
    changes = tuple(change for some in shown for change in some)
    return plan.model_copy(
        update={"changes": changes, "suppressed": plan.suppressed[:most], "groups": plan.groups[:most]}
    )


def _numbers(changes: Sequence[PlannedChange]) -> dict[ChangeKind, int]:
    numbers = {kind: sum(change.kind is kind for change in changes) for kind in ORDER}
    return {kind: number for kind, number in numbers.items() if number}


def _short(found: StepFound) -> StepFound:
    """Return the step without values too long to be shown."""
    details = tuple((name, _cut(text)) for name, text in found.details)
    return found.model_copy(update={"details": details})


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_DETAIL else f"{text[: LONGEST_DETAIL - 1]}…"
