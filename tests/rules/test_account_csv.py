"""Proposals and unmanaged accounts as CSV, and decisions that come back."""

import csv
import io
from datetime import UTC, datetime

import pytest

from shared.rules.account_csv import (
    PROPOSAL_COLUMNS,
    BadDecisions,
    Choice,
    proposals_csv,
    read_decisions,
    unmanaged_csv,
)
from shared.rules.change import ChangeKind, FieldChange
from shared.rules.former import Adoption
from shared.rules.matching import PairDecision, PairVerdict, SetAside
from shared.rules.plan import PlannedChange
from shared.rules.proposal import Proposal
from shared.rules.unmanaged import UnmanagedAccount
from shared.rules.zoho_user import ZohoField, ZohoUser

NOW = datetime(2026, 11, 28, 3, 0, tzinfo=UTC)


def _account(number: int, user_name: str) -> Adoption:
    held = ZohoUser(active=number != 2, fields={ZohoField.USER_NAME: user_name, ZohoField.EMAIL: "ada@contoso.example"})
    change = FieldChange(ZohoField.USER_NAME, user_name, "ada@contoso.example")
    return Adoption(
        account=f"z{number}", former="", name=user_name, another=False, holds=held, rule="email", fields=(change,)
    )


def _proposal(*accounts: Adoption) -> Proposal:
    change = PlannedChange(
        kind=ChangeKind.PROPOSE,
        identity="p1",
        name="=Ada",
        user_name="ada@contoso.example",
        reason="The same address.",
        proposes=accounts,
    )
    return Proposal(change=change, since=NOW)


def _read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def test_a_proposal_is_a_row_for_each_account_with_what_was_decided() -> None:
    pair = PairDecision(person="p1", account="z2", verdict=PairVerdict.REJECTED, by="Ida", at=NOW)
    first, second = _read(proposals_csv([(_proposal(_account(1, "a@x.example"), _account(2, "b@x.example")), [pair])]))
    assert tuple(first) == PROPOSAL_COLUMNS
    assert (first["account"], first["active"], first["decision"]) == ("z1", "yes", "")
    assert (second["account"], second["active"], second["decision"]) == ("z2", "no", "rejected")
    assert first["why"] == "The same address."
    assert first["would change"] == "userName: a@x.example → ada@contoso.example"
    assert first["name"] == "'=Ada", "a name is no formula"


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("accept", [("p1", "z1", Choice.ACCEPT)]),
        (" reject ", [("p1", "z1", Choice.REJECT)]),
        ("link", [("p1", "z1", Choice.LINK)]),
        ("", []),
        ("accepted", []),  # as it was written out
    ],
)
def test_what_was_filled_in_comes_back(typed: str, read: list[tuple[str, str, Choice]]) -> None:
    written = proposals_csv([(_proposal(_account(1, "a@x.example")), [])]).replace("\r\n", "\n")
    head, row = written.splitlines()
    filled = f"{head}\n{row}{typed}\n"
    assert [(each.person, each.account, each.choice) for each in read_decisions(filled)] == read


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "names no column account, decision, person"),
        ("person;account;decision\n", "names no column"),
        ("person,account,decision\np1,z1,yes\n", "Line 2: the decision is accept, reject or link, not 'yes'"),
        ("person,account,decision\np1,,accept\n", "Line 2: the ids of the person and of the account are needed"),
    ],
)
def test_a_file_that_says_something_else_is_refused_whole(text: str, words: str) -> None:
    with pytest.raises(BadDecisions, match=words):
        read_decisions(text)


def test_unmanaged_accounts_are_rows_with_who_set_them_aside() -> None:
    held = ZohoUser(
        active=True, fields={ZohoField.USER_NAME: "scan@contoso.example", ZohoField.DISPLAY_NAME: "Scanner"}
    )
    account = UnmanagedAccount(id="z9", holds=held, first_seen=NOW)
    aside = SetAside(account="z9", reason="A device", by="Ida", at=NOW)
    first, second = _read(unmanaged_csv([(account, aside), (account, None)]))
    assert (first["account"], first["name"], first["set aside by"], first["why"]) == (
        "z9",
        "Scanner",
        "Ida",
        "A device",
    )
    assert (second["set aside by"], second["why"]) == ("", "")
