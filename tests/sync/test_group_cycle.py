"""Groups and memberships that a cycle reads from the simulated Graph, and what becomes of them in Zoho One."""

from typing import Any

import pytest

from local.entra.people import PEOPLE, make_people
from shared.rules.change import ChangeKind
from shared.rules.entra_connection import Scope
from shared.rules.groups.group import GROUP
from shared.rules.groups.settings import GroupSettings, ResourceSync
from shared.rules.history import Event, EventKind
from shared.rules.identity import id_of_object
from shared.rules.run import Result, RunKind, RunState
from shared.rules.status import Reflection
from shared.tables.groups import GroupLookup
from tests.sync.grouped import Grouped
from tests.sync.reconciled import Reconciled

NAMES = {person.id: person.mapped_name for person in PEOPLE}
IDS = [person.id for person in PEOPLE if person.account_enabled]
FEW = 10
DISABLED = next(person.id for person in PEOPLE if not person.account_enabled)
STAFF, SALES, LATER = (f"00000000-0000-0000-0000-{number:012}" for number in range(3))
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
CHANGE = GroupSettings(deleted=Reflection.CHANGE)


def named(*people: str) -> set[str]:
    """Their userNames."""
    return {NAMES[each] for each in people}


def put(reconciled: Reconciled, group: str, name: str, *members: str) -> None:
    """A group in Entra, assigned to the app."""
    reconciled.entra.act(
        {"do": "put group", "id": group, "members": list(members)},
        {"do": "rename group", "id": group, "values": {"displayName": name}},
        {"do": "assign group", "id": group},
    )


def act(reconciled: Reconciled, do: str, group: str, *members: str, **values: Any) -> None:
    """Something that an administrator does to a group in Entra."""
    reconciled.entra.act({"do": do, "id": group, "members": list(members), "values": values})


def history(reconciled: Reconciled, group: str) -> list[Event]:
    """Of a group that Graph named, newest first."""
    return reconciled.bridge.identities.history(reconciled.store_id, group.replace("-", ""))


@pytest.fixture
def reconciled(reconciled: Reconciled) -> Reconciled:
    """A store with the people of this file alone, unless it takes all users."""
    others = [person.id for person in PEOPLE if person.id not in (*IDS[:FEW], DISABLED)]
    reconciled.entra.act(*({"do": "unassign", "id": each} for each in others))
    return reconciled


@pytest.fixture
def synced(reconciled: Reconciled) -> Reconciled:
    """A store with two groups that a cycle has brought to Zoho One."""
    put(reconciled, STAFF, "Staff", *IDS[:4])
    put(reconciled, SALES, "Sales", IDS[0])
    assert reconciled.cycle().state is RunState.DONE
    return reconciled


def test_a_first_cycle_brings_groups_with_their_members_and_the_next_does_nothing(reconciled: Reconciled) -> None:
    put(reconciled, STAFF, "Staff", *IDS[:3], DISABLED)
    put(reconciled, SALES, "Sales")
    run = reconciled.cycle()
    assert (run.state, run.errors) == (RunState.DONE, ())
    assert (run.groups, run.members) == ({ChangeKind.CREATE: 2}, 4)
    assert reconciled.groups() == {"Staff": named(*IDS[:3]), "Sales": set()}
    (group,) = (group for group in reconciled.zoho_one.groups() if group["displayName"] == "Staff")
    assert group["externalId"] == STAFF
    (event,) = history(reconciled, STAFF)
    assert (event.kind, len(event.joined), len(event.waiting)) == (EventKind.CREATED, 3, 1)
    before = reconciled.zoho_one.calls()
    run = reconciled.cycle()
    assert (run.groups, run.results, reconciled.zoho_one.calls()) == ({}, {}, before)


