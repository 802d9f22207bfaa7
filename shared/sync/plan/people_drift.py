"""The drift of people: every account in Zoho One beside the confirmed state of its person.

The accounts are read page by page and kept small; then the people are read page by page, and each takes their account
away from what was read. What is left over nobody manages: it is kept for matching and for the pages, and never changed.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from heapq import nsmallest

from shared.rules.account_seen import changed_there, noted
from shared.rules.change import ChangeKind, plan_change
from shared.rules.history import Event, EventKind
from shared.rules.identity import Account, Identity, PendingChange
from shared.rules.run import MOST_FINDINGS
from shared.rules.store import Drift, Store
from shared.rules.user_name import folded
from shared.rules.zoho_user import ZohoField, ZohoUser
from shared.sync.plan.accounts_reading import AccountsReader
from shared.sync.progress import Heartbeat, beating
from shared.tables.errors import Stale
from shared.tables.identities import Identities
from shared.tables.identity_rows import Stored
from shared.zoho.errors import ZohoUnclear


@dataclass
class PeopleDrift:
    """What was found."""

    drifted: int = 0
    unmanaged: int = 0
    unmanaged_active: int = 0
    accounts: int = 0
    """Accounts in Zoho One in all."""
    active: int = 0
    """Active accounts that the bridge manages."""
    joins: dict[str, str] = field(default_factory=dict)
    """Of a store with groups: the accounts of those who are a member of their groups in Zoho One, by identity."""
    findings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class PeopleDriftSearch:
    """Compares. Raises ZohoBusy, ZohoCredentials, TablesBusy, and whatever the heartbeat raises."""

    identities: Identities
    reader: AccountsReader
    now: Callable[[], datetime]

    def search(self, store: Store, heartbeat: Heartbeat) -> PeopleDrift:
        """Note the drift of each account, and mark it to be set back where the store says so.

        The heartbeat beats between pages and before each closer look. What it ends there begins again in the next full
        cycle.
        """
        accounts = self.reader.everything(store, heartbeat)
        there, found, attempted = len(accounts), PeopleDrift(accounts=len(accounts)), set[str]()
        for stored in beating(self.identities.everybody(store.id), heartbeat):
            account = stored.identity.account
            if account is None:
                attempted.update(map(folded, stored.identity.pending.attempted if stored.identity.pending else ()))
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
        self._keep_unmanaged(store, accounts, attempted, found, heartbeat)
        return found

    def _keep_unmanaged(
        self, store: Store, left: dict[str, str], attempted: set[str], found: PeopleDrift, heartbeat: Heartbeat
    ) -> None:
        """Keep what is left over; but an account that the bridge may just have made waits for its answer."""
        names = {account: _read(text).fields.get(ZohoField.USER_NAME, "?") for account, text in left.items()}
        unmanaged = {account: text for account, text in left.items() if folded(names[account]) not in attempted}
        reading = self.reader.keep(store, unmanaged, found.accounts, heartbeat)
        found.unmanaged, found.unmanaged_active = reading.unmanaged, reading.active
        first = nsmallest(MOST_FINDINGS, (names[account] for account in unmanaged))
        found.findings += [f"{name}: nobody manages this account in Zoho One" for name in first]

    def _look_closer(self, store: Store, stored: Stored, account: Account, found: PeopleDrift) -> None:
        """See whether one account differs now, and keep what it holds. A push may have been there meanwhile."""
        actual = self.reader.users(store).get(account.id)
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
            kept = noted(account, (), actual.holding_only(account))
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
