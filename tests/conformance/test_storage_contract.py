"""scim2-server's own contract, on identities in Table Storage that are taken to the simulated Zoho One."""

import pytest
from azure.data.tables import TableServiceClient
from scim2_models import ScimProvider
from scim2_server.testing import ScimStorageContract

from shared.bridge import Bridge
from shared.directory.store import Store
from shared.scim.storage import IdentityStorage
from shared.tables.groups import Groups


class TestIdentityStorage(ScimStorageContract):
    """Every rule that scim2-server relies on."""

    @pytest.fixture
    def storage(self, bridge: Bridge, azurite: str, store: Store, provider: ScimProvider) -> IdentityStorage:
        table = TableServiceClient.from_connection_string(azurite).get_table_client("identities")
        return IdentityStorage(store, provider, bridge.identities, Groups(table), bridge.push)
