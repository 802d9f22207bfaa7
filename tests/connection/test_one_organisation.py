"""Two directory stores on one Zoho One organisation: refused, unless an administrator insists."""

import pytest

from local.store import add_store
from shared.admin.store_settings import Section, fingerprint
from shared.app.container import Bridge
from shared.connection.errors import ConsentRefused, Refusal
from shared.rules.store import Store
from tests.conftest import ZohoOne
from tests.console.conftest import pages_of

REDIRECT = "https://bridge.example/oauth/callback"


def _alone(bridge: Bridge, store_id: str, endpoint: str, **changes: object) -> Store:
    """A store with a sync endpoint of its own, where nobody allowed another."""

    def changed(store: Store) -> Store:
        given = store.zoho.model_dump() | {"sync_endpoint": endpoint, "shares_organisation": False} | changes
        return store.model_copy(update={"zoho": type(store.zoho).model_validate(given)})

    return bridge.stores.change(store_id, changed)


@pytest.mark.parametrize("endpoint", ["/scim", "", "/", "/scim/"])
def test_a_second_store_is_not_connected(
    bridge: Bridge, store: Store, zoho_one: ZohoOne, azurite: str, key: str, endpoint: str
) -> None:
    organisation = f"https://{store.id}.one.zoho.com/directory"
    _alone(bridge, store.id, organisation)
    add_store(azurite, key, zoho_one.parts, f"{store.id}-2", connected=False)
    second = _alone(bridge, f"{store.id}-2", f"{organisation.upper().replace('/DIRECTORY', '/directory')}{endpoint}")
    with pytest.raises(ConsentRefused) as refused:
        bridge.consent.ask(second, "admin", REDIRECT)
    assert refused.value.refusal is Refusal.SAME_ORGANISATION
    insisting = _alone(bridge, second.id, organisation, shares_organisation=True)
    assert bridge.consent.ask(insisting, "admin", REDIRECT).url
    other = _alone(bridge, second.id, f"https://{store.id}-2.one.zoho.com/directory")
    assert bridge.consent.ask(other, "admin", REDIRECT).url


def test_a_connected_store_does_not_move_to_anothers_organisation(
    bridge: Bridge, store: Store, zoho_one: ZohoOne, azurite: str, key: str
) -> None:
    organisation = f"https://{store.id}.one.zoho.com"
    _alone(bridge, store.id, organisation)
    add_store(azurite, key, zoho_one.parts, f"{store.id}-2")
    second = _alone(bridge, f"{store.id}-2", f"https://{store.id}-2.one.zoho.com")
    pages = pages_of(bridge)
    zoho = second.zoho.model_dump(mode="json", exclude={"extensions", "calls_per_second", "shares_organisation"})
    form = {name: value for name, value in zoho.items() if value not in (False, None)} | {"sync_endpoint": organisation}
    path = f"/stores/{second.id}/api-integration/zoho-one"
    refused = pages.post(path, **form, seen=fingerprint(second, Section.ZOHO))
    assert refused.status_code == 422
    assert "is connected to this organization" in refused.text
    assert pages.post(path, **form, seen=fingerprint(second, Section.ZOHO), shares_organisation="1").status_code == 303
