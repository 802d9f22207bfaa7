"""A member of a group in Zoho One is somebody with an active account, whatever came first and whoever wrote it.

``grouped`` writes through one worker, ``bridge`` is another on the same tables.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import JsonValue, TypeAdapter

from shared.app.container import Bridge
from shared.rules.groups.group_write import GroupWrite
from shared.rules.groups.member_change import MemberChange
from shared.rules.guard_limits import GuardLimits, Threshold
from shared.rules.history import Event, EventKind
from shared.rules.store import Store
from shared.sync.errors import Refused
from shared.tables.identity_rows import MembershipUpdate, Stored
from tests.sync.grouped import Grouped

_JSON = TypeAdapter[dict[str, JsonValue]](dict[str, JsonValue])


@pytest.fixture
def known(grouped: Grouped, bridge: Bridge, store: Store) -> Callable[[str], Stored]:
    """Reads a person by their short name."""

    def read(name: str) -> Stored:
        stored = bridge.identities.read(store.id, grouped.ids[name])
        assert stored is not None
        return stored

    return read


def last(grouped: Grouped, bridge: Bridge, store: Store, group: str) -> Event:
    """The newest line of a group's history."""
    return bridge.identities.history(store.id, grouped.ids[group])[0]


def account_of(stored: Stored) -> str:
    """Their account in Zoho One."""
    assert stored.identity.account is not None
    return stored.identity.account.id


def test_a_member_whom_another_worker_has_just_deactivated_does_not_join(
    grouped: Grouped, bridge: Bridge, store: Store, known: Callable[[str], Stored]
) -> None:
    grouped.people("ada", "ben")
    grouped.group("Sales", "ada", "ben")
    ada = known("ada")
    resource = _JSON.validate_json(ada.identity.said.resource) | {"active": False}
    bridge.push.replace(store, ada, resource)
    assert grouped.in_zoho_one("Sales") == ["ben"]
    grouped.group("Board", "ada", "ben")
    assert (grouped.in_zoho_one("Board"), grouped.members("Board")) == (["ben"], ["ada", "ben"])
    event = last(grouped, bridge, store, "Board")
    assert (event.joined, event.waiting) == ((grouped.ids["ben"],), (grouped.ids["ada"],))


def test_a_member_whom_an_administrator_has_just_unmanaged_does_not_join(
    grouped: Grouped, bridge: Bridge, store: Store, known: Callable[[str], Stored]
) -> None:
    grouped.people("ada", "ben")
    grouped.group("Sales", "ada")
    bridge.push.settlement.unmanage(store, known("ada"), "An administrator unmanaged the person.")
    grouped.group("Board", "ben")
    grouped.add("Board", "ada")
    assert (grouped.in_zoho_one("Sales"), grouped.in_zoho_one("Board")) == (["ada"], ["ben"])


def test_a_member_joins_as_their_account_was_confirmed_whatever_waits_for_them(
    grouped: Grouped, bridge: Bridge, store: Store
) -> None:
    """Their deactivation is held: until an administrator decides, they are as active as before."""
    guard = GuardLimits(leavings=Threshold(count=0, percent=0.0))
    bridge.stores.change(store.id, lambda store: store.model_copy(update={"guard": guard}))
    grouped.people("ada", "ben")
    assert grouped.set("ada", "active", "False").status_code == 503
    grouped.group("Sales", "ada", "ben")
    assert grouped.in_zoho_one("Sales") == ["ada", "ben"]


