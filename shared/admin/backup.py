"""Copies a directory store into a file and back; cli/backup.py is the command.

One file holds what the store knows of people, the other its secrets as they are stored, encrypted. A restored store is
stopped. shared/tables/copies.py says what is left out.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from shared.admin.store_file import Head, check_file, lines_of, write_file
from shared.rules.admin_change import AdminChange, setting_changes
from shared.rules.outside_address import AddressRefused, ensure_outside
from shared.rules.schedule import no_cycle
from shared.rules.store import Store
from shared.tables.copies import COPIED, SECRETS, Copies
from shared.tables.cycle_leases import StillWorking
from shared.tables.errors import Unreadable
from shared.tables.secrets import SEALED, Secrets
from shared.tables.stores import Stores, new_incarnation


class NotCopied(Exception):
    """Nothing was changed; the message says what to do."""


@dataclass(frozen=True)
class Backup:
    """Exports and imports stores. Both raise NotCopied, NotAStoreFile, TablesError and OSError."""

    stores: Stores
    copies: Copies
    secrets: Secrets
    now: Callable[[], datetime]
    by: str
    """The operator, for the store's change record."""
    local: bool
    """Whether this is the app on one machine: addresses of simulators are accepted."""

    def export_store(self, store_id: str, file: Path, secrets: Path | None) -> Counter[str]:
        """Write a store into new files; return the number of rows by table."""
        store = self.stores.get(store_id)
        if store is None:
            raise NotCopied(f"There is no directory store {store_id}")
        self._ensure_still(store)
        with self._kept_out(store, forget=False):
            rows = ((table, row) for table in COPIED for row in self.copies.rows(store_id, table))
            head = Head(holds="store", store=store, exported=self.now())
            counts = write_file(file, head, rows)
            if secrets is not None:
                head = head.model_copy(update={"holds": "secrets"})
                counts += write_file(secrets, head, ((SECRETS, row) for row in self.copies.rows(store_id, SECRETS)))
        self.stores.record(store_id, AdminChange(at=self.now(), by=self.by, what="Directory store exported"))
        return counts

    def import_store(self, file: Path, secrets: Path | None, *, replace: bool) -> Counter[str]:
        """Restore a store, stopped; return the number of rows by table.

        Both files are read to their ends before anything is written, and the store's own row is written last: an
        interrupted import creates no store, and is repeated. Rows that are not in the file are deleted: those of an
        earlier import, or with ``replace`` those of the existing store. The state of the existing store's cycles is
        deleted first, so that the next cycle reads all of Entra.
        """
        store = check_file(file, "store")
        if secrets is not None:
            self._ensure_readable(secrets, store)
        try:
            ensure_outside(store, local=self.local)
        except AddressRefused as refusal:
            raise NotCopied(f"The file's store would be given secrets to send to another address. {refusal}") from None
        there = self.stores.get(store.id)
        if there is not None:
            if not replace:
                raise NotCopied(f"There is a directory store {store.id} already: --replace overwrites it")
            self._ensure_still(there)
        counts = Counter[str]()
        sources = [(table, file) for table in COPIED] + ([(SECRETS, secrets)] if secrets else [])
        with self._kept_out(store, forget=True):
            self.copies.drop_not_copied(store.id)
            for table, source in sources:
                keys = frozenset(row["RowKey"] for row in lines_of(source, table))
                self.copies.drop_others(store.id, table, keys)
                self.copies.put(store.id, table, lines_of(source, table))
                counts[table] = len(keys)
            restored = {"schedule": store.schedule.stopped(), "incarnation": new_incarnation()}
            self._put(store.model_copy(update=restored), there)
        return counts

    def _put(self, store: Store, there: Store | None) -> None:
        record = AdminChange(
            at=self.now(), by=self.by, what="Directory store imported", changes=setting_changes(there, store)
        )
        if there is None:
            self.stores.create(store, record)
        else:
            self.stores.change(store.id, lambda _: store, lambda *_: record)

    @contextmanager
    def _kept_out(self, store: Store, *, forget: bool) -> Iterator[None]:
        try:
            with self.copies.cycle_leases(self.now).kept_out(store.id, forget=forget):
                yield
        except StillWorking as working:
            raise NotCopied(str(working)) from None

    def _ensure_still(self, store: Store) -> None:
        """Rows that change during the copy would match neither the earlier state nor the later one."""
        if no_cycle(self.now(), store.schedule) is None:
            raise NotCopied(f"Provisioning of {store.id} runs: stop or pause it first, and wait for a minute")

    def _ensure_readable(self, file: Path, store: Store) -> None:
        if check_file(file, "secrets").id != store.id:
            raise NotCopied(f"{file} holds the secrets of another directory store than {store.id}")
        try:
            for row in lines_of(file, SECRETS):
                self.secrets.opened(row[SEALED], f"{store.id}/{row['RowKey']}")
        except Unreadable:
            raise NotCopied(
                f"{file} was encrypted with a key that is not in BRIDGE_ENCRYPTION_KEYS: add it there after the "
                "others, import, then run python -m cli reencrypt"
            ) from None
