"""The record of a cycle: what was asked, planned, done and not done."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from pydantic import AwareDatetime, ConfigDict

from shared.model import Model
from shared.rules.change import ChangeKind
from shared.rules.plan import ORDER, Plan, PlannedChange

MOST_ERRORS = 20
"""Sentences kept of what went wrong in a run; each person's own failure stands with his change."""

MOST_FINDINGS = 200
"""Sentences kept of what a full cycle found."""


class RunKind(StrEnum):
    """How much a run looks at."""

    CYCLE = "cycle"
    FULL_CYCLE = "full cycle"
    ON_DEMAND = "on demand"


class RunState(StrEnum):
    """How far a run has come."""

    RUNNING = "running"
    DONE = "done"
    HELD = "held"  # the guard stopped it: nothing was changed
    FAILED = "failed"  # it ended before planning, or did not finish: nothing else was changed


class RunOutcome(StrEnum):
    """State of a run as it is shown: a run is done only if nothing in it failed."""

    RUNNING = "running"
    DONE = "done"
    WITH_ERRORS = "done with errors"  # it came to its end, and a change was refused or something could not be read
    HELD = "held"
    FAILED = "failed"


class Result(StrEnum):
    """What became of one planned change."""

    DONE = "done"
    FAILED = "failed"  # it stays pending
    PARKED = "parked"  # refused again and again: tried once a day
    NOT_TRIED = "not tried"  # a dry run, a held plan, or out of time


class RunChange(Model):
    """One planned change of a run, and what became of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    change: PlannedChange
    result: Result
    at: AwareDatetime
    failure: str | None = None


class Run(Model):
    """One cycle, dry run or provisioning on demand."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    store: str
    kind: RunKind
    asked_by: str
    """"schedule", or the administrator who asked."""
    dry_run: bool = False
    started: AwareDatetime
    ended: AwareDatetime | None = None
    state: RunState = RunState.RUNNING
    digest: str | None = None
    """Of the plan; what a dry run and the cycle that follows it have in common."""
    planned: dict[ChangeKind, int] = {}
    """Of people."""
    groups: dict[ChangeKind, int] = {}
    """Changes of groups that were planned."""
    members: int = 0
    """Who joins a group or leaves it by them."""
    suppressed: int = 0
    """People whom a policy left out."""
    results: dict[Result, int] = {}
    """Changes by what became of them."""
    calls: dict[str, int] = {}
    """Outside calls by kind, for example "graph", "zoho", "tables"."""
    drifted: int = 0
    """Accounts that no longer held what they were confirmed to hold."""
    unmanaged: int = 0
    """Accounts in Zoho One that nobody manages."""
    findings: tuple[str, ...] = ()
    """Of a full cycle: what drifted and what nobody manages, a sentence each, at most MOST_FINDINGS."""
    errors: tuple[str, ...] = ()
    more_errors: int = 0
    """Errors beyond MOST_ERRORS."""
    interruptions: int = 0
    """Number of processes that ended under it, and after which another went on."""

    @property
    def duration(self) -> timedelta | None:
        """From start to end, or None while it runs."""
        return self.ended - self.started if self.ended else None

    @property
    def changes(self) -> dict[ChangeKind, int]:
        """Changes of people and of groups that were planned, by kind, in order."""
        both = Counter(self.planned) + Counter(self.groups)
        return {kind: both[kind] for kind in ORDER if both[kind]}

    @property
    def failures(self) -> int:
        """Number of changes that did not go through, those that are tried once a day included."""
        return self.results.get(Result.FAILED, 0) + self.results.get(Result.PARKED, 0)

    @property
    def outcome(self) -> RunOutcome:
        """State as lists, pages and charts show it."""
        if self.state is RunState.DONE and (self.failures or self.errors):
            return RunOutcome.WITH_ERRORS
        return RunOutcome(self.state.value)

    def with_plan(self, plan: Plan) -> Self:
        """Once it is planned."""
        of_groups = (change.members for change in plan.groups if change.members)
        changes = {
            "digest": plan.digest,
            "planned": dict(plan.counts),
            "groups": dict(plan.group_counts),
            "members": sum(members.joining + members.leaving for members in of_groups),
            "suppressed": len(plan.suppressed),
        }
        return self.model_copy(update=changes)

    def with_results(self, results: Mapping[Result, int], calls: Mapping[str, int]) -> Self:
        """With what has been done and called since: a run that goes on in another process adds up."""
        done, called = Counter(self.results), Counter(self.calls)
        done.update(results)
        called.update(calls)
        return self.model_copy(update={"results": dict(done), "calls": dict(called)})

    def interrupted_with(self, results: Mapping[Result, int]) -> Self:
        """As another process goes on with it, with the results that are in the table."""
        return self.model_copy(update={"results": dict(results), "interruptions": self.interruptions + 1})

    def with_error(self, error: str) -> Self:
        """With one more thing that went wrong."""
        if error in self.errors:
            return self
        if len(self.errors) >= MOST_ERRORS:
            return self.model_copy(update={"more_errors": self.more_errors + 1})
        return self.model_copy(update={"errors": (*self.errors, error)})

    def with_findings(self, drifted: int, unmanaged: int, findings: Sequence[str]) -> Self:
        """With what a comparison of everybody found."""
        kept = tuple(findings[:MOST_FINDINGS])
        return self.model_copy(update={"drifted": drifted, "unmanaged": unmanaged, "findings": kept})

    def finished(self, state: RunState, at: datetime) -> Self:
        """At its end."""
        return self.model_copy(update={"state": state, "ended": at})
