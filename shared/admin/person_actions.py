"""What an administrator does for one person, beside provisioning him."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.rules.history import Event, EventKind
from shared.rules.identity import Account
from shared.rules.store import Store
from shared.sync.errors import BeingWritten
from shared.tables.identities import Identities
from shared.tables.recent_deprovisionings import DeprovisioningCounts
from shared.tables.store_rows import Operation
from shared.zoho.scim_client import ZohoUsers


@dataclass(frozen=True)
class PersonActions:
    """Its methods raise TablesBusy, and KeyError where the person is not in the store."""

    identities: Identities
    leavings: DeprovisioningCounts
    users: Callable[[Store], ZohoUsers]
    now: Callable[[], datetime]

    def let_go(self, store: Store, identity_id: str, by: str) -> None:
        """Manage a person no longer: his account stays as it is, and his history says who decided so.

        Raises BeingWritten where another request writes him just now, and Stale where one did.
        """
        stored = self.identities.read(store.id, identity_id)
        if stored is None:
            raise KeyError(identity_id)
        if (until := stored.identity.leased_until(self.now())) is not None:
            raise BeingWritten(until)
        reason = f"{by} let go of the person. The account stays in Zoho One as it is and is no longer managed."
        event = Event(at=self.now(), kind=EventKind.LET_GO, reason=reason)

        def transact(count: Operation | None) -> str:
            return self.identities.remove(store.id, stored, stored.identity.account, event, count=count)[1]

        self.leavings.unmanage(store.id, stored.identity, transact)

    def look(self, store: Store, identity_id: str) -> Account | None:
        """What Zoho One holds of a person just now; None where it has no such account any more, or never had.

        Raises ZohoError.
        """
        stored = self.identities.read(store.id, identity_id)
        if stored is None:
            raise KeyError(identity_id)
        account = stored.identity.account
        return self.users(store).get(account.id) if account is not None else None
