"""What an administrator decides on accounts that Zoho One already has: whose they are, or that they are nobody's.

Each decision is undone until a cycle has applied it. It changes nothing in Zoho One: the next cycle does.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.rules.former import Adoption
from shared.rules.matching import PairDecision, PairVerdict, SetAside
from shared.rules.proposal import Proposal
from shared.rules.zoho_user import ZohoField
from shared.tables.account_decisions import AccountDecisions
from shared.tables.errors import Conflict
from shared.tables.identities import Identities
from shared.tables.proposals import Proposals
from shared.tables.unmanaged_accounts import UnmanagedAccounts

LONGEST_REASON = 500
"""Maximum number of characters of why an account is set aside."""


class CannotDecide(Exception):
    """Nothing was decided; the message says why."""


@dataclass(frozen=True)
class AccountChoices:
    """Decides. Every method raises TablesBusy and CannotDecide."""

    decisions: AccountDecisions
    proposals: Proposals
    unmanaged: UnmanagedAccounts
    identities: Identities
    now: Callable[[], datetime]

    def accept(self, store: str, person: str, account: str, by: str) -> PairDecision:
        """Accept a proposal: the next plan adopts the account for the person. Five round trips."""
        proposal, adoption = self._proposed(store, person, account)
        return self._decide(store, proposal, adoption, PairVerdict.ACCEPTED, by)

    def reject(self, store: str, person: str, account: str, by: str) -> PairDecision:
        """Reject a proposal: it is not made again; without another match the person gets an account of their own."""
        proposal, adoption = self._proposed(store, person, account)
        return self._decide(store, proposal, adoption, PairVerdict.REJECTED, by)

    def decide_all(self, store: str, rule: str, verdict: PairVerdict, by: str) -> tuple[int, int]:
        """Accept or reject every proposal of a rule that names one account; return how many, and how many were not.

        ``rule``: as ``Adoption.rule`` has it. A proposal with several accounts is decided one by one.
        """
        done = left = 0
        for proposal in list(self.proposals.all(store)):
            first, *others = proposal.accounts
            if first.rule != rule:
                continue
            try:
                if not others:
                    self._decide(store, proposal, first, verdict, by)
                    done += 1
            except CannotDecide:
                others.append(first)
            left += bool(others)
        return done, left

    def link(self, store: str, person: str, account: str, by: str) -> PairDecision:
        """Link an account that nobody manages to a person who has none, whatever the rules say."""
        there = self.unmanaged.get(store, account)
        if there is None:
            raise CannotDecide("Zoho One had no such account that nobody manages when its accounts were last read")
        stored, proposal = self.identities.read(store, person), self.proposals.get(store, person)
        if stored is None and proposal is None:
            raise CannotDecide("The store does not know this person")
        if stored is not None and stored.identity.account is not None:
            raise CannotDecide("The person has an account in Zoho One already")
        name = stored.identity.said.name if stored else proposal.change.name if proposal else person
        decision = PairDecision(
            person=person,
            account=account,
            verdict=PairVerdict.LINKED,
            by=by,
            at=self.now(),
            name=name,
            user_name=there.user_name,
        )
        self._keep(store, decision)
        return decision

    def undo(self, store: str, person: str, account: str) -> None:
        """Take back what was decided on a pair. Raises CannotDecide where it is applied, or just being applied.

        The one who applies it writes the lease and then reads the decision; here it is the other way round, so that
        neither misses the other.
        """
        self._ensure_open(store, person, account)
        self.decisions.undo(store, person, account)
        self._ensure_open(store, person, account)

    def set_aside(self, store: str, account: str, reason: str, by: str) -> SetAside:
        """Say that an account is nobody's: no rule matches it any more."""
        there, reason = self.unmanaged.get(store, account), " ".join(reason.split())
        if there is None:
            raise CannotDecide("Zoho One had no such account that nobody manages when its accounts were last read")
        if not 0 < len(reason) <= LONGEST_REASON:
            raise CannotDecide(f"Say why in 1 to {LONGEST_REASON} characters")
        aside = SetAside(account=account, reason=reason, by=by, at=self.now(), user_name=there.user_name)
        self.decisions.put_aside(store, aside)
        return aside

    def take_back(self, store: str, account: str) -> None:
        """Let an account that was set aside be matched again."""
        self.decisions.take_back(store, account)

    def _proposed(self, store: str, person: str, account: str) -> tuple[Proposal, Adoption]:
        proposal = self.proposals.get(store, person)
        for adoption in proposal.accounts if proposal else ():
            if proposal is not None and adoption.account == account:
                return proposal, adoption
        raise CannotDecide("The last plan does not propose this any more")

    def _decide(
        self, store: str, proposal: Proposal, adoption: Adoption, verdict: PairVerdict, by: str
    ) -> PairDecision:
        change = proposal.change
        held = adoption.holds.fields if adoption.holds else {}
        decision = PairDecision(
            person=change.identity,
            account=adoption.account,
            verdict=verdict,
            by=by,
            at=self.now(),
            name=change.name,
            user_name=held.get(ZohoField.USER_NAME, adoption.name),
        )
        self._keep(store, decision)
        return decision

    def _keep(self, store: str, decision: PairDecision) -> None:
        try:
            self.decisions.decide(store, decision)
        except Conflict:
            raise CannotDecide("The account or the person is chosen for another already: undo that first") from None

    def _ensure_open(self, store: str, person: str, account: str) -> None:
        stored = self.identities.read(store, person)
        if stored is None:
            return
        identity = stored.identity
        if identity.account is not None and identity.account.id == account:
            raise CannotDecide("It is applied already: the account is the person's")
        mark = identity.pending
        if mark is not None and mark.adopts == account and identity.leased_until(self.now()) is not None:
            raise CannotDecide("It is being applied just now")
