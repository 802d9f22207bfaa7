"""Encrypts every stored secret anew with the first key: `python -m shared.reencrypt`, with the app's own settings.

To change the key: put a new one in front in BRIDGE_ENCRYPTION_KEYS, let the app restart with it, run this, and take the
old one away. It may run while the app works, and be stopped and run again.
"""

import sys

from shared.settings import SettingsWrong, read_settings
from shared.tables.errors import TablesError
from shared.tables.secrets import Secrets
from shared.tables.service import connect


def main() -> int:
    """The exit status is 0 where every secret is encrypted with the first key now."""
    try:
        settings = read_settings()
        table = connect(settings.storage).get_table_client("secrets")
        done = Secrets(table, settings.encryption_keys.get_secret_value()).reencrypt()
    except (SettingsWrong, TablesError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{done.count} secrets were encrypted anew with the first key.\n")
    for name in done.unreadable:
        sys.stderr.write(f"{name} cannot be read: its key is no longer in BRIDGE_ENCRYPTION_KEYS\n")
    return 1 if done.unreadable else 0


if __name__ == "__main__":
    sys.exit(main())