def test_somebody_whose_account_is_being_written_follows_and_nothing_is_told_until_then(
    grouped: Grouped, bridge: Bridge, store: Store, known: Callable[[str], Stored]
) -> None:
    grouped.people("ada", "ben")
    ada = known("ada")
    resource = _JSON.validate_json(ada.identity.said.resource) | {"title": "Countess"}
    said, reason = bridge.push._said(store, resource, ada.identity)
    after = bridge.push._pending(ada.identity.model_copy(update={"said": said}), ada.identity, reason)
    marked = bridge.push.settlement.mark(store, ada, after)
    grouped.group("Sales", "ada", "ben")
    assert grouped.in_zoho_one("Sales") == ["ben"]
    lines = len(bridge.identities.history(store.id, grouped.ids["Sales"]))
    for _ in range(3):
        bridge.try_again(bridge.stores.started())
    assert len(bridge.identities.history(store.id, grouped.ids["Sales"])) == lines, "nothing is new yet"
    bridge.push.settlement.settle(store, marked, certain=True)
    bridge.try_again(bridge.stores.started())
    assert grouped.in_zoho_one("Sales") == ["ada", "ben"]
    assert not list(bridge.memberships.notes.waiting(store.id))


def test_whoever_died_while_writing_a_person_keeps_them_out_of_no_group(
    grouped: Grouped, bridge: Bridge, store: Store, known: Callable[[str], Stored]
) -> None:
    """The lease has ended and nobody knows what came of the call: what was confirmed last counts."""
    grouped.people("ada", "ben")
    ada = known("ada")
    said, reason = bridge.push._said(store, _JSON.validate_json(ada.identity.said.resource), ada.identity)
    after = bridge.push._pending(ada.identity.model_copy(update={"said": said}), ada.identity, reason)
    marked = bridge.push.settlement.leased(store, after)
    assert marked.pending is not None
    ended = marked.pending.model_copy(update={"lease_ends": marked.pending.lease_ends - timedelta(hours=1)})
    bridge.identities.write(store.id, ada, marked.model_copy(update={"pending": ended}))
    grouped.group("Sales", "ada", "ben")
    assert grouped.in_zoho_one("Sales") == ["ada", "ben"]


def test_a_member_without_an_active_account_comes_and_goes_without_a_word_to_zoho_one(
    grouped: Grouped, bridge: Bridge, store: Store
) -> None:
    grouped.people("ada", "ben")
    assert grouped.set("ben", "active", "False").status_code == 200
    grouped.group("Sales", "ada")
    before = grouped.zoho_one.calls()
    assert grouped.add("Sales", "ben").status_code == 204
    event = last(grouped, bridge, store, "Sales")
    assert (event.kind, event.left, event.waiting) == (EventKind.RECORDED, (), (grouped.ids["ben"],))
    assert grouped.remove("Sales", "ben").status_code == 204
    event = last(grouped, bridge, store, "Sales")
    assert (event.kind, event.left, grouped.members("Sales")) == (EventKind.RECORDED, (), ["ada"])
    assert grouped.zoho_one.calls() == before


def _leave(grouped: Grouped, name: str, goes: str) -> None:
    """A person is deactivated or deleted by a push."""
    if goes == "deactivated":
        assert grouped.set(name, "active", "False").status_code == 200
    else:
        assert grouped.endpoint.request("DELETE", f"/Users/{grouped.ids[name]}").status_code == 204


@pytest.mark.parametrize("goes", ["deactivated", "deleted"])
def test_a_member_leaves_though_their_account_went_before_zoho_one_heard_of_it(
    grouped: Grouped, bridge: Bridge, store: Store, goes: str
) -> None:
    """Zoho One is busy for the group, then the person goes, and the group is tried again."""
    grouped.people("ada", "ben")
    grouped.group("Sales", "ada", "ben")
    grouped.zoho_one.fail(method="PATCH", path="/Groups/{id}", status=503, headers={"Retry-After": "600"})
    assert grouped.remove("Sales", "ada").status_code == 503
    _leave(grouped, "ada", goes)
    bridge.try_again(bridge.stores.started())
    assert (grouped.in_zoho_one("Sales"), grouped.members("Sales")) == (["ben"], ["ben"])
    assert bridge.groups.pending(store.id) == []
    told = [event for event in bridge.identities.history(store.id, grouped.ids["Sales"]) if event.left]
    assert [event.left for event in told] == [(grouped.ids["ada"],)], "told once"


