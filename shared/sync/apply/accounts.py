"""From the desired state to Zoho One: the one place that changes an account, but for the one-time password mail."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from pydantic import SecretStr

from shared.rules.account_seen import noted
from shared.rules.change import NO_CHANGE, Change, ChangeKind, plan_change
from shared.rules.former import Adoption, Adoptions, Traits, adoption_of, why_not_adopted
from shared.rules.identity import Account, Identity, Sent
from shared.rules.status import why_left_alone
from shared.rules.store import Store
from shared.rules.zoho_user import Desired, ZohoUser
from shared.sync.apply.account_matches import AccountMatches
from shared.sync.errors import HeldBack
from shared.sync.plan.accounts_there import come_upon
from shared.tables.identity_rows import AccountRecord
from shared.zoho.errors import ZohoBusy, ZohoNotFound, ZohoRefused
from shared.zoho.scim_client import ZohoUsers

GONE = "The account is not in Zoho One any more, of which the plan did not tell; the next plan shows what follows."
UNPLANNED = "Zoho One has an account with this userName, of which the plan did not tell; the next plan shows it."
ROUNDS = 3
"""Number of contradictory answers from Zoho One to tolerate."""


class AccountGone(HeldBack):
    """Zoho One has a person's account no more, so that another would be made or adopted, and no plan says so."""

    def __init__(self, why: str = GONE) -> None:
        super().__init__(why)


@dataclass(frozen=True)
class Outcome:
    """What Zoho One confirmed."""

    account: Account | None
    change: Change
    adopted: bool = False
    """The account was there before the bridge."""
    instead: str | None = None
    """Why the account counts as what it should be, though it is not what was desired."""
    record: AccountRecord | None = None
    """What was known of an account that somebody left behind, and that this person adopts."""


@dataclass(frozen=True)
class Found:
    """An account, and what the store knows of it from somebody who is gone."""

    account: Account
    record: AccountRecord | None


