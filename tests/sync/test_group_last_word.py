"""Entra's last word of a group decides, and what was sent is remembered until its answer is known."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.app.container import Bridge
from shared.rules.groups.group import Group, GroupPendingChange
from shared.rules.groups.member_change import MemberChange
from shared.rules.groups.settings import GroupSettings
from shared.rules.history import EventKind
from shared.rules.identity import PARKED_AFTER
from shared.rules.run import Result, RunState
from shared.rules.status import Reflection
from shared.rules.store import Store
from shared.tables.group_rows import group_from, rows_of
from tests.sync.grouped import Grouped
from tests.sync.reconciled import Reconciled
from tests.sync.test_group_cycle import IDS, SALES, STAFF, act, named, put

CHANGE = GroupSettings(deleted=Reflection.CHANGE)
SILENT = {"status": 503, "headers": {"Retry-After": "600"}}
NO = {"status": 400, "body": {"detail": "Not today"}}


def of(reconciled: Reconciled, group: str = STAFF) -> Group:
    stored = reconciled.bridge.groups.groups.read(reconciled.store_id, group.replace("-", ""))
    assert stored is not None
    return stored.group


def refusals(bridge: Bridge, store_id: str, group: str) -> list[EventKind]:
    kinds = [event.kind for event in bridge.identities.history(store_id, group.replace("-", ""))]
    return [kind for kind in reversed(kinds) if kind in (EventKind.REFUSED, EventKind.PARKED)]


# -- a deletion that was not confirmed, and the group is back -------------


def test_a_pushed_group_that_was_to_be_deleted_and_is_back_is_managed(
    grouped: Grouped, bridge: Bridge, store_id: str
) -> None:
    bridge.stores.change(store_id, lambda store: store.model_copy(update={"groups": CHANGE}))
    grouped.people("p1", "p2", "p3")
    grouped.group("Sales", "p1", "p2")
    path = f"/Groups/{grouped.ids['Sales']}"
    grouped.zoho_one.fail(method="DELETE", path="/Groups/{id}", times=1, **SILENT)
    assert grouped.endpoint.request("DELETE", path).status_code == 503
    assert grouped.add("Sales", "p3").status_code == 204
    assert grouped.endpoint.request("GET", path).status_code == 200
    bridge.try_again()
    assert grouped.in_zoho_one("Sales") == grouped.members("Sales") == ["p1", "p2", "p3"]


@pytest.mark.parametrize("came_through", [False, True])
def test_a_group_of_graph_that_was_to_be_deleted_and_is_back_is_managed(
    reconciled: Reconciled, came_through: bool
) -> None:
    reconciled.change(groups=CHANGE)
    put(reconciled, STAFF, "Staff", *IDS[:3])
    put(reconciled, SALES, "Sales", IDS[0])
    reconciled.cycle()
    act(reconciled, "unassign group", STAFF)
    answer = {"drop": "after"} if came_through else SILENT
    reconciled.zoho_one.fail(method="DELETE", path="/Groups/{id}", times=9, **answer)
    reconciled.cycle()
    reconciled.zoho_one.forget_faults()
    act(reconciled, "assign group", STAFF)
    reconciled.cycle()
    act(reconciled, "add member", STAFF, IDS[4])
    reconciled.cycle()
    assert reconciled.groups() == {"Staff": named(*IDS[:3], IDS[4]), "Sales": named(IDS[0])}


def test_a_group_that_is_back_before_its_members_were_cleared_away_has_those_it_has_now(reconciled: Reconciled) -> None:
    reconciled.change(groups=CHANGE)
    put(reconciled, STAFF, "Staff", *IDS[:3])
    put(reconciled, SALES, "Sales", IDS[0])
    reconciled.cycle()
    act(reconciled, "unassign group", STAFF)
    reconciled.cycle()
    # The process ended before all of it was cleared away.
    left, group = IDS[2].replace("-", ""), STAFF.replace("-", "")
    table, store = reconciled.bridge.table("identities"), {"PartitionKey": reconciled.store_id}
    table.upsert_entity(store | {"RowKey": f"pendingGroup:{group}", "id": group, "reason": "It is cleared away."})
    table.upsert_entity(store | {"RowKey": f"member:{group}:{left}", "id": left})
    table.upsert_entity(store | {"RowKey": f"memberOf:{left}:{group}", "id": group})
    act(reconciled, "remove member", STAFF, IDS[2])
    act(reconciled, "assign group", STAFF)
    assert reconciled.cycle().results == {Result.DONE: 1}
    assert reconciled.groups()["Staff"] == named(*IDS[:2])
    assert len(list(reconciled.bridge.groups.groups.members(reconciled.store_id, group))) == 2


def test_rows_of_the_release_before_are_read_and_its_deletions_go_on(
    grouped: Grouped, bridge: Bridge, store_id: str
) -> None:
    bridge.stores.change(store_id, lambda store: store.model_copy(update={"groups": CHANGE}))
    grouped.group("Sales")
    groups = bridge.groups.groups
    stored = groups.read(store_id, grouped.ids["Sales"])
    assert stored is not None
    group = stored.group
    mark = GroupPendingChange(reason="It was deleted.", before=group.said, lease_ends=group.created)
    gone = group.said.model_copy(update={"desired": "deleted"})
    row = rows_of(group.model_copy(update={"said": gone, "pending": mark}))[f"group:{group.id}"]
    row |= {
        "pending": '{"leaving":true,' + row["pending"].removeprefix("{"),
        "allowedUntil": "2026-03-02T12:00:00+00:00",
        "held": '{"at":"2026-03-02T12:00:00Z","told":"60 of 80 members would be removed."}',
        "recent": '{"active_users":0,"counted_at":null,"by_minute":{"29541360":3},"held":false}',
    }
    read = group_from(row, stored.etag).group
    assert (read.is_deletion_begun, read.awaits_decision, read.allowed) == (True, False, None)
    assert (read.held is not None and read.held.removal, read.recent.by_minute) == (None, {29541360: 3})
    back = group_from(row | {"said": rows_of(group)[f"group:{group.id}"]["said"]}, "").group
    assert (back.is_deletion_begun, back.awaits_decision) == (False, False), "the last word was that it is there"
    bridge.table("identities").update_entity({"PartitionKey": store_id, "RowKey": f"group:{group.id}", **row})
    bridge.groups.finish(grouped_store(bridge, store_id), group.id)
    assert (grouped.zoho_one.groups(), groups.read(store_id, group.id)) == ([], None)


def grouped_store(bridge: Bridge, store_id: str) -> Store:
    store = bridge.stores.read(store_id)
    assert store is not None
    return store


# -- what was sent and has no known answer ---------------------------------


def test_who_came_in_by_a_lost_answer_does_not_stay_after_a_refusal(
    grouped: Grouped, bridge: Bridge, store_id: str
) -> None:
    grouped.people("ada", "ben")
    grouped.group("Sales", "ada")
    grouped.zoho_one.fail(method="PATCH", path="/Groups/{id}", drop="after", times=9)
    assert grouped.add("Sales", "ben").status_code == 503
    grouped.zoho_one.forget_faults()
    assert grouped.in_zoho_one("Sales") == ["ada", "ben"], "it came through"
    grouped.zoho_one.fail(method="PATCH", path="/Groups/{id}", times=9, **NO)
    rename = {"op": "Replace", "path": "displayName", "value": "Sales and marketing"}
    assert grouped.patch("Sales", rename).status_code == 400
    grouped.zoho_one.forget_faults()
    assert grouped.members("Sales") == ["ada"], "all of it was undone"
    assert grouped.remove("Sales", "ben").status_code == 204
    bridge.try_again()
    assert (grouped.in_zoho_one("Sales"), bridge.groups.groups.pending(store_id)) == (["ada"], [])


def test_a_group_made_and_renamed_by_lost_answers_is_the_bridges_own(
    grouped: Grouped, bridge: Bridge, store_id: str
) -> None:
    bridge.stores.change(store_id, lambda store: store.model_copy(update={"groups": CHANGE}))
    grouped.people("ada")
    grouped.zoho_one.fail(method="POST", path="/Groups", drop="after", times=9)
    body = {"displayName": "Sales", "externalId": "sales"}
    assert grouped.endpoint.request("POST", "/Groups", json=body).status_code == 503
    grouped.zoho_one.forget_faults()
    found = grouped.endpoint.request("GET", "/Groups", query={"filter": 'displayName eq "Sales"'}).json()
    grouped.ids["Sales"] = found["Resources"][0]["id"]
    grouped.zoho_one.fail(method="PATCH", path="/Groups/{id}", drop="after", times=9)
    rename = {"op": "Replace", "path": "displayName", "value": "Board"}
    assert grouped.patch("Sales", rename).status_code == 503
    grouped.zoho_one.forget_faults()
    assert [group["displayName"] for group in grouped.zoho_one.groups()] == ["Board"]
    assert grouped.add("Sales", "ada").status_code == 204
    stored = bridge.groups.groups.read(store_id, grouped.ids["Sales"])
    assert stored is not None
    assert stored.group.account is not None
    assert stored.group.account.adopted is False
    assert grouped.endpoint.request("DELETE", f"/Groups/{grouped.ids['Sales']}").status_code == 204
    assert grouped.zoho_one.groups() == []


# -- what Zoho One refuses --------------------------------------------------


def test_a_group_of_graph_that_zoho_one_refuses_is_parked_and_told_once(reconciled: Reconciled) -> None:
    put(reconciled, STAFF, "Staff", *IDS[:2])
    reconciled.cycle()
    act(reconciled, "rename group", STAFF, displayName="No such name")
    put(reconciled, SALES, "Sales", IDS[0])
    reconciled.zoho_one.fail(method="PATCH", path="/Groups/{id}", times=99, **NO)
    reconciled.zoho_one.fail(method="POST", path="/Groups", times=99, **NO)
    results = [reconciled.cycle().results for _ in range(PARKED_AFTER)]
    assert results == [{Result.FAILED: 2}] * (PARKED_AFTER - 1) + [{Result.PARKED: 2}]
    before = reconciled.zoho_one.calls()
    run = reconciled.request()
    assert (run.run.state, run.run.results, reconciled.zoho_one.calls()) == (RunState.DONE, {}, before)
    assert run.plan is not None
    assert [change.name for change in run.plan.suppressed] == ["No such name", "Sales"]
    assert "refused it 5 times (Not today); it is tried again at" in run.plan.suppressed[0].reason
    for group in (STAFF, SALES):
        told = refusals(reconciled.bridge, reconciled.store_id, group)
        assert told == [EventKind.REFUSED, EventKind.PARKED]
    reconciled.zoho_one.forget_faults()
    act(reconciled, "rename group", STAFF, displayName="Board")
    assert reconciled.cycle().results == {Result.DONE: 1}, "a different change is tried at once"
    assert reconciled.groups() == {"Board": named(*IDS[:2])}
    waiting = of(reconciled, SALES)
    assert waiting.refusal is not None
    due = waiting.refusal.model_copy(update={"next_try": datetime.now(UTC) - timedelta(minutes=1)})
    groups = reconciled.bridge.groups.groups
    stored = groups.read(reconciled.store_id, waiting.id)
    assert stored is not None
    groups.write(reconciled.store_id, stored, waiting.model_copy(update={"refusal": due}))
    assert reconciled.cycle().results == {Result.DONE: 1}, "a day later the same is tried again"
    assert reconciled.groups() == {"Board": named(*IDS[:2]), "Sales": named(IDS[0])}
    assert (of(reconciled, SALES).refusal, of(reconciled, SALES).pending) == (None, None)


def test_a_pushed_change_that_zoho_one_refuses_is_parked_and_told_once(
    grouped: Grouped, bridge: Bridge, store_id: str
) -> None:
    grouped.people("ada")
    grouped.group("Sales")
    grouped.zoho_one.fail(method="PATCH", path="/Groups/{id}", times=99, **NO)
    rename = {"op": "Replace", "path": "displayName", "value": "No such name"}
    answers = [grouped.patch("Sales", rename) for _ in range(PARKED_AFTER)]
    assert {answer.status_code for answer in answers} == {400}
    before = grouped.zoho_one.calls()
    parked = grouped.patch("Sales", rename)
    assert (parked.status_code, grouped.zoho_one.calls()) == (400, before)
    assert "refused it 5 times (Not today); it is tried again at" in parked.json()["detail"]
    assert refusals(bridge, store_id, grouped.ids["Sales"]) == [EventKind.REFUSED, EventKind.PARKED]
    grouped.zoho_one.forget_faults()
    assert grouped.add("Sales", "ada").status_code == 204, "a different change is tried at once"
    assert grouped.patch("Sales", rename).status_code == 400, "and leaves the other where it is"


def test_a_mark_is_read_as_it_was_written() -> None:
    mark = GroupPendingChange(
        reason="", before=None, members=MemberChange(joining=("a",)), lease_ends=datetime.now(UTC)
    )
    assert GroupPendingChange.model_validate_json(mark.model_dump_json(exclude_defaults=True)) == mark
