"""Provision on demand: a few people at once, each step with what it found.

It goes the way of the cycle, from Entra to Zoho One, for these people alone. Who leaves passes the
guard, as with a push.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from shared.calls import counted
from shared.entra.answers import Removal
from shared.entra.clients import GraphClients
from shared.entra.errors import GraphError
from shared.rules.azure_user import AzureUser, value_of
from shared.rules.change import ChangeKind, FieldChange
from shared.rules.entra_connection import Scope
from shared.rules.former import Adoption
from shared.rules.identity import id_of_object
from shared.rules.mapping.preview import PreviewLine
from shared.rules.on_demand import MOST_PEOPLE, OnDemandReport, Step, StepFound
from shared.rules.plan import PlannedChange
from shared.rules.run import Result, Run, RunChange, RunKind, RunState
from shared.rules.schedule import closed
from shared.rules.status import Status
from shared.rules.store import Store
from shared.rules.zoho_user import ZohoUser
from shared.sync.apply.person_settlement import PersonSettlement, Planned
from shared.sync.errors import BeingWritten, Doubtful, Overtaken, PushError
from shared.sync.plan.people import PeoplePlanner
from shared.sync.progress import SILENT, Steps
from shared.sync.source.match import match
from shared.sync.source.people import PeopleReader
from shared.sync.source.person import gone
from shared.sync.source.record import See, Seen, SourceRecorder
from shared.tables.by_time import new_id
from shared.tables.errors import Stale
from shared.tables.identities import Identities
from shared.tables.identity_rows import Stored
from shared.tables.runs import Runs
from shared.zoho.errors import ZohoBusy, ZohoCredentials

SHOWN = ("displayName", "userPrincipalName", "mail", "accountEnabled", "jobTitle", "department", "manager")
"""Properties that the step import shows."""

NOT_THERE = "Entra has no such user, or only in its recycle bin."
TRIES = 4
"""Of writing what Graph says, while others write the same person."""
BEING_WRITTEN = "Another request is writing this person just now; try again in a minute."


class CannotProvision(Exception):
    """Nobody was provisioned; the message says why."""


@dataclass(frozen=True)
class OnDemand:
    """Provisions a few people. Its method raises TablesBusy, MappingUnusable and CannotProvision."""

    identities: Identities
    graphs: GraphClients
    people_reader: PeopleReader
    source: SourceRecorder
    planner: PeoplePlanner
    settlement: PersonSettlement
    runs: Runs
    preview: Callable[[Store, AzureUser, ZohoUser | None], tuple[PreviewLine, ...]]
    """Each field that the store's mapping makes of a person, with the rule it comes from."""
    now: Callable[[], datetime]

    def provision(
        self, store: Store, object_ids: Sequence[str], asked_by: str, steps: Steps = SILENT
    ) -> tuple[Run, tuple[OnDemandReport, ...]]:
        """Take up to five people, by their object ids, from Entra to Zoho One now. The run is recorded."""
        wanted = list(dict.fromkeys(each.strip().lower() for each in object_ids))
        if not 0 < len(wanted) <= MOST_PEOPLE:
            raise CannotProvision(f"One to {MOST_PEOPLE} people can be provisioned at once")
        self.ensure_possible(store)
        return self.recorded(store, asked_by, lambda: self.through(store, wanted, steps))

    def ensure_possible(self, store: Store) -> None:
        """Raise CannotProvision where the store reads nothing, or takes nothing to Zoho One."""
        if store.entra is None:
            raise CannotProvision("The store has no connection to Microsoft Graph: add it in its settings")
        if (shut := closed(self.now(), store.schedule)) is not None:
            raise CannotProvision(shut.reason)

    def through(self, store: Store, wanted: Sequence[str], steps: Steps) -> tuple[OnDemandReport, ...]:
        """These people's steps, one after the other."""
        asked = self.now()
        try:
            found = list(self.people_reader.read_people(store, self.graphs.of(store), wanted))
        except GraphError as failure:
            raise CannotProvision(str(failure)) from failure
        return tuple(_Person(each, steps, parts=self, store=store).through(see, asked) for each, see in found)

    def ask(self, store: Store, object_id: str) -> tuple[See | None, datetime]:
        """One person as they are in Entra now, and when Graph was asked. Raises GraphError."""
        asked = self.now()
        ((_, see),) = self.people_reader.read_people(store, self.graphs.of(store), [object_id])
        return see, asked

    def retry(
        self, store: Store, identity_id: str, asked_by: str, steps: Steps = SILENT
    ) -> tuple[Run, tuple[OnDemandReport, ...]]:
        """Take what is pending of one person to Zoho One now, as Entra wrote it last; Graph is not asked.

        Raises KeyError where the person is not in the store.
        """
        stored = self.identities.read(store.id, identity_id)
        if stored is None:
            raise KeyError(identity_id)
        if (shut := closed(self.now(), store.schedule)) is not None:
            raise CannotProvision(shut.reason)
        person = _Person(identity_id, steps, parts=self, store=store)
        return self.recorded(store, asked_by, lambda: (person.again(stored),))

    def recorded(
        self, store: Store, asked_by: str, through: Callable[[], tuple[OnDemandReport, ...]]
    ) -> tuple[Run, tuple[OnDemandReport, ...]]:
        """What ``through`` does, as a run."""
        now = self.now()
        run = Run(
            id=new_id(now), store=store.id, kind=RunKind.ON_DEMAND, asked_by=asked_by, started=now, state=RunState.DONE
        )
        with counted() as calls:
            reports = through()
            changes = [self._run_change(each) for each in reports if each.kind is not ChangeKind.NOTHING]
            self.runs.put_changes(store.id, run.id, 0, changes)
            failed = any(each.result is Result.FAILED for each in reports)
            planned = {
                name: dict(Counter(each.change.kind for each in changes if (each.change.members is None) is is_person))
                for name, is_person in (("planned", True), ("groups", False))
            }
            results = Counter(each.result for each in changes)
            run = run.model_copy(update=planned).with_results(results, calls.taken())
            run = run.finished(RunState.FAILED if failed else RunState.DONE, self.now())
            self.runs.put(run)
        return run, reports

    def _run_change(self, report: OnDemandReport) -> RunChange:
        last = report.steps[-1]
        change = PlannedChange(
            kind=report.kind,
            identity=report.identity or id_of_object(report.object_id),
            name=report.name,
            user_name="" if report.members else report.name,
            fields=report.fields,
            reason=last.told,
            members=report.members,
        )
        failure = None if report.result is Result.DONE else last.told
        return RunChange(change=change, result=report.result, at=self.now(), failure=failure)


