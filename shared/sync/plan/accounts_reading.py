"""Reads all accounts in Zoho One, a page in a call, and keeps those that nobody manages."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from shared.rules.store import Store
from shared.rules.unmanaged import AccountsReading
from shared.sync.progress import Heartbeat
from shared.tables.account_decisions import AccountDecisions
from shared.tables.identities import Identities
from shared.tables.unmanaged_accounts import UnmanagedAccounts
from shared.zoho.scim_client import Page, ZohoUsers, pages_of


@dataclass(frozen=True)
class AccountsReader:
    """Reads. Raises ZohoBusy, ZohoCredentials, ZohoRefused, TablesBusy, and whatever the heartbeat raises."""

    users: Callable[[Store], ZohoUsers]
    identities: Identities
    unmanaged: UnmanagedAccounts
    decisions: AccountDecisions
    now: Callable[[], datetime]

    def everything(self, store: Store, heartbeat: Heartbeat) -> dict[str, str]:
        """What every account holds, as JSON, by its id: a hundred thousand are some 60 MB.

        Raises ZohoUnclear where Zoho One does not list as many as it says there are.
        """
        pages = self._pages(store, heartbeat)
        return {account.id: account.holds.model_dump_json() for page in pages for account in page.accounts}

    def owners(self, store: Store, heartbeat: Heartbeat) -> dict[str, str]:
        """The person of each account that somebody manages, by the account's id. One round trip for a thousand."""
        found = dict[str, str]()
        for number, (account, owner) in enumerate(self.identities.owned_accounts(store.id)):
            if number % 1000 == 0:
                heartbeat.beat()
            found[account] = owner
        return found

    def keep(self, store: Store, unmanaged: dict[str, str], accounts: int, heartbeat: Heartbeat) -> AccountsReading:
        """Keep the accounts that nobody manages, and how many there are. Writes only what differs.

        What was decided on an account that is gone, or that somebody manages by now, is nothing to decide any more.
        """
        for pair in [each for each in self.decisions.pairs(store.id) if each.account not in unmanaged]:
            self.decisions.undo(store.id, pair.person, pair.account)
        for aside in [each for each in self.decisions.set_aside(store.id) if each.account not in unmanaged]:
            self.decisions.take_back(store.id, aside.account)
        return self.unmanaged.replace(store, unmanaged, accounts, self.now(), heartbeat.beat)

    def _pages(self, store: Store, heartbeat: Heartbeat) -> Iterator[Page]:
        """Every account, a page in a call."""

        def page(start: int) -> Page:
            heartbeat.beat()
            return self.users(store).page(start)  # a client of its own: each has a time to end

        return pages_of(page)