@pytest.mark.parametrize("goes", ["deactivated", "deleted"])
def test_a_member_leaves_though_entra_removes_them_before_their_groups_have_followed(
    grouped: Grouped, bridge: Bridge, store: Store, goes: str
) -> None:
    """The other order: the person goes first, and the group that should have followed was busy."""
    grouped.people("ada", "ben")
    grouped.group("Sales", "ada", "ben")
    grouped.zoho_one.fail(method="PATCH", path="/Groups/{id}", status=503, times=3)
    _leave(grouped, "ada", goes)
    assert grouped.in_zoho_one("Sales") == ["ada", "ben"]
    grouped.zoho_one.forget_faults()
    assert grouped.remove("Sales", "ada").status_code == 204
    bridge.try_again(bridge.stores.started())
    assert (grouped.in_zoho_one("Sales"), grouped.members("Sales")) == (["ben"], ["ben"])
    assert not list(bridge.memberships.notes.waiting(store.id))


def test_an_account_that_has_become_another_members_stays_in_the_group(
    grouped: Grouped, bridge: Bridge, store: Store, known: Callable[[str], Stored]
) -> None:
    """Somebody is created again and gets their account back, before the groups of their old object have followed."""
    grouped.people("ada", "ben")
    grouped.group("Sales", "ada", "ben")
    account = account_of(known("ada"))
    bridge.group_push.changes.update_membership(
        store,
        grouped.ids["Sales"],
        MembershipUpdate(grouped.ids["ben"], "Ben was deleted.", gone=True, account=account),
    )
    assert "ada" in grouped.in_zoho_one("Sales")


def test_groups_follow_an_account_that_was_found_inactive_when_a_change_was_refused(
    grouped: Grouped, bridge: Bridge, store: Store, known: Callable[[str], Stored]
) -> None:
    grouped.people("ada", "ben")
    grouped.group("Sales", "ada", "ben")
    grouped.zoho_one.fail(method="PATCH", path="/Users/{id}", drop="after")
    assert grouped.set("ada", "active", "False").status_code == 503
    grouped.zoho_one.fail(method="PATCH", path="/Users/{id}", status=400, body={"detail": "no such title"})
    ada = known("ada")
    resource = _JSON.validate_json(ada.identity.said.resource) | {"active": True, "title": "?"}
    with pytest.raises(Refused, match="no such title"):
        bridge.push.replace(store, ada, resource)
    account = known("ada").identity.account
    assert account is not None
    assert (account.holds.active, grouped.in_zoho_one("Sales")) == (False, ["ben"])


def test_who_got_another_account_while_the_group_was_written_joins_by_that_one(
    grouped: Grouped, bridge: Bridge, store: Store, known: Callable[[str], Stored], monkeypatch: pytest.MonkeyPatch
) -> None:
    grouped.people("ada", "ben")
    grouped.group("Sales")
    accounts = bridge.group_push.accounts
    read, stale = type(accounts).of, [True]

    def of(self: object, store_id: str, people: tuple[str, ...]) -> object:
        found = read(accounts, store_id, people)
        if stale and grouped.ids["ada"] in found:
            stale.clear()
            found[grouped.ids["ada"]] = replace(found[grouped.ids["ada"]], account="gone")
        return found

    monkeypatch.setattr(type(accounts), "of", of)
    change = MemberChange(joining=(grouped.ids["ada"], grouped.ids["ben"]))
    sales = bridge.groups.read(store.id, grouped.ids["Sales"])
    assert sales is not None
    bridge.group_push.changes.write(store, sales, sales.group.id, {"displayName": "Sales"}, GroupWrite("test", change))
    bridge.try_again(bridge.stores.started())
    assert grouped.in_zoho_one("Sales") == ["ada", "ben"]
