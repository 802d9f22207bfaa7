"""`python -m cli scim-token` connects a directory store to Zoho One; `python -m cli probe` says how Zoho One behaves.

A SCIM token is asked for, or read from standard input; it is never a word of the command, which other users could see.
A probe's report holds no personal data, so it can be sent to support.
"""

import argparse
import getpass
import sys
from typing import Any

from cli.terminal import FAILED, FINE, add_store_command, err, operator, out
from shared.admin.zoho_trial import BEGINNING, Trial, is_test_address
from shared.app.container import Bridge
from shared.connection.errors import ConsentRefused
from shared.rules.admin_change import AdminChange
from shared.rules.store import Store
from shared.rules.zoho_probe import differences, proposed


def add_connection_commands(commands: Any) -> None:
    """Add the commands to a parser. ``commands``: the result of argparse's add_subparsers."""
    add_store_command(commands, "scim-token", _connect, "connect a store by a SCIM token, or replace the token")
    text = "find out how a store's Zoho One behaves, and which settings go with it"
    probe = add_store_command(commands, "probe", _probe, text)
    probe.add_argument(
        "--try",
        dest="address",
        help="your consent to make, change, deactivate and delete a test account: its address, which begins with "
        f"{BEGINNING}; and a test group",
    )
    probe.add_argument("--json", action="store_true", help="print the report as a file for support")


def _connect(bridge: Bridge, store: Store, arguments: argparse.Namespace) -> int:  # noqa: ARG001 - as every command
    token = (getpass.getpass("SCIM token: ") if sys.stdin.isatty() else sys.stdin.readline()).strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        err.print("a SCIM token is one line of visible ASCII characters, without spaces")
        return FAILED
    try:
        bridge.scim_tokens.save(store, token, operator())
    except ConsentRefused:
        err.print("another directory store is connected to the same organisation of Zoho One: see docs/connection.md")
        return FAILED
    report = bridge.switch.check(bridge.stores.read(store.id) or store)
    if not report.passed:
        failed = report.steps[-1]
        err.print(f"saved, but {failed.step}: {failed.reason} {failed.cure}", markup=False, soft_wrap=True)
        return FAILED
    out.print(f"{store.id} is connected by the SCIM token, and the connection works.", markup=False)
    return FINE


def _probe(bridge: Bridge, store: Store, arguments: argparse.Namespace) -> int:
    if arguments.address and not is_test_address(arguments.address):
        err.print(f"the address of a test account begins with {BEGINNING}, as in {BEGINNING}@contoso.com")
        return FAILED
    if arguments.address:
        bridge.stores.record(store.id, _tried(bridge, arguments.address))
    report = bridge.zoho_probe(store, Trial(arguments.address) if arguments.address else None)
    if arguments.json:
        print(report.model_dump_json(indent=2))
    else:
        for sentence in differences(report.facts):
            out.print(f"- {sentence}", markup=False)
        found = proposed(report.facts, store.zoho)
        out.print("The store's settings go with this Zoho One." if not found else "Set in the store's connection:")
        for name, value in found.items():
            out.print(f"  {name}: {value}", markup=False)
    if report.left_behind:
        err.print(f"the test account or group may still be in Zoho One: delete what begins with {BEGINNING} there")
    if report.stopped:
        err.print(report.stopped, markup=False, soft_wrap=True)
    return FAILED if report.stopped or report.left_behind else FINE


def _tried(bridge: Bridge, address: str) -> AdminChange:
    what = f"Zoho One was tried with the test account {address}"
    return AdminChange(at=bridge.outside.now(), by=operator(), what=what)
