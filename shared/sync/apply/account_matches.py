"""What is known of accounts that Zoho One already has, where one becomes a person's or a push comes upon one.

A push adopts by the userName alone, where the store's matching rules adopt by it: Zoho One has no name twice. Whatever
else matches waits for the next plan, which adopts, proposes, and is judged by the guard.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from shared.rules.identity import Account, Identity
from shared.rules.matching import Decided, Keys, Match, Matcher, PairDecision, SetAside, match_all
from shared.rules.store import Store
from shared.rules.zoho_user import ZohoUser
from shared.sync.desired.evaluation import evaluation
from shared.tables.account_decisions import AccountDecisions
from shared.tables.errors import TablesBusy
from shared.tables.unmanaged_accounts import UnmanagedAccounts

NEXT_PLAN = "The next cycle plans it, and Entra's next push finds it done."


@dataclass(frozen=True)
class AccountMatches:
    """Asks and keeps what is known of a store's accounts. Raises TablesBusy."""

    unmanaged: UnmanagedAccounts
    decisions: AccountDecisions
    now: Callable[[], datetime]

    def before_creation(self, store: Store, identity: Identity) -> str | None:
        """Why no account is created for a person now, or None.

        No round trip in a store without unmanaged accounts. In others one for each matching rule and one for the
        person's decisions; two more for each account that matches.
        """
        desired = identity.said.desired
        if not isinstance(desired, ZohoUser) or not desired.active or not self.unmanaged.are_any(store):
            return None
        matcher, keys = store.matching.matcher, self._keys(store, identity, desired)
        pairs = self.decisions.of_person(store.id, identity.id)
        accounts = {pair.account: blank(keys) for pair in pairs if pair.adopts}
        for place, (rule, value) in enumerate(zip(matcher.rules, keys, strict=False)):
            for account in self.unmanaged.having(store.id, rule.field, value) if value is not None else ():
                values = accounts.setdefault(account, blank(keys))
                values[place], values[-1] = value, value if rule.is_of_names else values[-1]
        known = {account: tuple(values) for account, values in accounts.items()}
        match = self._match(store, identity, keys, known, pairs)
        if match is None or (match.adopts and match.decision is None and _is_of_names(matcher, match)):
            return None
        return f"{match.why} {NEXT_PLAN}"

    def upon(self, store: Store, identity: Identity, account: Account) -> str | None:
        """Why an account that has the person's userName does not become theirs by a push, or None. Two round trips."""
        desired = identity.said.desired
        if not isinstance(desired, ZohoUser):
            return None
        known = {account.id: store.matching.matcher.of_account(account.holds)}
        match = self._match(store, identity, self._keys(store, identity, desired), known, [])
        return None if match is None or match.adopts else f"{match.why} {NEXT_PLAN}"

    def stands(self, store: Store, person: str, account: str) -> bool:
        """Whether an administrator's word that an account is a person's was not undone. One round trip."""
        decision = self.decisions.get(store.id, person, account)
        return decision is not None and decision.adopts

    def adopted(self, store: Store, person: str, account: str) -> None:
        """Somebody manages the account from now on: nothing is left to decide. Two to four round trips.

        What is not done here, because the tables have no answer, the next full cycle does.
        """
        with suppress(TablesBusy):
            self.unmanaged.forget(store.id, account)
            if self.stands(store, person, account):
                self.decisions.undo(store.id, person, account)

    def _keys(self, store: Store, identity: Identity, desired: ZohoUser) -> Keys:
        return store.matching.matcher.of_person(identity.said.source, desired, evaluation(store, self.now()))

    def _match(
        self,
        store: Store,
        identity: Identity,
        keys: Keys,
        accounts: dict[str, Keys],
        pairs: list[PairDecision],
    ) -> Match | None:
        aside = dict[str, SetAside]()
        for account in accounts:
            decided = self.decisions.of_account(store.id, account)
            pairs = [*pairs, *(each for each in decided.pairs if each not in pairs)]
            aside |= decided.aside
        found = match_all(store.matching.matcher.rules, {identity.id: keys}, accounts, Decided(pairs, aside))
        return found.get(identity.id)


def blank(keys: Keys) -> list[str | None]:
    """No values."""
    return [None] * len(keys)


def _is_of_names(matcher: Matcher, match: Match) -> bool:
    return any(rule.is_of_names and str(rule) == match.rule for rule in matcher.rules)