def test_what_changes_in_a_group_changes_in_zoho_one_by_the_difference(synced: Reconciled) -> None:
    act(synced, "add member", STAFF, *IDS[4:6])
    act(synced, "remove member", STAFF, IDS[0])
    act(synced, "rename group", SALES, displayName="Sales and service")
    before = synced.zoho_one.calls()
    run = synced.cycle()
    assert (run.groups, run.members, run.results) == ({ChangeKind.UPDATE: 2}, 3, {Result.DONE: 2})
    assert synced.groups() == {"Staff": named(*IDS[1:6]), "Sales and service": named(IDS[0])}
    calls = {kind: count - before.get(kind, 0) for kind, count in synced.zoho_one.calls().items()}
    assert {kind: count for kind, count in calls.items() if count} == {"PATCH /Groups/{id}": 2}
    newest = history(synced, STAFF)[0]
    assert (len(newest.joined), len(newest.left)) == (2, 1)
    lines = synced.bridge.runs.changes(synced.store_id, run.id)
    assert {(line.change.name, line.result) for line in lines} == {
        ("Sales and service", Result.DONE),
        ("Staff", Result.DONE),
    }


def test_a_member_without_an_account_joins_when_it_is_there_and_leaves_with_it(synced: Reconciled) -> None:
    act(synced, "add member", STAFF, DISABLED)
    synced.cycle()
    assert synced.groups()["Staff"] == named(*IDS[:4])
    synced.entra.act({"do": "enable", "id": DISABLED})
    synced.cycle()
    assert synced.groups()["Staff"] == named(*IDS[:4], DISABLED)
    synced.entra.act({"do": "disable", "id": DISABLED}, {"do": "disable", "id": IDS[0]})
    synced.cycle()
    assert synced.groups() == {"Staff": named(*IDS[1:4]), "Sales": set()}
    synced.entra.act({"do": "enable", "id": IDS[0]})
    synced.cycle()
    assert synced.groups() == {"Staff": named(*IDS[:4]), "Sales": named(IDS[0])}


def test_who_is_in_scope_by_a_group_alone_comes_and_goes_with_it(synced: Reconciled) -> None:
    newcomer = IDS[6]
    synced.entra.act({"do": "unassign", "id": newcomer})
    synced.cycle()
    act(synced, "add member", SALES, newcomer)
    synced.cycle()
    synced.assert_as_in_entra()
    assert synced.groups()["Sales"] == named(IDS[0], newcomer)
    act(synced, "remove member", SALES, newcomer)
    synced.cycle()
    synced.assert_as_in_entra()
    assert synced.groups()["Sales"] == named(IDS[0])


@pytest.mark.parametrize("do", ["unassign group", "delete group"])
@pytest.mark.parametrize(
    ("settings", "adopted", "left", "kind"),
    [
        (GroupSettings(), False, True, ChangeKind.NOTHING),
        (CHANGE, False, False, ChangeKind.DELETE),
        (CHANGE, True, True, ChangeKind.NOTHING),
    ],
)
def test_a_group_that_leaves_its_scope(
    reconciled: Reconciled, do: str, settings: GroupSettings, adopted: bool, left: bool, kind: ChangeKind
) -> None:
    if adopted:
        reconciled.zoho_one.add_group("staff")
    reconciled.change(groups=settings)
    put(reconciled, STAFF, "Staff", *IDS[:2])
    reconciled.cycle()
    act(reconciled, do, STAFF)
    planned = reconciled.bridge.dry_run(reconciled.store).plan.groups
    assert [(change.kind, change.name) for change in planned] == [(kind, "Staff")]
    assert "deleted in Entra" in planned[0].reason or "not assigned" in planned[0].reason
    reconciled.cycle()
    assert (set(reconciled.groups()) == {"Staff"}) is left
    assert reconciled.bridge.groups.find(reconciled.store_id, GroupLookup.EXTERNAL_ID, STAFF) == []
    assert history(reconciled, STAFF)[0].reason == planned[0].reason
    assert reconciled.cycle().results == {}
    put(reconciled, STAFF, "Staff", *IDS[:3])
    reconciled.cycle()
    assert reconciled.groups() == {"Staff": named(*IDS[:3])}, "it is back"


