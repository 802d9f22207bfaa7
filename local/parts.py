"""All the parts on one machine: Azurite, the simulated Zoho One, the function host, one directory store."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.azurite import start_azurite
from local.host.process import start_host
from local.processes import Processes
from local.store import ZohoOneParts, add_store, new_key
from shared.rules.mail.password import PasswordNotification

STORE = "contoso"
OWNER = "Organization.Owner"
"""The default role of the signed-in administrator."""
THREADS = "32"
"""Threads of the worker: simultaneous requests, as local.settings.sample.json sets for Azure."""


@dataclass(frozen=True)
class LocalParts:
    """The running parts, and how to reach them."""

    azurite: str
    zoho_one: str
    host: str
    store: str
    secret_token: str
    api_console: Mapping[str, str]
    """What an administrator finds in Zoho One and in its API console: sync endpoint, SCIM token, client."""
    settings: Mapping[str, str]
    """The function host's settings."""
    settings_file: Path
    """The same as a file, for commands with --settings."""

    @property
    def sync_endpoint(self) -> str:
        """The URL that Entra's Tenant URL is set to."""
        return f"{self.host}/scim/{self.store}"

    def described(self, graph: str) -> dict[str, str]:
        """Return the parts as the one line that `serve` prints."""
        return {
            "sync_endpoint": self.sync_endpoint,
            "secret_token": self.secret_token,
            "tenant_url": f"{self.sync_endpoint}?aadOptscim062020",
            "zoho_one": self.zoho_one,
            "graph": graph,
            "console": f"{self.host}/console",
            "azurite": self.azurite,
            "store": self.store,
            **self.api_console,
            "settings": str(self.settings_file),
        }


def start_zoho_one(processes: Processes, *arguments: str) -> ZohoOneParts:
    """Start the simulated Zoho One on a free port."""
    _, ready = processes.start_module("local.zoho_one", "--port", "0", *arguments)
    return ZohoOneParts(**ready)


def app_settings(connection_string: str, key: str, zoho_one: ZohoOneParts) -> dict[str, str]:
    """Return the environment of the function host: the accounts servers that may receive secrets, and the
    signed-in user.
    """
    return {
        "AzureWebJobsStorage": connection_string,
        "BRIDGE_ENCRYPTION_KEYS": key,
        "BRIDGE_ACCOUNTS_SERVERS": json.dumps(zoho_one.accounts_servers),
        "BRIDGE_LOCAL_ADMIN": OWNER,
        "PYTHON_THREADPOOL_THREAD_COUNT": THREADS,
    }


def start_parts(
    processes: Processes,
    port: int = 0,
    settings: Mapping[str, str] | None = None,
    *,
    connected: bool = True,
    notification: PasswordNotification | None = None,
    timers: bool = True,
) -> LocalParts:
    """Start everything but Entra, which the caller provides, and add one store, connected and started or neither.

    ``timers``: whether timers run.
    """
    azurite, key = start_azurite(processes), new_key()
    zoho_one = start_zoho_one(processes)
    token = add_store(azurite.connection_string, key, zoho_one, STORE, connected=connected, notification=notification)
    environment = app_settings(azurite.connection_string, key, zoho_one) | dict(settings or {})
    if "BRIDGE_SIGN_IN_CLIENT_ID" in environment:
        del environment["BRIDGE_LOCAL_ADMIN"]
    host = start_host(processes, port=port, environment=environment, timers=timers)
    api_console = {
        "zoho_sync_endpoint": zoho_one.sync_endpoint,
        "zoho_client_id": zoho_one.client_id,
        "zoho_client_secret": zoho_one.client_secret,
        "zoho_scim_token": zoho_one.scim_token,
    }
    file = processes.logs / "local.settings.json"
    file.write_text(json.dumps({"IsEncrypted": False, "Values": environment}, indent=2))
    return LocalParts(azurite.connection_string, zoho_one.url, host.url, STORE, token, api_console, environment, file)
