"""What Entra writes of groups, taken to Zoho One: adoption, the store's settings, refusals, lost answers."""

from typing import Any

import pytest

from shared.app.container import Bridge
from shared.rules.groups.member_change import MemberRequest
from shared.rules.groups.settings import GroupSettings, ResourceSync
from shared.rules.history import EventKind
from shared.rules.status import Reflection
from shared.rules.store import UpdateVerb
from tests.sync.grouped import Grouped

MEMBERS = MemberRequest()
CHANGE = GroupSettings(deleted=Reflection.CHANGE)


def _with(bridge: Bridge, store_id: str, **settings: Any) -> None:
    """Settings of a store that no host has read yet."""
    bridge.stores.change(store_id, lambda store: store.model_copy(update=settings))


def _kinds(bridge: Bridge, store_id: str, group: str) -> list[EventKind]:
    return [event.kind for event in reversed(bridge.identities.history(store_id, group))]


# -- whose group it is -----------------------------------------------------


def test_a_group_that_is_there_is_adopted_by_name_and_keeps_its_members(
    grouped: Grouped, bridge: Bridge, store_id: str
) -> None:
    stranger = grouped.zoho_one.add({"userName": "stranger@contoso.example"})[0]["id"]
    there = grouped.zoho_one.add_group("SALES", stranger)
    grouped.people("ada", "ben")
    grouped.group("Sales", "ada", "ben")
    (group,) = grouped.zoho_one.groups()
    assert (group["id"], group["displayName"], group["externalId"]) == (there, "Sales", "id of Sales")
    assert grouped.in_zoho_one("Sales") == ["ada", "ben", "stranger"]
    grouped.remove("Sales", "ada", "ben")
    assert grouped.in_zoho_one("Sales") == ["stranger"]
    assert _kinds(bridge, store_id, grouped.ids["Sales"]) == [EventKind.ADOPTED, EventKind.UPDATED, EventKind.UPDATED]


def test_an_exact_store_takes_out_whom_the_bridge_did_not_add(grouped: Grouped, bridge: Bridge, store_id: str) -> None:
    _with(bridge, store_id, groups=GroupSettings(exact_members=True))
    stranger = grouped.zoho_one.add({"userName": "stranger@contoso.example"})[0]["id"]
    grouped.zoho_one.add_group("Sales", stranger)
    grouped.group("Sales")
    assert grouped.in_zoho_one("Sales") == []


def test_two_groups_never_share_one_in_zoho_one(grouped: Grouped, bridge: Bridge, store_id: str) -> None:
    _with(bridge, store_id, groups=GroupSettings(name_expression="Left([displayName], 5)"))
    grouped.group("Sales Europe")
    answer = grouped.endpoint.request("POST", "/Groups", json={"displayName": "Sales Asia"})
    assert (answer.status_code, "belongs to another group" in answer.json()["detail"]) == (400, True)
    assert len(grouped.zoho_one.groups()) == 1
    assert len(list(bridge.groups.scan(store_id))) == 1


def test_whatever_answers_a_search_must_be_what_was_searched_for(grouped: Grouped) -> None:
    grouped.zoho_one.add_group("Board")
    listed = {"totalResults": 1, "Resources": [{"id": "1", "displayName": "Board"}]}
    grouped.zoho_one.fail(method="GET", path="/Groups", status=200, body=listed)
    answer = grouped.endpoint.request("POST", "/Groups", json={"displayName": "Sales"})
    assert answer.status_code == 503
    assert [group["displayName"] for group in grouped.zoho_one.groups()] == ["Board"]


@pytest.mark.parametrize("lie", ["error", "page", "silence"])
@pytest.mark.parametrize("verb", UpdateVerb)
def test_a_success_that_does_not_show_what_was_done_is_looked_into(
    grouped: Grouped, bridge: Bridge, store_id: str, lie: str, verb: UpdateVerb
) -> None:
    store = bridge.stores.read(store_id)
    assert store is not None
    _with(bridge, store_id, zoho=store.zoho.model_copy(update={"update_verb": verb}))
    grouped.people("ada", "bob")
    grouped.group("Sales", "ada")
    grouped.zoho_one.fail(method=str(verb), path="/Groups/{id}", lie=lie)
    changes = [grouped.operation("Add", "bob"), grouped.operation("Remove", "ada")]
    assert grouped.patch("Sales", *changes).status_code == 503
    assert grouped.patch("Sales", *changes).status_code == 204
    assert grouped.in_zoho_one("Sales") == ["bob"]


# -- the store's settings --------------------------------------------------