def test_settings_rename_every_group(synced: Reconciled) -> None:
    synced.change(groups=GroupSettings(name_prefix="Entra "))
    run = synced.cycle()
    assert run.groups == {ChangeKind.UPDATE: 2}
    assert set(synced.groups()) == {"Entra Staff", "Entra Sales"}
    synced.change(groups=GroupSettings(name_expression="Mid([displayName], 1, 0)"))
    run = synced.cycle()
    assert (run.groups, len(run.errors)) == ({}, 2)
    assert "no name" in run.errors[0]


def test_a_store_of_users_brings_no_groups_until_it_is_told_to(reconciled: Reconciled) -> None:
    reconciled.change(groups=GroupSettings(resource_sync=ResourceSync.USERS))
    put(reconciled, STAFF, "Staff", *IDS[:2])
    reconciled.cycle()
    assert reconciled.groups() == {}
    reconciled.change(groups=GroupSettings())
    reconciled.cycle()
    assert reconciled.groups() == {"Staff": named(*IDS[:2])}


def test_two_groups_of_one_name_do_not_become_one(synced: Reconciled) -> None:
    put(synced, LATER, "staff", IDS[5])
    run = synced.cycle()
    assert run.results == {Result.FAILED: 1}
    (line,) = synced.bridge.runs.changes(synced.store_id, run.id)
    assert "belongs to another group" in (line.failure or "")
    act(synced, "rename group", LATER, displayName="Others")
    assert synced.cycle().results == {Result.DONE: 1}
    assert synced.groups()["Others"] == named(IDS[5])


def test_most_of_a_group_removed_by_mistake_is_held_and_approved_as_it_was_shown(reconciled: Reconciled) -> None:
    more = [person.model_dump(mode="json", by_alias=True) for person in make_people(80)]
    reconciled.entra.act(*({"do": "add", "values": person} for person in more))
    members = [str(person["id"]) for person in more]
    put(reconciled, STAFF, "Staff", *members)
    reconciled.cycle()
    act(reconciled, "remove member", STAFF, *members[:60])
    done = reconciled.request()
    assert done.run.state is RunState.HELD
    assert "60 of 80 members (75.0 %) would be removed from the group Staff" in done.run.errors[0]
    assert len(reconciled.groups()["Staff"]) == 80
    held = done.verdict.plan
    assert held is not None
    assert (held.held.counts, held.held.group_counts) == ({}, {ChangeKind.UPDATE: 1})
    (shown,) = reconciled.bridge.held_plans.plan(held.held).groups
    assert shown.members is not None
    assert (shown.members.leaving, len(shown.members.leaving_names)) == (60, 60)
    decisions = reconciled.bridge.decisions
    decisions.approve(reconciled.store_id, held.held.id, "admin")
    assert reconciled.cycle().state is RunState.DONE
    assert len(reconciled.groups()["Staff"]) == 20


def test_a_dry_run_shows_groups_and_touches_nothing(reconciled: Reconciled) -> None:
    put(reconciled, STAFF, "Staff", *IDS[:2])
    reconciled.bridge.users(reconciled.store).find("nobody")  # so that Zoho One's token is there already
    before = reconciled.tables()
    found = reconciled.bridge.dry_run(reconciled.store)
    assert [(change.kind, change.name) for change in found.plan.groups] == [(ChangeKind.CREATE, "Staff")]
    assert found.plan.groups[0].members is not None
    assert found.plan.groups[0].members.joining == 2
    after = {key: row for key, row in reconciled.tables().items() if not key.startswith("accounts/")}
    assert (after, reconciled.groups()) == (before, {}), "but for what Zoho One has already"
    done = reconciled.request()
    assert done.run.digest == found.plan.digest


