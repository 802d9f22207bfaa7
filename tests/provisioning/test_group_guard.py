"""What the guard holds back of a pushed group, and what an administrator allows."""

from shared.bridge import Bridge
from shared.directory.guard import GuardLimits, Threshold
from shared.directory.history import EventKind
from tests.provisioning.grouped import Grouped

NAMES = [f"p{number}" for number in range(6)]


def test_what_is_held_back_is_told_and_passes_once_it_is_allowed(
    grouped: Grouped, bridge: Bridge, store_id: str
) -> None:
    few = GuardLimits(members=Threshold(count=2, percent=50))
    bridge.stores.change(store_id, lambda store: store.model_copy(update={"guard": few}))
    grouped.people(*NAMES)
    grouped.group("Sales", *NAMES)
    for _ in range(2):
        answer = grouped.remove("Sales", *NAMES[:4])
        assert answer.status_code == 503
        assert "4 of 6 members (66.7 %)" in answer.json()["detail"]
        assert "allow it on the group's page" in answer.json()["detail"]
    assert grouped.in_zoho_one("Sales") == NAMES
    group_id = grouped.ids["Sales"]
    stored = bridge.groups.groups.read(store_id, group_id)
    assert stored is not None
    assert stored.group.held is not None
    assert "4 of 6 members" in stored.group.held.told
    history = bridge.identities.history(store_id, group_id)
    assert [event.kind for event in history].count(EventKind.REFUSED) == 1, "the same is told once"
    store = bridge.stores.read(store_id)
    assert store is not None
    assert bridge.groups.guard.allow(store, group_id, "admin@contoso.example")
    assert not bridge.groups.guard.allow(store, "0" * 32, "admin@contoso.example")
    assert grouped.remove("Sales", *NAMES[:4]).status_code == 204
    assert grouped.in_zoho_one("Sales") == NAMES[4:]
    stored = bridge.groups.groups.read(store_id, group_id)
    assert stored is not None
    assert (stored.group.held, stored.group.allowed_until is not None) == (None, True)
    reasons = [event.reason for event in bridge.identities.history(store_id, group_id)]
    assert any(reason.startswith("admin@contoso.example allowed members to be removed") for reason in reasons)
