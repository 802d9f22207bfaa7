"""What the guard holds back of groups, what an administrator allows, and what is counted."""

import pytest

from shared.app.container import Bridge
from shared.rules.change import ChangeKind
from shared.rules.groups.group import Group
from shared.rules.groups.settings import GroupSettings
from shared.rules.guard_limits import GroupLimit, GuardLimits, Threshold
from shared.rules.history import EventKind
from shared.rules.run import Result, RunKind, RunState
from shared.rules.status import Reflection
from shared.rules.store import Store
from shared.sync.errors import HeldBack
from shared.tables.deleted_groups import DeletedGroups
from tests.sync.grouped import Grouped
from tests.sync.reconciled import Hears, Reconciled
from tests.sync.test_group_cycle import FEW, IDS, act, named
from tests.sync.test_group_cycle import put as put_group

NAMES = [f"p{number}" for number in range(6)]
CHANGE = GroupSettings(deleted=Reflection.CHANGE)
TWO_MEMBERS = GuardLimits(members=Threshold(count=2, percent=50))
ONE_GROUP = GuardLimits(groups=GroupLimit(count=1, percent=0, share=100))


def group_id(number: int) -> str:
    return f"00000000-0000-0000-0000-{number:012}"


def put(reconciled: Reconciled, number: int, *members: str) -> str:
    put_group(reconciled, group_id(number), f"Group {number}", *members)
    return group_id(number)


def stored(bridge: Bridge, store_id: str, group: str) -> Group:
    found = bridge.groups.read(store_id, group.replace("-", ""))
    assert found is not None
    return found.group


def of_store(bridge: Bridge, store_id: str) -> Store:
    store = bridge.stores.read(store_id)
    assert store is not None
    return store


def deleted_lately(bridge: Bridge, store_id: str) -> int:
    counts = DeletedGroups(bridge.table("identities")).read(store_id).counts
    return sum(counts.by_minute.values())


def delete(grouped: Grouped, name: str) -> int:
    return grouped.endpoint.request("DELETE", f"/Groups/{grouped.ids[name]}").status_code


@pytest.fixture
def limited(grouped: Grouped, bridge: Bridge, store_id: str) -> Grouped:
    """A pushed store that deletes groups, with a low limit for members."""
    bridge.stores.change(store_id, lambda store: store.model_copy(update={"guard": TWO_MEMBERS, "groups": CHANGE}))
    grouped.people(*NAMES)
    grouped.group("Sales", *NAMES)
    return grouped


def test_what_is_held_back_is_told_once_and_passes_once_it_is_allowed(
    limited: Grouped, bridge: Bridge, store_id: str
) -> None:
    for _ in range(2):
        answer = limited.remove("Sales", *NAMES[:4])
        assert answer.status_code == 503
        assert "4 of 6 members (66.7 %)" in answer.json()["detail"]
        assert "allow it on the group's page" in answer.json()["detail"]
    assert limited.in_zoho_one("Sales") == NAMES
    sales = limited.ids["Sales"]
    held = stored(bridge, store_id, sales).held
    assert held is not None
    assert "4 of 6 members" in held.told
    kinds = [event.kind for event in bridge.identities.history(store_id, sales)]
    assert kinds.count(EventKind.REFUSED) == 1, "the same is told once"
    guard, store = bridge.group_guard, of_store(bridge, store_id)
    assert guard.allow(store, sales, "admin@contoso.example")
    assert not guard.allow(store, sales, "admin@contoso.example"), "nothing is held any more"
    assert not guard.allow(store, "0" * 32, "admin@contoso.example")
    assert limited.remove("Sales", *NAMES[:4]).status_code == 204
    assert limited.in_zoho_one("Sales") == NAMES[4:]
    assert stored(bridge, store_id, sales).held is None
    reasons = [event.reason for event in bridge.identities.history(store_id, sales)]
    assert any(reason.startswith("admin@contoso.example allowed 4 members to be removed") for reason in reasons)
    assert limited.remove("Sales", NAMES[4]).status_code == 204, "what was allowed does not count against what follows"


def test_an_allowance_is_for_what_was_shown(limited: Grouped, bridge: Bridge, store_id: str) -> None:
    assert limited.remove("Sales", *NAMES[:4]).status_code == 503
    assert bridge.group_guard.allow(of_store(bridge, store_id), limited.ids["Sales"], "admin")
    assert limited.patch("Sales", {"op": "remove", "path": "members"}).status_code == 503, "it takes out more"
    assert limited.remove("Sales", *NAMES[1:5]).status_code == 503, "it takes out others"
    assert delete(limited, "Sales") == 503, "it takes out everybody"
    assert limited.in_zoho_one("Sales") == NAMES
    assert limited.remove("Sales", *NAMES[:3]).status_code == 204, "a part of it was shown, too"


