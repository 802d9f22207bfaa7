"""A store that observes: its cycles read and plan, nothing is written in Zoho One, and starting does what was shown."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.entra.people import PEOPLE
from shared.admin.switch import AnotherPlan, CannotObserve
from shared.mail.password_mail import CannotSend
from shared.rules.change import ChangeKind
from shared.rules.groups.settings import GroupSettings
from shared.rules.guard import Rule
from shared.rules.guard_limits import GuardLimits
from shared.rules.held_plan import HeldPlan, HeldState
from shared.rules.job import MakePlan, ProvisionPeople, RetryPerson
from shared.rules.run import Result, RunKind, RunState
from shared.sync.cycles import NotNow
from shared.sync.progress import SILENT
from shared.tables.plan_parts import PlanLost
from shared.zoho.errors import ZohoNotWritten
from tests.sync.reconciled import Hears, Reconciled

ENABLED = [person for person in PEOPLE if person.account_enabled][:6]
ANNA, BERT, CARLA = ENABLED[:3]
STAFF = "00000000-0000-0000-0000-000000000001"


@pytest.fixture
def reconciled(reconciled: Reconciled) -> Reconciled:
    """A store with a few people."""
    others = [person.id for person in PEOPLE if person not in ENABLED]
    reconciled.entra.act(*({"do": "unassign", "id": each} for each in others))
    return reconciled


def observe(reconciled: Reconciled) -> None:
    """From now on, as an administrator asks for it."""
    reconciled.bridge.switch.observe(reconciled.store, "ada")


def start(reconciled: Reconciled, **shown: Any) -> None:
    reconciled.bridge.switch.start(reconciled.store, "ada", **shown)


def waiting(reconciled: Reconciled) -> HeldPlan:
    """The newest plan that was kept."""
    newest = reconciled.bridge.held_plans.newest(reconciled.store_id)
    assert newest is not None
    return newest.held


def written(reconciled: Reconciled) -> dict[str, int]:
    """Calls to Zoho One that are no reads."""
    return {call: count for call, count in reconciled.zoho_one.calls().items() if not call.startswith("GET")}


def test_an_observing_cycle_reads_plans_and_writes_nothing_in_zoho_one(reconciled: Reconciled) -> None:
    reconciled.zoho_one.add(
        {"userName": ANNA.user_principal_name, "displayName": "By the wizard", "active": True},
        {"userName": "nobody@contoso.example", "active": True},
    )
    observe(reconciled)
    before = reconciled.accounts()
    run = reconciled.cycle(RunKind.FULL_CYCLE)
    assert (run.state, run.errors, run.results) == (RunState.OBSERVED, (), {Result.NOT_TRIED: len(ENABLED)})
    assert run.planned == {ChangeKind.ADOPT: 1, ChangeKind.CREATE: len(ENABLED) - 1}
    assert run.unmanaged == 2, "drift is reported"
    assert (written(reconciled), reconciled.accounts()) == ({}, before)
    held = waiting(reconciled)
    assert (run.plan, run.digest) == (held.id, held.digest)
    assert [breach.rule for breach in held.breaches] == [Rule.OBSERVED]
    assert reconciled.cycle().plan == held.id, "the same plan is one plan, however often it is observed"


def test_starting_applies_exactly_the_plan_that_was_observed(reconciled: Reconciled) -> None:
    observe(reconciled)
    reconciled.change(guard=GuardLimits(creations=3))
    shown = reconciled.request()
    assert Rule.CREATIONS in {breach.rule for breach in waiting(reconciled).breaches}, "it would be held without"
    start(reconciled, shown=shown.run.plan)
    done = reconciled.request()
    assert (done.run.state, done.run.results) == (RunState.DONE, {Result.DONE: len(ENABLED)})
    assert shown.plan is not None
    assert done.plan == shown.plan
    reconciled.assert_as_in_entra()
    assert [move.state for move in waiting(reconciled).moves] == [
        HeldState.HELD,
        HeldState.APPROVED,
        HeldState.APPLYING,
        HeldState.APPLIED,
    ]
    assert waiting(reconciled).moves[1].by == "ada"
    reconciled.entra.act({"do": "change", "id": ANNA.id, "values": {"jobTitle": "Another"}})
    assert reconciled.cycle().results == {Result.DONE: 1}, "and from then on it is a store like any other"


def test_a_plan_that_changed_before_the_first_cycle_asks_again(reconciled: Reconciled) -> None:
    observe(reconciled)
    reconciled.cycle()
    start(reconciled)
    reconciled.entra.act({"do": "change", "id": ANNA.id, "values": {"jobTitle": "Another"}})
    run = reconciled.cycle()
    assert (run.state, run.results) == (RunState.HELD, {Result.NOT_TRIED: len(ENABLED)})
    assert "started with another plan" in run.errors[0]
    assert reconciled.cycle().state is RunState.HELD, "until somebody agrees"
    assert written(reconciled) == {}
    reconciled.bridge.decisions.approve(reconciled.store_id, waiting(reconciled).id, "ada")
    assert reconciled.cycle().results == {Result.DONE: len(ENABLED)}
    reconciled.assert_as_in_entra()


def test_a_change_in_zoho_one_asks_again_too(reconciled: Reconciled) -> None:
    observe(reconciled)
    reconciled.cycle()
    start(reconciled)
    reconciled.zoho_one.add({"userName": ANNA.user_principal_name, "displayName": "By the wizard", "active": True})
    assert reconciled.cycle().state is RunState.HELD
    assert written(reconciled) == {}


def test_that_nothing_would_be_done_is_a_plan_too(reconciled: Reconciled) -> None:
    reconciled.cycle()
    observe(reconciled)
    assert (reconciled.cycle().state, waiting(reconciled).counts) == (RunState.OBSERVED, {})
    start(reconciled)
    reconciled.entra.act({"do": "disable", "id": ANNA.id})
    assert reconciled.cycle().state is RunState.HELD
    assert reconciled.accounts()[ANNA.user_principal_name]["active"]
    reconciled.entra.act({"do": "enable", "id": ANNA.id})
    assert reconciled.cycle().state is RunState.DONE, "nothing is left to agree to"
    reconciled.entra.act({"do": "disable", "id": ANNA.id})
    assert reconciled.cycle().results == {Result.DONE: 1}


def test_of_the_plans_of_a_day_the_last_one_is_kept_whole(reconciled: Reconciled) -> None:
    bridge = reconciled.bridge
    observe(reconciled)
    noon, plans = datetime(2026, 11, 28, 12, tzinfo=UTC), []
    for number, day in enumerate((0, 0, 1)):
        reconciled.entra.act({"do": "change", "id": ANNA.id, "values": {"jobTitle": f"Title {number}"}})
        parts = reconciled.cycles().parts
        clock = iter([noon + timedelta(days=day)] * 9)
        guard = replace(parts.plan_guard, now=clock.__next__)
        run = reconciled.cycles(plan_guard=guard).run(reconciled.asked()).run
        plans.append(bridge.held_plans.get(reconciled.store_id, run.plan or ""))
    first, second, third = (held for held in plans if held is not None)
    assert first.counts == second.counts == third.counts
    with pytest.raises(PlanLost):
        bridge.held_plans.plan(first)
    assert bridge.held_plans.plan(second).digest != bridge.held_plans.plan(third).digest


def test_a_start_with_another_plan_than_the_last_one_starts_nothing(reconciled: Reconciled) -> None:
    observe(reconciled)
    reconciled.cycle()
    seen = waiting(reconciled).id
    reconciled.entra.act({"do": "change", "id": ANNA.id, "values": {"jobTitle": "Another"}})
    reconciled.cycle()
    for shown in (seen, None):
        with pytest.raises(AnotherPlan):
            start(reconciled, shown=shown)
    assert reconciled.store.schedule.is_observing
    assert waiting(reconciled).state is HeldState.HELD
    start(reconciled, shown=waiting(reconciled).id)
    assert reconciled.cycle().results == {Result.DONE: len(ENABLED)}


@pytest.mark.parametrize("approved", [False, True])
def test_a_plan_outlives_a_stop(reconciled: Reconciled, approved: bool) -> None:
    """Starting is the same from stopped: just the plan that was shown, or none without being asked."""
    observe(reconciled)
    reconciled.cycle()
    reconciled.bridge.switch.stop(reconciled.store, "ada")
    with pytest.raises(NotNow, match="stopped"):
        reconciled.cycle()
    if approved:
        start(reconciled)
    else:  # by another way than the switch
        reconciled.change(schedule=reconciled.store.schedule.started(reconciled.bridge.push.now()))
    assert reconciled.cycle().state is (RunState.DONE if approved else RunState.HELD)


def test_a_plan_that_was_held_before_is_not_the_one_that_is_agreed_to(reconciled: Reconciled) -> None:
    reconciled.change(guard=GuardLimits(creations=3))
    assert reconciled.cycle().state is RunState.HELD
    earlier = waiting(reconciled)
    observe(reconciled)
    reconciled.cycle()
    assert (waiting(reconciled).id != earlier.id, waiting(reconciled).digest) == (True, earlier.digest)
    start(reconciled)
    reconciled.entra.act({"do": "unassign", "id": ANNA.id})
    reconciled.change(guard=GuardLimits())
    assert reconciled.cycle().state is RunState.HELD


def test_cycles_run_by_the_schedule_and_at_once_when_the_state_changes(reconciled: Reconciled) -> None:
    bridge = reconciled.bridge

    def due() -> bool:
        now = reconciled.cycles().now()
        stores = [store for store in bridge.stores.with_cycles() if store.id == reconciled.store_id]
        return bool(replace(reconciled.cycles(), now=lambda: now).due(stores).requests)

    reconciled.cycle()
    assert not due()
    observe(reconciled)
    assert due()
    reconciled.cycle()
    assert not due()
    start(reconciled)
    assert due()
    bridge.switch.stop(reconciled.store, "ada")
    assert not due()


def test_a_cycle_that_applies_ends_when_the_store_observes(reconciled: Reconciled) -> None:
    request, seen = reconciled.asked(), list[str]()

    def turn(step: str, _done: int, _of: int) -> None:
        if step == "applying" and not seen:
            seen.append(step)
            observe(reconciled)

    done = reconciled.cycles().run(request, Hears(turn))
    assert (done.run.state, "only observes" in " ".join(done.run.errors)) == (RunState.FAILED, True)
    assert len(reconciled.zoho_one.users()) < len(ENABLED)


def test_a_cycle_that_observes_goes_on_when_the_store_is_started(reconciled: Reconciled) -> None:
    """It writes nothing still; the plan that was agreed to is applied by the next one."""
    observe(reconciled)
    reconciled.cycle()

    def turn(step: str, _done: int, _of: int) -> None:
        if reconciled.store.schedule.is_observing:
            start(reconciled)

    done = reconciled.cycles().run(reconciled.asked(), Hears(turn))
    assert done.run.state is RunState.OBSERVED
    assert written(reconciled) == {}
    assert waiting(reconciled).state is HeldState.APPROVED
    assert reconciled.cycle().results == {Result.DONE: len(ENABLED)}


def test_an_observing_cycle_that_is_out_of_time_is_gone_on_with(reconciled: Reconciled) -> None:
    observe(reconciled)
    request, parts = reconciled.asked(), 0
    while True:
        done = reconciled.hurried(request)
        if done.goes_on is None:
            break
        request, parts = done.goes_on, parts + 1
    assert parts > 0
    assert (done.run.state, done.run.planned) == (RunState.OBSERVED, {ChangeKind.CREATE: len(ENABLED)})


def _push(reconciled: Reconciled) -> None:
    endpoint = reconciled.endpoint("http://127.0.0.1:13")
    schema = "urn:ietf:params:scim:schemas:core:2.0:User"
    body = {"schemas": [schema], "userName": "new@contoso.example", "displayName": "New", "active": True}
    answer = endpoint.request("POST", "/Users", json=body)
    assert answer.status_code == 503, answer.text
    assert "only observes" in answer.json()["detail"]
    assert int(answer.headers["Retry-After"]) > 0
    assert endpoint.request("GET", "/Users", query={"filter": 'userName eq "new@contoso.example"'}).ok


def _cycle(reconciled: Reconciled) -> None:
    for kind in (RunKind.CYCLE, RunKind.FULL_CYCLE):
        assert reconciled.cycle(kind).state is RunState.OBSERVED


def _jobs(reconciled: Reconciled) -> None:
    runner, pending = reconciled.bridge.job_runner, ANNA.id.replace("-", "")
    for task in (ProvisionPeople(object_ids=(BERT.id,)), RetryPerson(identity=pending)):
        job = runner.ask(reconciled.store, task, "ada")
        (request,) = (each for each in _requests(reconciled) if each.errand == job.id)
        runner.carry_out(request)
        ended = reconciled.bridge.jobs.get(reconciled.store_id, job.id)
        assert ended is not None
        assert "only observes" in (ended.failure or ""), ended
    job = runner.ask(reconciled.store, MakePlan(), "ada")
    (request,) = (each for each in _requests(reconciled) if each.errand == job.id)
    runner.carry_out(request)
    ended = reconciled.bridge.jobs.get(reconciled.store_id, job.id)
    assert ended is not None
    assert ended.plan is not None, "a preview is no write"


def _requests(reconciled: Reconciled) -> list[Any]:
    runner = reconciled.bridge.job_runner
    return replace(runner, now=lambda: runner.now() + timedelta(minutes=5)).waiting()


def _tick(reconciled: Reconciled) -> None:
    """The timer: mails that are due, groups and people whose groups have to follow."""
    bridge = reconciled.bridge
    bridge.try_again(bridge.stores.with_cycles())
    with pytest.raises(CannotSend, match="only observes"):
        bridge.password_mails.send_new_password(reconciled.store, ANNA.id.replace("-", ""), "ada")


@pytest.mark.parametrize("act", [_push, _cycle, _jobs, _tick])
def test_nothing_writes_while_the_store_observes(reconciled: Reconciled, act: Callable[[Reconciled], None]) -> None:
    """With all that could be waiting: people, a group that Zoho One did not take, a person whose groups must follow."""
    reconciled.change(groups=GroupSettings())
    reconciled.entra.act(
        {"do": "put group", "id": STAFF, "members": [ANNA.id, BERT.id]}, {"do": "assign group", "id": STAFF}
    )
    reconciled.zoho_one.fail(method="POST", path="/Groups", status=503, times=50)
    reconciled.cycle()
    reconciled.zoho_one.forget_faults()
    assert reconciled.bridge.groups.pending(reconciled.store_id), "a group waits"
    observe(reconciled)
    reconciled.entra.act(
        {"do": "change", "id": ANNA.id, "values": {"jobTitle": "Another"}},
        {"do": "disable", "id": CARLA.id},
        {"do": "unassign", "id": BERT.id},
    )
    before = written(reconciled)
    act(reconciled)
    assert written(reconciled) == before
    assert reconciled.groups() == {}


def test_the_timer_leaves_a_paused_store_alone_too(reconciled: Reconciled) -> None:
    reconciled.change(groups=GroupSettings())
    reconciled.entra.act({"do": "put group", "id": STAFF, "members": [ANNA.id]}, {"do": "assign group", "id": STAFF})
    reconciled.zoho_one.fail(method="POST", path="/Groups", status=503, times=50)
    reconciled.cycle()
    reconciled.zoho_one.forget_faults()
    bridge, before = reconciled.bridge, written(reconciled)
    bridge.switch.pause(reconciled.store, bridge.push.now() + timedelta(hours=1), "ada")
    bridge.try_again(bridge.stores.with_cycles())
    assert written(reconciled) == before


def test_whoever_forgets_to_ask_writes_nothing_either(reconciled: Reconciled) -> None:
    """The one gate that all calls pass."""
    reconciled.cycle()
    stored = reconciled.bridge.identities.find_object(reconciled.store_id, ANNA.id)
    assert stored is not None
    account = stored.identity.account
    assert account is not None
    observe(reconciled)
    before, users = written(reconciled), reconciled.bridge.users(reconciled.store)
    with pytest.raises(ZohoNotWritten):
        users.create(account.holds)
    with pytest.raises(ZohoNotWritten):
        users.delete(account.id)
    with pytest.raises(ZohoNotWritten):
        reconciled.bridge.zoho_groups(reconciled.store).delete("1")
    assert users.get(account.id) is not None, "it reads"
    assert written(reconciled) == before


def test_without_graph_there_is_nothing_to_observe(reconciled: Reconciled) -> None:
    reconciled.change(entra=None)
    with pytest.raises(CannotObserve, match="connect Microsoft Graph"):
        observe(reconciled)
    assert not reconciled.store.schedule.is_observing


def test_a_dry_run_while_observing_is_the_observed_plan(reconciled: Reconciled) -> None:
    observe(reconciled)
    assert reconciled.bridge.dry_run(reconciled.store, SILENT).plan == reconciled.request().plan


def test_a_person_who_waits_for_a_decision_does_not_hold_the_plan_after_the_start(reconciled: Reconciled) -> None:
    """Somebody whose address an account has: a decision between plan and start is another plan, one after it is not."""
    by_hand = {"userName": "by.hand@contoso.example", "emails": [{"type": "work", "value": ANNA.mail}], "active": True}
    (account,) = reconciled.zoho_one.add(by_hand)
    observe(reconciled)
    run = reconciled.cycle()
    assert run.planned == {ChangeKind.PROPOSE: 1, ChangeKind.CREATE: len(ENABLED) - 1}
    start(reconciled)
    assert reconciled.cycle().results == {Result.WAITS: 1, Result.DONE: len(ENABLED) - 1}
    assert reconciled.cycle().state is RunState.DONE
    stored = reconciled.bridge.identities.find_object(reconciled.store_id, ANNA.id)
    assert stored is not None
    reconciled.bridge.account_choices.accept(reconciled.store_id, stored.identity.id, account["id"], "ada")
    done = reconciled.cycle()
    assert (done.planned, done.state) == ({ChangeKind.ADOPT: 1}, RunState.DONE)
    assert len(reconciled.zoho_one.users()) == len(ENABLED)


def test_a_decision_between_the_plan_and_the_start_asks_again(reconciled: Reconciled) -> None:
    by_hand = {"userName": "by.hand@contoso.example", "emails": [{"type": "work", "value": ANNA.mail}], "active": True}
    (account,) = reconciled.zoho_one.add(by_hand)
    observe(reconciled)
    reconciled.cycle()
    start(reconciled)
    stored = reconciled.bridge.identities.find_object(reconciled.store_id, ANNA.id)
    assert stored is not None
    reconciled.bridge.account_choices.accept(reconciled.store_id, stored.identity.id, account["id"], "ada")
    assert reconciled.cycle().state is RunState.HELD
    assert written(reconciled) == {}


def test_a_plan_for_which_zoho_one_could_not_be_asked_is_made_again_soon(reconciled: Reconciled) -> None:
    observe(reconciled)
    reconciled.zoho_one.fail(method="GET", path="/Users", status=503, times=50)
    assert reconciled.cycle().state is RunState.FAILED
    reconciled.zoho_one.forget_faults()
    assert reconciled.cycle().state is RunState.OBSERVED
    start(reconciled)
    assert reconciled.cycle().results == {Result.DONE: len(ENABLED)}
