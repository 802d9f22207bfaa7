"""Decisions on proposals from a file that was filled in: each row is decided, or refused with its reason."""

from collections.abc import Iterable
from typing import NamedTuple

from shared.admin.account_choices import AccountChoices, CannotDecide
from shared.rules.account_csv import AskedDecision, Choice


class Decided(NamedTuple):
    """What became of a row."""

    asked: AskedDecision
    refused: str | None
    """Why it was not decided, a sentence; None: it was."""


def decide(choices: AccountChoices, store: str, rows: Iterable[AskedDecision], by: str) -> list[Decided]:
    """Decide row after row; one that is refused keeps no other from being decided. Raises TablesBusy."""
    act = {Choice.ACCEPT: choices.accept, Choice.REJECT: choices.reject, Choice.LINK: choices.link}
    done = list[Decided]()
    for asked in rows:
        try:
            act[asked.choice](store, asked.person, asked.account, by)
            done.append(Decided(asked, None))
        except CannotDecide as refusal:
            done.append(Decided(asked, f"{refusal}."))
    return done
