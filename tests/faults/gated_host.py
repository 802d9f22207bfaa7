"""A function host whose every call outside passes a gate."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.process import BaseProcess

from local.host.gate import Gate, Watcher
from local.parts import app_settings
from local.processes import Processes
from local.store import ZohoOneParts
from tests.conftest import Endpoint
from tests.faults.forked import start_forked_host


@dataclass
class GatedHost:
    """The host process, and its store's sync endpoint."""

    process: BaseProcess
    endpoint: Endpoint

    def end(self) -> None:
        """However far it is."""
        self.process.kill()
        self.process.join()


@contextmanager
def gates(azurite: str, zoho_one: ZohoOneParts, watcher: Watcher) -> Iterator[tuple[str, ZohoOneParts]]:
    """Gates before Azurite's tables and Zoho One: the connection string and the parts that lead through them."""
    settings = dict(part.split("=", 1) for part in azurite.strip(";").split(";"))
    table = settings["TableEndpoint"]
    with (
        Gate("tables", table, watcher) as tables,
        Gate("zoho", zoho_one.url, watcher) as zoho,
    ):
        settings["TableEndpoint"] = table.replace(table[: table.index("/", 7)], tables.url)
        gated = replace(
            zoho_one,
            accounts=zoho_one.accounts.replace(zoho_one.url, zoho.url),
            sync_endpoint=zoho_one.sync_endpoint.replace(zoho_one.url, zoho.url),
        )
        yield ";".join(f"{name}={value}" for name, value in settings.items()) + ";", gated


def start_gated_host(
    processes: Processes,
    connection_string: str,
    key: str,
    zoho_one: ZohoOneParts,
    store: str,
    token: str,
    lease_seconds: float = 90,
) -> GatedHost:
    """A host process of its own."""
    environment = app_settings(connection_string, key, zoho_one) | {"BRIDGE_LEASE_SECONDS": str(lease_seconds)}
    process, ready = start_forked_host(environment, processes.logs / f"gated-{store}-{secrets.token_hex(4)}.log")
    return GatedHost(process, Endpoint(f"{ready['url']}/scim/{store}", token))
