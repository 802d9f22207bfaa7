"""What administrators changed is kept in the transaction that changes it."""

from datetime import UTC, datetime

import pytest

from shared.app.container import Bridge
from shared.rules.admin_change import AdminChange, setting_changes
from shared.rules.mapping.draft import Draft
from shared.rules.mapping.mapping import DEFAULT_MAPPING
from shared.rules.store import Store
from shared.tables.errors import Conflict, Stale
from shared.tables.partitions import Partitions

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def _record(before: Store, after: Store) -> AdminChange:
    return AdminChange(at=NOW, by="Ada (1)", what="Name", changes=setting_changes(before, after))


def test_a_change_and_its_record_are_one(bridge: Bridge, store: Store) -> None:
    bridge.stores.change(store.id, lambda now: now.model_copy(update={"name": "New"}), _record)
    (record,) = bridge.stores.records(store.id, 10)
    assert [(change.setting, change.before, change.after) for change in record.changes] == [("name", "Contoso", "New")]
    assert store.id in [each.id for each in bridge.stores.all()], "records are no stores"
    assert all(each.is_started for each in bridge.stores.started())


def test_a_change_that_is_refused_leaves_no_record(bridge: Bridge, store: Store) -> None:
    def refuse(_: Store) -> Store:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        bridge.stores.change(store.id, refuse, _record)
    assert bridge.stores.records(store.id, 10) == []


def test_a_store_is_created_once_and_its_record_outlives_it(bridge: Bridge, store: Store) -> None:
    record = AdminChange(at=NOW, by="Ada", what="Directory store added")
    with pytest.raises(Conflict):
        bridge.stores.create(store, record)
    assert bridge.stores.records(store.id, 10) == []
    bridge.stores.delete(store.id, AdminChange(at=NOW, by="Ada", what="Directory store deleted"))
    assert bridge.stores.read(store.id) is None
    assert bridge.stores.get(store.id) is None
    assert [record.what for record in bridge.stores.records(store.id, 10)] == ["Directory store deleted"]
    with pytest.raises(Stale):
        bridge.stores.delete(store.id, record)


def test_the_newest_come_first_and_no_other_stores(bridge: Bridge, store: Store) -> None:
    for day in (1, 3, 2):
        bridge.stores.record(store.id, AdminChange(at=NOW.replace(day=day), by="Ada", what=str(day)))
    bridge.stores.record(f"{store.id}-2", AdminChange(at=NOW, by="Ada", what="another store's"))
    assert [record.what for record in bridge.stores.records(store.id, 2)] == ["3", "2"]


def test_each_admin_has_a_draft_of_his_own(bridge: Bridge, store: Store) -> None:
    mappings, draft = bridge.mappings, Draft(based_on=0, mapping=DEFAULT_MAPPING)
    assert mappings.draft(store.id, "ada") is None
    mappings.keep_draft(store.id, "ada", draft)
    assert mappings.draft(store.id, "ada") == draft
    assert mappings.draft(store.id, "bob") is None
    assert mappings.current(store.id).number == 0, "nothing counts that was not saved"
    assert len(mappings.versions(store.id)) == 1
    mappings.drop_draft(store.id, "ada")
    mappings.drop_draft(store.id, "ada")
    assert mappings.draft(store.id, "ada") is None


def test_everything_of_a_store_is_dropped_in_portions(bridge: Bridge, store: Store) -> None:
    table = bridge.table("runs")
    for number in range(5):
        table.create_entity({"PartitionKey": store.id, "RowKey": f"run:{number}"})
    table.create_entity({"PartitionKey": f"{store.id}-2", "RowKey": "run:0"})
    partitions = Partitions([table])
    assert not partitions.drop_some(store.id, 2)
    assert not partitions.drop_some(store.id, 10)
    assert partitions.drop_some(store.id, 10)
    assert len(list(table.query_entities(f"PartitionKey eq '{store.id}-2'"))) == 1
