"""Secrets are encrypted, survive a change of keys, and go when they are told to."""

import subprocess
import sys

import pytest
from azure.data.tables import TableClient

from local.azurite import start_azurite
from local.parts import app_settings
from local.processes import Processes
from local.store import add_store, new_key
from shared.tables.errors import Unreadable
from shared.tables.secrets import Reencrypted, Secrets
from shared.tables.service import connect
from tests.conftest import ZohoOne


@pytest.fixture
def table(azurite: str) -> TableClient:
    """A table that only this test writes."""
    name = f"secrets{new_key()[:12].encode().hex()}"
    return connect(azurite).create_table(name)


def test_a_secret_is_kept_sealed_and_can_be_forgotten(table: TableClient) -> None:
    secrets = Secrets(table, new_key())
    secrets.put("contoso", "client-secret", "sesame")
    assert secrets.get("contoso", "client-secret") == "sesame"
    assert "sesame" not in str(list(table.list_entities()))
    secrets.delete("contoso", "client-secret")
    secrets.delete("contoso", "client-secret")
    assert secrets.get("contoso", "client-secret") is None


def test_a_new_key_takes_over_and_the_old_one_can_go(table: TableClient) -> None:
    old, new = new_key(), new_key()
    Secrets(table, old).put("contoso", "client-secret", "sesame")
    both = Secrets(table, f"{new}, {old}")
    both.put("fabrikam", "client-secret", "open")
    assert both.reencrypt() == Reencrypted(1, ())
    assert both.reencrypt() == Reencrypted(0, ())
    only_new = Secrets(table, new)
    assert (only_new.get("contoso", "client-secret"), only_new.get("fabrikam", "client-secret")) == ("sesame", "open")
    with pytest.raises(Unreadable):
        Secrets(table, old).get("contoso", "client-secret")
    assert Secrets(table, old).reencrypt() == Reencrypted(0, ("contoso/client-secret", "fabrikam/client-secret"))


def test_the_command_keeps_the_rest_of_a_row_and_names_what_is_lost(processes: Processes, zoho_one: ZohoOne) -> None:
    azurite, old, new, lost = start_azurite(processes).connection_string, new_key(), new_key(), new_key()
    add_store(azurite, old, zoho_one.parts, "contoso")
    table = connect(azurite).get_table_client("secrets")
    before = table.get_entity("contoso", "connection")

    def reencrypt(keys: str) -> subprocess.CompletedProcess[str]:
        command, environment = [sys.executable, "-m", "cli", "reencrypt"], app_settings(azurite, keys, zoho_one.parts)
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    done = reencrypt(f"{new},{old}")
    assert (done.returncode, done.stdout) == (0, "2 secrets were encrypted with the first key.\n"), done.stderr
    after = table.get_entity("contoso", "connection")
    assert after["connection"] == before["connection"]
    assert after["sealed"] != before["sealed"]
    Secrets(table, lost).put("contoso", "smtp", "x")
    done = reencrypt(new)
    assert (done.returncode, done.stdout) == (1, "0 secrets were encrypted with the first key.\n")
    assert done.stderr.startswith("contoso/smtp cannot be read")
