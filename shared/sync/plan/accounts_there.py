"""The accounts in Zoho One that creations would come upon, so that a plan says what becomes of each.

A few people are looked up one by one: the userName in Zoho One itself, other values in the rows of the last reading;
each account that is found is then asked for as it is now. For more people, and in a store that has read no accounts
yet, all accounts are read.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from shared.rules.account_seen import noted
from shared.rules.expressions import EvaluationContext
from shared.rules.former import Former
from shared.rules.identity import Account, Identity, Sent
from shared.rules.matching import BEGUN, Keys, Match, Matcher, compared, match_all
from shared.rules.store import Filters, Store
from shared.rules.zoho_user import ZohoUser
from shared.sync.plan.accounts_reading import AccountsReader
from shared.sync.progress import NO_LEASE, Heartbeat
from shared.tables.account_decisions import AccountDecisions
from shared.tables.identity_rows import AccountRecord
from shared.zoho.errors import ZohoError, ZohoRefused, ZohoUnclear

FEW = 20
"""People who are looked up one by one; for more, or where Zoho One does not search, all accounts are read."""
FORMER_NAME = "The account has a userName that the person had when an earlier try began to create their account."
UNASKED = "Zoho One could not be asked whether it has this person's account already: {} The next cycle asks again."


@dataclass(frozen=True)
class Comer:
    """A person who is to get an account."""

    keys: Keys
    user_name: str
    began: str | None = None
    """The account whose adoption an earlier try began."""
    sent: ZohoUser | None = None
    """What an earlier try may have created, under this userName."""
    former_names: tuple[str, ...] = ()
    """Other userNames, under which earlier tries may have created an account."""

    @classmethod
    def of(cls, identity: Identity, matcher: Matcher, context: EvaluationContext) -> Self | None:
        """What is compared of a person; None where no account is to be created for them."""
        desired, mark = identity.said.desired, identity.pending
        if identity.account is not None or not isinstance(desired, ZohoUser) or not desired.active:
            return None
        keys = matcher.of_person(identity.said.source, desired, context)
        if mark is None or not mark.begun:
            return cls(keys, desired.user_name)
        began = mark.adopts if mark.sent_before(identity.said) else None
        names = (name for name in mark.attempted if compared(name) != keys[-1])
        return cls(keys, desired.user_name, began, desired, tuple(names))


@dataclass(frozen=True)
class Found:
    """What a person comes upon."""

    match: Match
    accounts: Sequence[tuple[Account, Former | None]]
    """The accounts of the match, each with its former person, who is gone."""


@dataclass(frozen=True)
class Looked:
    """What was found for some people; somebody who is in neither is created."""

    found: Mapping[str, Found]
    """By the id of the person."""
    troubles: Mapping[str, str]
    """Why somebody could not be looked up."""
    unasked: str | None = None
    """Why nobody could be: Zoho One has no answer."""


@dataclass(frozen=True)
class AccountsThere:
    """Finds accounts for people, for one plan. Raises TablesBusy, and whatever the heartbeat raises."""

    store: Store
    reader: AccountsReader
    decisions: AccountDecisions
    heartbeat: Heartbeat = NO_LEASE
    contested: Callable[[Collection[str]], frozenset[str]] = lambda _: frozenset()
    """Which accounts are proposed to others than these people, where not everybody is looked at."""

    @property
    def matcher(self) -> Matcher:
        """The store's rules."""
        return self.store.matching.matcher

    def find(self, comers: Mapping[str, Comer], *, all_accounts: bool) -> Looked:
        """What these people come upon. ``all_accounts``: read all, however few these people are."""
        seen, troubles = _Seen(), dict[str, str]()
        try:
            if all_accounts or len(comers) > FEW or self.store.zoho.filters is Filters.NONE:
                self._list(comers, seen)
            else:
                self._look_up(comers, seen, troubles)
        except ZohoError as failure:
            told = UNASKED.format(failure)
            return Looked({}, dict.fromkeys(comers, told), told if comers else None)
        decided = replace(self.decisions.all(self.store.id), contested=self.contested(comers.keys()))
        found, free, wanted = dict[str, Match](), dict[str, Comer](), {comer.keys[-1] for comer in comers.values()}
        for person, comer in comers.items():
            if (own := seen.own(comer)) is not None:
                del seen.keys[own]  # the bridge made it: the answer of an earlier try was lost
            elif comer.began in seen.keys:
                del seen.keys[comer.began]
                found[person] = Match((comer.began,), True, "The adoption of this account has begun.", BEGUN)
            elif (made := seen.under_former_name(comer, wanted)) is not None:
                del seen.keys[made]
                found[person] = Match((made,), True, FORMER_NAME, BEGUN)
            elif person not in troubles:
                free[person] = comer
        found |= match_all(self.matcher.rules, {each: comer.keys for each, comer in free.items()}, seen.keys, decided)
        return Looked({person: self._found(match, seen) for person, match in found.items()}, troubles)

    def _list(self, comers: Mapping[str, Comer], seen: "_Seen") -> None:
        """See all accounts, and keep those that nobody manages. Those that match nobody are forgotten at once."""
        texts = self.reader.everything(self.store, self.heartbeat)
        owners = self.reader.owners(self.store, self.heartbeat)
        if not texts and owners:
            raise ZohoUnclear("Zoho One lists nobody, where the bridge manages accounts: nothing follows from that")
        unmanaged = {account: text for account, text in texts.items() if account not in owners}
        self.reader.keep(self.store, unmanaged, len(texts), self.heartbeat)
        wanted = [{comer.keys[place] for comer in comers.values()} - {None} for place in range(len(self.matcher.rules))]
        former_names = {compared(name) for comer in comers.values() for name in comer.former_names}
        chosen = {pair.account for pair in self.decisions.pairs(self.store.id)} | {c.began for c in comers.values()}
        for account, text in unmanaged.items():
            keys = self.matcher.of_account(ZohoUser.model_validate_json(text))
            if (
                account in chosen
                or keys[-1] in former_names
                or any(key in some for key, some in zip(keys, wanted, strict=False))
            ):
                seen.add(account, keys, text)
        for former in self.reader.identities.formers(self.store.id):
            if former.account in owners and (left := texts.get(former.account)) is not None:
                seen.of_somebody_in_the_bin(former.account, left, self.matcher)

    def _look_up(self, comers: Mapping[str, Comer], seen: "_Seen", troubles: dict[str, str]) -> None:
        """See the accounts that these people may come upon. A call of Zoho One's each, and one for each account."""
        rows, any_rows = self.reader.unmanaged, self.reader.unmanaged.are_any(self.store)
        for person, comer in comers.items():
            candidates = {comer.began} if comer.began else set[str]()
            candidates |= (
                {pair.account for pair in self.decisions.of_person(self.store.id, person)} if any_rows else set()
            )
            for rule, value in zip(self.matcher.rules, comer.keys, strict=False):
                if any_rows and value is not None:
                    candidates.update(rows.having(self.store.id, rule.field, value))
            try:
                for name in (comer.user_name, *comer.former_names):
                    self._see(seen, self.reader.users(self.store).find(name))
                for account in sorted(candidates - seen.asked):
                    seen.asked.add(account)
                    self._see(seen, self.reader.users(self.store).get(account))
            except (ZohoRefused, ZohoUnclear) as failure:
                troubles[person] = UNASKED.format(failure)

    def _see(self, seen: "_Seen", account: Account | None) -> None:
        """See one account as it is now, unless somebody manages it who is there."""
        if account is None or account.id in seen.keys:
            return
        seen.asked.add(account.id)
        record, text = self._record(account.id), account.holds.model_dump_json()
        if record is None or record.owner is None:
            seen.add(account.id, self.matcher.of_account(account.holds), text)
        elif record.former is not None:
            seen.of_somebody_in_the_bin(account.id, text, self.matcher)

    def _found(self, match: Match, seen: "_Seen") -> Found:
        return Found(match, tuple(self._as_is(account, seen.texts[account]) for account in match.accounts))

    def _as_is(self, account: str, text: str) -> tuple[Account, Former | None]:
        """An account with who deactivated it, and its former person. One round trip, two where they are in the bin."""
        record = self._record(account)
        shown = Account(id=account, holds=ZohoUser.model_validate_json(text))
        return come_upon(shown, record), record.former if record else None

    def _record(self, account: str) -> AccountRecord | None:
        return self.reader.identities.record_of(self.store.id, account, asks="")


