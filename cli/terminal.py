"""What the commands have in common: the app's settings, the store that is named, what is printed, the exit status."""

import argparse
import getpass
import json
import os
from pathlib import Path

from rich.console import Console

from shared.app.container import Bridge
from shared.rules.store import Store
from shared.settings import Settings, read_settings

FINE, FAILED, HELD, NOT_NOW = 0, 1, 3, 4
"""Exit statuses; 2 is argparse's, for a command that is not understood."""

out, err = Console(), Console(stderr=True)


class NoSuchStore(Exception):
    """The message names it."""


def add_settings_option(parser: argparse.ArgumentParser) -> None:
    """Where the settings of the app come from."""
    parser.add_argument("--settings", type=Path, help="a file like local.settings.json; else the environment counts")


def settings_of(arguments: argparse.Namespace) -> Settings:
    """The settings of the app. Raises SettingsWrong, OSError, and ValueError for a file that is no JSON."""
    if arguments.settings is not None:
        values = json.loads(arguments.settings.read_text())["Values"]
        os.environ |= {name: str(value) for name, value in values.items()}
    return read_settings()


def store_of(bridge: Bridge, arguments: argparse.Namespace) -> Store:
    """The store that ``--store`` names. Raises NoSuchStore."""
    store = bridge.stores.read(arguments.store)
    if store is None:
        raise NoSuchStore(f"there is no directory store {arguments.store!r}")
    return store


def say(arguments: argparse.Namespace, content: object, text: str) -> None:
    """Print one thing: its content with ``--json``, else a sentence."""
    if arguments.json:
        print(json.dumps(content, indent=2))
    else:
        out.print(text, markup=False)


def operator() -> str:
    """Who asks, for the record."""
    return f"{getpass.getuser()} (terminal)"
