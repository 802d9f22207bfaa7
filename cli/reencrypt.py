"""`python -m cli reencrypt`: encrypts every stored secret with the first key.

To change the key: put a new one first in BRIDGE_ENCRYPTION_KEYS, let the app restart with it, run this command, and
remove the old one. It may run while the app works, and be interrupted and repeated.
"""

import argparse
from typing import Any

from cli.terminal import FAILED, FINE, add_settings_option, err, out, settings_of
from shared.tables.secrets import Secrets
from shared.tables.service import connect


def add_reencrypt_command(commands: Any) -> None:
    """Add the command to a parser. ``commands``: the result of argparse's add_subparsers."""
    command = commands.add_parser(
        "reencrypt",
        help="encrypt every stored secret with the first key",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_settings_option(command)
    command.set_defaults(run=_reencrypt)


def _reencrypt(arguments: argparse.Namespace) -> int:
    settings = settings_of(arguments)
    table = connect(settings.storage).get_table_client("secrets")
    done = Secrets(table, settings.encryption_keys.get_secret_value()).reencrypt()
    out.print(f"{done.count} secrets were encrypted with the first key.")
    for name in done.unreadable:
        problem = f"{name} cannot be read: its key is no longer in BRIDGE_ENCRYPTION_KEYS"
        err.print(problem, markup=False, soft_wrap=True)
    return FAILED if done.unreadable else FINE
