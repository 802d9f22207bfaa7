"""The parts of the app, put together once for each worker process."""

import hashlib
from datetime import UTC, datetime, timedelta
from functools import cache

from azure.data.tables import TableServiceClient

from shared.directory.store import Store
from shared.provisioning.apply import Apply
from shared.provisioning.push import Push
from shared.scim.endpoint import SyncEndpoint
from shared.settings import Settings
from shared.tables.groups import Groups
from shared.tables.identities import Identities
from shared.tables.secrets import Secrets
from shared.tables.service import connect
from shared.tables.stores import Stores
from shared.zoho.oauth import RefreshedTokens
from shared.zoho.scim_client import ZohoUsers, new_session


class Bridge:
    """What the functions call. Raises TablesBusy where the storage account does not answer."""

    def __init__(self, settings: Settings) -> None:
        service: TableServiceClient = connect(settings.tables.get_secret_value())
        keys = settings.encryption_keys.get_secret_value()
        session = new_session()
        self.stores = Stores(service.get_table_client("stores"))
        self.secrets = Secrets(service.get_table_client("secrets"), keys)
        self.identities = Identities(service.get_table_client("identities"))
        tokens = RefreshedTokens(session, self.secrets.get)

        def users(store: Store) -> ZohoUsers:
            return ZohoUsers(store, session, tokens)

        self.push = Push(
            self.identities,
            Apply(users, self.identities.owner_of_account),
            lambda: datetime.now(UTC),
            timedelta(seconds=settings.lease_seconds),
        )
        self.sync_endpoint = SyncEndpoint(
            self.stores,
            self.identities,
            Groups(service.get_table_client("identities")),
            self.push,
            secret=hashlib.sha256(b"cursors" + keys.encode()).digest(),
            public_url=str(settings.public_url).rstrip("/") if settings.public_url else None,
        )


@cache
def bridge() -> Bridge:
    """This process's bridge, from its settings. Raises pydantic.ValidationError where a setting is missing."""
    return Bridge(Settings())  # pydantic-settings reads the environment
