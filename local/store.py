"""A directory store for the local machine, connected to the simulated Zoho One."""

import secrets
from dataclasses import dataclass

from cryptography.fernet import Fernet
from pydantic import HttpUrl

from shared.directory.store import Store, UpdateVerb, ZohoConnection
from shared.scim.auth import token_hash
from shared.tables.secrets import Secrets
from shared.tables.service import connect
from shared.tables.stores import Stores


@dataclass(frozen=True)
class ZohoOneParts:
    """What the simulated Zoho One says of itself when it is ready."""

    url: str
    accounts: str
    sync_endpoint: str
    client_id: str
    client_secret: str
    refresh_token: str


def new_key() -> str:
    """A key for the app setting BRIDGE_ENCRYPTION_KEYS."""
    return Fernet.generate_key().decode()


def add_store(
    connection_string: str,
    key: str,
    zoho_one: ZohoOneParts,
    store_id: str,
    *,
    update_verb: UpdateVerb = UpdateVerb.PATCH,
) -> str:
    """Add a store that is connected already, and return its secret token, which is shown only here."""
    service = connect(connection_string)
    token = secrets.token_urlsafe(32)
    kept = Secrets(service.get_table_client("secrets"), key)
    kept.put(store_id, "client-secret", zoho_one.client_secret)
    kept.put(store_id, "refresh-token", zoho_one.refresh_token)
    Stores(service.get_table_client("stores")).put(
        Store(
            id=store_id,
            name="Contoso",
            zoho=ZohoConnection(
                sync_endpoint=HttpUrl(zoho_one.sync_endpoint),
                accounts_server=HttpUrl(zoho_one.accounts),
                client_id=zoho_one.client_id,
                update_verb=update_verb,
            ),
            token_hashes=(token_hash(token),),
        )
    )
    return token
