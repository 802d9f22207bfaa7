"""A directory store for the local machine, connected to the simulated Zoho One."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.fernet import Fernet
from pydantic import HttpUrl, TypeAdapter

from shared.app.container import Bridge
from shared.connection.consent import CLIENT_SECRET
from shared.entra.clients import SECRET
from shared.rules.entra_connection import Credential, EntraConnection, Scope
from shared.rules.mail.password import PasswordNotification
from shared.rules.schedule import Schedule
from shared.rules.secret_token import token_hash
from shared.rules.store import DataCenterName, Store, ZohoConnection
from shared.tables.connections import Connections, Tokens
from shared.tables.secrets import Secrets
from shared.tables.service import connect
from shared.tables.stores import Stores, new_incarnation
from shared.zoho.data_centers import DATA_CENTERS

_DATA_CENTER = TypeAdapter[DataCenterName](DataCenterName)


@dataclass(frozen=True)
class ZohoOneParts:
    """The simulated Zoho One's description of itself when it is ready."""

    url: str
    accounts: str
    sync_endpoint: str
    client_id: str
    client_secret: str
    refresh_token: str
    scim_token: str

    @property
    def data_center(self) -> DataCenterName:
        """The organisation's data centre."""
        return _DATA_CENTER.validate_python(self.accounts.rpartition("/")[2])

    @property
    def accounts_servers(self) -> dict[DataCenterName, str]:
        """The accounts servers of all data centres."""
        return {name: f"{self.accounts.rpartition('/')[0]}/{name}" for name in DATA_CENTERS}


def new_key() -> str:
    """Return a key for the app setting BRIDGE_ENCRYPTION_KEYS."""
    return Fernet.generate_key().decode()


def add_store(
    connection_string: str,
    key: str,
    zoho_one: ZohoOneParts,
    store_id: str,
    *,
    connected: bool = True,
    notification: PasswordNotification | None = None,
) -> str:
    """Add a store and return its secret token, which is shown only here.

    The store is connected and started, or waits for an administrator to do both. With a password notification, the
    one-time passwords are sent to Zoho One over SCIM, which the simulated one accepts.
    """
    service = connect(connection_string)
    token, now = secrets.token_urlsafe(32), datetime.now(UTC)
    kept = Secrets(service.get_table_client("secrets"), key)
    kept.put(store_id, CLIENT_SECRET, zoho_one.client_secret)
    if connected:
        tokens = Tokens(
            client_id=zoho_one.client_id, client_secret=zoho_one.client_secret, refresh_token=zoho_one.refresh_token
        )
        connections = Connections(service.get_table_client("secrets"), kept)
        connections.save(store_id, now, zoho_one.data_center, tokens)
    Stores(service.get_table_client("stores")).put(
        Store(
            id=store_id,
            incarnation=new_incarnation(),
            name="Contoso",
            schedule=Schedule().started(now) if connected else Schedule(),
            zoho=ZohoConnection(
                sync_endpoint=HttpUrl(zoho_one.sync_endpoint),
                data_center=zoho_one.data_center,
                client_id=zoho_one.client_id,
                sends_passwords=notification is not None,
                shares_organisation=True,  # there is only one simulated Zoho One
            ),
            password_notification=notification or PasswordNotification(),
            token_hashes=(token_hash(token),),
        )
    )
    return token


def connect_to_graph(bridge: Bridge, store_id: str, entra: Mapping[str, str]) -> None:
    """Configure the reconciler to read the simulated Entra, by its description of itself."""
    connection = EntraConnection(
        tenant_id=entra["tenant_id"],
        credential=Credential.CLIENT_SECRET,
        client_id=entra["client_id"],
        scope=Scope.ASSIGNED,
        enterprise_app=entra["enterprise_app"],
        graph=HttpUrl(entra["url"]),
        login=HttpUrl(entra["login"]),
    )
    bridge.secrets.put(store_id, SECRET, entra["client_secret"])
    bridge.stores.change(store_id, lambda store: store.model_copy(update={"entra": connection}))