class AccountWriter:
    """Applies what a store should hold. Its methods raise ZohoBusy, ZohoCredentials and ZohoRefused.

    And HeldBack where an administrator has to agree that an account changes hands.
    """

    def __init__(
        self,
        users: Callable[[Store], ZohoUsers],
        record_of: Callable[[str, str, str], AccountRecord | None],
        matches: AccountMatches,
    ) -> None:
        """``record_of``: what a store knows of an account in Zoho One by its id, for an identity that may get it."""
        self._users = users
        self._record_of = record_of
        self.matches = matches

    def look(self, store: Store, identity: Identity, sent: Collection[Sent]) -> Found | None:
        """What Zoho One holds of a person after an earlier call that may or may not have taken effect.

        ``sent``: what earlier calls asked for.
        """
        users = self._users(store)
        account = users.get(identity.account.id) if identity.account else None
        if account is not None:
            return Found(noted(identity.account, sent, account), None)
        if (named := self._adopting(store, identity, users, sent)) is not None:
            return named
        desired = identity.said.desired
        wanted = {desired.user_name} if isinstance(desired, ZohoUser) else set()
        for name in sorted(wanted.union(identity.pending.attempted if identity.pending else ())):
            account = users.find(name)
            record = self._record_of(store.id, account.id, identity.id) if account else None
            if account is None or _why_not(store, identity, record) is not None:
                continue
            if name in wanted or record is None or record.owner in (None, identity.id):  # else no try has made it
                return Found(come_upon(account, record, sent), record)
        return None

    def _adopting(self, store: Store, identity: Identity, users: ZohoUsers, sent: Collection[Sent]) -> Found | None:
        """The account that a plan named for a person to adopt, as it is now, if it may still become theirs."""
        adopts = identity.pending.adopts if identity.pending is not None and identity.account is None else None
        account = users.get(adopts) if adopts is not None else None
        if account is None:
            return None
        record = self._record_of(store.id, account.id, identity.id)
        if _why_not(store, identity, record) is not None:
            return None
        return Found(come_upon(account, record, sent), record)

    def why_waits(self, store: Store, identity: Identity, found: Found | None) -> str | None:
        """Why a pushed person gets no account now: Zoho One may have theirs already, and a plan has to say so.

        The same holds for one in place of an account that has gone.
        """
        if found is not None and _is_own(identity, found.account):
            return None
        if found is None:
            return self.matches.before_creation(store, identity)
        if found.account.holds == identity.said.desired:
            return None
        return self.matches.upon(store, identity, found.account)

    def is_taken(self, store: Store, user_name: str) -> bool:
        """Whether Zoho One has an account of this name: what SelectUniqueValue asks."""
        return self._users(store).find(user_name) is not None

    def apply(
        self,
        store: Store,
        identity: Identity,
        found: Found | None,
        password: SecretStr | None = None,
        *,
        unplanned: bool = True,
    ) -> Outcome:
        """Bring Zoho One from what it holds to what it should hold. A new account gets the one-time password.

        An account that exists already is adopted, not made twice; one that is linked to another person is refused.
        ``unplanned``: whether an account may come in that no plan could tell of: an adoption, or one in place of an
        account that is gone. Otherwise HeldBack and AccountGone are raised.
        """
        users, desired = self._users(store), identity.said.desired
        account, record = (found.account, found.record) if found else (None, None)
        adopted = _is_another(identity, account)
        for _ in range(ROUNDS):
            if account is not None and (reason := _left_alone(store, account, desired)):
                return Outcome(account, NO_CHANGE, adopted, reason, record)
            change = plan_change(account.holds if account else None, desired)
            try:
                done = _perform(users, account, desired, change, password)
                return Outcome(_by_bridge(done) if done else None, change, adopted, None, record)
            except ZohoNotFound:
                if account is None or not isinstance(desired, ZohoUser):
                    raise
                account, record = self._in_place(store, identity, users.find(desired.user_name), unplanned=unplanned)
                adopted = adopted or _is_another(identity, account)
            except ZohoRefused as refusal:
                if account is not None and change.kind is ChangeKind.DEACTIVATE and change.fields:
                    return _only_deactivated(users, account, refusal, Outcome(account, change, adopted, None, record))
                # What Zoho One answers to an address in use is not documented, so any refusal is looked into.
                if account is not None or not isinstance(desired, ZohoUser):
                    raise
                found_now = users.find(desired.user_name)
                account, record = self._in_the_way(store, identity, found_now, refusal, unplanned=unplanned)
                adopted = True
        raise ZohoBusy("Zoho One's answers contradict each other: an account is there and is not")

    def _in_the_way(
        self, store: Store, identity: Identity, found: Account | None, refusal: ZohoRefused, *, unplanned: bool
    ) -> tuple[Account, AccountRecord | None]:
        """The account that a creation was refused for, to be adopted. Raises the refusal where there is none."""
        account, record = self._unowned(store, identity, found)
        if account is None:
            raise refusal
        if not unplanned:
            raise HeldBack(UNPLANNED) from refusal
        return account, record

    def _in_place(
        self, store: Store, identity: Identity, found: Account | None, *, unplanned: bool
    ) -> tuple[Account | None, AccountRecord | None]:
        """What is there in place of an account that has gone.

        Raises AccountGone, HeldBack where an account was to be adopted, and as ``_unowned`` does.
        """
        if not unplanned and identity.account is None:
            raise HeldBack(UNPLANNED)
        if not unplanned:
            ensure_planned(identity, found)
        account, record = self._unowned(store, identity, found)
        if unplanned and account is None and (why := self.matches.before_creation(store, identity)) is not None:
            raise waits(identity, why)
        return account, record

    def _unowned(
        self, store: Store, identity: Identity, account: Account | None
    ) -> tuple[Account | None, AccountRecord | None]:
        """An account that was found by its userName, if it may become this person's. Raises ZohoRefused, HeldBack."""
        if account is None:
            return None, None
        record = self._record_of(store.id, account.id, identity.id)
        if (why := _why_not(store, identity, record)) is not None:
            may_be_agreed_to = record is not None and record.former and store.guard.adoptions is Adoptions.HOLD
            raise HeldBack(why) if may_be_agreed_to else ZohoRefused(why)
        if not _is_own(identity, account) and (why := self.matches.upon(store, identity, account)) is not None:
            raise waits(identity, why)
        sent = identity.pending.sent if identity.pending else None
        return come_upon(account, record, sent or ()), record


