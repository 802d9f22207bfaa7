"""The drift of people: every account in Zoho One beside the confirmed state of its person.

The accounts are read page by page and kept small; then the people are read page by page, and each takes their account
away from what was read. What is left over nobody manages: it is reported, and never changed.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from shared.rules.account_seen import changed_there, noted
from shared.rules.change import ChangeKind, plan_change
from shared.rules.history import Event, EventKind
from shared.rules.identity import Account, Identity, PendingChange
from shared.rules.store import Drift, Store
from shared.rules.zoho_user import ZohoField, ZohoUser
from shared.sync.plan.accounts_there import pages
from shared.sync.progress import Heartbeat, beating
from shared.tables.errors import Stale
from shared.tables.identities import Identities
from shared.tables.identity_rows import Stored
from shared.zoho.errors import ZohoUnclear
from shared.zoho.scim_client import ZohoUsers


@dataclass
class PeopleDrift:
    """What was found."""

    drifted: int = 0
    unmanaged: int = 0
    active: int = 0
    """Active accounts that the bridge manages."""
    joins: dict[str, str] = field(default_factory=dict)
    """Of a store with groups: the accounts of those who are a member of their groups in Zoho One, by identity."""
    findings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class PeopleDriftSearch:
    """Compares. Raises ZohoBusy, ZohoCredentials, TablesBusy, and whatever the heartbeat raises."""

    identities: Identities
    users: Callable[[Store], ZohoUsers]
    now: Callable[[], datetime]

    def search(self, store: Store, heartbeat: Heartbeat) -> PeopleDrift:
        """Note the drift of each account, and mark it to be set back where the store says so.

        The heartbeat beats between pages and before each closer look. What it ends there begins again in the next full
        cycle.
        """
        accounts = self._accounts(store, heartbeat)
        there, found = len(accounts), PeopleDrift()
        for stored in beating(self.identities.everybody(store.id), heartbeat):
            account = stored.identity.account
            if account is None:
                continue
            found.active += stored.identity.counts_as_active
            if store.groups.are_synced and account.holds.active:
                found.joins[stored.identity.id] = account.id
            held = accounts.pop(account.id, None)
            if there == 0:
                raise ZohoUnclear("Zoho One lists nobody, where the bridge manages accounts: nothing was changed")
            # While an answer is open nothing is put down to anybody.
            if stored.identity.pending is None and (held is None or _differs(account, _read(held))):
                heartbeat.beat()  # each is a call of Zoho One's
                self._look_closer(store, stored, account, found)
        names = sorted(_read(text).fields.get(ZohoField.USER_NAME, "?") for text in accounts.values())
        found.unmanaged = len(names)
        found.findings += [f"{name}: nobody manages this account in Zoho One" for name in names]
        return found

    def _accounts(self, store: Store, heartbeat: Heartbeat) -> dict[str, str]:
        """Every account by its id, as text: a hundred thousand are some 60 MB."""
        accounts, read = dict[str, str](), 0
        for page in pages(self.users, store, heartbeat):
            accounts |= {account.id: account.holds.model_dump_json() for account in page.accounts}
            read += len(page.accounts)
            if not page.accounts and read < page.total:
                raise ZohoUnclear(f"Zoho One lists {read} of {page.total} accounts: nothing follows from that")
        return accounts

    def _look_closer(self, store: Store, stored: Stored, account: Account, found: PeopleDrift) -> None:
        """See whether one account differs now, and keep what it holds. A push may have been there meanwhile."""
        actual = self.users(store).get(account.id)
        name = stored.identity.said.source.user_principal_name
        if actual is not None and not (fields := changed_there(account, (), actual)):
            return
        told = f"changed there: {', '.join(fields)}" if actual is not None else "deleted there"
        found.drifted += 1
        found.findings.append(f"{name}: {told}")
        if store.drift is Drift.REPAIR:
            try:
                kept = self._set_back(store, stored, account, actual, told)
            except Stale:
                return
            found.active += kept.counts_as_active - stored.identity.counts_as_active

    def _set_back(self, store: Store, stored: Stored, account: Account, actual: Account | None, told: str) -> Identity:
        """Keep what Zoho One holds, with a mark where that is not what it should hold; return who that is now."""
        before = stored.identity
        kept = actual
        if actual is not None:
            # Fields that the bridge never set are not its own to keep.
            fields = {name: value for name, value in actual.holds.fields.items() if name in account.holds.fields}
            holds = ZohoUser(active=actual.holds.active, fields=fields)
            kept = noted(account, (), Account(id=actual.id, holds=holds))
        reason = f"Somebody changed the account in Zoho One ({told}); it is set back."
        needs = plan_change(kept.holds if kept else None, before.said.desired).kind is not ChangeKind.NOTHING
        mark = PendingChange(reason=reason, before=before.said, begun=False, lease_ends=self.now()) if needs else None
        after: Identity = before.model_copy(update={"account": kept, "pending": mark})
        event = Event(at=self.now(), kind=EventKind.DRIFTED, reason=f"The account in Zoho One was {told}.")
        self.identities.write(store.id, stored, after, event)
        return after


def _differs(account: Account, held: ZohoUser) -> bool:
    return bool(changed_there(account, (), Account(id=account.id, holds=held)))


def _read(text: str) -> ZohoUser:
    return ZohoUser.model_validate_json(text)