def test_all_users_brings_every_group_of_the_tenant(reconciled: Reconciled) -> None:
    reconciled.change(entra=reconciled.entra.connection(scope=Scope.ALL_USERS))
    reconciled.entra.set(page_size=3)
    put(reconciled, STAFF, "Staff", *IDS[:5])
    reconciled.entra.act({"do": "put group", "id": SALES, "members": [IDS[0]]})
    reconciled.cycle()
    assert reconciled.groups() == {"Staff": named(*IDS[:5]), SALES: named(IDS[0])}
    act(reconciled, "delete group", SALES)
    reconciled.entra.act({"do": "put group", "id": LATER, "members": IDS[2:4]})
    act(reconciled, "remove member", STAFF, IDS[0])
    reconciled.cycle()
    assert reconciled.groups() == {"Staff": named(*IDS[1:5]), SALES: named(IDS[0]), LATER: named(*IDS[2:4])}
    act(reconciled, "add member", STAFF, IDS[7])
    act(reconciled, "delete group", LATER)
    reconciled.entra.forget("links")
    reconciled.change(groups=CHANGE)
    reconciled.cycle()
    assert reconciled.groups() == {"Staff": named(*IDS[1:5], IDS[7]), SALES: named(IDS[0])}
    reconciled.entra.forget("calls")
    run = reconciled.cycle()
    assert (run.results, reconciled.entra.calls()) == ({}, {"GET /v1.0/groups/delta": 1, "GET /v1.0/users/delta": 1})


def test_what_all_groups_left_behind_grants_nothing_to_a_store_of_the_assigned(reconciled: Reconciled) -> None:
    everybody, loner = [person.id for person in PEOPLE], IDS[0]
    reconciled.change(entra=reconciled.entra.connection(scope=Scope.ALL_USERS))
    reconciled.entra.act({"do": "put group", "id": SALES, "members": everybody})
    put(reconciled, STAFF, "Staff", *IDS[:20])
    reconciled.cycle()
    assert len(reconciled.active()) == len(IDS)
    reconciled.entra.act(*({"do": "unassign", "id": each} for each in everybody))
    act(reconciled, "remove member", STAFF, loner)
    reconciled.change(entra=reconciled.entra.connection(scope=Scope.ASSIGNED))
    reconciled.cycle()
    reconciled.assert_as_in_entra()
    assert NAMES[loner] not in reconciled.active()


def test_a_full_cycle_sets_groups_back(synced: Reconciled) -> None:
    accounts = {user["userName"]: user["id"] for user in synced.zoho_one.users()}
    gone, foreign = accounts[NAMES[IDS[0]]], accounts[NAMES[IDS[8]]]
    synced.zoho_one.change_group(
        "Staff",
        {"op": "remove", "path": f'members[value eq "{gone}"]'},
        {"op": "add", "path": "members", "value": [{"value": foreign}]},
        {"op": "replace", "path": "displayName", "value": "By hand"},
    )
    synced.zoho_one.remove_group("Sales")
    run = synced.cycle(RunKind.FULL_CYCLE)
    assert (run.state, run.drifted) == (RunState.DONE, 2)
    assert "the group Sales: deleted there" in run.findings
    assert synced.groups() == {"Staff": named(*IDS[:4], IDS[8]), "Sales": named(IDS[0])}, "who was added by hand stays"
    assert history(synced, STAFF)[0].reason.startswith("Somebody changed the group in Zoho One")
    made_again = history(synced, SALES)[0]
    assert (made_again.kind, made_again.joined) == (EventKind.CREATED, (IDS[0].replace("-", ""),))
    assert synced.cycle(RunKind.FULL_CYCLE).drifted == 0
    synced.change(groups=GroupSettings(exact_members=True))
    synced.cycle(RunKind.FULL_CYCLE)
    assert synced.groups()["Staff"] == named(*IDS[:4])