def waits(identity: Identity, why: str) -> HeldBack:
    """What to raise where a person gets no account now, or none in place of the one that is gone."""
    return HeldBack(why) if identity.account is None else AccountGone(why)


def ensure_planned(identity: Identity, found: Account | None) -> None:
    """Raise AccountGone where Zoho One has, in place of a person's account, another or none, and one should be there.

    Where nothing is there and nothing need be, there is nothing left to do.
    """
    desired = identity.said.desired
    if identity.account is None or not isinstance(desired, ZohoUser) or (found and _is_own(identity, found)):
        return
    if found is not None or desired.active:
        raise AccountGone


def _is_own(identity: Identity, account: Account) -> bool:
    """Whether an account is the one that the person has."""
    return identity.account is not None and account.id == identity.account.id


def _is_another(identity: Identity, account: Account | None) -> bool:
    """Whether an account is there in place of the one that the person had."""
    return account is not None and identity.account is not None and not _is_own(identity, account)


def adoption_by(identity: Identity, record: AccountRecord | None) -> Adoption | None:
    """The adoption that it is if an account becomes this person's; None: nobody who is gone had the account."""
    if record is None or record.former is None or record.owner == identity.id:
        return None
    return adoption_of(record.former, Traits.of(identity.object_id, identity.said.source))


def _why_not(store: Store, identity: Identity, record: AccountRecord | None) -> str | None:
    """Why an account that has the person's userName may not become theirs, or None."""
    if (adoption := adoption_by(identity, record)) is not None:
        approved = identity.pending.adopts if identity.pending else None
        return why_not_adopted(adoption, store.guard.adoptions, approved)
    if record is None or record.owner in (None, identity.id):
        return None
    return f"The account with this userName belongs to another person (SCIM id {record.owner})"


def _only_deactivated(users: ZohoUsers, account: Account, refusal: ZohoRefused, outcome: Outcome) -> Outcome:
    """Deactivate an account though Zoho One refuses the other changes of the person. Raises as ZohoUsers does."""
    inactive = ZohoUser(active=False, fields=account.holds.fields)
    done = users.update(account, inactive, change := Change(ChangeKind.DEACTIVATE))
    reason = f"Zoho One refused the other changes: {refusal}"
    return replace(outcome, account=_by_bridge(done), change=change, instead=reason)


def _left_alone(store: Store, account: Account, desired: Desired) -> str | None:
    """Why status sync leaves an account alone that should be active, or None."""
    if not isinstance(desired, ZohoUser) or not desired.active:
        return None
    return why_left_alone(account.standing, store.status_rules)


def _by_bridge(account: Account) -> Account:
    """The account after a call of the bridge, which made it inactive if nobody had before."""
    by = None if account.holds.active else account.deactivated_by or "bridge"
    return account.model_copy(update={"deactivated_by": by})


def _perform(
    users: ZohoUsers, account: Account | None, desired: Desired, change: Change, password: SecretStr | None
) -> Account | None:
    match change.kind:
        case ChangeKind.NOTHING:
            return account
        case ChangeKind.CREATE:
            assert isinstance(desired, ZohoUser)  # plan_change creates only what is desired
            return users.create(desired, password)
        case ChangeKind.DELETE:
            assert account is not None  # plan_change deletes only what is held
            users.delete(account.id)
            return None
        case _:
            assert account is not None  # the same for changes
            assert isinstance(desired, ZohoUser)
            return users.update(account, desired, change)
