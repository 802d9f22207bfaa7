"""The table at the end of the walkthrough: each person, their state in Entra and in Zoho One, and what was done."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from local.entra.provisioning_service import Action, PersonReport
from local.walkthrough.account_check import Standing, problems

# Unicode's isolates keep a right-to-left name from reordering its neighbours in the line (UAX #9). They have no width.
FIRST_STRONG_ISOLATE = "\u2068"
POP_ISOLATE = "\u2069"


@dataclass(frozen=True)
class Row:
    """One person, and what was done for them in each cycle that did something."""

    standing: Standing
    done: tuple[PersonReport, ...]
    password: str = ""
    """What happened to their one-time password, if anything."""

    @cached_property
    def problems(self) -> list[str]:
        """Return what is wrong with their account."""
        return problems(self.standing)


def closing_table(rows: Iterable[Row]) -> Table:
    """Return the table, with problems below what was done."""
    table = Table(title="Entra and Zoho One", title_justify="left", show_lines=True, expand=True)
    for header, ratio in (("Who", 3), ("Entra says", 4), ("Zoho One holds", 4), ("What was done", 5)):
        table.add_column(header, ratio=ratio, overflow="fold")
    for row in rows:
        table.add_row(
            Text(_isolated(row.standing.person.display_name)),
            _entra_says(row.standing),
            _zoho_one_holds(row.standing),
            _done(row),
        )
    return table


def _entra_says(standing: Standing) -> Text:
    person = standing.person
    if standing.deleted:
        state = "deleted for good"
    elif person.deleted_date_time:
        state = "deleted"
    elif not person.account_enabled:
        state = "disabled"
    else:
        state = "active" if standing.active else "not assigned"
    return _summary(state, person.job_title, person.account_name)


def _zoho_one_holds(standing: Standing) -> Text:
    account = standing.account
    if account is None:
        return Text("no account")
    state = "active" if account.get("active") else "deactivated"
    return _summary(state, account.get("title"), account["userName"])


def _summary(state: str, title: str | None, user_name: str) -> Text:
    return Text(f"{state}{f', {_isolated(title)}' if title else ''}\n{user_name}")


def _done(row: Row) -> Text:
    lines = [_sentence(report) for report in row.done] or ["nothing"]
    lines += [row.password] if row.password else []
    return Text.from_markup("\n".join([*map(escape, lines), *(f"[red]{escape(text)}[/]" for text in row.problems)]))


def _sentence(report: PersonReport) -> str:
    if report.error:
        return f"failed: {report.error}"
    if report.action is Action.CREATE or not report.changed:
        return str(report.action)  # a create has every attribute; a list of them says nothing
    return f"{report.action}: {', '.join(path.rpartition(':')[2] for path in report.changed)}"


def _isolated(text: str) -> str:
    right_to_left = any(unicodedata.bidirectional(character) in ("R", "AL") for character in text)
    return f"{FIRST_STRONG_ISOLATE}{text}{POP_ISOLATE}" if right_to_left else text