@dataclass
class StepsTaken:
    """The steps of one person or group, each told as it happens."""

    object_id: str
    hears: Steps
    steps: list[StepFound] = field(default_factory=list)

    def found(self, step: Step, passed: bool, told: str, details: tuple[tuple[str, str], ...] = ()) -> None:
        """A step was taken."""
        found = StepFound(step=step, passed=passed, told=told, details=details)
        self.steps.append(found)
        self.hears.step(self.object_id, found)


@dataclass(kw_only=True)
class _Person(StepsTaken):
    """The steps of one person."""

    parts: OnDemand
    store: Store
    identity: str = ""

    def through(self, see: See | None, asked: datetime) -> OnDemandReport:
        """All steps, as far as they go. ``asked``: when Graph was asked for the person."""
        if see is None:
            self.found(Step.IMPORT, False, NOT_THERE)
            return self._report(self.object_id)
        try:
            name = _shown(see).user_principal_name
        except GraphError as unclear:
            self.found(Step.IMPORT, False, str(unclear))
            return self._report(self.object_id)
        try:
            stored = match(self.parts.identities, self.store.id, self.object_id, partial(_shown, see))
        except Doubtful as doubt:
            self.found(Step.MATCH, False, str(doubt))
            return self._report(name)
        seen = see(stored)
        self.found(Step.IMPORT, True, "Entra has this user.", _properties(seen.person))
        if not self._scope(seen, known=stored is not None):
            return self._report(name)
        self._match(stored)
        if not self._map(see, asked, stored):
            return self._report(name)
        return self._act(name)

    def again(self, stored: Stored) -> OnDemandReport:
        """The last steps, for what is known of the user already."""
        self._match(stored)
        return self._act_on(stored, stored.identity.said.source.user_principal_name)

    def _scope(self, seen: Seen, *, known: bool) -> bool:
        if seen.status is Status.UNASSIGNED and seen.why:
            self.found(Step.SCOPE, known, seen.why)
        elif seen.status is Status.UNASSIGNED:
            told = "The user is not assigned to the enterprise application, as of the last cycle's reading."
            self.found(Step.SCOPE, known, told)
        else:
            everybody = self.store.entra is not None and self.store.entra.scope is Scope.ALL_USERS
            told = "The store takes all users." if everybody else "The user is assigned, directly or by a group."
            self.found(Step.SCOPE, True, told)
        return self.steps[-1].passed

    def _match(self, stored: Stored | None) -> None:
        identity = stored.identity if stored else None
        if identity is None:
            self.found(
                Step.MATCH, True, "The store does not know the user yet; Zoho One is asked when the account is created."
            )
        elif identity.account is None:
            self.found(Step.MATCH, True, "The store knows the user, who has no account in Zoho One.")
        else:
            state = "active" if identity.account.holds.active else "not active"
            ids = (("Zoho One account", identity.account.id), ("id in the bridge", identity.id))
            self.found(Step.MATCH, True, f"The user has an account in Zoho One, which is {state}.", ids)

    def _map(self, see: See, asked: datetime, stored: Stored | None) -> bool:
        seen = see(stored)
        account = stored.identity.said.desired if stored else None
        lines = self.parts.preview(self.store, seen.person, account if isinstance(account, ZohoUser) else None)
        details = tuple((str(line.field), f"{line.value or line.error or '–'}   ← {line.rule}") for line in lines)
        try:
            failure = self._take(see, asked, stored)
        except BeingWritten:
            failure = BEING_WRITTEN
        except (PushError, ZohoBusy, ZohoCredentials, GraphError) as trouble:
            failure = str(trouble)
        self.found(
            Step.MAP, failure is None, failure or "The mapping has a value for each field that needs one.", details
        )
        return failure is None

    def _take(self, see: See, asked: datetime, stored: Stored | None) -> str | None:
        """Keep what Graph said, or what it says now where a newer word came between; as SourceRecorder.take.

        A cycle that heard meanwhile that somebody left has written it only if the store knew them. So Graph is asked
        about somebody new once more when they are known: whatever happens after that, a cycle writes.
        """
        find = partial(match, self.parts.identities, self.store.id, self.object_id)
        for _ in range(TRIES):
            with suppress(Overtaken):
                failure = self.parts.source.take(self.store, stored, see, asked)
                if stored is not None or find() is None:
                    return failure
            answer, asked = self.parts.ask(self.store, self.object_id)
            stored = find(partial(_shown, answer) if answer else None)
            if answer is not None:
                see = answer
            elif stored is not None:
                see = partial(gone, stored, self.object_id, Removal.CHANGED)
            else:
                return NOT_THERE
        raise Overtaken

    def _act(self, name: str) -> OnDemandReport:
        return self._act_on(match(self.parts.identities, self.store.id, self.object_id), name)

    def _act_on(self, stored: Stored | None, name: str) -> OnDemandReport:
        if stored is None or stored.identity.pending is None:
            told = (
                "Zoho One holds what it should."
                if stored
                else "The user is disabled in Entra, so no account is created."
            )
            self.found(Step.ACTION, True, told)
            return self._report(name, result=Result.DONE)
        self.identity = stored.identity.id
        plan = self.parts.planner.plan_one(self.store, stored.identity)
        change = next(iter((*plan.changes, *plan.suppressed)))
        waits = change.kind is ChangeKind.PROPOSE or (bool(plan.suppressed) and not change.pending)
        why_not = change.reason if waits else self._settle(stored, change.adopts)
        self.found(Step.ACTION, why_not is None, why_not or change.reason)
        result = Result.DONE if why_not is None else Result.FAILED
        return self._report(name, change.kind, change.fields, result)

    def _settle(self, stored: Stored, adopts: Adoption | None) -> str | None:
        """Why it did not go through, or None."""
        try:
            self.parts.settlement.settle_pending(self.store, stored, Planned(adopts))
        except BeingWritten:
            return BEING_WRITTEN
        except (PushError, ZohoBusy, ZohoCredentials) as failure:
            return str(failure)
        except Stale:
            return "Another request wrote this person at the same time; try again."
        return None

    def _report(
        self,
        name: str,
        kind: ChangeKind = ChangeKind.NOTHING,
        fields: tuple[FieldChange, ...] = (),
        result: Result = Result.NOT_TRIED,
    ) -> OnDemandReport:
        return OnDemandReport(
            object_id=self.object_id,
            identity=self.identity,
            name=name,
            steps=tuple(self.steps),
            kind=kind,
            fields=fields,
            result=result,
        )


def _shown(see: See) -> AzureUser:
    return see(None).person


def _properties(person: AzureUser) -> tuple[tuple[str, str], ...]:
    values = ((name, value_of(name)(person)) for name in SHOWN)
    return tuple(
        (name, ", ".join(value) if isinstance(value, tuple) else str(value)) for name, value in values if value
    )
