"""Unmanaged accounts and decisions as rows: on tables in memory and on Azurite."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from shared.rules.change import ChangeKind
from shared.rules.former import Adoption
from shared.rules.matching import Matching, MatchingRule, PairDecision, PairVerdict, SetAside
from shared.rules.plan import PlannedChange
from shared.rules.store import Store
from shared.rules.zoho_user import ZohoField, ZohoUser
from shared.tables.account_decisions import AccountDecisions
from shared.tables.errors import Conflict
from shared.tables.proposals import Proposals
from shared.tables.service import connect
from shared.tables.unmanaged_accounts import UnmanagedAccounts

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ANN, BEN = "a" * 32, "b" * 32


def holds(name: str, active: bool = True, **fields: str) -> str:
    told = {ZohoField.USER_NAME: name} | {ZohoField(field): value for field, value in fields.items()}
    return ZohoUser(active=active, fields=told).model_dump_json()


@pytest.fixture
def unmanaged(azurite: str) -> UnmanagedAccounts:
    return UnmanagedAccounts(connect(azurite).get_table_client("accounts"))


@pytest.fixture
def decisions(azurite: str) -> AccountDecisions:
    return AccountDecisions(connect(azurite).get_table_client("identities"))


@pytest.fixture
def proposals(azurite: str) -> Proposals:
    return Proposals(connect(azurite).get_table_client("accounts"))


def test_a_reading_writes_what_differs_and_nothing_else(
    unmanaged: UnmanagedAccounts, store: Store, table_calls: list[str]
) -> None:
    assert unmanaged.reading(store) is None
    assert not unmanaged.was_read(store)
    assert not unmanaged.are_any(store)
    first = {"1": holds("ann@x", email="ann@y"), "2": holds("Robot", active=False), "3": holds("gone@x")}
    found = unmanaged.replace(store, first, 10, NOON)
    assert (found.accounts, found.unmanaged, found.active) == (10, 3, 2)
    assert (unmanaged.reading(store), unmanaged.are_any(store)) == (found, True)
    later = NOON + timedelta(days=1)
    second = {"1": holds("ann@x", email="ann@z"), "2": first["2"], "4": holds("new@x")}
    unmanaged.replace(store, second, 11, later)
    assert {each.id: (each.user_name, each.first_seen) for each in unmanaged.all(store.id)} == {
        "1": ("ann@x", NOON),
        "2": ("Robot", NOON),
        "4": ("new@x", later),
    }
    assert unmanaged.having(store.id, ZohoField.EMAIL, "ann@y") == []
    assert unmanaged.having(store.id, ZohoField.EMAIL, "ann@z") == ["1"]
    assert unmanaged.having(store.id, ZohoField.USER_NAME, "gone@x") == []
    table_calls.clear()
    unmanaged.replace(store, second, 11, later)
    assert table_calls == ["GET", "PUT"], "nothing differs: the rows are read, and the time is noted"
    assert unmanaged.was_read(store)
    assert unmanaged.are_any(store)
    assert len(table_calls) == 2


def test_accounts_are_shown_page_by_page_and_found_by_a_text(unmanaged: UnmanagedAccounts, store: Store) -> None:
    many = {str(number): holds(f"user{number:03}@x", displayName=f"Älva Nr {number}") for number in range(30)}
    unmanaged.replace(store, many, 30, NOON)
    shown = list[str]()
    while page := unmanaged.page(store.id, 7, after=shown[-1] if shown else ""):
        shown += [each.id for each in page]
    assert sorted(shown, key=int) == list(many)
    assert [each.id for each in unmanaged.search(store.id, "alva nr 29", 5)] == ["29"]
    assert [each.id for each in unmanaged.search(store.id, "USER00", 50)] == [str(number) for number in range(10)]
    assert unmanaged.search(store.id, "nobody", 5) == []
    unmanaged.forget(store.id, "29")
    unmanaged.forget(store.id, "29")
    assert unmanaged.get(store.id, "29") is None
    assert unmanaged.search(store.id, "alva nr 29", 5) == []


def test_other_rules_find_the_same_accounts_by_other_fields(unmanaged: UnmanagedAccounts, store: Store) -> None:
    accounts = {"1": holds("ann@x", externalId="E7")}
    unmanaged.replace(store, accounts, 1, NOON)
    assert unmanaged.having(store.id, ZohoField.EXTERNAL_ID, "e7") == []
    changed = store.model_copy(update={"matching": Matching(rules=(MatchingRule(field=ZohoField.EXTERNAL_ID),))})
    unmanaged.replace(changed, accounts, 1, NOON)
    assert unmanaged.having(store.id, ZohoField.EXTERNAL_ID, "e7") == ["1"]
    assert [each.first_seen for each in unmanaged.all(store.id)] == [NOON]


def test_another_incarnation_of_the_store_has_read_nothing(unmanaged: UnmanagedAccounts, store: Store) -> None:
    unmanaged.replace(store, {"1": holds("ann@x")}, 1, NOON)
    again = store.model_copy(update={"incarnation": "another"})
    assert not unmanaged.are_any(again)
    assert not unmanaged.was_read(again)
    assert unmanaged.was_read(store)


def test_what_a_killed_reading_left_the_next_one_makes_good(
    unmanaged: UnmanagedAccounts, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after each write in turn."""
    monkeypatch.setattr("shared.tables.unmanaged_accounts.WRITTEN", 12)
    before = {str(number): holds(f"u{number}@x", email=f"m{number}@x") for number in range(60)}
    after = {key: text.replace("m1@", "n1@") for key, text in before.items() if int(key) % 3} | {"new": holds("new@x")}
    _killed_after_each_write(unmanaged, store, before, after)
    assert {each.id for each in unmanaged.all(store.id)} == set(after)
    assert unmanaged.having(store.id, ZohoField.EMAIL, "m1@x") == []
    assert unmanaged.having(store.id, ZohoField.EMAIL, "n1@x") == ["1"]
    assert unmanaged.having(store.id, ZohoField.USER_NAME, "u3@x") == []
    assert unmanaged.having(store.id, ZohoField.USER_NAME, "new@x") == ["new"]


