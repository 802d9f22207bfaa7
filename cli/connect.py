"""`python -m cli scim-token`: connects a directory store to Zoho One by a SCIM token, or replaces the token.

The token is asked for, or read from standard input; it is never a word of the command, which other users could see.
"""

import argparse
import getpass
import sys
from typing import Any

from cli.terminal import FAILED, FINE, add_settings_option, err, operator, out, settings_of, store_of
from shared.app.container import Bridge
from shared.connection.errors import ConsentRefused


def add_connect_command(commands: Any) -> None:
    """Add the command to a parser. ``commands``: the result of argparse's add_subparsers."""
    command = commands.add_parser("scim-token", help="connect a store by a SCIM token", description=__doc__)
    command.add_argument("--store", required=True, help="the directory store's id")
    add_settings_option(command)
    command.set_defaults(run=_connect)


def _connect(arguments: argparse.Namespace) -> int:
    bridge = Bridge(settings_of(arguments))
    store = store_of(bridge, arguments)
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
