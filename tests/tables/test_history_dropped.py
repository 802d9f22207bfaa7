"""History that is older than a store keeps it."""

from datetime import UTC, datetime, timedelta

from shared.app.container import Bridge
from shared.rules.store import Store


def test_what_is_older_is_forgotten_and_what_is_newer_stays(bridge: Bridge, store: Store) -> None:
    person = bridge.push.create(store, {"userName": "ada@contoso.example", "active": True})
    stored = bridge.identities.read(store.id, person.id)
    assert stored is not None
    bridge.push.replace(store, stored, {"userName": "ada@contoso.example", "active": True, "title": "Countess"})
    newest, oldest = bridge.identities.history(store.id, person.id)
    bridge.identities.drop_events_before(store.id, oldest.at - timedelta(seconds=1))
    assert bridge.identities.history(store.id, person.id) == [newest, oldest]
    bridge.identities.drop_events_before(store.id, newest.at - timedelta(microseconds=1))
    assert bridge.identities.history(store.id, person.id) == [newest]
    bridge.identities.drop_events_before(store.id, datetime.now(UTC) + timedelta(seconds=1))
    assert bridge.identities.history(store.id, person.id) == []
    assert bridge.identities.read(store.id, person.id) is not None
