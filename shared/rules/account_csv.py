"""Proposals and unmanaged accounts as CSV: out to look through in a spreadsheet, and proposals in again with decisions.

A proposal is a row for each account that it names. Whoever fills in the column ``decision`` writes accept, reject or
link there; a row without a decision is left as it is. ``link`` needs the two ids alone, so that a row may be added.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

from shared.rules.csv_text import as_csv
from shared.rules.former import Adoption
from shared.rules.matching import PairDecision, PairVerdict, SetAside
from shared.rules.proposal import Proposal
from shared.rules.unmanaged import UnmanagedAccount
from shared.rules.zoho_user import ZohoField

PROPOSAL_COLUMNS = (
    *("person", "name", "user name in Entra", "account", "user name in Zoho One", "email in Zoho One", "active"),
    *("rule", "why", "would change", "decision"),
)
UNMANAGED_COLUMNS = ("account", "user name", "name", "email", "active", "first seen", "set aside by", "why")


class Choice(StrEnum):
    """What the column ``decision`` may say."""

    ACCEPT = "accept"
    REJECT = "reject"
    LINK = "link"


class AskedDecision(NamedTuple):
    """One filled-in row."""

    line: int
    person: str
    account: str
    choice: Choice


class BadDecisions(ValueError):
    """The file cannot be used; the message names the line."""


def proposals_csv(proposals: Iterable[tuple[Proposal, Iterable[PairDecision]]]) -> str:
    """Return proposals, each with what was decided on its person so far."""
    return as_csv(PROPOSAL_COLUMNS, (row for proposal, pairs in proposals for row in _rows(proposal, pairs)))


def unmanaged_csv(accounts: Iterable[tuple[UnmanagedAccount, SetAside | None]]) -> str:
    """Return accounts, each with who set it aside."""
    rows = (
        (
            *(each.id, each.user_name, each.name, each.email or "", _yes(each.holds.active)),
            *(each.first_seen.isoformat(timespec="seconds"), aside.by if aside else "", aside.reason if aside else ""),
        )
        for each, aside in accounts
    )
    return as_csv(UNMANAGED_COLUMNS, rows)


def read_decisions(text: str) -> list[AskedDecision]:
    """Return the filled-in rows. Raises BadDecisions for a file that has not these columns, or says something else."""
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    if missing := {"person", "account", "decision"} - set(reader.fieldnames or ()):
        raise BadDecisions(f"The first line names no column {', '.join(sorted(missing))}")
    return list(_asked(reader))


def _asked(reader: "csv.DictReader[str]") -> Iterator[AskedDecision]:
    for row in reader:
        person, account, said = ((row[name] or "").strip() for name in ("person", "account", "decision"))
        if not said or said in set(PairVerdict):
            continue  # nothing was filled in: it stands as it was written out
        if said not in set(Choice):
            raise BadDecisions(f"Line {reader.line_num}: the decision is accept, reject or link, not {said!r}")
        if not person or not account:
            raise BadDecisions(f"Line {reader.line_num}: the ids of the person and of the account are needed")
        yield AskedDecision(reader.line_num, person.removeprefix("'"), account.removeprefix("'"), Choice(said))


def _rows(proposal: Proposal, pairs: Iterable[PairDecision]) -> Iterator[tuple[str, ...]]:
    decided = {pair.account: pair.verdict.value for pair in pairs}
    change = proposal.change
    for each in proposal.accounts:
        held = each.holds.fields if each.holds else {}
        yield (
            *(change.identity, change.name, change.user_name, each.account),
            *(held.get(ZohoField.USER_NAME, each.name), held.get(ZohoField.EMAIL, "")),
            *(_yes(each.holds is None or each.holds.active), each.rule, each.why or change.reason),
            *(_changes(each), decided.get(each.account, "")),
        )


def _changes(adoption: Adoption) -> str:
    return "; ".join(f"{part.field}: {part.before or ''} → {part.after or ''}" for part in adoption.fields)


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"
