"""The bridge from a terminal. The commands use the storage in the settings, from the environment or a file.

For a deployed app, infra/scripts/administer.sh supplies its settings.
"""

import argparse
import sys
from collections.abc import Sequence

from cli.accounts import add_account_commands
from cli.backup import add_backup_command
from cli.connect import add_connection_commands
from cli.cycles import add_cycle_commands
from cli.mapping import BadFile, add_mapping_command
from cli.reencrypt import add_reencrypt_command
from cli.terminal import FAILED, NOT_NOW, NoSuchStore, err
from shared.admin.backup import NotCopied
from shared.admin.store_file import NotAStoreFile
from shared.admin.switch import AnotherPlan, CannotObserve, CannotStart
from shared.entra.errors import GraphError
from shared.rules.account_csv import BadDecisions
from shared.rules.held_plan import CannotBecome
from shared.rules.mapping.check import InvalidMapping
from shared.settings import SettingsWrong
from shared.sync.cycles import NotNow
from shared.sync.guard.decisions import NothingHeld
from shared.sync.on_demand.people import CannotProvision
from shared.tables.errors import Stale, TablesError
from shared.zoho.errors import ZohoError

_EXPLAINED = (
    *(SettingsWrong, NoSuchStore, BadFile, InvalidMapping, NotCopied, NotAStoreFile),
    *(BadDecisions, CannotStart, CannotObserve, AnotherPlan, CannotProvision, NothingHeld, CannotBecome),
    *(GraphError, ZohoError),
)
"""Errors whose own messages say what to do."""


def parser() -> argparse.ArgumentParser:
    """Return the parser of every command; ``run`` is the function that carries it out."""
    made = argparse.ArgumentParser(prog="python -m cli", description=__doc__)
    commands = made.add_subparsers(dest="command", required=True)
    add_cycle_commands(commands)
    add_account_commands(commands)
    add_mapping_command(commands)
    add_backup_command(commands)
    add_reencrypt_command(commands)
    add_connection_commands(commands)
    return made


def main(words: Sequence[str] | None = None) -> int:
    """Carry out one command and return the exit status."""
    arguments = parser().parse_args(words)
    try:
        status: int = arguments.run(arguments)
    except NotNow as reason:
        err.print(str(reason), markup=False)
        return NOT_NOW
    except _EXPLAINED as error:
        err.print(str(error), markup=False, soft_wrap=True)
        return FAILED
    except Stale:
        err.print("Another administrator decided at the same time: look again")
        return FAILED
    except OSError as error:
        place = f"{error.filename}: {error.strerror}" if error.filename else f"{type(error).__name__}: {error}"
        err.print(place, markup=False, soft_wrap=True)
        return FAILED
    except (TablesError, ValueError) as error:
        err.print(f"{type(error).__name__}: {error}", markup=False, soft_wrap=True)
        return FAILED
    return status


if __name__ == "__main__":
    sys.exit(main())
