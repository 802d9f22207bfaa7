"""A store's secrets in Table Storage, encrypted: no table holds one in plain text."""

from dataclasses import dataclass

from azure.core import MatchConditions
from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import TableClient, UpdateMode
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from shared.tables.errors import Unreadable
from shared.tables.record_table import RecordTable, keyed
from shared.tables.service import our_errors

SEALED = "sealed"
"""The property that holds the encrypted text, in every row of the table."""


_PLACE = "\0row:"
"""How a text begins that names its row; no secret does."""


@dataclass(frozen=True)
class Reencrypted:
    """Result of a change of keys."""

    count: int
    """Number of secrets that were encrypted with another key than the first, or named no row, and no longer are."""
    unreadable: tuple[str, ...]
    """Secrets whose key is missing, as store and name."""


class Secrets(RecordTable):
    """Named secrets of a directory store, one entity each. Calls to the table raise TablesBusy."""

    def __init__(self, table: TableClient, keys: str) -> None:
        """``keys``: Fernet keys, comma-separated; the first encrypts, each decrypts. Raises ValueError."""
        boxes = [Fernet(key.strip()) for key in keys.split(",") if key.strip()]
        super().__init__(table)
        self._box = MultiFernet(boxes)
        self._newest = boxes[0]

    def get(self, store: str, name: str) -> str | None:
        """Return a secret in plain text, or None. Raises Unreadable where its key is missing."""
        found = self._get(store, name)
        return self.opened(found[0][SEALED], f"{store}/{name}") if found else None

    def put(self, store: str, name: str, value: str) -> None:
        """Store a secret under a name, in place of the former one."""
        self._put(keyed(store, name, {SEALED: self.sealed(value, f"{store}/{name}")}))

    def delete(self, store: str, name: str) -> None:
        """Delete a secret; a missing one is no error."""
        self._delete(store, name)

    def sealed(self, value: str, place: str = "") -> str:
        """Return the text encrypted with the first key; no call. ``place``: partition and row key, where it may be
        opened and nowhere else.
        """
        bound = f"{_PLACE}{place}\0{value}" if place else value
        return self._box.encrypt(bound.encode()).decode()

    def opened(self, sealed: str, place: str = "") -> str:
        """Return the text in plain; no call. Raises Unreadable, also for a text that was moved here from another row.

        Texts of earlier releases name no row, until they are written or encrypted again.
        """
        try:
            text = self._box.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise Unreadable from None
        if not text.startswith(_PLACE):
            return text
        sealed_at, _, value = text.removeprefix(_PLACE).partition("\0")
        if sealed_at != place:
            raise Unreadable
        return value

    def reencrypt(self) -> "Reencrypted":
        """Encrypt with the first key what another key encrypted, or what names no row.

        It may be stopped and run again at any time, while the app works.
        """
        with our_errors():
            names = [(row["PartitionKey"], row["RowKey"]) for row in self._table.list_entities() if SEALED in row]
        count, unreadable = 0, list[str]()
        for store, name in names:
            try:
                count += self._reencrypt_row(store, name)
            except Unreadable:
                unreadable.append(f"{store}/{name}")
        return Reencrypted(count, tuple(unreadable))

    def _reencrypt_row(self, store: str, name: str) -> bool:
        """Return whether the row needed it. Starts again where the row was written meanwhile."""
        while True:
            with our_errors():
                try:
                    row = self._table.get_entity(store, name)
                    sealed = str(row[SEALED])
                    place = f"{store}/{name}"
                    if self._is_newest(sealed):
                        return False
                    again = {
                        "PartitionKey": store,
                        "RowKey": name,
                        SEALED: self.sealed(self.opened(sealed, place), place),
                    }
                    self._table.update_entity(
                        again,
                        mode=UpdateMode.MERGE,
                        etag=row.metadata["etag"],
                        match_condition=MatchConditions.IfNotModified,
                    )
                except ResourceNotFoundError:
                    return False
                except ResourceModifiedError:
                    continue
                return True

    def _is_newest(self, sealed: str) -> bool:
        try:
            return self._newest.decrypt(sealed.encode()).decode().startswith(_PLACE)
        except InvalidToken:
            return False