@dataclass
class _Seen:
    """Accounts that may become somebody's."""

    keys: dict[str, Keys] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    """What each holds, as JSON."""
    asked: set[str] = field(default_factory=set)
    names: dict[str | None, str] = field(default_factory=dict)
    in_bin: set[str] = field(default_factory=set)
    """Those of people in Entra's recycle bin."""

    def add(self, account: str, keys: Keys, text: str) -> None:
        """See an account."""
        self.keys[account], self.texts[account], self.names[keys[-1]] = keys, text, account

    def of_somebody_in_the_bin(self, account: str, text: str, matcher: Matcher) -> None:
        """See an account whose person is in Entra's recycle bin: it is nobody's candidate but by its userName."""
        self.in_bin.add(account)
        keys = matcher.of_account(ZohoUser.model_validate_json(text))
        by_name = (key if rule.is_of_names else None for rule, key in zip(matcher.rules, keys, strict=False))
        self.add(account, (*by_name, keys[-1]), text)

    def own(self, comer: Comer) -> str | None:
        """The account that the bridge made or changed for a person already, or None."""
        account = self.names.get(comer.keys[-1]) if comer.sent is not None else None
        if account not in self.keys or ZohoUser.model_validate_json(self.texts[account]) != comer.sent:
            return None
        return account

    def under_former_name(self, comer: Comer, wanted: Collection[str | None]) -> str | None:
        """The account that an earlier try may have made for a person under another userName, or None.

        ``wanted``: the userNames that people are to have now. Whose has one of them is told by it.
        """
        names = (name for each in comer.former_names if (name := compared(each)) not in wanted)
        found = (account for name in names if (account := self.names.get(name)) in self.keys)
        return next((account for account in found if account is not None and account not in self.in_bin), None)


def come_upon(account: Account, record: AccountRecord | None, sent: Collection[Sent] = ()) -> Account:
    """An account that was not the person's so far, with a note of who deactivated it: one who is gone may have left it.

    ``sent``: what earlier calls asked for.
    """
    return noted(None, sent, account, record.deactivated_by if record else None)
