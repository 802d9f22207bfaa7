"""A sealed value is worth nothing in another row."""

import pytest

from shared.app.container import Bridge
from shared.tables.errors import Unreadable
from shared.tables.secrets import SEALED, Secrets


def test_a_value_that_was_moved_to_another_row_is_not_opened(bridge: Bridge, store_id: str) -> None:
    secrets, table = bridge.secrets, bridge.table("secrets")
    secrets.put(store_id, "client-secret", "made-up")
    row = dict(table.get_entity(store_id, "client-secret"))
    for store, name in ((f"{store_id}-2", "client-secret"), (store_id, "entra-secret")):
        table.upsert_entity({"PartitionKey": store, "RowKey": name, SEALED: row[SEALED]})
        with pytest.raises(Unreadable):
            secrets.get(store, name)
    assert secrets.get(store_id, "client-secret") == "made-up"


def test_a_value_of_an_earlier_release_is_bound_when_it_is_encrypted_again(
    bridge: Bridge, store_id: str, key: str
) -> None:
    table = bridge.table("secrets")
    secrets = Secrets(table, key)
    table.upsert_entity({"PartitionKey": store_id, "RowKey": "old", SEALED: secrets.sealed("made-up")})
    assert secrets.get(store_id, "old") == "made-up"
    secrets.reencrypt()
    moved = dict(table.get_entity(store_id, "old"))[SEALED]
    table.upsert_entity({"PartitionKey": store_id, "RowKey": "elsewhere", SEALED: moved})
    assert secrets.get(store_id, "old") == "made-up"
    with pytest.raises(Unreadable):
        secrets.get(store_id, "elsewhere")
