"""scim2-server's own contract, on identities in Table Storage that are taken to the simulated Zoho One."""

import pytest
from scim2_models import ScimProvider
from scim2_server.testing import ScimStorageContract

from shared.app.container import Bridge
from shared.rules.store import Store
from shared.scim.storage import Storages, StoreResources


class TestStoreResources(ScimStorageContract):
    """Every rule that scim2-server relies on."""

    @pytest.fixture
    def storage(self, bridge: Bridge, store: Store, provider: ScimProvider) -> StoreResources:
        return Storages(bridge.identities, bridge.groups, bridge.push, bridge.group_push).of(store, provider)
