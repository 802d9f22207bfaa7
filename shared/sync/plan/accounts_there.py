"""The accounts in Zoho One that creations would come upon, so that a plan says "adopt" and shows what that changes."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from shared.rules.account_seen import noted
from shared.rules.identity import Account, Sent
from shared.rules.store import Store
from shared.rules.user_name import folded
from shared.sync.progress import Heartbeat
from shared.tables.identity_rows import AccountRecord
from shared.zoho.errors import ZohoError
from shared.zoho.scim_client import Page, ZohoUsers

FEW = 20
"""People who are looked up one by one; for more all accounts are listed, a page in a call."""


@dataclass
class AccountsThere:
    """Looks up whether Zoho One has an account of a userName.

    Where Zoho One has no answer nothing is known of any: a creation that comes upon an account waits for the next plan.
    """

    users: Callable[[Store], ZohoUsers]
    store: Store
    heartbeat: Heartbeat
    _asked: int = 0
    _listed: dict[str, str] | None = None
    """Every account as text, by userName: a hundred thousand are some 60 MB."""
    _silent: bool = False

    def named(self, user_name: str) -> Account | None:
        """The account, or None."""
        if self._silent:
            return None
        try:
            if self._asked < FEW:
                self._asked += 1
                return self.users(self.store).find(user_name)
            text = self._everybody().get(folded(user_name))
        except ZohoError:
            self._silent = True
            return None
        return Account.model_validate_json(text) if text else None

    def _everybody(self) -> dict[str, str]:
        if self._listed is None:
            self._listed = {
                folded(each.holds.user_name): each.model_dump_json()
                for page in pages(self.users, self.store, self.heartbeat)
                for each in page.accounts
            }
        return self._listed


def pages(users: Callable[[Store], ZohoUsers], store: Store, heartbeat: Heartbeat) -> Iterator[Page]:
    """Every account of Zoho One, a page in a call. A page without accounts is the last, whatever the total says."""
    start = 1
    while True:
        heartbeat.beat()
        page = users(store).page(start)  # a client of its own: each has a time to end
        yield page
        start += len(page.accounts)
        if start > page.total or not page.accounts:
            return


def come_upon(account: Account, record: AccountRecord | None, sent: Collection[Sent] = ()) -> Account:
    """An account that was not the person's so far, with a note of who deactivated it: one who is gone may have left it.

    ``sent``: what earlier calls asked for.
    """
    return noted(None, sent, account, record.deactivated_by if record else None)
