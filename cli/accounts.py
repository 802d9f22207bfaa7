"""`python -m cli proposals|decide|unmanaged --store S`: accounts that Zoho One already has, from a terminal."""

import argparse
import sys
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from cli.terminal import FAILED, FINE, add_store_command, err, operator, out, say
from shared.admin.decision_file import decide
from shared.app.container import Bridge
from shared.rules.account_csv import proposals_csv, read_decisions, unmanaged_csv
from shared.rules.store import Store
from shared.rules.zoho_user import ZohoField


def add_account_commands(commands: Any) -> None:
    """Add the commands to a parser. ``commands``: the result of argparse's add_subparsers."""
    proposals = add_store_command(
        commands, "proposals", _proposals, "list people for whom Zoho One may have an account"
    )
    proposals.add_argument("--csv", action="store_true", help="print CSV, with a column for decisions")
    decided = add_store_command(commands, "decide", _decide, "decide on proposals, by the CSV filled in")
    decided.add_argument("file", type=Path, metavar="FILE")
    decided.add_argument("--json", action="store_true", help="print JSON")
    unmanaged = add_store_command(
        commands, "unmanaged", _unmanaged, "list the accounts in Zoho One that nobody manages"
    )
    unmanaged.add_argument("--csv", action="store_true", help="print CSV")


def _proposals(bridge: Bridge, store: Store, arguments: argparse.Namespace) -> int:
    decisions = bridge.account_choices.decisions
    found = ((each, decisions.of_person(store.id, each.change.identity)) for each in bridge.proposals.all(store.id))
    if arguments.csv:
        sys.stdout.write(proposals_csv(found).removeprefix("\ufeff"))
        return FINE
    table = Table("person", "account in Zoho One", "why", box=box.SIMPLE_HEAD)
    for proposal, pairs in found:
        decided = {pair.account: f" [{pair.verdict}]" for pair in pairs}
        for each in proposal.accounts:
            held = each.holds.fields if each.holds else {}
            account = f"{held.get(ZohoField.USER_NAME, each.name)}\n{each.account}{decided.get(each.account, '')}"
            table.add_row(f"{proposal.change.name}\n{proposal.change.user_name}", account, each.why)
    _print(table, "Nothing is proposed.")
    return FINE


def _decide(bridge: Bridge, store: Store, arguments: argparse.Namespace) -> int:
    rows = read_decisions(arguments.file.read_text(encoding="utf-8-sig"))
    done = decide(bridge.account_choices, store.id, rows, operator())
    refused = [each for each in done if each.refused]
    for each in refused:
        err.print(f"{arguments.file}, line {each.asked.line}: {each.refused}", markup=False, soft_wrap=True)
    decided = len(done) - len(refused)
    content = {"decided": decided, "refused": {each.asked.line: each.refused for each in refused}}
    say(arguments, content, f"{decided} of {len(done)} rows decided; the next cycle applies that.")
    return FAILED if refused else FINE


def _unmanaged(bridge: Bridge, store: Store, arguments: argparse.Namespace) -> int:
    aside = {each.account: each for each in bridge.account_choices.decisions.set_aside(store.id)}
    found = ((each, aside.get(each.id)) for each in bridge.unmanaged.all(store.id))
    if arguments.csv:
        sys.stdout.write(unmanaged_csv(found).removeprefix("\ufeff"))
        return FINE
    table = Table("account", "state", "set aside", box=box.SIMPLE_HEAD)
    for each, put in found:
        state = "active" if each.holds.active else "deactivated"
        table.add_row(f"{each.name}\n{each.user_name}", state, f"{put.reason} ({put.by})" if put else "–")
    _print(table, "No account is unmanaged, as far as Zoho One was read.")
    return FINE


def _print(table: Table, none: str) -> None:
    out.print(table if table.row_count else none, markup=False)
