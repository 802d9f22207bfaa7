"""The accounts in Zoho One that creations would come upon, so that a plan says "adopt" and shows what that changes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from shared.rules.identity import Account
from shared.rules.store import Filters, Store
from shared.rules.user_name import folded
from shared.sync.progress import Heartbeat
from shared.zoho.errors import ZohoError
from shared.zoho.scim_client import Page, ZohoUsers, pages_of

FEW = 20
"""People who are looked up one by one; for more, or where Zoho One does not search, all accounts are listed."""


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
            if self._asked < FEW and self.store.zoho.filters is not Filters.NONE:
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
    """Every account of Zoho One, a page in a call."""

    def page(start: int) -> Page:
        heartbeat.beat()
        return users(store).page(start)  # a client of its own: each has a time to end

    return pages_of(page)
