"""scim2-server's own contract, on identities in Table Storage that are taken to the simulated Zoho One."""

import time

import pytest
from scim2_models import ScimProvider
from scim2_server.testing import ScimStorageContract

from shared.app.container import Bridge
from shared.rules.store import Store
from shared.scim.places import KnownPlaces
from shared.scim.storage import Storages, StoreResources


class TestStoreResources(ScimStorageContract):
    """Every rule that scim2-server relies on."""

    @pytest.fixture
    def storage(self, bridge: Bridge, store: Store, provider: ScimProvider) -> StoreResources:
        places = KnownPlaces(time.monotonic)
        storages = Storages(bridge.identities, bridge.groups, bridge.push, bridge.group_push, places, bridge.unmanaged)
        return storages.of(store, provider)
