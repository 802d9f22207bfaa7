"""Matching rules: which account that Zoho One already has is whose, before the first change of it.

A person who is to get an account is compared with the accounts that nobody manages, rule after rule in the store's
order; the first rule that finds something decides:

=====================================================  =============================================================
what is found                                          the person
=====================================================  =============================================================
an account that an administrator accepted or linked    adopts it, before all rules
by a rule that adopts: one account, and nobody else    adopts it
by a rule that proposes: one account                   waits for an administrator, who accepts or rejects the pair
by either: two accounts, or two people for one         wait for an administrator: each pair is proposed
a pair that an administrator rejected                  is no match; the next rule is asked
an account that is set aside                           is no match
no match, but an account with the person's userName    waits, and the plan says why: Zoho One has no name twice
nothing                                                is created
=====================================================  =============================================================

An account that somebody manages is nobody's candidate. Values are compared without letter case and outer spaces; a
value that is missing on either side matches nothing.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Self

from pydantic import AwareDatetime, ConfigDict, Field, field_validator, model_validator

from shared.model import Model
from shared.rules.azure_user import AzureUser
from shared.rules.expressions import IGNORED, EvaluationContext, EvaluationError, compile_expression
from shared.rules.mapping.compiled import expression_reader
from shared.rules.mapping.names import CustomNames, misspelt
from shared.rules.user_name import folded
from shared.rules.zoho_user import ZOHO_FIELDS, ZohoField, ZohoUser

MOST_RULES = 10
"""Maximum number of rules of a store: each costs a look-up for every person who comes."""
BEGUN = "begun"
"""In the place of a rule: an earlier try began to adopt the account, and the person goes on with that one."""
MOST_CANDIDATES = 10
"""Maximum number of accounts proposed for one person: a value that more accounts share tells nothing."""


class MatchOutcome(StrEnum):
    """What becomes of a unique match."""

    ADOPT = "adopt"
    PROPOSE = "propose"


class MatchingRule(Model):
    """Compares a field of the accounts with a value of the person."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    field: ZohoField = Field(description="The field of the account in Zoho One")
    expression: str | None = Field(
        default=None,
        max_length=10_000,
        description="The person's value, over the user in Entra; none: what the attribute mapping gives the field",
    )
    outcome: MatchOutcome = Field(
        default=MatchOutcome.PROPOSE, description="Whether the account is adopted, or proposed to an administrator"
    )

    @field_validator("expression")
    @classmethod
    def _compiles(cls, text: str | None) -> str | None:
        if text is None:
            return None
        expression = compile_expression(text)  # an ExpressionError is a ValueError
        if expression.only_on_creation:
            raise ValueError("SelectUniqueValue asks for a name that no account has, so it matches none")
        if (reason := misspelt(expression.attributes)) is not None:
            raise ValueError(reason)
        return text

    def __str__(self) -> str:
        return f"{self.field} = {self.expression}" if self.expression else str(self.field)

    def unknown_names(self, names: CustomNames) -> tuple[str, ...]:
        """Return why names in the expression are no attributes that reach the store."""
        read = sorted(compile_expression(self.expression).attributes) if self.expression else []
        return tuple(reason for name in read if (reason := names.why_unknown(name)) is not None)

    @property
    def is_of_names(self) -> bool:
        """Whether it compares the userName that Zoho One has with the one that the person should have."""
        return self.field is ZohoField.USER_NAME and self.expression is None

    @property
    def words(self) -> str:
        """What is equal, for a sentence."""
        return "userName" if self.is_of_names else ZOHO_FIELDS[self.field].label.lower()


class Matching(Model):
    """A store's matching rules, in order of precedence."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rules: tuple[MatchingRule, ...] = Field(
        default=(
            MatchingRule(field=ZohoField.USER_NAME, outcome=MatchOutcome.ADOPT),
            MatchingRule(field=ZohoField.EMAIL, outcome=MatchOutcome.PROPOSE),
        ),
        max_length=MOST_RULES,
        description="The first rule that finds an account decides",
    )

    @model_validator(mode="after")
    def _are_different(self) -> Self:
        told = [(rule.field, rule.expression) for rule in self.rules]
        if len(set(told)) < len(told):
            raise ValueError("two rules compare the same")
        return self

    @property
    def complete(self) -> tuple[MatchingRule, ...]:
        """The rules, and at their end the one that no store can do without: Zoho One has no userName twice."""
        if any(rule.is_of_names for rule in self.rules):
            return self.rules
        return (*self.rules, MatchingRule(field=ZohoField.USER_NAME, outcome=MatchOutcome.PROPOSE))

    @cached_property
    def matcher(self) -> "Matcher":
        """The rules, compiled once for everybody."""
        rules = self.complete
        return Matcher(rules, tuple(map(_reader, rules)))

    @property
    def fields(self) -> tuple[ZohoField, ...]:
        """The fields of accounts that the rules compare, each once."""
        return tuple(dict.fromkeys(rule.field for rule in self.complete))


class PairVerdict(StrEnum):
    """An administrator's word on a person and an account."""

    ACCEPTED = "accepted"  # a proposal; the next plan adopts it
    REJECTED = "rejected"  # a proposal; it is not made again
    LINKED = "linked"  # by hand, whatever the rules say; the next plan adopts it


