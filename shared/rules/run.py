"""The record of a cycle: what was requested, planned, done and not done."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from pydantic import AwareDatetime, ConfigDict, JsonValue, model_validator

from shared.model import Model
from shared.rules.change import ChangeKind
from shared.rules.plan import ORDER, Plan, PlannedChange

MOST_ERRORS = 20
"""Maximum number of error sentences stored of a run; each person's own failure is stored with their change."""

MOST_FINDINGS = 200
"""Maximum number of findings stored of a full cycle."""


class RunKind(StrEnum):
    """How much a run examines."""

    CYCLE = "cycle"
    FULL_CYCLE = "full cycle"
    ON_DEMAND = "on demand"


class RunState(StrEnum):
    """The progress of a run."""

    RUNNING = "running"
    DONE = "done"
    HELD = "held"  # the guard stopped it: nothing was changed
    OBSERVED = "observed"  # the store observes: nothing was changed in Zoho One
    FAILED = "failed"  # it ended before planning, or was not completed: nothing else was changed


class RunOutcome(StrEnum):
    """The state of a run as it is shown: done only if nothing in it failed."""

    RUNNING = "running"
    DONE = "done"
    WITH_ERRORS = "done with errors"  # it ended, but a change was refused or something could not be read
    HELD = "held"
    OBSERVED = "observed"
    FAILED = "failed"


class Result(StrEnum):
    """The result of one planned change."""

    DONE = "done"
    FAILED = "failed"  # it stays pending
    PARKED = "parked"  # refused repeatedly: tried once a day
    WAITS = "waits"  # for an administrator, who says whether an account in Zoho One is the person's
    NOT_TRIED = "not tried"  # a dry run, a held plan, a store that observes, or out of time


class RunChange(Model):
    """One planned change of a run, and its result."""

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
    started: AwareDatetime
    ended: AwareDatetime | None = None
    state: RunState = RunState.RUNNING
    digest: str | None = None
    """The plan's digest: equal for a dry run and the cycle that follows it."""
    planned: dict[ChangeKind, int] = {}
    """Planned changes of people by kind."""
    groups: dict[ChangeKind, int] = {}
    """Planned changes of groups by kind."""
    members: int = 0
    """Number of people who join or leave a group by these changes."""
    plan: str | None = None
    """Id of the stored plan that the run made and did not apply: it was held or observed."""
    suppressed: int = 0
    """Number of people left out by a policy."""
    results: dict[Result, int] = {}
    """Number of changes by result."""
    calls: dict[str, int] = {}
    """Outside calls by kind, for example "graph", "zoho", "tables"."""
    drifted: int = 0
    """Number of accounts that differed from their confirmed state."""
    unmanaged: int = 0
    """Number of accounts in Zoho One that nobody manages."""
    unmanaged_active: int = 0
    """Number of active accounts among these."""
    unmanaged_groups: int = 0
    """Number of groups in Zoho One that nobody manages; 0 for a store that syncs no groups."""
    accounts: int = 0
    """Number of all accounts in Zoho One; 0 where they were not read."""
    findings: tuple[str, ...] = ()
    """For a full cycle: drift and unmanaged accounts, one sentence each, at most MOST_FINDINGS."""
    errors: tuple[str, ...] = ()
    more_errors: int = 0
    """Number of errors beyond MOST_ERRORS."""
    interruptions: int = 0
    """Number of processes that ended during the run and were replaced by another."""

    @model_validator(mode="before")
    @classmethod
    def _without_former_fields(cls, values: dict[str, JsonValue]) -> dict[str, JsonValue]:
        """Drop ``dry_run``, which earlier releases wrote in every run, always as false."""
        return {name: value for name, value in values.items() if name != "dry_run"}

    @property
    def duration(self) -> timedelta | None:
        """Time from start to end, or None while it runs."""
        return self.ended - self.started if self.ended else None

    @property
    def changes(self) -> dict[ChangeKind, int]:
        """Planned changes of people and of groups, by kind, in order."""
        both = Counter(self.planned) + Counter(self.groups)
        return {kind: both[kind] for kind in ORDER if both[kind]}

    @property
    def failures(self) -> int:
        """Number of failed changes, including parked ones."""
        return self.results.get(Result.FAILED, 0) + self.results.get(Result.PARKED, 0)

    @property
    def outcome(self) -> RunOutcome:
        """The state shown in lists, pages and charts."""
        if self.state in (RunState.DONE, RunState.OBSERVED) and (self.failures or self.errors):
            return RunOutcome.WITH_ERRORS
        return RunOutcome(self.state.value)

    def with_plan(self, plan: Plan) -> Self:
        """Return the run after planning."""
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
        """Return the run with further results and calls: a run that continues in another process adds up."""
        done, called = Counter(self.results), Counter(self.calls)
        done.update(results)
        called.update(calls)
        return self.model_copy(update={"results": dict(done), "calls": dict(called)})

    def interrupted_with(self, results: Mapping[Result, int]) -> Self:
        """Return the run as another process continues it, with the results that are stored in the table."""
        return self.model_copy(update={"results": dict(results), "interruptions": self.interruptions + 1})

    def with_error(self, error: str) -> Self:
        """Return the run with one more error."""
        if error in self.errors:
            return self
        if len(self.errors) >= MOST_ERRORS:
            return self.model_copy(update={"more_errors": self.more_errors + 1})
        return self.model_copy(update={"errors": (*self.errors, error)})

    def with_findings(self, drifted: int, findings: Sequence[str], counts: Mapping[str, int]) -> Self:
        """Return the run with the results of a drift search. ``counts``: of accounts and groups, by their fields."""
        kept = {"drifted": drifted, "findings": tuple(findings[:MOST_FINDINGS])}
        return self.model_copy(update=kept | dict(counts))

    def finished(self, state: RunState, at: datetime) -> Self:
        """Return the finished run."""
        return self.model_copy(update={"state": state, "ended": at})
