"""A store that is connected by a SCIM token, which is used, replaced without a gap, rejected and disconnected."""

from typing import Any

import pytest

from shared.app.container import Bridge
from shared.connection.errors import ConsentRefused
from shared.rules.store import Store, WayIn
from shared.tables.connections import ConnectionState
from shared.tables.secrets import SEALED
from shared.zoho.errors import ZohoCredentials
from tests.conftest import ZohoOne


@pytest.fixture
def by_token(bridge: Bridge, store: Store, zoho_one: ZohoOne) -> Store:
    """A store connected by a SCIM token, that was connected by consent before."""
    bridge.scim_tokens.save(store, zoho_one.parts.scim_token, "admin")
    found = bridge.stores.read(store.id)
    assert found is not None
    return found


def _rotated(zoho_one: ZohoOne, *, keep: bool = False) -> str:
    answer = zoho_one.session.post(f"{zoho_one.parts.url}/_scim_token", data="keep" if keep else "")
    token: str = answer.json()
    return token


def test_the_token_is_used_and_a_former_consent_is_withdrawn(
    bridge: Bridge, by_token: Store, zoho_one: ZohoOne
) -> None:
    assert by_token.zoho.way_in is WayIn.TOKEN
    assert bridge.switch.check(by_token).passed
    assert "POST /oauth/v2/token" not in zoho_one.all_calls()
    assert zoho_one.all_calls()["POST /oauth/v2/token/revoke"] == 1
    assert bridge.connections.state(by_token.id).state is ConnectionState.CONNECTED
    (record, *_) = bridge.stores.records(by_token.id, 9)
    assert (record.what, record.by) == ("SCIM token of Zoho One replaced", "admin")
    assert zoho_one.parts.scim_token not in repr(record)


def test_it_is_sealed_like_the_others(bridge: Bridge, by_token: Store, zoho_one: ZohoOne) -> None:
    rows = list(bridge.table("secrets").query_entities(f"PartitionKey eq '{by_token.id}'"))
    assert any(SEALED in row for row in rows)
    assert zoho_one.parts.scim_token not in repr(rows)
    kept = bridge.connections.read(by_token.id)
    assert zoho_one.parts.scim_token not in repr(kept)


@pytest.mark.parametrize("order", ["Zoho One first", "the bridge first"])
def test_it_is_replaced_without_a_gap_in_every_worker(
    bridge: Bridge, host_bridge: Bridge, by_token: Store, zoho_one: ZohoOne, order: str
) -> None:
    """Each worker remembers the former one, which Zoho One may reject from one call to the next, or accept for long."""
    bridges = bridge, host_bridge
    for each in bridges:
        assert each.users(by_token).find("nobody@contoso.example") is None
    if order == "Zoho One first":
        new = _rotated(zoho_one)
        bridge.scim_tokens.save(by_token, new, "admin")
    else:
        bridge.scim_tokens.save(by_token, "not valid yet", "admin")
    for each in bridges:
        assert each.users(by_token).find("nobody@contoso.example") is None


def test_one_that_is_rejected_is_named_and_works_again_by_itself(
    bridge: Bridge, by_token: Store, zoho_one: ZohoOne, monkeypatch: pytest.MonkeyPatch
) -> None:
    _rotated(zoho_one)
    for _ in range(2):
        with pytest.raises(ZohoCredentials, match="SCIM token"):
            bridge.users(by_token).find("nobody@contoso.example")
    assert bridge.connections.state(by_token.id).state is ConnectionState.CONNECTED, "it may be accepted again"
    zoho_one.reset()
    monkeypatch.setattr("shared.connection.tokens.REJECTED_TWICE", bridge.tokens._lease * 0)
    assert bridge.users(by_token).find("nobody@contoso.example") is None


def test_another_store_of_the_same_organisation_is_refused(bridge: Bridge, store: Store, zoho_one: ZohoOne) -> None:
    alone: dict[str, Any] = {"zoho": store.zoho.model_copy(update={"shares_organisation": False})}
    bridge.stores.change(store.id, lambda now: now.model_copy(update=alone))
    other = store.model_copy(update={"id": f"{store.id}-2"} | alone)
    bridge.stores.put(other)
    with pytest.raises(ConsentRefused, match="same-organisation"):
        bridge.scim_tokens.save(other, zoho_one.parts.scim_token, "admin")
    bridge.table("stores").delete_entity("store", other.id)


def test_it_is_disconnected_without_asking_zoho(bridge: Bridge, by_token: Store, zoho_one: ZohoOne) -> None:
    before = zoho_one.all_calls()
    bridge.disconnect(by_token.id)
    assert zoho_one.all_calls() == before
    assert bridge.connections.state(by_token.id).state is ConnectionState.NOT_CONNECTED
