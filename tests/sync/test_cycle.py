"""The cycle on Azurite, the simulated Entra and the simulated Zoho One."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.entra.people import PEOPLE
from shared.rules.change import ChangeKind
from shared.rules.criteria import Condition, Operator
from shared.rules.criteria import Group as Criteria
from shared.rules.guard import Rule
from shared.rules.guard_limits import GuardLimits, Threshold
from shared.rules.held_plan import HeldState
from shared.rules.history import EventKind
from shared.rules.mapping.mapping import DEFAULT_MAPPING, HardCodedValue, Mapping, ProfileField
from shared.rules.mapping.mapping import Rule as MappingRule
from shared.rules.pending import PARKED_AFTER
from shared.rules.run import Result, RunKind, RunState
from shared.rules.status import Deprovisioning, Reflection, StatusRules
from shared.rules.store import Drift
from shared.rules.zoho_user import ZohoField
from shared.sync.cycle_note import CycleRequest
from shared.sync.cycles import NotNow
from shared.sync.guard.decisions import NothingHeld
from tests.sync.reconciled import Reconciled

IDS = [person.id for person in PEOPLE]
NAMES = [person.mapped_name for person in PEOPLE]
ANNA, BERT, CARLA, DORA = IDS[:4]
DELTA = "/v1.0/users/delta"
ASSIGNED_TO = "/v1.0/servicePrincipals/{id}/appRoleAssignedTo"


def test_a_first_cycle_and_one_with_nothing_to_do(reconciled: Reconciled) -> None:
    run = reconciled.cycle()
    assert (run.state, run.errors) == (RunState.DONE, ())
    assert run.results == {Result.DONE: len(reconciled.active())}
    reconciled.assert_as_in_entra()
    again = reconciled.cycle()
    assert (again.state, again.planned, again.errors) == (RunState.DONE, {}, ())
    assert sum(again.calls.values()) <= 10, again.calls


def test_what_changes_in_entra_changes_in_zoho_one(reconciled: Reconciled) -> None:
    reconciled.cycle()
    reconciled.entra.act(
        {"do": "change", "id": ANNA, "values": {"displayName": "Anna Anders", "jobTitle": None}},
        {"do": "disable", "id": BERT},
        {"do": "unassign", "id": CARLA},
        {"do": "soft-delete", "id": DORA},
    )
    run = reconciled.cycle()
    assert run.planned == {ChangeKind.DEACTIVATE: 3, ChangeKind.UPDATE: 1}
    reconciled.assert_as_in_entra()
    reconciled.entra.act({"do": "enable", "id": BERT}, {"do": "assign", "id": CARLA}, {"do": "restore", "id": DORA})
    assert reconciled.cycle().planned == {ChangeKind.REACTIVATE: 3}
    reconciled.assert_as_in_entra()


def test_names_that_change_hands_in_one_cycle(reconciled: Reconciled) -> None:
    reconciled.cycle()
    for person, name in ((ANNA, "anna.new@contoso.example"), (BERT, NAMES[0]), (CARLA, NAMES[1])):
        reconciled.entra.act({"do": "change", "id": person, "values": {"userPrincipalName": name}})
    for _ in range(3):  # a name is free only once its holder has given it up in Zoho One
        reconciled.cycle()
    reconciled.assert_as_in_entra()
    assert reconciled.cycle().planned == {}


def test_who_is_deleted_for_good_leaves_the_store_and_keeps_his_account(reconciled: Reconciled) -> None:
    reconciled.cycle()
    reconciled.entra.act({"do": "soft-delete", "id": ANNA}, {"do": "hard-delete", "id": ANNA})
    assert reconciled.cycle().planned == {ChangeKind.DEACTIVATE: 1}
    assert reconciled.identity(ANNA) is None
    assert reconciled.accounts()[NAMES[0]]["active"] is False
    assert reconciled.cycle().planned == {}


def test_an_account_is_deleted_only_where_the_store_says_so(reconciled: Reconciled) -> None:
    reconciled.change(status_rules=StatusRules(on_unassigned=Deprovisioning.DELETE, deactivated=Reflection.NOTHING))
    reconciled.cycle()
    reconciled.entra.act({"do": "unassign", "id": ANNA}, {"do": "disable", "id": BERT})
    run = reconciled.cycle()
    assert run.planned == {ChangeKind.DELETE: 1}
    assert NAMES[0] not in reconciled.accounts()
    assert reconciled.accounts()[NAMES[1]]["active"] is True


def test_who_comes_by_a_group_and_who_leaves_it(reconciled: Reconciled) -> None:
    group = "00000000-0000-0000-0000-00000000000a"
    for person in IDS:
        reconciled.entra.act({"do": "unassign", "id": person})
    reconciled.entra.act({"do": "put group", "id": group, "members": IDS[:9]}, {"do": "assign group", "id": group})
    reconciled.cycle()
    reconciled.assert_as_in_entra()
    reconciled.entra.act({"do": "put group", "id": group, "members": IDS[2:12]})
    run = reconciled.cycle()
    assert (run.state, run.errors) == (RunState.DONE, ())
    reconciled.assert_as_in_entra()


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        (DELTA, {"status": 500}),
        (DELTA, {"status": 403}),
        (DELTA, {"status": 200, "body": "<html>"}),
        (DELTA, {"drop": "after"}),
        (ASSIGNED_TO, {"status": 503}),
        (ASSIGNED_TO, {"status": 404}),
        (ASSIGNED_TO, {"status": 200, "body": '{"value": []}'}),
    ],
)
def test_an_error_is_never_an_empty_directory(reconciled: Reconciled, path: str, fault: dict[str, Any]) -> None:
    reconciled.impatient()
    reconciled.cycle()
    before = reconciled.accounts()
    reconciled.entra.act({"do": "change", "id": ANNA, "values": {"displayName": "Anna Anders"}})
    reconciled.entra.fail(path, times=9, **fault)
    run = reconciled.cycle()
    assert (run.state, run.planned) == (RunState.FAILED, {})
    assert run.errors
    assert reconciled.accounts() == before
    reconciled.entra.forget("faults")
    assert reconciled.cycle().planned == {ChangeKind.UPDATE: 1}
    reconciled.assert_as_in_entra()


def test_an_error_in_the_middle_of_the_pages_goes_on_behind_them(reconciled: Reconciled) -> None:
    reconciled.impatient()
    reconciled.entra.set(page_size=3)
    reconciled.entra.fail(DELTA, latency=0.001, times=6)
    reconciled.entra.fail(DELTA, status=500, times=9)
    assert reconciled.cycle().state is RunState.FAILED
    assert reconciled.accounts() == {}
    reconciled.entra.forget("faults")
    reconciled.entra.forget("calls")
    assert reconciled.cycle().state is RunState.DONE
    assert reconciled.entra.calls()[f"GET {DELTA}"] == 3
    reconciled.assert_as_in_entra()


@pytest.mark.parametrize("status", [410, 400])
def test_an_expired_link_costs_a_full_round_which_sees_who_has_gone(reconciled: Reconciled, status: int) -> None:
    reconciled.cycle()
    reconciled.entra.set(expired_status=status, page_size=4)
    reconciled.entra.act({"do": "soft-delete", "id": ANNA}, {"do": "soft-delete", "id": BERT})
    reconciled.entra.act({"do": "hard-delete", "id": BERT})
    reconciled.entra.forget("links")
    assert reconciled.cycle().planned == {ChangeKind.DEACTIVATE: 2}
    reconciled.assert_as_in_entra()
    assert reconciled.cycle().planned == {}


def test_replays_and_disorder_change_nothing(reconciled: Reconciled) -> None:
    reconciled.entra.set(page_size=3, replays=2, split_managers=True)
    reconciled.with_managers()
    reconciled.cycle()
    reconciled.assert_as_in_entra()
    assert reconciled.cycle().planned == {}


def test_a_manager_is_his_account_whoever_of_the_two_comes_first(reconciled: Reconciled) -> None:
    reconciled.with_managers()
    reconciled.cycle()
    accounts = {user["userName"]: user for user in reconciled.zoho_one.users()}
    by_id = {person.id: person for person in PEOPLE}
    extension = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    managed = 0
    for person in PEOPLE:
        manager = by_id.get(person.manager or "")
        if person.mapped_name in accounts and manager and manager.mapped_name in accounts:
            shown = accounts[person.mapped_name][extension]["manager"]["value"]
            assert shown == accounts[manager.mapped_name]["id"]
            managed += 1
    assert managed > 5
    assert reconciled.cycle().planned == {}, "nobody waits any more"


def test_a_changed_mapping_changes_everybody_and_the_guard_holds_that(reconciled: Reconciled) -> None:
    reconciled.cycle()
    limits = GuardLimits(one_field=Threshold(count=5, percent=50))
    reconciled.change(guard=limits)
    rules = [rule for rule in DEFAULT_MAPPING.rules if rule.target is not ZohoField.TITLE]
    rules.append(MappingRule(target=ZohoField.TITLE, source=HardCodedValue(value="Colleague")))
    reconciled.save_mapping(Mapping(rules=tuple(rules)))
    done = reconciled.request()
    assert done.run.state is RunState.HELD
    (breach,) = done.verdict.breaches
    assert (breach.rule, breach.field) == (Rule.ONE_FIELD, ZohoField.TITLE)
    assert {user.get("title") for user in reconciled.zoho_one.users()} != {"Colleague"}
    reconciled.change(guard=GuardLimits())
    assert reconciled.cycle().state is RunState.DONE
    assert {user.get("title") for user in reconciled.zoho_one.users()} == {"Colleague"}


def test_criteria_leave_people_out_and_take_them_in(reconciled: Reconciled) -> None:
    department = Condition(attribute="department", operator=Operator.EQUALS, values=("Sales",))
    reconciled.entra.act(
        *({"do": "change", "id": person, "values": {"department": "Sales"}} for person in IDS[:4]),
        *({"do": "change", "id": person, "values": {"department": "Legal"}} for person in IDS[4:]),
    )
    reconciled.change(criteria=Criteria(match="all", of=(department,)))
    reconciled.cycle()
    assert reconciled.active() == set(NAMES[:4])
    reconciled.entra.act({"do": "change", "id": ANNA, "values": {"department": "Legal"}})
    reconciled.entra.act({"do": "change", "id": IDS[5], "values": {"department": "Sales"}})
    reconciled.cycle()
    assert reconciled.active() == {*NAMES[1:4], NAMES[5]}
    stored = reconciled.identity(ANNA)
    assert stored is not None
    event = reconciled.bridge.identities.history(reconciled.store_id, stored.id)[0]
    assert event.reason == (
        "The person was unassigned in Entra. The user does not meet the store's criteria: "
        'department equals "Sales": it is "Legal".'
    )
    reconciled.change(criteria=None)
    reconciled.cycle()
    reconciled.assert_as_in_entra()


def test_half_of_the_people_unassigned_by_mistake_are_held_and_nothing_is_changed(reconciled: Reconciled) -> None:
    reconciled.cycle()
    before = reconciled.accounts()
    half = IDS[:12]
    reconciled.entra.act(*({"do": "unassign", "id": person} for person in half))
    done = reconciled.request()
    assert done.run.state is RunState.HELD
    assert done.verdict.plan is not None
    assert "would be deactivated or deleted" in done.run.errors[0]
    assert reconciled.accounts() == before
    assert reconciled.request().verdict.plan == done.verdict.plan, "the same plan is not held twice"
    decisions = reconciled.bridge.decisions
    decisions.discard(reconciled.store_id, done.verdict.plan.held.id, "admin")
    with pytest.raises(NothingHeld):
        decisions.approve(reconciled.store_id, done.verdict.plan.held.id, "admin")
    reconciled.entra.act(*({"do": "assign", "id": person} for person in half))
    run = reconciled.cycle()
    assert (run.state, run.planned) == (RunState.DONE, {})
    assert reconciled.accounts() == before


def test_an_approved_plan_is_applied_as_it_was_shown(reconciled: Reconciled) -> None:
    reconciled.cycle()
    reconciled.entra.act(*({"do": "unassign", "id": person} for person in IDS[:12]))
    held = reconciled.request().verdict.plan
    assert held is not None
    reconciled.bridge.decisions.approve(reconciled.store_id, held.held.id, "admin")
    done = reconciled.request()
    assert (done.run.state, done.run.digest) == (RunState.DONE, held.held.digest)
    reconciled.assert_as_in_entra()
    newest = reconciled.bridge.held_plans.newest(reconciled.store_id)
    assert newest is not None
    assert [move.state for move in newest.held.moves] == [
        HeldState.HELD,
        HeldState.APPROVED,
        HeldState.APPLYING,
        HeldState.APPLIED,
    ]


def test_an_approved_plan_is_refused_where_the_world_moved(reconciled: Reconciled) -> None:
    reconciled.cycle()
    reconciled.entra.act(*({"do": "unassign", "id": person} for person in IDS[:12]))
    held = reconciled.request().verdict.plan
    assert held is not None
    reconciled.bridge.decisions.approve(reconciled.store_id, held.held.id, "admin")
    reconciled.entra.act({"do": "unassign", "id": IDS[13]})
    before = reconciled.accounts()
    done = reconciled.request()
    assert done.run.state is RunState.HELD
    assert reconciled.accounts() == before
    newest, earlier = reconciled.bridge.held_plans.all(reconciled.store_id)
    assert newest.held.state is HeldState.HELD
    assert earlier.held.state is HeldState.OVERTAKEN
    assert "for 1 people a change was added" in earlier.held.moves[-1].why


def test_a_dry_run_says_what_the_next_cycle_does_and_touches_nothing(reconciled: Reconciled) -> None:
    reconciled.cycle()
    reconciled.entra.act(
        {"do": "change", "id": ANNA, "values": {"displayName": "Anna Anders"}},
        {"do": "disable", "id": BERT},
        {"do": "unassign", "id": CARLA},
    )
    tables, accounts = reconciled.tables(), reconciled.accounts()
    preview = reconciled.bridge.dry_run(reconciled.store)
    assert reconciled.tables() == tables
    assert reconciled.accounts() == accounts
    done = reconciled.request()
    assert done.plan == preview.plan
    assert done.plan is not None
    assert done.plan.digest == preview.plan.digest


def test_a_dry_run_of_the_first_cycle_of_a_store_that_is_stopped(reconciled: Reconciled) -> None:
    schedule = reconciled.store.schedule
    reconciled.change(schedule=schedule.stopped())
    with pytest.raises(NotNow, match="stopped"):
        reconciled.cycle()
    preview = reconciled.bridge.dry_run(reconciled.store)
    assert reconciled.accounts() == {}
    reconciled.change(schedule=schedule)
    done = reconciled.request()
    assert done.plan == preview.plan


def test_who_is_refused_is_parked_and_blocks_nobody(reconciled: Reconciled) -> None:
    for number in range(PARKED_AFTER):
        reconciled.zoho_one.fail(method="POST", path="/Users", status=400, body={"detail": "The domain is not yours"})
        run = reconciled.cycle()
        assert run.results[Result.PARKED if number == PARKED_AFTER - 1 else Result.FAILED] == 1
        assert len(reconciled.active()) >= 20
        # The one that was refused comes first the next time, because he alone is left.
    run = reconciled.cycle()
    assert (run.planned, run.suppressed) == ({}, 1)
    (parked,) = [one for one in reconciled.bridge.identities.everybody(reconciled.store_id) if one.identity.pending]
    assert parked.identity.pending is not None
    assert parked.identity.pending.next_try is not None
    assert parked.identity.pending.next_try - datetime.now(UTC) > timedelta(hours=20)
    kinds = [event.kind for event in reconciled.bridge.identities.history(reconciled.store_id, parked.identity.id)]
    assert kinds == [EventKind.PARKED, EventKind.REFUSED], "told once, and once more when he is parked"
    reconciled.entra.act({"do": "change", "id": parked.identity.object_id, "values": {"jobTitle": "Another"}})
    reconciled.cycle()
    reconciled.assert_as_in_entra()


def test_zoho_one_being_down_ends_the_cycle_and_loses_nobody(reconciled: Reconciled) -> None:
    reconciled.zoho_one.fail(path="/Users", status=503, times=500)
    wanted = [user for user in reconciled.in_entra() if user["assigned"] and user["accountEnabled"]]
    run = reconciled.cycle()
    assert (run.state, run.planned, run.suppressed) == (RunState.FAILED, {}, len(wanted))
    assert "whether it has this person's account already" in run.errors[0]
    reconciled.zoho_one.reset()
    assert reconciled.cycle().state is RunState.DONE
    reconciled.assert_as_in_entra()


def test_a_short_wait_that_zoho_one_asks_for_is_waited_for(reconciled: Reconciled) -> None:
    zoho = reconciled.store.zoho.model_copy(update={"parallel_calls": 1})
    reconciled.change(zoho=zoho)
    reconciled.zoho_one.fail(method="POST", path="/Users", status=503, headers={"Retry-After": "8"})
    run = reconciled.cycle()
    assert run.results == {Result.DONE: len(reconciled.active())}
    assert [8 <= seconds <= 12 for seconds in reconciled.slept] == [True]
    reconciled.assert_as_in_entra()


def test_a_full_cycle_sets_back_what_was_changed_by_hand(reconciled: Reconciled) -> None:
    reconciled.cycle()
    reconciled.zoho_one.add({"userName": "stranger@contoso.example", "active": True})
    reconciled.zoho_one.change(NAMES[0], displayName="Somebody", active=True)
    reconciled.zoho_one.change(NAMES[1], active=False)
    reconciled.zoho_one.remove(NAMES[2])
    reconciled.change(drift=Drift.REPORT)
    run = reconciled.cycle(RunKind.FULL_CYCLE)
    assert (run.state, run.planned, run.drifted, run.unmanaged) == (RunState.DONE, {}, 3, 1)
    assert set(run.findings) == {
        f"{NAMES[0]}: changed there: displayName",
        f"{NAMES[1]}: changed there: active",
        f"{NAMES[2]}: deleted there",
        "stranger@contoso.example: nobody manages this account in Zoho One",
    }
    reconciled.change(drift=Drift.REPAIR)
    run = reconciled.cycle(RunKind.FULL_CYCLE)
    assert run.planned == {ChangeKind.UPDATE: 1, ChangeKind.CREATE: 1}
    accounts = reconciled.accounts()
    assert accounts[NAMES[0]]["displayName"] == PEOPLE[0].display_name
    assert accounts[NAMES[1]]["active"] is False, "whom somebody deactivated by hand is left alone"
    assert accounts[NAMES[2]]["active"] is True
    assert accounts["stranger@contoso.example"]["active"] is True
    assert reconciled.cycle(RunKind.FULL_CYCLE).drifted == 0


@pytest.mark.parametrize("answer", [{"totalResults": 0, "Resources": []}, {"totalResults": 900, "Resources": []}, {}])
def test_a_full_cycle_concludes_nothing_from_a_list_that_is_not_whole(
    reconciled: Reconciled, answer: dict[str, Any]
) -> None:
    reconciled.cycle()
    reconciled.zoho_one.fail(method="GET", path="/Users", status=200, body=answer)
    run = reconciled.cycle(RunKind.FULL_CYCLE)
    assert (run.state, run.drifted, run.planned) == (RunState.FAILED, 0, {})
    assert reconciled.cycle().planned == {}


def test_a_cycle_out_of_time_goes_on_where_it_stopped(reconciled: Reconciled) -> None:
    reconciled.entra.set(page_size=4)
    runs, messages = set(), 0
    request: CycleRequest | None = reconciled.asked()
    while request is not None:
        done = reconciled.hurried(request)
        runs.add(done.run.id)
        request, messages = done.goes_on, messages + 1
        assert messages < 50
    assert messages > 5
    assert len(runs) == 1
    (run,) = reconciled.bridge.runs.newest(reconciled.store_id)
    assert (run.state, run.results) == (RunState.DONE, {Result.DONE: len(reconciled.active())})
    reconciled.assert_as_in_entra()


def test_push_and_pull_know_the_same_person(reconciled: Reconciled, host: str) -> None:
    endpoint = reconciled.endpoint(host)
    body = {"userName": NAMES[0].upper(), "displayName": "Pushed", "active": True, "nickName": "A."}
    user_id = endpoint.request("POST", "/Users", json=body).json()["id"]
    reconciled.cycle()
    reconciled.assert_as_in_entra()
    assert len(reconciled.zoho_one.users()) == len(reconciled.active())
    shown = endpoint.request("GET", f"/Users/{user_id}").json()
    assert (shown["displayName"], shown["nickName"]) == (PEOPLE[0].display_name, "A.")
    by_graph = endpoint.request("GET", "/Users", query={"filter": f'userName eq "{NAMES[1]}"'}).json()["Resources"]
    assert by_graph[0]["displayName"] == PEOPLE[1].display_name
    operations = [{"op": "Replace", "path": "active", "value": "False"}]
    patch = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations}
    assert endpoint.request("PATCH", f"/Users/{by_graph[0]['id']}", json=patch).status_code == 200
    assert reconciled.accounts()[NAMES[1]]["active"] is False
    stored = reconciled.identity(BERT)
    assert stored is not None
    assert stored.said.source.business_phones == PEOPLE[1].business_phones


def test_the_guard_of_the_push_keeps_back_what_the_cycle_then_shows(reconciled: Reconciled, host: str) -> None:
    endpoint = reconciled.endpoint(host)
    reconciled.change(guard=GuardLimits(leavings=Threshold(count=2, percent=1)))
    reconciled.cycle()
    reconciled.entra.act(*({"do": "disable", "id": each} for each in (ANNA, BERT, CARLA)))
    operations = [{"op": "Replace", "path": "active", "value": "False"}]
    patch = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations}
    answers = [
        endpoint.request("PATCH", f"/Users/{person.replace('-', '')}", json=patch) for person in (ANNA, BERT, CARLA)
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 503]
    assert "would be deactivated or deleted" in answers[2].json()["detail"]
    assert int(answers[2].headers["Retry-After"]) > 60
    assert reconciled.accounts()[NAMES[2]]["active"] is True
    assert endpoint.request("GET", f"/Users/{CARLA.replace('-', '')}").status_code == 200
    done = reconciled.request()
    assert done.run.state is RunState.HELD
    assert done.plan is not None
    assert [change.user_name for change in done.plan.changes] == [NAMES[2]]
    assert done.verdict.plan is not None
    reconciled.bridge.decisions.approve(reconciled.store_id, done.verdict.plan.held.id, "admin")
    assert reconciled.cycle().state is RunState.DONE
    assert reconciled.accounts()[NAMES[2]]["active"] is False


def test_a_profile_field_that_fails_for_one_person_is_told_and_blocks_nobody(reconciled: Reconciled) -> None:
    rules = [rule for rule in DEFAULT_MAPPING.rules if rule.target is not ZohoField.USER_NAME]
    rules.append(MappingRule(target=ZohoField.USER_NAME, source=ProfileField(field="employeeType")))
    reconciled.entra.act({"do": "change", "id": ANNA, "values": {"employeeType": "anna@contoso.example"}})
    reconciled.save_mapping(Mapping(rules=tuple(rules)))
    run = reconciled.cycle()
    assert reconciled.active() == {"anna@contoso.example"}
    assert run.state is RunState.DONE
    assert "it gives this person no userName" in run.errors[0]
    reconciled.save_mapping(DEFAULT_MAPPING)
    reconciled.cycle()
    reconciled.assert_as_in_entra()
