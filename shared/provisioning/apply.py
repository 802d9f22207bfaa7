"""From desired to Zoho One: the one place that changes an account."""

from collections.abc import Callable
from dataclasses import dataclass

from shared.directory.identity import Account, Identity
from shared.directory.plan import Change, ChangeKind, plan_change
from shared.directory.store import Store
from shared.directory.zoho_user import Desired, ZohoUser
from shared.zoho.errors import ZohoBusy, ZohoNotFound, ZohoRefused
from shared.zoho.scim_client import ZohoUsers

type OwnerOf = Callable[[str], str | None]
"""The id of the identity that an account in Zoho One is linked to."""

ROUNDS = 3
"""How often Zoho One's answer may show an account to be there or gone against what was known."""


@dataclass(frozen=True)
class Outcome:
    """What Zoho One confirmed."""

    account: Account | None
    change: Change
    adopted: bool = False
    """The account was there before the bridge."""


class Apply:
    """Applies what a store should hold. Its methods raise ZohoBusy, ZohoCredentials and ZohoRefused."""

    def __init__(self, users: Callable[[Store], ZohoUsers], owner_of: Callable[[str, str], str | None]) -> None:
        self._users = users
        self._owner_of = owner_of

    def look(self, store: Store, identity: Identity) -> Account | None:
        """What Zoho One holds of someone for whom an earlier call may or may not have taken effect."""
        users = self._users(store)
        account = users.get(identity.account.id) if identity.account else None
        names = {identity.said.source.user_principal_name, *(identity.pending.attempted if identity.pending else ())}
        for name in sorted(names) if account is None else ():
            if (account := users.find(name)) and self._owner_of(store.id, account.id) in (None, identity.id):
                return account
            account = None
        return account

    def apply(self, store: Store, identity: Identity, holds: Account | None) -> Outcome:
        """Bring Zoho One from what it holds to what it should hold.

        An account that exists already is adopted, not made twice; one that is linked to another person is refused.
        """
        users, desired, account, adopted = self._users(store), identity.said.desired, holds, False
        for _ in range(ROUNDS):
            change = plan_change(account.holds if account else None, desired)
            try:
                return Outcome(_perform(users, account, desired, change), change, adopted)
            except ZohoNotFound:
                if account is None or not isinstance(desired, ZohoUser):
                    raise
                account = self._unowned(store, identity, users.find(desired.user_name))
            except ZohoRefused:
                # What Zoho One answers to an address in use is not documented, so any refusal is looked into.
                if account is not None or not isinstance(desired, ZohoUser):
                    raise
                account = self._unowned(store, identity, users.find(desired.user_name))
                if account is None:
                    raise
                adopted = True
        raise ZohoBusy("Zoho One's answers contradict each other: an account is there and is not")

    def _unowned(self, store: Store, identity: Identity, account: Account | None) -> Account | None:
        """An account that was found by its userName, if it may become this person's. Raises ZohoRefused."""
        if account is not None and (owner := self._owner_of(store.id, account.id)) not in (None, identity.id):
            raise ZohoRefused(f"The Zoho One account with this userName belongs to another person (SCIM id {owner})")
        return account


def _perform(users: ZohoUsers, account: Account | None, desired: Desired, change: Change) -> Account | None:
    match change.kind:
        case ChangeKind.NOTHING:
            return account
        case ChangeKind.CREATE:
            assert isinstance(desired, ZohoUser)  # plan_change creates only what is desired
            return users.create(desired)
        case ChangeKind.DELETE:
            assert account is not None  # plan_change deletes only what is held
            users.delete(account.id)
            return None
        case _:
            assert account is not None  # the same for changes
            assert isinstance(desired, ZohoUser)
            return users.update(account, desired, change)