def test_a_deletion_takes_its_members_out_and_is_held_for_them(limited: Grouped, bridge: Bridge, store_id: str) -> None:
    assert delete(limited, "Sales") == delete(limited, "Sales") == 503
    assert limited.in_zoho_one("Sales") == limited.members("Sales") == NAMES
    sales = stored(bridge, store_id, limited.ids["Sales"])
    assert (sales.awaits_decision, sales.held is not None and sales.held.is_deletion) == (True, True)
    bridge.try_again(bridge.stores.started())
    assert limited.in_zoho_one("Sales") == NAMES, "the clock decides nothing"
    assert bridge.group_guard.allow(of_store(bridge, store_id), sales.id, "admin")
    assert limited.remove("Sales", *NAMES[:4]).status_code == 503, "it was the deletion that was shown"
    assert delete(limited, "Sales") == 204
    assert limited.zoho_one.groups() == []
    assert deleted_lately(bridge, store_id) == 0, "an administrator has decided"


def test_who_comes_and_goes_while_a_deletion_is_held_is_remembered(limited: Grouped) -> None:
    assert delete(limited, "Sales") == 503
    limited.people("new")
    assert limited.set("p0", "active", "False").status_code == 200
    assert limited.endpoint.request("DELETE", f"/Users/{limited.ids['p1']}").status_code == 204
    assert "Sales" in {group["displayName"] for group in limited.zoho_one.groups()}
    assert limited.add("Sales", "new").status_code == 204, "it is back"
    assert limited.in_zoho_one("Sales") == ["new", *NAMES[2:]]
    assert limited.members("Sales") == ["new", "p0", *NAMES[2:]]


@pytest.fixture
def many(grouped: Grouped, bridge: Bridge, store_id: str) -> Grouped:
    """A pushed store of seven groups, of which one may be deleted."""
    bridge.stores.change(store_id, lambda store: store.model_copy(update={"guard": ONE_GROUP, "groups": CHANGE}))
    grouped.people("ada")
    for number in range(7):
        grouped.group(f"G{number}", "ada")
    return grouped


def test_pushed_deletions_count_together_and_retries_once(many: Grouped, bridge: Bridge, store_id: str) -> None:
    many.zoho_one.fail(method="DELETE", path="/Groups/{id}", status=503, times=2, headers={"Retry-After": "600"})
    assert [delete(many, "G0"), delete(many, "G0"), delete(many, "G0")] == [503, 503, 204]
    assert deleted_lately(bridge, store_id) == 1
    answer = many.endpoint.request("DELETE", f"/Groups/{many.ids['G1']}")
    assert answer.status_code == 503
    assert "2 of 7 groups (28.6 %) would be deleted from Zoho One, counting 1" in answer.json()["detail"]
    assert (len(many.zoho_one.groups()), deleted_lately(bridge, store_id)) == (6, 1)
    assert many.patch("G1", {"op": "Replace", "path": "displayName", "value": "Back"}).status_code == 204
    assert stored(bridge, store_id, many.ids["G1"]).held is None
    assert many.in_zoho_one("Back") == ["ada"]


def test_a_cycle_and_a_push_count_together(reconciled: Reconciled) -> None:
    reconciled.change(groups=CHANGE, guard=ONE_GROUP)
    for number in range(5):
        put(reconciled, number, IDS[number])
    reconciled.cycle()
    act(reconciled, "unassign group", group_id(0))
    assert reconciled.cycle().state is RunState.DONE
    bridge, store_id = reconciled.bridge, reconciled.store_id
    assert deleted_lately(bridge, store_id) == 1
    found = bridge.groups.read(store_id, group_id(1).replace("-", ""))
    assert found is not None
    with pytest.raises(HeldBack, match="2 of 5 groups"):
        bridge.group_push.delete(reconciled.store, found)
    act(reconciled, "unassign group", group_id(2))
    held = reconciled.request()
    assert held.run.state is RunState.HELD
    assert "3 of 5 groups (60.0 %) would be deleted from Zoho One, counting 1" in held.run.errors[0]
    assert held.plan is not None
    assert {(change.kind, change.name) for change in held.plan.groups} == {
        (ChangeKind.DELETE, "Group 1"),
        (ChangeKind.DELETE, "Group 2"),
    }, "what a push asked for stands in the plan"
    assert held.plan.groups[0].members is not None
    assert held.plan.groups[0].members.leaving == 1
    assert held.verdict.plan is not None
    bridge.decisions.approve(store_id, held.verdict.plan.held.id, "admin")
    assert reconciled.cycle().state is RunState.DONE
    assert set(reconciled.groups()) == {"Group 3", "Group 4"}
    assert deleted_lately(bridge, store_id) == 1, "what was approved does not count against what follows"