def test_names_are_mapped(grouped: Grouped, bridge: Bridge, store_id: str) -> None:
    settings = GroupSettings(name_prefix="Entra ", name_expression='Append(ToUpper([displayName]), " *")')
    _with(bridge, store_id, groups=settings)
    grouped.group("Sales")
    assert grouped.zoho_one.groups()[0]["displayName"] == "Entra SALES *"
    grouped.patch("Sales", {"op": "Replace", "path": "displayName", "value": "Sales 2"})
    assert grouped.zoho_one.groups()[0]["displayName"] == "Entra SALES 2 *"
    shown = grouped.endpoint.request("GET", "/Groups", query={"filter": 'displayName eq "sales 2"'}).json()
    assert [group["displayName"] for group in shown["Resources"]] == ["Sales 2"]


@pytest.mark.parametrize(
    ("expression", "words"),
    [("Upper([displayName])", "no function"), ("[mail]", "no [mail]"), ("[displayName", "At character")],
)
def test_an_expression_that_cannot_be_is_refused_when_it_is_set(expression: str, words: str) -> None:
    with pytest.raises(ValueError, match="name_expression") as refused:
        GroupSettings(name_expression=expression)
    assert words in str(refused.value)


def test_a_group_without_a_name_in_zoho_one_is_refused(grouped: Grouped, bridge: Bridge, store_id: str) -> None:
    _with(bridge, store_id, groups=GroupSettings(name_expression='Replace([displayName], "Sales", , , "", , )'))
    answer = grouped.endpoint.request("POST", "/Groups", json={"displayName": "Sales"})
    assert (answer.status_code, "settings for groups" in answer.json()["detail"]) == (400, True)


def test_a_store_of_users_remembers_groups_and_tells_zoho_one_nothing(
    grouped: Grouped, bridge: Bridge, store_id: str
) -> None:
    _with(bridge, store_id, groups=GroupSettings(resource_sync=ResourceSync.USERS))
    grouped.people("ada")
    grouped.group("Sales", "ada")
    assert grouped.set("ada", "active", "False").status_code == 200
    assert (grouped.members("Sales"), grouped.zoho_one.groups()) == (["ada"], [])
    assert not [call for call in grouped.zoho_one.calls() if "Groups" in call]
    # Once it syncs groups too, the next write of a group brings it over with everybody it has.
    assert grouped.set("ada", "active", "True").status_code == 200
    _with(bridge, store_id, groups=GroupSettings())
    store, stored = bridge.stores.read(store_id), bridge.groups.read(store_id, grouped.ids["Sales"])
    assert store is not None
    assert stored is not None
    resource = {"displayName": "Sales", "externalId": "id of Sales"}
    bridge.group_push.change(store, stored, dict(resource), MEMBERS)
    assert grouped.in_zoho_one("Sales") == ["ada"]


@pytest.mark.parametrize("adopted", [False, True])
@pytest.mark.parametrize("settings", [GroupSettings(), CHANGE])
def test_a_deleted_group(
    grouped: Grouped, bridge: Bridge, store_id: str, settings: GroupSettings, adopted: bool
) -> None:
    """It is deleted in Zoho One only where the store says so, and the bridge has made it."""
    _with(bridge, store_id, groups=settings)
    if adopted:
        grouped.zoho_one.add_group("Sales")
    grouped.people("ada")
    grouped.group("Sales", "ada")
    assert grouped.endpoint.request("DELETE", f"/Groups/{grouped.ids['Sales']}").status_code == 204
    deleted = settings is CHANGE and not adopted
    assert [group["displayName"] for group in grouped.zoho_one.groups()] == ([] if deleted else ["Sales"])
    last = EventKind.DELETED if deleted else EventKind.UNMANAGED
    assert _kinds(bridge, store_id, grouped.ids["Sales"])[-1] is last
    assert bridge.groups.of_person(store_id, grouped.ids["ada"]) == []
    assert bridge.groups.pending(store_id) == []


def test_put_where_a_store_says_so(grouped: Grouped, bridge: Bridge, store_id: str) -> None:
    store = bridge.stores.read(store_id)
    assert store is not None
    _with(bridge, store_id, zoho=store.zoho.model_copy(update={"update_verb": UpdateVerb.PUT}))
    stranger = grouped.zoho_one.add({"userName": "stranger@contoso.example"})[0]["id"]
    grouped.zoho_one.add_group("Sales", stranger)
    grouped.people("ada", "ben")
    grouped.group("Sales", "ada", "ben")
    grouped.remove("Sales", "ada")
    assert grouped.in_zoho_one("Sales") == ["ben", "stranger"]
    calls = grouped.zoho_one.calls()
    assert "PATCH /Groups/{id}" not in calls


def test_a_large_change_goes_in_batches(grouped: Grouped, bridge: Bridge, store_id: str) -> None:
    store = bridge.stores.read(store_id)
    assert store is not None
    _with(bridge, store_id, zoho=store.zoho.model_copy(update={"members_per_call": 2}))
    names = [f"p{number}" for number in range(5)]
    grouped.people(*names)
    grouped.group("Sales", *names)
    assert grouped.in_zoho_one("Sales") == names
    assert grouped.zoho_one.calls()["PATCH /Groups/{id}"] == 3