def test_a_membership_that_was_lost_here_is_found_by_a_full_cycle(synced: Reconciled) -> None:
    group = STAFF.replace("-", "")
    synced.bridge.groups.forget(synced.store_id, group, [IDS[0].replace("-", "")])
    assert synced.cycle().results == {}
    synced.cycle(RunKind.FULL_CYCLE)
    assert len(list(synced.bridge.groups.members(synced.store_id, group))) == 4


def test_push_and_pull_know_the_same_group_and_the_same_people(reconciled: Reconciled, host: str) -> None:
    endpoint = reconciled.endpoint(host)
    pushed = Grouped(endpoint, reconciled.zoho_one)
    upn = NAMES[IDS[0]]
    pushed.ids["one"] = pushed._created("/Users", {"schemas": [USER], "userName": upn, "active": True})
    pushed.ids["Staff"] = pushed._created("/Groups", {"schemas": [GROUP], "displayName": "Staff"})
    assert pushed.add("Staff", "one").status_code == 204
    put(reconciled, STAFF, "Staff", *IDS[:2])
    reconciled.cycle()
    assert reconciled.groups() == {"Staff": named(*IDS[:2])}
    assert len(reconciled.zoho_one.users()) == len(reconciled.accounts())
    members = set(reconciled.bridge.groups.members(reconciled.store_id, pushed.ids["Staff"]))
    assert members == {pushed.ids["one"], IDS[1].replace("-", "")}
    act(reconciled, "remove member", STAFF, IDS[0])
    reconciled.cycle()
    assert reconciled.groups() == {"Staff": named(IDS[1])}


def test_a_push_of_a_renamed_group_is_about_the_group_that_a_cycle_read(reconciled: Reconciled, host: str) -> None:
    """Entra's service looks for the new name, which no cycle has read yet, and creates the group."""
    put(reconciled, SALES, "Sales", IDS[0])
    reconciled.cycle()
    act(reconciled, "rename group", SALES, displayName="Marketing")
    pushed = Grouped(reconciled.endpoint(host), reconciled.zoho_one)
    pushed.group("Marketing", externalId=SALES)
    assert pushed.ids["Marketing"] == id_of_object(SALES)
    assert reconciled.groups() == {"Marketing": named(IDS[0])}
    reconciled.cycle()
    reconciled.cycle(RunKind.FULL_CYCLE)
    assert reconciled.groups() == {"Marketing": named(IDS[0])}


def test_a_group_that_a_push_named_otherwise_is_taken_over_by_name(reconciled: Reconciled, host: str) -> None:
    pushed = Grouped(reconciled.endpoint(host), reconciled.zoho_one)
    pushed.group("Staff", externalId="staff-nickname")
    put(reconciled, STAFF, "Staff", IDS[0])
    assert reconciled.cycle().results[Result.DONE] == FEW + 1
    act(reconciled, "rename group", STAFF, displayName="Everybody")
    reconciled.cycle()
    assert reconciled.groups() == {"Everybody": named(IDS[0])}


def test_a_deleted_group_that_is_restored_has_its_members_again(synced: Reconciled) -> None:
    synced.change(groups=CHANGE)
    act(synced, "delete group", SALES)
    synced.cycle()
    assert set(synced.groups()) == {"Staff"}
    act(synced, "put group", SALES, *IDS[2:4])
    act(synced, "rename group", SALES, displayName="Sales")
    synced.cycle()
    assert synced.groups()["Sales"] == named(*IDS[2:4])


