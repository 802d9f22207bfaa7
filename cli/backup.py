"""`python -m cli backup export|import`: copies a directory store into a file and back.

The first file holds what the store knows of people: protect it like other personal data. The second holds its secrets
as they are stored, encrypted: it is useless without the keys in BRIDGE_ENCRYPTION_KEYS, so store those elsewhere. A
restored store is stopped: the operator who imports it starts it. shared/tables/copies.py says what is left out.
"""

import argparse
import getpass
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cli.terminal import FINE, add_settings_option, out, settings_of
from shared.admin.backup import Backup
from shared.tables.copies import Copies
from shared.tables.secrets import Secrets
from shared.tables.service import connect
from shared.tables.stores import Stores


def add_backup_command(commands: Any) -> None:
    """Add the command to a parser. ``commands``: the result of argparse's add_subparsers."""
    backup = commands.add_parser(
        "backup",
        help="export and import a store",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    directions = backup.add_subparsers(dest="direction", required=True)
    export = directions.add_parser("export", help="write a store into a file")
    export.add_argument("store", help="its id, as in the sync endpoint")
    export.set_defaults(run=_export)
    restore = directions.add_parser("import", help="restore a store, stopped")
    restore.set_defaults(run=_import)
    for direction in (export, restore):
        direction.add_argument("file", type=Path, help="compressed if its name ends in .gz")
        direction.add_argument(
            "--secrets", type=Path, metavar="FILE", help="its secrets too, encrypted as they are stored"
        )
        add_settings_option(direction)
    restore.add_argument("--replace", action="store_true", help="replace the existing store")


def _export(arguments: argparse.Namespace) -> int:
    _tell("exported", _backup(arguments).export_store(arguments.store, arguments.file, arguments.secrets))
    return FINE


def _import(arguments: argparse.Namespace) -> int:
    counts = _backup(arguments).import_store(arguments.file, arguments.secrets, replace=arguments.replace)
    _tell("imported", counts)
    return FINE


def _tell(done: str, counts: Counter[str]) -> None:
    rows = ", ".join(f"{count} rows of {table}" for table, count in sorted(counts.items()))
    out.print(f"{done}: the store's settings, {rows or 'and nothing else'}", markup=False, soft_wrap=True)


def _backup(arguments: argparse.Namespace) -> Backup:
    settings = settings_of(arguments)
    service = connect(settings.storage)
    secrets = Secrets(service.get_table_client("secrets"), settings.encryption_keys.get_secret_value())
    stores = Stores(service.get_table_client("stores"))
    by, local = f"{getpass.getuser()}, by command", settings.on_one_machine
    return Backup(stores, Copies(service), secrets, lambda: datetime.now(UTC), by, local)