def test_a_discarded_deletion_holds_pushes_too_until_entra_takes_it_back_or_somebody_allows_it(
    reconciled: Reconciled,
) -> None:
    reconciled.change(groups=CHANGE, guard=ONE_GROUP)
    for number in range(5):
        put(reconciled, number, IDS[number])
    reconciled.cycle()
    for number in range(2):
        act(reconciled, "unassign group", group_id(number))
    held = reconciled.request()
    assert (held.run.state, held.verdict.plan is not None) == (RunState.HELD, True)
    assert held.verdict.plan is not None
    reconciled.bridge.decisions.discard(reconciled.store_id, held.verdict.plan.held.id, "admin")

    def push(number: int) -> None:
        found = reconciled.bridge.groups.read(reconciled.store_id, group_id(number).replace("-", ""))
        assert found is not None
        reconciled.bridge.group_push.delete(reconciled.store, found)

    # One deletion is within the limit; that these were discarded holds them, one by one as well.
    with pytest.raises(HeldBack, match="discarded this deletion"):
        push(0)
    assert reconciled.cycle().state is RunState.HELD
    assert len(reconciled.groups()) == 5
    assert reconciled.bridge.group_guard.allow(reconciled.store, group_id(0).replace("-", ""), "admin")
    push(0)
    assert set(reconciled.groups()) == {f"Group {number}" for number in range(1, 5)}
    act(reconciled, "assign group", group_id(1))
    assert reconciled.cycle().state is RunState.DONE
    push(1)
    assert "Group 1" not in reconciled.groups(), "it was taken back, and this is another deletion"


def test_many_small_groups_unassigned_by_mistake_are_held(reconciled: Reconciled) -> None:
    reconciled.change(groups=CHANGE)
    for number in range(6):
        put(reconciled, number, *IDS[:2])
    reconciled.cycle()
    for number in range(1, 6):
        act(reconciled, "unassign group", group_id(number))
    assert reconciled.cycle().state is RunState.HELD
    assert len(reconciled.groups()) == 6
    for number in range(1, 6):
        act(reconciled, "assign group", group_id(number))
    run = reconciled.cycle(RunKind.FULL_CYCLE)
    assert (run.state, run.results.get(Result.FAILED, 0), len(reconciled.groups())) == (RunState.DONE, 0, 6)
    act(reconciled, "add member", group_id(5), IDS[2])
    reconciled.cycle()
    assert reconciled.groups()["Group 5"] == named(*IDS[:3])


@pytest.mark.parametrize("pushed_first", [True, False])
def test_pushes_while_a_plan_is_applied_do_not_add_up_to_more_than_the_limit(
    reconciled: Reconciled, pushed_first: bool
) -> None:
    reconciled.change(groups=CHANGE, guard=ONE_GROUP)
    for number in range(5):
        put(reconciled, number, IDS[number])
    reconciled.cycle()
    act(reconciled, "unassign group", group_id(0))
    if pushed_first:  # what is deleted comes last
        act(reconciled, "add member", group_id(2), IDS[FEW - 1])
    answers: list[str] = []

    def push(step: str, done: int, of: int) -> None:
        if step != "applying groups" or not done or answers:
            return
        found = reconciled.bridge.groups.read(reconciled.store_id, group_id(1).replace("-", ""))
        assert found is not None
        try:
            reconciled.bridge.group_push.delete(reconciled.store, found)
            answers.append("done")
        except HeldBack:
            answers.append("held")

    run = reconciled.cycles().run(reconciled.asked(), Hears(push)).run
    assert answers == ["done" if pushed_first else "held"]
    assert len(reconciled.groups()) == 4
    assert deleted_lately(reconciled.bridge, reconciled.store_id) == 1
    assert run.results.get(Result.FAILED, 0) == int(pushed_first)
    assert reconciled.cycle().state is RunState.HELD