def _killed_after_each_write(
    unmanaged: UnmanagedAccounts, store: Store, before: dict[str, str], after: dict[str, str]
) -> None:
    unmanaged.replace(store, before, 60, NOON)
    for writes in range(1, 50):
        left = count(writes, -1)

        def beat(left: Iterator[int] = left) -> None:
            if next(left) == 0:
                raise KeyboardInterrupt

        with suppress(KeyboardInterrupt):
            unmanaged.replace(store, after, 60, NOON, beat)
            assert writes > 2, "it was killed some times"
            return
    raise AssertionError("never ended")


def test_decisions_are_stored_and_undone(decisions: AccountDecisions, store: Store) -> None:
    def decide(person: str, account: str, verdict: PairVerdict) -> None:
        decisions.decide(
            store.id, PairDecision(person=person, account=account, verdict=verdict, by="ada", at=NOON, name="Ann")
        )

    decide(ANN, "1", PairVerdict.ACCEPTED)
    for person, account in ((BEN, "1"), (ANN, "2")):
        with pytest.raises(Conflict):
            decide(person, account, PairVerdict.LINKED)
    decide(ANN, "2", PairVerdict.REJECTED)
    decide(BEN, "1", PairVerdict.REJECTED)
    assert {(each.person, each.account) for each in decisions.pairs(store.id)} == {(ANN, "1"), (ANN, "2"), (BEN, "1")}
    assert {each.person for each in decisions.of_account(store.id, "1").pairs} == {ANN, BEN}
    assert {each.account for each in decisions.of_person(store.id, ANN)} == {"1", "2"}
    decisions.undo(store.id, ANN, "1")
    decisions.undo(store.id, ANN, "1")
    assert decisions.get(store.id, ANN, "1") is None
    decide(BEN, "1", PairVerdict.LINKED)
    aside = SetAside(account="9", reason="A robot.", by="ada", at=NOON)
    decisions.put_aside(store.id, aside)
    everything = decisions.all(store.id)
    assert (len(everything.pairs), dict(everything.aside)) == (2, {"9": aside})
    decisions.take_back(store.id, "9")
    assert decisions.all(store.id).aside == {}


def test_proposals_are_those_of_the_last_plan(proposals: Proposals, store: Store) -> None:
    def change(person: str, account: str) -> PlannedChange:
        adoption = Adoption(account=account, former="", name="x", another=False, why="Why.", rule="email")
        return PlannedChange(
            kind=ChangeKind.PROPOSE, identity=person, name=person, user_name="u", reason="Why.", proposes=(adoption,)
        )

    later = NOON + timedelta(days=1)
    proposals.replace(store.id, [change(ANN, "1"), change(BEN, "2")], NOON)
    proposals.replace(store.id, [change(ANN, "1"), change(BEN, "3")], later)
    assert [(each.accounts[0].account, each.since) for each in proposals.all(store.id)] == [("1", NOON), ("3", later)]
    assert [each.change.identity for each in proposals.page(store.id, 5, after=ANN)] == [BEN]
    proposals.replace(store.id, [], later)
    assert (list(proposals.all(store.id)), proposals.get(store.id, ANN)) == ([], None)
