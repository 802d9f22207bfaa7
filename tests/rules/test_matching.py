"""Matching rules, as tables that a person can check: who comes upon which account."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from shared.rules.azure_user import AzureUser
from shared.rules.expressions import EXAMPLE_NOW, EvaluationContext
from shared.rules.matching import (
    Decided,
    Keys,
    Matching,
    MatchingRule,
    MatchOutcome,
    PairDecision,
    PairVerdict,
    SetAside,
    match_all,
)
from shared.rules.zoho_user import ZohoField, ZohoUser

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DEFAULT = Matching().complete
NUMBERS = (MatchingRule(field=ZohoField.EMPLOYEE_NUMBER, outcome=MatchOutcome.ADOPT), *Matching().rules)


def keys(name: str, email: str | None = None) -> Keys:
    """The values of the default rules."""
    return name, email, name


def pair(person: str, account: str, verdict: PairVerdict) -> PairDecision:
    return PairDecision(person=person, account=account, verdict=verdict, by="ada", at=NOON, name=person)


def aside(account: str) -> dict[str, SetAside]:
    return {account: SetAside(account=account, reason="A robot.", by="ada", at=NOON)}


ANN, BEN, CLEO = keys("ann", "ann@x"), keys("ben", "ben@x"), keys("cleo", "cleo@x")
SHARED = {"ann": keys("ann", "team@x"), "ben": keys("ben", "team@x")}
ACCEPTED, REJECTED, LINKED = PairVerdict.ACCEPTED, PairVerdict.REJECTED, PairVerdict.LINKED

TABLE: dict[str, tuple[dict[str, Keys], dict[str, Keys], Decided, dict[str, str]]] = {
    "nothing": ({"ann": ANN}, {"1": BEN}, Decided(), {}),
    "the userName": ({"ann": ANN}, {"1": keys("ann")}, Decided(), {"ann": "adopts 1"}),
    "the address": ({"ann": ANN}, {"1": keys("a", "ann@x")}, Decided(), {"ann": "proposes 1"}),
    "the first rule before the second": (
        {"ann": ANN},
        {"1": keys("ann"), "2": keys("a", "ann@x")},
        Decided(),
        {"ann": "adopts 1"},
    ),
    "whose name is adopted is nobody else's by the address": (
        {"ann": ANN, "ben": keys("ben", "ann@x")},
        {"1": keys("ann", "ann@x")},
        Decided(),
        {"ann": "adopts 1"},
    ),
    "two accounts of one address": (
        {"ann": ANN},
        {"1": keys("a", "ann@x"), "2": keys("b", "ann@x")},
        Decided(),
        {"ann": "proposes 1 2"},
    ),
    "two people of one address": (SHARED, {"1": keys("x", "team@x")}, Decided(), dict.fromkeys(SHARED, "proposes 1")),
    "a missing value matches no missing value": ({"ann": keys("ann")}, {"1": keys("x")}, Decided(), {}),
    "rejected, and no other rule": (
        {"ann": ANN},
        {"1": keys("a", "ann@x")},
        Decided([pair("ann", "1", REJECTED)]),
        {},
    ),
    "rejected by one of two": (
        SHARED,
        {"1": keys("x", "team@x")},
        Decided([pair("ann", "1", REJECTED)]),
        {"ben": "proposes 1"},
    ),
    "of two accounts one rejected": (
        {"ann": ANN},
        {"1": keys("a", "ann@x"), "2": keys("b", "ann@x")},
        Decided([pair("ann", "1", REJECTED)]),
        {"ann": "proposes 2"},
    ),
    "rejected, with the same userName": (
        {"ann": ANN},
        {"1": keys("ann")},
        Decided([pair("ann", "1", REJECTED)]),
        {"ann": "waits"},
    ),
    "accepted": ({"ann": ANN}, {"1": keys("a", "ann@x")}, Decided([pair("ann", "1", ACCEPTED)]), {"ann": "adopts 1"}),
    "linked before every rule": (
        {"ann": ANN},
        {"1": keys("ann"), "2": keys("z")},
        Decided([pair("ann", "2", LINKED)]),
        {"ann": "adopts 2"},
    ),
    "linked to another, with the same userName": (
        {"ann": ANN},
        {"1": keys("ann")},
        Decided([pair("ben", "1", LINKED)]),
        {"ann": "waits"},
    ),
    "linked to an account that is gone": ({"ann": ANN}, {}, Decided([pair("ann", "1", LINKED)]), {}),
    "set aside": ({"ann": ANN}, {"1": keys("a", "ann@x")}, Decided((), aside("1")), {}),
    "set aside, with the same userName": ({"ann": ANN}, {"1": keys("ann")}, Decided((), aside("1")), {"ann": "waits"}),
    "proposed to somebody who is not looked at": (
        {"ann": ANN},
        {"1": keys("ann")},
        Decided(contested=frozenset({"1"})),
        {"ann": "proposes 1"},
    ),
}


def shown(found: dict[str, str], rules: tuple[MatchingRule, ...], people: dict[str, Keys], *rest: object) -> None:
    accounts, decided = rest
    assert isinstance(accounts, dict)
    assert isinstance(decided, Decided)
    matches = match_all(rules, people, accounts, decided)
    told = {
        person: " ".join(("adopts" if match.adopts else "proposes" if match.accounts else "waits", *match.accounts))
        for person, match in matches.items()
    }
    assert told == found
    assert all(match.why.endswith(".") for match in matches.values())


@pytest.mark.parametrize("name", TABLE)
def test_who_comes_upon_which_account(name: str) -> None:
    people, accounts, decided, found = TABLE[name]
    shown(found, DEFAULT, people, accounts, decided)


def test_a_rule_that_adopts_proposes_where_it_is_not_unique() -> None:
    people: dict[str, Keys] = {"ann": ("7", "ann", None, "ann"), "ben": ("7", "ben", None, "ben")}
    shown(dict.fromkeys(people, "proposes 1"), NUMBERS, people, {"1": ("7", "x", None, "x")}, Decided())
    shown({"ann": "adopts 1"}, NUMBERS, {"ann": people["ann"]}, {"1": ("7", "x", None, "x")}, Decided())


def test_an_account_that_is_proposed_to_one_is_adopted_by_nobody_else() -> None:
    rules = (MatchingRule(field=ZohoField.EMAIL), MatchingRule(field=ZohoField.USER_NAME, outcome=MatchOutcome.ADOPT))
    people: dict[str, Keys] = {"ann": ("team", "ann", "ann"), "ben": (None, "x", "x")}
    shown(dict.fromkeys(people, "proposes 1"), rules, people, {"1": ("team", "x", "x")}, Decided())


def test_somebody_is_proposed_a_name_that_no_rule_of_the_store_compares() -> None:
    matching = Matching(rules=())
    assert [str(rule) for rule in matching.complete] == ["userName"]
    shown({"ann": "proposes 1"}, matching.complete, {"ann": ("ann", "ann")}, {"1": ("ann", "ann")}, Decided())


def test_values_are_compared_without_letter_case_and_outer_spaces() -> None:
    rule = MatchingRule(field=ZohoField.EXTERNAL_ID, expression='Join("-", "X", [employeeId])')
    matcher = Matching(rules=(rule,)).matcher
    context = EvaluationContext(EXAMPLE_NOW, None, lambda _: False)  # type: ignore[arg-type]  # no rule draws
    desired = ZohoUser(active=True, fields={ZohoField.USER_NAME: "Ann@X"})
    person = AzureUser(user_principal_name="ann@x", employee_id="7a")
    assert matcher.of_person(person, desired, context) == ("x-7a", "ann@x", "ann@x")
    held = ZohoUser(active=True, fields={ZohoField.USER_NAME: " ANN@x", ZohoField.EXTERNAL_ID: "x-7A "})
    assert matcher.of_account(held) == ("x-7a", "ann@x", "ann@x")


def test_an_expression_without_a_result_matches_nothing() -> None:
    rule = MatchingRule(field=ZohoField.EMPLOYEE_NUMBER, expression="IgnoreFlowIfNullOrEmpty([employeeId])")
    context = EvaluationContext(EXAMPLE_NOW, None, lambda _: False)  # type: ignore[arg-type]  # no rule draws
    desired = ZohoUser(active=True, fields={ZohoField.USER_NAME: "ann"})
    found = Matching(rules=(rule,)).matcher.of_person(AzureUser(user_principal_name="ann"), desired, context)
    assert found == (None, "ann", "ann")


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("Join(", "character"),
        ('SelectUniqueValue(Join("", [mail], "1"), Join("", [mail], "2"))', "matches none"),
        ("[emploieeId]", "did you mean employeeId"),
    ],
)
def test_a_rule_that_cannot_match_is_refused(expression: str, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        MatchingRule(field=ZohoField.EMPLOYEE_NUMBER, expression=expression)


def test_two_rules_do_not_compare_the_same() -> None:
    with pytest.raises(ValidationError, match="compare the same"):
        Matching(
            rules=(MatchingRule(field=ZohoField.EMAIL), MatchingRule(field=ZohoField.EMAIL, outcome=MatchOutcome.ADOPT))
        )


def test_a_hundred_thousand_people_and_accounts_are_matched_in_one_go() -> None:
    many = {f"p{number}": keys(f"n{number}", f"e{number}") for number in range(20_000)}
    accounts = {
        f"a{number}": keys(f"n{number}" if number % 2 else f"o{number}", f"e{number}") for number in range(20_000)
    }
    found = match_all(DEFAULT, many, accounts, Decided())
    assert sum(match.adopts for match in found.values()) == sum(not match.adopts for match in found.values()) == 10_000
