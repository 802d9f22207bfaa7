"""What is measured: a function host with its timers, storage behind gates, and a Zoho One for each kind of work."""

import base64
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import requests
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import QueueClient

from local.azurite import start_azurite
from local.host.gate import Call, Gate, Moment
from local.host.process import RunningHost, start_host
from local.parts import app_settings, start_zoho_one
from local.processes import Processes
from local.store import add_store, connect_to_graph, new_key
from shared.app.container import Bridge
from shared.rules.store import DataCenterName, Store
from shared.settings import Settings
from tests.conftest import Endpoint, Entra, ZohoOne
from tests.mail.mailing import mail_settings
from tests.mail.smtp_server import MailServer, new_certificate, serving

PLATFORM_SECONDS = 6.0
"""Until the platform starts a host again that was killed: 6 to 7 were measured with Azure's own."""
CENTERS: tuple[DataCenterName, ...] = get_args(DataCenterName.__value__)


class SlowMailServer(MailServer):
    """Keeps who sends a mail waiting for its answer, for as long as it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting = threading.Event()
        """Set while somebody waits."""
        self.answers = threading.Event()
        self.answers.set()
        self.accepts_late = True
        """What whoever was kept waiting is told in the end."""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        if self.answers.is_set():
            return await super().handle_DATA(server, session, envelope)
        self.waiting.set()
        await server.loop.run_in_executor(None, self.answers.wait)
        if self.accepts_late:
            return await super().handle_DATA(server, session, envelope)
        return "451 The sender is gone"


@dataclass
class Directory:
    """One store, and the Zoho One that it alone uses."""

    store_id: str
    token: str
    zoho_one: ZohoOne

    def calls(self) -> int:
        """How many its Zoho One had, asking for tokens left out."""
        return sum(self.zoho_one.calls().values())


@dataclass
class Parts:
    """All of it."""

    processes: Processes
    environment: dict[str, str]
    bridge: Bridge
    """The app's parts in this process, which no fault touches."""
    queues: str
    """The connection string past the gates."""
    entra: Entra
    mails: SlowMailServer
    storage_away: threading.Event
    directories: dict[str, Directory]
    host: RunningHost = field(init=False)

    def store(self, name: str) -> Store:
        """A kind of work's store, as it is now."""
        found = self.bridge.stores.read(self.directories[name].store_id)
        assert found is not None
        return found

    def endpoint(self, name: str) -> Endpoint:
        """A kind of work's sync endpoint on the host there is now."""
        directory = self.directories[name]
        return Endpoint(f"{self.host.url}/scim/{directory.store_id}", directory.token)

    def send(self, queue: str, message: str) -> None:
        """Put a message into a queue, as a page does."""
        content = base64.b64encode(message.encode()).decode()
        client = QueueClient.from_connection_string(self.queues, queue)
        try:
            client.send_message(content)
        except ResourceNotFoundError:
            client.create_queue()
            client.send_message(content)

    def start_host(self) -> None:
        """Start the host, or another in its place."""
        self.host = start_host(self.processes, environment=self.environment)

    def health(self) -> str:
        """What `/health?ready` says."""
        return requests.get(f"{self.host.url}/health?ready", timeout=20).text


@contextmanager
def parts(logs: Path, names: tuple[str, ...]) -> Iterator[Parts]:
    """Everything but the host, with a store for each kind of work."""
    away = threading.Event()

    def watch(call: Call, moment: Moment) -> None:
        if away.is_set():
            raise ConnectionResetError

    with ExitStack() as stack:
        processes = stack.enter_context(Processes(logs))
        azurite, key = start_azurite(processes), new_key()
        tables = stack.enter_context(Gate("tables", azurite.table_url, watch))
        queues = stack.enter_context(Gate("queues", azurite.queue_url, watch))
        gated = azurite.connection_string
        for url, gate in ((azurite.table_url, tables), (azurite.queue_url, queues)):
            gated = gated.replace(url[: url.index("/", 7)], gate.url)
        _, ready = processes.start_module("local.entra", "--port", "0")
        mails = SlowMailServer()
        stack.enter_context(serving(mails, new_certificate(logs), starttls=False))
        zoho_ones = {name: start_zoho_one(processes, "--data-center", CENTERS[n]) for n, name in enumerate(names)}
        servers = {each.data_center: each.accounts for each in zoho_ones.values()}

        def settings(connection_string: str) -> dict[str, str]:
            found = app_settings(connection_string, key, next(iter(zoho_ones.values()))) | mail_settings(mails.port)
            text = Settings.model_fields["accounts_servers"].validation_alias
            assert isinstance(text, str)
            return found | {"BRIDGE_ENTRA_CERTIFICATE": ready["certificate"], text: _json(servers)}

        bridge = Bridge(Settings.model_validate(settings(azurite.connection_string)))
        directories = {}
        for name, zoho_one in zoho_ones.items():
            token = add_store(azurite.connection_string, key, zoho_one, name)
            directories[name] = Directory(name, token, ZohoOne(zoho_one))
        entra = Entra(ready)
        yield Parts(processes, settings(gated), bridge, azurite.connection_string, entra, mails, away, directories)
        for session in (entra.session, entra.control, bridge.graphs._session):
            session.close()


def reads_entra(parts: Parts, name: str) -> None:
    """Let a store read the simulated Entra."""
    connect_to_graph(parts.bridge, parts.directories[name].store_id, parts.entra.ready)


def until(happened: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait for something. Raises TimeoutError."""
    ends = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > ends:
            raise TimeoutError(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.1)


def _json(servers: dict[DataCenterName, str]) -> str:
    return "{" + ", ".join(f'"{name}": "{url}"' for name, url in servers.items()) + "}"
