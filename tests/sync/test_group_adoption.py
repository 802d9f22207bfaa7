"""Groups of Zoho One that are taken over in a store of exact members: who leaves them stands in the plan."""

from dataclasses import fields

from shared.app.container import Bridge
from shared.rules.groups.settings import GroupSettings
from shared.rules.guard import GuardLimits, Threshold
from shared.rules.plan import Plan
from shared.rules.run import Result, RunKind, RunState
from shared.rules.store import Store
from shared.sync.guard.plans import PlanGuard, Verdict
from tests.sync.grouped import Grouped
from tests.sync.reconciled import Reconciled
from tests.sync.test_group_cycle import IDS, NAMES, STAFF, named, put

EXACT = GroupSettings(exact_members=True)
TWO_MEMBERS = GuardLimits(members=Threshold(count=2, percent=50))


def accounts_of(reconciled: Reconciled, *people: str) -> list[str]:
    ids = {name: account["id"] for name, account in reconciled.accounts().items()}
    return [ids[NAMES[person]] for person in people]


def test_whom_a_takeover_would_remove_is_planned_and_held(reconciled: Reconciled) -> None:
    reconciled.cycle()
    reconciled.zoho_one.add_group("Staff", *accounts_of(reconciled, *IDS[:8]))
    reconciled.change(guard=TWO_MEMBERS, groups=EXACT)
    put(reconciled, STAFF, "Staff", IDS[0])
    held = reconciled.request()
    assert held.run.state is RunState.HELD
    assert "7 of 8 members (87.5 %) would be removed from the group Staff" in held.run.errors[0]
    assert held.plan is not None
    (shown,) = held.plan.groups
    assert shown.members is not None
    assert (shown.members.joining, shown.members.leaving, len(shown.members.leaving_names)) == (1, 7, 7)
    assert not set(shown.members.leaving_names) & set(accounts_of(reconciled, *IDS[:8])), "people have names"
    assert reconciled.groups()["Staff"] == named(*IDS[:8])
    stranger = reconciled.zoho_one.add({"userName": "stranger@contoso.example"})[0]["id"]
    assert held.verdict.plan is not None
    reconciled.bridge.reconciler.decisions.approve(reconciled.store_id, held.verdict.plan.held.id, "admin")
    reconciled.zoho_one.change_group("Staff", {"op": "add", "path": "members", "value": [{"value": stranger}]})
    again = reconciled.request()
    assert again.run.state is RunState.HELD, "the plan that was approved is not the plan of now"
    assert again.verdict.plan is not None
    reconciled.bridge.reconciler.decisions.approve(reconciled.store_id, again.verdict.plan.held.id, "admin")
    run = reconciled.cycle()
    assert (run.state, run.results) == (RunState.DONE, {Result.DONE: 1})
    assert reconciled.groups()["Staff"] == named(IDS[0])


def test_who_comes_into_a_group_after_it_was_planned_stays_until_a_full_cycle(reconciled: Reconciled) -> None:
    reconciled.cycle()
    first, second = accounts_of(reconciled, IDS[0], IDS[1])
    reconciled.zoho_one.add_group("Staff", first)
    reconciled.change(groups=EXACT)
    put(reconciled, STAFF, "Staff", IDS[0])

    plan_guard = reconciled.cycles().plan_guard

    class Judging(PlanGuard):
        def judge(self, store: Store, plan: Plan, *, may_be_open: bool, is_whole: bool = False) -> Verdict:
            """Somebody is put into the group once the plan has passed."""
            verdict = super().judge(store, plan, may_be_open=may_be_open)
            change = {"op": "add", "path": "members", "value": [{"value": second}]}
            reconciled.zoho_one.change_group("Staff", change)
            return verdict

    judging = Judging(**{field.name: getattr(plan_guard, field.name) for field in fields(plan_guard)})
    run = reconciled.cycles(plan_guard=judging).run(reconciled.asked()).run
    assert run.results == {Result.NOT_TRIED: 1}
    assert reconciled.groups()["Staff"] == named(*IDS[:2])
    reconciled.cycle()
    assert reconciled.groups()["Staff"] == named(IDS[0]), "the next plan says it"


def test_a_first_sync_takes_nobody_for_a_stranger_whose_account_it_finds_itself(reconciled: Reconciled) -> None:
    ids = [reconciled.zoho_one.add({"userName": NAMES[person], "active": True})[0]["id"] for person in IDS[:4]]
    stranger = reconciled.zoho_one.add({"userName": "stranger@contoso.example", "active": True})[0]["id"]
    reconciled.zoho_one.add_group("Staff", *ids, stranger)
    reconciled.change(guard=TWO_MEMBERS, groups=EXACT)
    put(reconciled, STAFF, "Staff", *IDS[:4])
    run = reconciled.cycle()
    assert (run.state, run.errors) == (RunState.DONE, ())
    assert reconciled.groups()["Staff"] == {*named(*IDS[:4]), "stranger@contoso.example"}
    reconciled.cycle(RunKind.FULL_CYCLE)
    assert reconciled.groups()["Staff"] == named(*IDS[:4]), "the comparison finds the stranger"


def test_zoho_one_being_silent_keeps_a_takeover_out_of_the_plan_and_nobody_else(reconciled: Reconciled) -> None:
    reconciled.cycle()
    reconciled.change(groups=EXACT)
    put(reconciled, STAFF, "Staff", IDS[0])
    reconciled.zoho_one.fail(method="GET", path="/Groups", status=503, times=9)
    run = reconciled.cycle()
    assert (run.state, run.groups) == (RunState.DONE, {})
    assert "members in Zoho One could not be read" in run.errors[0]
    reconciled.zoho_one.forget_faults()
    assert reconciled.cycle().results == {Result.DONE: 1}


def test_a_pushed_creation_that_would_remove_too_many_is_held_before_the_call(
    grouped: Grouped, bridge: Bridge, store_id: str
) -> None:
    limits = {"guard": TWO_MEMBERS, "groups": EXACT}
    bridge.stores.change(store_id, lambda store: store.model_copy(update=limits))
    grouped.people("ada", "ben", "cleo", "dora")
    ids = [user["id"] for user in grouped.zoho_one.users()]
    grouped.zoho_one.add_group("Sales", *ids)
    body = {"displayName": "Sales", "members": [{"value": grouped.ids["ada"]}]}
    answer = grouped.endpoint.request("POST", "/Groups", json=body)
    assert answer.status_code == 503
    assert "3 of 4 members (75.0 %)" in answer.json()["detail"]
    assert len(grouped.in_zoho_one("Sales")) == 4
    assert list(bridge.groups.groups.scan(store_id)) == []
    body["members"] = [{"value": grouped.ids[name]} for name in ("ada", "ben")]
    assert grouped.endpoint.request("POST", "/Groups", json=body).status_code == 201
    assert grouped.in_zoho_one("Sales") == ["ada", "ben"]
