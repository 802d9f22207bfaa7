"""Removal of a directory store with all its rows, in steps that a page can show."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from shared.connection.disconnect import Disconnect
from shared.rules.admin_change import AdminChange, setting_changes
from shared.rules.store import Store
from shared.tables.partitions import Partitions
from shared.tables.stores import Stores
from shared.zoho.errors import ZohoError


class StillStarted(Exception):
    """A store is removed only after it was stopped."""


@dataclass(frozen=True)
class StoreRemoval:
    """Removes a stopped store. Accounts in Zoho One stay unchanged.

    The store's own row is deleted last: an interrupted removal continues when it is requested again.
    """

    stores: Stores
    disconnect: Disconnect
    partitions: Partitions
    now: Callable[[], datetime]

    def step(self, store: Store, by: str) -> bool:
        """Delete a batch of the rows; return whether all are deleted. Raises StillStarted, StillWorking and TablesBusy.

        A running cycle ends within half a minute after the store was stopped; until then nothing is deleted.
        """
        if store.has_cycles:
            raise StillStarted
        work = self.partitions.work(self.now)
        with work.kept_out(store.id, forget=True):
            with suppress(ZohoError):  # a token that cannot be revoked now is erased all the same: nobody has it then
                self.disconnect(store.id)
            if not self.partitions.drop_some(store.id):
                return False
        work.drop(store.id)
        record = AdminChange(at=self.now(), by=by, what="Directory store deleted", changes=setting_changes(store, None))
        self.stores.delete(store.id, record)
        return True
