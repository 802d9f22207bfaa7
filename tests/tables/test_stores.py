"""A store is changed without losing what another changes at the same time."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.app.container import Bridge
from shared.rules.schedule import Schedule
from shared.rules.store import Store


def test_changes_at_the_same_time_are_all_kept(bridge: Bridge, store: Store) -> None:
    def change(number: int) -> None:
        bridge.stores.change(
            store.id, lambda standing: standing.model_copy(update={"name": f"{standing.name}{number}"})
        )

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(change, range(6)))
    changed = bridge.stores.get(store.id)
    assert changed is not None
    assert sorted(changed.name.removeprefix(store.name)) == list("012345")
    with pytest.raises(KeyError):
        bridge.stores.change("nobody", lambda standing: standing)


def test_a_start_is_seen_at_once_and_a_started_store_is_remembered(
    bridge: Bridge, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    bridge.stores.change(store.id, lambda standing: standing.model_copy(update={"schedule": Schedule()}))
    reads: list[str] = []
    read = bridge.stores.read

    def counted(store_id: str) -> Store | None:
        reads.append(store_id)
        return read(store_id)

    monkeypatch.setattr(bridge.stores, "read", counted)
    for _ in range(2):
        bridge.stores.get(store.id)
    assert len(reads) == 2
    bridge.stores.change(store.id, lambda standing: standing.model_copy(update={"schedule": store.schedule}))
    for _ in range(2):
        started = bridge.stores.get(store.id)
        assert started is not None
        assert started.is_started
    assert len(reads) == 2
