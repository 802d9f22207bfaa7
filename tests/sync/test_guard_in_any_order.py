"""The guard alone, with everything that begins a departure, in any order that things may happen in.

Push, cycle and decisions are the app's own, on tables in memory; Zoho One is a dictionary, and a process may die before
or after it is called.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from pydantic import HttpUrl

from shared.mail.password_mail import PasswordMails
from shared.rules.change import ChangeKind, plan_change
from shared.rules.guard_limits import INTERVAL, GuardLimits, Share, Threshold
from shared.rules.held_plan import CannotBecome
from shared.rules.identity import Account, Identity
from shared.rules.run import RunChange
from shared.rules.status import Action, Decision, Status
from shared.rules.store import Store, ZohoConnection
from shared.rules.zoho_user import ZohoField, ZohoUser
from shared.sync.apply.accounts import AccountWriter, Found, Outcome
from shared.sync.apply.memberships import Memberships
from shared.sync.apply.people import PeopleApplier
from shared.sync.apply.person_settlement import PersonSettlement
from shared.sync.desired.people import DesiredState, DesiredStates
from shared.sync.errors import BeingWritten, HeldBack
from shared.sync.guard.admission import Admission
from shared.sync.guard.decisions import Decisions, NothingHeld
from shared.sync.guard.plans import PlanGuard
from shared.sync.plan.accounts_reading import AccountsReader
from shared.sync.plan.people import PeoplePlanner
from shared.sync.progress import NO_LEASE
from shared.sync.push.people import Push
from shared.sync.source.record import Seen, SourceRecorder
from shared.tables.account_decisions import AccountDecisions
from shared.tables.held_plans import HeldPlans
from shared.tables.identities import Identities
from shared.tables.identity_rows import Stored
from shared.tables.pending import PendingChanges
from shared.tables.proposals import Proposals
from shared.tables.recent_deprovisionings import DeprovisioningCounts
from shared.tables.unmanaged_accounts import UnmanagedAccounts
from shared.zoho.scim_client import Page, ZohoUsers
from tests.rules.plans import NOON, identity
from tests.tables.memory.tables import MemoryTables

STORE = Store(
    id="contoso",
    name="Contoso",
    zoho=ZohoConnection(
        sync_endpoint=HttpUrl("https://one.zoho.com/scim"), data_center="us", client_id="1000.A", parallel_calls=2
    ),
)
PEOPLE = 7
IDS = [f"{number:032x}" for number in range(PEOPLE)]
LEASE = timedelta(seconds=90)
NEVER = Threshold(count=1000, percent=100)
LIMITS = (
    GuardLimits(leavings=Threshold(count=2, percent=0), leavings_share=None),
    GuardLimits(leavings=NEVER, leavings_share=Share(percent=50, of_at_least=3), leavings_most=None),
    GuardLimits(leavings=NEVER, leavings_share=None, leavings_most=3),
)
NUMBERS, WORKERS = st.integers(0, PEOPLE - 1), st.integers(0, 1)
DEATHS = st.sampled_from([None, None, "before", "after"])
EVENTS = st.one_of(
    st.tuples(st.just("push out"), NUMBERS, WORKERS, DEATHS),
    st.tuples(st.just("push back"), NUMBERS, WORKERS, DEATHS),
    st.tuples(st.just("push deletion"), NUMBERS, WORKERS, DEATHS),
    st.tuples(st.just("graph out"), NUMBERS, WORKERS, st.none()),
    st.tuples(st.just("graph back"), NUMBERS, WORKERS, st.none()),
    st.tuples(st.just("graph title"), NUMBERS, WORKERS, st.none()),
    st.tuples(st.just("cycle"), NUMBERS, WORKERS, DEATHS),
    st.tuples(st.just("cycle and pushes"), NUMBERS, WORKERS, DEATHS),
    st.tuples(st.just("approve"), NUMBERS, WORKERS, st.none()),
    st.tuples(st.just("discard"), NUMBERS, WORKERS, st.none()),
    st.tuples(st.just("time"), st.sampled_from([1, 2, 20, 41]), WORKERS, st.none()),
)


class Dies(BaseException):
    """The process."""


class NoAccounts:
    """Zoho One, where nobody looks for an account."""

    def __init__(self, _: Store) -> None:
        pass

    def page(self, _: int) -> Page:
        return Page((), 0)


class NoGroups:
    """Nobody is in any."""

    def due(self, *_: object, **__: object) -> None:
        return None

    def due_for_gone(self, *_: object) -> None:
        return None

    def update(self, *_: object) -> None:
        return None


@dataclass
class World:
    """A store, Entra, Zoho One, and what was done to whom."""

    store: Store
    now: datetime = NOON
    in_entra: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(IDS, True))
    titles: dict[str, int] = field(default_factory=lambda: dict.fromkeys(IDS, 0))
    """What else Entra says of people."""
    zoho: dict[str, ZohoUser] = field(default_factory=lambda: {each: _desired(each, True) for each in IDS})
    """The accounts that there are."""
    were: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(IDS, True))
    """The accounts when they were looked at last, and whether they were active."""
    dies: str | None = None
    approved: bool = False
    """The cycle that runs applies what an administrator approved."""
    may_go: set[str] = field(default_factory=set)
    """Whose departure stands in the plan that was approved."""
    begun: set[str] = field(default_factory=set)
    """Whose departure is under way."""
    left: dict[str, datetime] = field(default_factory=dict)
    """Who left without an approval, and when that began last."""
    refused: set[str] = field(default_factory=set)
    """Whose departure was discarded, and Entra has not taken it back."""

    def __post_init__(self) -> None:
        tables = MemoryTables()
        table, plans = tables.create_table("identities"), HeldPlans(tables.create_table("heldplans"))
        self.table, self.accounts = table, tables.create_table("accounts")
        self.identities, self.pending_changes, self.plans = Identities(table), PendingChanges(table), plans
        for each in IDS:
            person = identity(each, _desired(each, True), _desired(each, True))
            said = person.said.model_copy(update={"resource": f'{{"userName": "{each}", "active": true}}'})
            self.identities.write(self.store.id, None, person.model_copy(update={"id": each, "said": said}))
        self.workers = [self._worker(DeprovisioningCounts(table)) for _ in range(2)]

    def _worker(self, leavings: DeprovisioningCounts) -> "Worker":
        def now() -> datetime:
            return self.now

        nobody, unmanaged = cast("Callable[[Store], ZohoUsers]", NoAccounts), UnmanagedAccounts(self.accounts)
        desired_states, apply = cast("DesiredStates", self), cast("AccountWriter", self)
        groups, mails = cast("Memberships", NoGroups()), cast("PasswordMails", None)
        admission = Admission(self.identities, self.pending_changes, leavings, now)
        settlement = PersonSettlement(
            now=now,
            spread=lambda: 0.5,
            lease=LEASE,
            identities=self.identities,
            accounts=apply,
            admission=admission,
            passwords=mails,
            memberships=groups,
            deprovisionings=leavings,
        )
        return Worker(
            self,
            leavings,
            Push(self.identities, desired_states, settlement),
            SourceRecorder(self.identities, desired_states, settlement.unmanage, now),
            PeoplePlanner(
                self.identities,
                AccountsReader(nobody, self.identities, unmanaged, AccountDecisions(self.table), now),
                AccountDecisions(self.table),
                Proposals(self.accounts),
                now,
            ),
            PlanGuard(self.plans, leavings, self.identities, now),
            PeopleApplier(self.identities, settlement, admission, leavings, now, lambda _: None),
            Decisions(self.plans, leavings, now),
        )

    # Desires: what Entra says decides.
    def of(self, store: Store, person: object, status: Status, before: Identity | None) -> DesiredState:
        assert before is not None
        if status is Status.DELETED:
            return DesiredState("deleted", Decision(Action.DELETE, "Entra deleted them."), "")
        action = Action.PROVISION if self.in_entra[before.id] else Action.DEACTIVATE
        desired = _desired(before.id, self.in_entra[before.id], self.titles[before.id])
        return DesiredState(desired, Decision(action, "Entra says so."), "")

    # Apply: Zoho One, which has no second thoughts.
    def look(self, store: Store, who: Identity, sent: object) -> Found | None:
        account = self._account(who.id)
        return Found(account, None) if account else None

    def why_waits(self, store: Store, who: Identity, found: Found | None) -> str | None:
        return None

    def apply(
        self, store: Store, who: Identity, found: Found | None, password: object = None, *, unplanned: bool = True
    ) -> Outcome:
        change = plan_change(found.account.holds if found else None, who.said.desired)
        self._die("before")
        if change.kind is ChangeKind.DELETE:
            del self.zoho[who.id]
        elif change.kind is not ChangeKind.NOTHING:
            assert isinstance(who.said.desired, ZohoUser)
            self.zoho[who.id] = who.said.desired
        self._die("after")
        return Outcome(self._account(who.id), change)

    def _account(self, who: str) -> Account | None:
        if (holds := self.zoho.get(who)) is None:
            return None
        return Account(id=f"zoho-{who}", holds=holds, deactivated_by=None if holds.active else "bridge")

    def _die(self, at: str) -> None:
        if self.dies == at:
            raise Dies

    def people(self) -> dict[str, Stored]:
        """Everybody who is managed."""
        return {stored.identity.id: stored for stored in self.identities.everybody(self.store.id)}

    def look_back(self) -> None:
        """Note who began to leave since, and see that it was allowed."""
        people, before = self.people(), dict(self.left)
        for each in IDS:
            mark = people[each].identity.pending if each in people else None
            went = each in self.were and (each not in self.zoho or (self.were[each] and not self.zoho[each].active))
            if (went or (mark is not None and mark.counted)) and each not in self.begun:
                self.begun.add(each)
                how = each if self.were.get(each) else f"{each}, deleted after that"
                if self.approved and each in self.may_go:
                    self.left.pop(how, None)
                else:
                    assert each not in self.refused, "discarded, and carried out all the same"
                    self.left[how] = self.now
            if mark is None:
                self.begun.discard(each)
        self.were = {each: holds.active for each, holds in self.zoho.items()}
        recent = self.recent()
        if self.left.items() - before.items():
            of = sum(self.were.values()) + recent
            assert self.store.guard.deprovisionings.passed(recent, of) is None, (
                f"{recent} of {of}: more than the limit allows"
            )
        ledger = self.workers[0].leavings.read(self.store.id).recent
        assert ledger.within(self.now) >= recent, "a count was forgotten"

    def recent(self) -> int:
        """How many left within the interval without a decision."""
        return sum(at > self.now - INTERVAL for at in self.left.values())


class Unheard:
    """Results that nobody looks at."""

    def add(self, changes: Sequence[RunChange]) -> None:
        """Nothing."""


@dataclass
class Worker:
    """A process of the app."""

    world: World
    leavings: DeprovisioningCounts
    push: Push
    source: SourceRecorder
    people_planner: PeoplePlanner
    plan_guard: PlanGuard
    people_applier: PeopleApplier
    decisions: Decisions
    holds: bool = False

    def does(self, event: str, number: int) -> None:
        """One thing that happens. Raises Dies."""
        world, who = self.world, IDS[number % PEOPLE]
        stored = world.people().get(who)
        match event:
            case "time":
                world.now += timedelta(minutes=number)
            case "cycle":
                self._cycle([])
            case "cycle and pushes":
                self._cycle([(number + more) % PEOPLE for more in range(3)])
            case "graph title" if stored is not None:
                world.titles[who] += 1
                self.source.recompute(world.store, stored)
            case "approve" | "discard":
                self._decide(event)
            case "push out" | "push back" if stored is not None:
                self._says(who, back=event == "push back")
                self.push.replace(world.store, stored, {"userName": who, "active": world.in_entra[who]})
            case "push deletion" if stored is not None:
                self._says(who, back=False)
                self.push.delete(world.store, stored)
            case "graph out" | "graph back" if stored is not None:
                self._says(who, back=event == "graph back")
                status = Status.ACTIVATED if world.in_entra[who] else Status.DEACTIVATED
                seen = Seen(str(UUID(who)), stored.identity.said.source, status)
                self.source.take(world.store, stored, lambda _: seen, world.now)

    def _says(self, who: str, *, back: bool) -> None:
        self.world.in_entra[who] = back
        if back:
            self.world.refused.discard(who)

    def _cycle(self, pushes: Sequence[int]) -> None:
        """``pushes``: who is pushed out by another process between the plan and what is done of it."""
        world, store = self.world, self.world.store
        waiting = world.pending_changes.waiting(store.id)
        plan = self.people_planner.plan(store, waiting.people)
        verdict = self.plan_guard.judge(store, plan, may_be_open=self.holds or waiting.is_guarded)
        if not plan.deprovisioned and verdict.plan is None:
            ledger = self.leavings.read(store.id).recent
            assert (ledger.held, ledger.discarded) == (False, None), "nobody is left to be kept back"
        for number in pushes:
            with _a_process_may_die(world, None):
                world.workers[1].does("push out", number)
        world.look_back()
        if not verdict.breaches:
            world.approved = verdict.plan is not None
            if world.approved:
                world.may_go = {each.identity for each in plan.deprovisionings}
                world.refused -= world.may_go
            self.people_applier.apply(store, plan, Unheard(), NO_LEASE, approved=world.approved)
            if verdict.plan is not None:
                self.plan_guard.applied(verdict.plan)
        for worker in world.workers:
            worker.holds = bool(verdict.breaches)

    def _decide(self, event: str) -> None:
        newest = self.world.plans.newest(self.world.store.id)
        if newest is None:
            return
        if event == "approve":
            self.decisions.approve(self.world.store.id, newest.held.id, "ada")
        else:
            self.decisions.discard(self.world.store.id, newest.held.id, "ada")
            deprovisionings = self.world.plans.plan(newest.held).deprovisionings
            self.world.refused |= {each.identity for each in deprovisionings if not self.world.in_entra[each.identity]}


def _desired(name: str, active: bool, title: int = 0) -> ZohoUser:
    return ZohoUser(active=active, fields={ZohoField.USER_NAME: name, ZohoField.TITLE: str(title)})


@contextmanager
def _a_process_may_die(world: World, dies: str | None) -> Iterator[None]:
    before, world.dies = world.dies, dies
    try:
        with suppress(Dies, BeingWritten, HeldBack, NothingHeld, CannotBecome):
            yield
    finally:
        world.dies = before


@given(limits=st.sampled_from(LIMITS), events=st.lists(EVENTS, min_size=8, max_size=30))
def test_no_more_leave_than_a_limit_allows_and_nobody_is_kept_back_for_nothing(
    limits: GuardLimits, events: list[tuple[str, int, int, str | None]]
) -> None:
    world = World(STORE.model_copy(update={"guard": limits}))
    for event, number, worker, dies in events:
        world.approved = False
        with _a_process_may_die(world, dies):
            world.workers[worker].does(event, number)
        world.look_back()
    world.now += timedelta(minutes=2)  # each lease has ended
    for number in range(PEOPLE):
        world.workers[0].does("graph back", number)
    for _ in range(2):
        world.workers[1].does("cycle", 0)
        world.now += INTERVAL
    assert not world.workers[0].leavings.read(world.store.id).recent.needs_attention, (
        "everything was put right in Entra"
    )
    for number in [IDS.index(each) for each in world.people()][:1]:
        world.workers[0].does("push out", number)  # raises nothing
