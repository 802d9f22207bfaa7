"""A store's secrets in Table Storage, encrypted: no table holds one in clear."""

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient, UpdateMode
from cryptography.fernet import Fernet, MultiFernet

from shared.tables.service import our_errors


class Secrets:
    """Named secrets of a directory store, each an entity. Every method raises TablesBusy."""

    def __init__(self, table: TableClient, keys: str) -> None:
        """``keys``: Fernet keys, comma-separated; the first encrypts, each decrypts. Raises ValueError."""
        self._table = table
        self._box = MultiFernet([Fernet(key.strip()) for key in keys.split(",") if key.strip()])

    def get(self, store: str, name: str) -> str | None:
        """A secret in clear, or None. Raises cryptography.fernet.InvalidToken where its key is gone."""
        with our_errors():
            try:
                entity = self._table.get_entity(store, name)
            except ResourceNotFoundError:
                return None
        return self._box.decrypt(str(entity["sealed"])).decode()

    def put(self, store: str, name: str, value: str) -> None:
        """Keep a secret under a name, in place of what was there."""
        sealed = self._box.encrypt(value.encode()).decode()
        with our_errors():
            self._table.upsert_entity(
                {"PartitionKey": store, "RowKey": name, "sealed": sealed}, mode=UpdateMode.REPLACE
            )