# -- who is there, and who is not ------------------------------------------


def test_who_is_provisioned_after_the_group_joins_it(grouped: Grouped, bridge: Bridge, store_id: str) -> None:
    grouped.people("ada")
    grouped.people("ben", active=False)
    grouped.group("Sales", "ada", "ben")
    assert (grouped.in_zoho_one("Sales"), grouped.members("Sales")) == (["ada"], ["ada", "ben"])
    event = bridge.identities.history(store_id, grouped.ids["Sales"])[0]
    assert (event.joined, event.waiting) == ((grouped.ids["ada"],), (grouped.ids["ben"],))
    assert grouped.set("ben", "active", "True").status_code == 200
    assert grouped.in_zoho_one("Sales") == ["ada", "ben"]
    event = bridge.identities.history(store_id, grouped.ids["Sales"])[0]
    assert (event.joined, event.reason) == ((grouped.ids["ben"],), "The person is active in Entra.")


def test_who_leaves_leaves_his_groups_and_comes_back_to_them(grouped: Grouped) -> None:
    grouped.people("ada", "ben", "cleo", "dora")
    for name in ("Sales", "Board"):
        grouped.group(name, "ada", "ben")
    for active, held in (("False", ["ben"]), ("True", ["ada", "ben"]), ("False", ["ben"])):
        assert grouped.set("ada", "active", active).status_code == 200
        assert (grouped.in_zoho_one("Sales"), grouped.in_zoho_one("Board")) == (held, held)
        assert grouped.members("Sales") == ["ada", "ben"]
    grouped.remove("Board", "ada")
    assert grouped.set("ada", "active", "True").status_code == 200
    assert (grouped.in_zoho_one("Sales"), grouped.in_zoho_one("Board")) == (["ada", "ben"], ["ben"])
    assert grouped.endpoint.request("DELETE", f"/Users/{grouped.ids['ada']}").status_code == 204
    assert (grouped.in_zoho_one("Sales"), grouped.members("Sales")) == (["ben"], ["ben"])


def test_a_group_that_does_not_answer_does_not_fail_the_person(grouped: Grouped, bridge: Bridge, store_id: str) -> None:
    grouped.people("ada", "ben")
    grouped.group("Sales", "ada", "ben")
    grouped.zoho_one.fail(method="PATCH", path="/Groups/{id}", status=503, times=3)
    assert grouped.set("ada", "active", "False").status_code == 200
    assert grouped.in_zoho_one("Sales") == ["ada", "ben"]
    assert [stored.note.person for stored in bridge.memberships.notes.waiting(store_id)] == [grouped.ids["ada"]]
    bridge.try_again(bridge.stores.started())
    assert grouped.in_zoho_one("Sales") == ["ben"]
    assert not list(bridge.memberships.notes.waiting(store_id))
    assert bridge.groups.pending(store_id) == []


def test_one_account_that_is_gone_keeps_nobody_out(grouped: Grouped, bridge: Bridge, store_id: str) -> None:
    names = [f"p{number}" for number in range(6)]
    grouped.people(*names)
    grouped.zoho_one.remove("p3@contoso.example")
    grouped.group("Sales", *names)
    assert grouped.in_zoho_one("Sales") == [name for name in names if name != "p3"]
    assert "refused a member" in bridge.identities.history(store_id, grouped.ids["Sales"])[0].reason
    # The account is made again with the next change of the person, and joins.
    assert grouped.set("p3", "title", "Countess").status_code == 200
    assert grouped.in_zoho_one("Sales") == names


# -- what goes wrong -------------------------------------------------------


def test_busy_keeps_the_change_and_the_same_request_finishes_it(
    grouped: Grouped, bridge: Bridge, store_id: str
) -> None:
    grouped.people("ada", "ben")
    grouped.group("Sales", "ada")
    grouped.zoho_one.fail(method="PATCH", path="/Groups/{id}", status=503, headers={"Retry-After": "77"})
    answer = grouped.add("Sales", "ben")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "77")
    assert (grouped.members("Sales"), grouped.in_zoho_one("Sales")) == (["ada", "ben"], ["ada"])
    assert bridge.groups.pending(store_id) == [grouped.ids["Sales"]]
    assert grouped.remove("Sales", "ada").status_code == 204, "another request takes it along"
    assert grouped.in_zoho_one("Sales") == grouped.members("Sales") == ["ben"]
    event = bridge.identities.history(store_id, grouped.ids["Sales"])[0]
    assert (event.joined, event.left) == ((grouped.ids["ben"],), (grouped.ids["ada"],))
    assert bridge.groups.pending(store_id) == []


