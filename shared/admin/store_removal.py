"""Taking a directory store away, with everything that is kept of it, in steps that a page can show."""

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
    """A store is taken away only after it was stopped."""


@dataclass(frozen=True)
class StoreRemoval:
    """Removes a stopped store. Accounts in Zoho One stay as they are.

    The store's own row goes last: a removal that was interrupted is gone on with by asking for it again.
    """

    stores: Stores
    disconnect: Disconnect
    partitions: Partitions
    now: Callable[[], datetime]

    def step(self, store: Store, by: str) -> bool:
        """Drop a portion of the rows; whether all is done. Raises StillStarted, StillWorking and TablesBusy.

        A cycle that runs ends within half a minute after the store was stopped; until then nothing is dropped.
        """
        if store.is_started:
            raise StillStarted
        work = self.partitions.work(self.now)
        with work.kept_out(store.id, forget=True):
            with suppress(ZohoError):  # what cannot be revoked now is erased all the same: nobody has it then
                self.disconnect(store.id)
            if not self.partitions.drop_some(store.id):
                return False
        work.drop(store.id)
        record = AdminChange(at=self.now(), by=by, what="Directory store deleted", changes=setting_changes(store, None))
        self.stores.delete(store.id, record)
        return True