def test_who_is_pushed_after_his_group_was_read_is_in_it_under_one_name(reconciled: Reconciled, host: str) -> None:
    late = IDS[0]
    reconciled.entra.act({"do": "disable", "id": late})
    put(reconciled, STAFF, "Staff", late, IDS[1])
    reconciled.cycle()
    reconciled.entra.act({"do": "enable", "id": late})
    pushed = Grouped(reconciled.endpoint(host), reconciled.zoho_one)
    pushed.ids["one"] = pushed._created("/Users", {"schemas": [USER], "userName": NAMES[late], "active": True})
    reconciled.cycle()
    assert reconciled.groups() == {"Staff": named(late, IDS[1])}
    members = set(reconciled.bridge.groups.members(reconciled.store_id, STAFF.replace("-", "")))
    assert members == {pushed.ids["one"], IDS[1].replace("-", "")}


def test_zoho_one_being_down_loses_no_group(synced: Reconciled) -> None:
    act(synced, "add member", STAFF, IDS[5])
    put(synced, LATER, "Later", IDS[6])
    synced.zoho_one.fail(status=503, times=3, headers={"Retry-After": "600"})
    run = synced.cycle()
    assert (run.state, run.results) == (RunState.DONE, {Result.FAILED: 2})
    synced.cycle()
    synced.bridge.try_again(synced.bridge.stores.started())
    assert synced.groups() == {"Staff": named(*IDS[:4], IDS[5]), "Sales": named(IDS[0]), "Later": named(IDS[6])}


def test_what_is_refused_after_it_was_left_pending_is_planned_again(synced: Reconciled) -> None:
    act(synced, "add member", STAFF, IDS[5])
    synced.zoho_one.fail(status=503, times=1, headers={"Retry-After": "600"})
    assert synced.cycle().results == {Result.FAILED: 1}
    assert synced.cycle().results == {}, "it is on its way already"
    synced.zoho_one.fail(method="PATCH", path="/Groups/{id}", status=400, times=9, body={"detail": "Not today"})
    synced.bridge.try_again(synced.bridge.stores.started())
    assert synced.groups()["Staff"] == named(*IDS[:4])
    synced.zoho_one.forget_faults()
    assert synced.cycle().results == {Result.DONE: 1}
    assert synced.groups()["Staff"] == named(*IDS[:4], IDS[5])


def test_groups_out_of_time_go_on_where_they_stopped(reconciled: Reconciled) -> None:
    reconciled.cycle()
    for number in range(4):
        put(reconciled, f"00000000-0000-0000-0000-{number:012}", f"Group {number}", IDS[number])
    done = reconciled.hurried(reconciled.asked())
    messages = 1
    while done.goes_on is not None:
        done = reconciled.hurried(done.goes_on)
        messages += 1
    assert messages > 2
    assert reconciled.groups() == {f"Group {number}": named(IDS[number]) for number in range(4)}
    assert done.run.groups == {ChangeKind.CREATE: 4}


def test_a_group_whose_members_joined_by_a_lost_answer_is_told_with_them(reconciled: Reconciled) -> None:
    put(reconciled, STAFF, "Staff", *IDS[:2])
    reconciled.zoho_one.fail(method="PATCH", path="/Groups/{id}", drop="after")
    reconciled.cycle()
    reconciled.bridge.try_again([reconciled.store])
    assert reconciled.groups() == {"Staff": named(*IDS[:2])}
    (line,) = reconciled.bridge.identities.history(reconciled.store_id, id_of_object(STAFF))
    assert (line.kind, len(line.joined), bool(line.fields)) == (EventKind.CREATED, 2, True)


def test_a_group_that_was_deleted_in_zoho_one_is_made_again_and_its_line_names_everybody(
    reconciled: Reconciled,
) -> None:
    put(reconciled, STAFF, "Staff", *IDS[:2])
    reconciled.cycle()
    reconciled.zoho_one.remove_group("Staff")
    act(reconciled, "add member", STAFF, IDS[2])
    reconciled.cycle()
    assert reconciled.groups() == {"Staff": named(*IDS[:3])}
    line = reconciled.bridge.identities.history(reconciled.store_id, id_of_object(STAFF))[0]
    assert (line.kind, len(line.joined)) == (EventKind.CREATED, 3)