@pytest.mark.parametrize("drop", ["before", "after"])
def test_a_lost_answer_is_looked_up(grouped: Grouped, drop: str, bridge: Bridge, store_id: str) -> None:
    grouped.people("ada", "ben")
    grouped.zoho_one.fail(method="POST", path="/Groups", drop=drop)
    body = {"displayName": "Sales", "externalId": "id of Sales"}
    assert grouped.endpoint.request("POST", "/Groups", json=body).status_code in (201, 503)
    grouped.endpoint.request("POST", "/Groups", json=body)
    found = grouped.endpoint.request("GET", "/Groups", query={"filter": 'displayName eq "Sales"'}).json()
    grouped.ids["Sales"] = found["Resources"][0]["id"]
    assert len(grouped.zoho_one.groups()) == 1
    for change, held in ((grouped.add, ["ada", "ben"]), (grouped.remove, [])):
        grouped.zoho_one.fail(method="PATCH", path="/Groups/{id}", drop=drop)
        change("Sales", "ada", "ben")
        assert change("Sales", "ada", "ben").status_code == 204
        assert grouped.in_zoho_one("Sales") == grouped.members("Sales") == held
        people = {grouped.ids["ada"], grouped.ids["ben"]}
        last = bridge.identities.history(store_id, grouped.ids["Sales"])[0]
        assert (set(last.joined), set(last.left)) == ((people, set()) if held else (set(), people)), "told once"


def test_a_refused_change_is_undone(grouped: Grouped, bridge: Bridge, store_id: str) -> None:
    grouped.people("ada", "ben")
    grouped.group("Sales", "ada")
    before = grouped.endpoint.request("GET", f"/Groups/{grouped.ids['Sales']}")
    grouped.zoho_one.fail(method="PATCH", path="/Groups/{id}", status=400, body={"detail": "too long"}, times=9)
    rename = {"op": "Replace", "path": "displayName", "value": "Sales and marketing"}
    operations = [rename, grouped.operation("Add", "ben"), grouped.operation("Remove", "ada")]
    answer = grouped.patch("Sales", *operations)
    assert (answer.status_code, "too long" in answer.json()["detail"]) == (400, True)
    grouped.zoho_one.session.delete(f"{grouped.zoho_one.parts.url}/_faults")
    after = grouped.endpoint.request("GET", f"/Groups/{grouped.ids['Sales']}")
    assert (after.json(), after.headers["ETag"]) == (before.json(), before.headers["ETag"])
    last = bridge.identities.history(store_id, grouped.ids["Sales"])[0]
    assert (last.kind, last.reason) == (EventKind.REFUSED, "too long")
    assert grouped.patch("Sales", *operations).status_code == 204
    assert grouped.in_zoho_one("Sales and marketing") == ["ben"]


def test_a_refused_creation_leaves_nothing_behind(grouped: Grouped, bridge: Bridge, store_id: str) -> None:
    grouped.zoho_one.fail(method="POST", path="/Groups", status=400, body={"detail": "no groups in this plan"})
    answer = grouped.endpoint.request("POST", "/Groups", json={"displayName": "Sales"})
    assert (answer.status_code, "no groups in this plan" in answer.json()["detail"]) == (400, True)
    assert list(bridge.groups.scan(store_id)) == []
    assert bridge.groups.pending(store_id) == []
    grouped.group("Sales")


def test_a_group_that_vanished_is_made_again_with_everybody(grouped: Grouped) -> None:
    grouped.people("ada", "ben", "cleo")
    grouped.group("Sales", "ada", "ben")
    grouped.zoho_one.remove_group("Sales")
    assert grouped.add("Sales", "cleo").status_code == 204
    assert grouped.in_zoho_one("Sales") == ["ada", "ben", "cleo"]


def test_a_creation_that_is_refused_when_it_is_repeated_is_looked_up(
    grouped: Grouped, bridge: Bridge, store_id: str
) -> None:
    """Zoho One made it, and answered that it was busy; the name that is refused then is the bridge's own."""
    again = {"status": 429, "headers": {"Retry-After": "1"}, "carried_out": True}
    bodies: dict[str, dict[str, Any]] = {
        "/Users": {"userName": "ada@contoso.example", "title": "Countess", "active": True},
        "/Groups": {"displayName": "Sales", "externalId": "id of Sales"},
    }
    for path, body in bodies.items():
        grouped.zoho_one.fail(method="POST", path=path, **again)
        assert grouped.endpoint.request("POST", path, json=body).status_code == 503
        answer = grouped.endpoint.request("POST", path, json=body)
        assert answer.status_code == 201
        event = bridge.identities.history(store_id, answer.json()["id"])[0]
        assert (event.kind, len(event.fields) > 1) == (EventKind.CREATED, True)
    assert (len(grouped.zoho_one.users()), len(grouped.zoho_one.groups())) == (1, 1)
