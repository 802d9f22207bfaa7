"""Common parts of the commands: the app's settings, the named store, output, exit status."""

import argparse
import getpass
import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from shared.app.container import Bridge
from shared.rules.store import Store
from shared.settings import Settings, read_settings

FINE, FAILED, HELD, NOT_NOW = 0, 1, 3, 4
"""Exit statuses; 2 is argparse's, for a command it does not understand."""

out, err = Console(), Console(stderr=True)


type StoreCommand = Callable[[Bridge, Store, argparse.Namespace], int]
"""Carries a command out, and returns its exit status."""


class NoSuchStore(Exception):
    """The message names it."""


def add_settings_option(parser: argparse.ArgumentParser) -> None:
    """Add the option for the source of the app's settings."""
    parser.add_argument("--settings", type=Path, help="a file like local.settings.json; by default the environment")


def settings_of(arguments: argparse.Namespace) -> Settings:
    """Return the app's settings. Raises SettingsWrong, OSError, and ValueError for a file that is not JSON."""
    if arguments.settings is not None:
        values = json.loads(arguments.settings.read_text())["Values"]
        os.environ |= {name: str(value) for name, value in values.items()}
    return read_settings()


def _store_of(bridge: Bridge, arguments: argparse.Namespace) -> Store:
    """Return the store that ``--store`` names. Raises NoSuchStore."""
    store = bridge.stores.read(arguments.store)
    if store is None:
        raise NoSuchStore(f"there is no directory store {arguments.store!r}")
    return store


def add_store_command(commands: Any, name: str, carry_out: StoreCommand, text: str) -> argparse.ArgumentParser:
    """Add a command on the store that ``--store`` names. ``commands``: the result of argparse's add_subparsers."""
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text)
    parser.add_argument("--store", required=True, help="the directory store's id")
    add_settings_option(parser)
    parser.set_defaults(run=partial(_on_store, carry_out))
    return parser


def _on_store(carry_out: StoreCommand, arguments: argparse.Namespace) -> int:
    bridge = Bridge(settings_of(arguments))
    return carry_out(bridge, _store_of(bridge, arguments), arguments)


def say(arguments: argparse.Namespace, content: object, text: str) -> None:
    """Print one thing: its content with ``--json``, otherwise a sentence."""
    if arguments.json:
        print(json.dumps(content, indent=2))
    else:
        out.print(text, markup=False)


def operator() -> str:
    """Return who runs the command, for the change record."""
    return f"{getpass.getuser()} (terminal)"