class PairDecision(Model):
    """What an administrator decided on a person and an account, until it is applied or undone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    person: str
    """Id in the bridge."""
    account: str
    """Id in Zoho One."""
    verdict: PairVerdict
    by: str
    at: AwareDatetime
    name: str = ""
    """The person, as an administrator knows them."""
    user_name: str = ""
    """The account's userName at the time."""

    @property
    def adopts(self) -> bool:
        """Whether the account becomes the person's."""
        return self.verdict is not PairVerdict.REJECTED


class SetAside(Model):
    """An account that an administrator said is nobody's: a service account, a shared mailbox."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    account: str
    reason: str
    by: str
    at: AwareDatetime
    user_name: str = ""


type Keys = tuple[str | None, ...]
"""The compared values of a person or an account, one for each rule of ``Matching.complete``; then the userName."""


@dataclass(frozen=True)
class Matcher:
    """A store's rules, compiled: ``Matching.matcher``. Pure, and safe to share between threads."""

    rules: tuple[MatchingRule, ...]
    _readers: tuple[Callable[[AzureUser, ZohoUser, EvaluationContext], str | None], ...] = field(repr=False)

    def of_person(self, person: AzureUser, desired: ZohoUser, context: EvaluationContext) -> Keys:
        """Return a person's values. An expression that has no result for them matches nothing."""
        found = (read(person, desired, context) for read in self._readers)
        return (*(compared(value) for value in found), compared(desired.user_name))

    def of_account(self, holds: ZohoUser) -> Keys:
        """Return an account's values."""
        found = (holds.fields.get(rule.field) for rule in self.rules)
        return (*(compared(value) for value in found), compared(holds.fields.get(ZohoField.USER_NAME)))


@dataclass(frozen=True)
class Decided:
    """What administrators decided on the accounts of a store."""

    pairs: Collection[PairDecision] = ()
    aside: Mapping[str, SetAside] = field(default_factory=dict)
    """By the account's id."""
    contested: frozenset[str] = frozenset()
    """Accounts that are proposed to people who are not looked at now."""


@dataclass(frozen=True)
class Match:
    """What a person comes upon."""

    accounts: tuple[str, ...]
    """Ids of the accounts; none where the person waits for another reason."""
    adopts: bool
    why: str
    """A sentence."""
    rule: str
    """The rule, as ``MatchingRule`` is written, or a ``PairVerdict``; empty where no rule matched."""
    decision: PairDecision | None = None


def match_all(
    rules: tuple[MatchingRule, ...], people: Mapping[str, Keys], accounts: Mapping[str, Keys], decided: Decided
) -> dict[str, Match]:
    """Return what these people come upon, by their ids; those who are created are not in it.

    ``people``: everybody who is to get an account and has none. ``accounts``: those that nobody manages, as far as they
    have a value of one of these people, or are decided on.
    """
    return _Matching(rules, people, accounts, decided).all()


class _Matching:
    """One go at everybody."""

    def __init__(
        self, rules: tuple[MatchingRule, ...], people: Mapping[str, Keys], accounts: Mapping[str, Keys], told: Decided
    ) -> None:
        self._rules, self._people, self._accounts, self._told = rules, people, accounts, told
        self._found: dict[str, Match] = {}
        chosen = [pair for pair in told.pairs if pair.adopts and pair.account in accounts]
        self._chosen = {pair.account: pair for pair in chosen}
        self._rejected = {(pair.person, pair.account) for pair in told.pairs if not pair.adopts}
        self._free = accounts.keys() - self._chosen.keys() - told.aside.keys()
        self._named = {keys[-1]: account for account, keys in accounts.items() if keys[-1] is not None}
        self._contested = set(told.contested)

    def all(self) -> dict[str, Match]:
        for pair in self._chosen.values():
            if pair.person in self._people:
                self._found[pair.person] = Match((pair.account,), True, _told(pair), pair.verdict, pair)
        for place in range(len(self._rules)):
            self._by_rule(place)
        for person in self._people.keys() - self._found.keys():
            self._by_name(person)
        return self._found

    def _by_rule(self, place: int) -> None:
        """Let one rule decide on everybody whom none before it matched."""
        having = _by_value(self._accounts, self._free, place)
        wanting = _by_value(self._people, self._people.keys() - self._found.keys(), place)
        for value in sorted(having.keys() & wanting.keys()):
            pairs = {
                person: tuple(account for account in having[value] if (person, account) not in self._rejected)
                for person in wanting[value]
            }
            self._decide(self._rules[place], {person: some for person, some in pairs.items() if some})

    def _decide(self, rule: MatchingRule, pairs: Mapping[str, tuple[str, ...]]) -> None:
        """Decide on people and accounts of one value."""
        for person, accounts in pairs.items():
            others = len(pairs) - 1 if len(pairs) > 1 else int(not self._contested.isdisjoint(accounts))
            adopts = rule.outcome is MatchOutcome.ADOPT and len(accounts) == 1 and not others
            why = _sentence(rule, len(accounts), others)
            self._found[person] = Match(accounts[:MOST_CANDIDATES], adopts, why, str(rule))
            if adopts:
                self._free.discard(accounts[0])
        self._contested.update(account for accounts in pairs.values() for account in accounts)

    def _by_name(self, person: str) -> None:
        """Let a person wait who would be refused: an account that is not theirs has their userName."""
        name = self._people[person][-1]
        account = self._named.get(name) if name is not None else None
        if account is None:
            return
        if (aside := self._told.aside.get(account)) is not None:
            why = f"{_SAME_NAME}, which {aside.by} set aside: {aside.reason}"
        elif (pair := self._chosen.get(account)) is not None:
            why = f"{_SAME_NAME}, which {pair.by} {pair.verdict} for {pair.name or 'another person'}."
        elif (person, account) in self._rejected:
            by = next(pair.by for pair in self._told.pairs if (pair.person, pair.account) == (person, account))
            why = f"{_SAME_NAME}, and {by} decided that it is not this person's."
        else:
            return  # adopted by another rule, and renamed before this person's turn
        self._found[person] = Match((), False, why, "")


_SAME_NAME = "Zoho One has an account with this userName"


def compared(value: object) -> str | None:
    """Return a value in the form in which it is compared; None matches nothing."""
    text = folded(str(value).strip()) if value is not None else ""
    return text or None


def _reader(rule: MatchingRule) -> Callable[[AzureUser, ZohoUser, EvaluationContext], str | None]:
    if rule.expression is None:
        return lambda _person, desired, _context: desired.fields.get(rule.field)
    read = expression_reader(compile_expression(rule.expression))

    def evaluated(person: AzureUser, _desired: ZohoUser, context: EvaluationContext) -> str | None:
        try:
            value = read(person, context)
        except EvaluationError:
            return None
        return None if value is IGNORED or value is None or isinstance(value, tuple) else str(value)

    return evaluated


def _by_value(of: Mapping[str, Keys], among: Iterable[str], place: int) -> dict[str, list[str]]:
    found = defaultdict[str, list[str]](list)
    for each in sorted(among):
        if (value := of[each][place]) is not None:
            found[value].append(each)
    return found


def _told(pair: PairDecision) -> str:
    what = "linked this account to the person" if pair.verdict is PairVerdict.LINKED else "accepted the proposal"
    return f"{pair.by} {what} on {pair.at:%Y-%m-%d}."


def _sentence(rule: MatchingRule, accounts: int, others: int) -> str:
    """Why a person and accounts match, or may."""
    if accounts > 1:
        return f"Zoho One has {accounts} accounts with this {rule.words}; an administrator has to say whose they are."
    if others:
        return (
            f"Zoho One has an account with this {rule.words}, which fits {others + 1} people: an administrator decides."
        )
    if rule.outcome is MatchOutcome.ADOPT:
        return f"Zoho One already has an account with this {rule.words}, which is adopted."
    return f"Zoho One has an account with this {rule.words}; an administrator has to say whether it is the person's."
