"""A bridge and all that it calls in the test's own process: no Azurite, no host, no simulator to start.

A folder whose conftest takes these fixtures in has them in the place of the processes of tests/conftest.py: the same
app's parts, on tables in memory (tests/tables/memory), with the same simulated Zoho One and Entra called directly
(local/in_process.py). ``azurite`` is then a connection string that opens the tables in memory.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from azure.data.tables import TableServiceClient
from requests.adapters import HTTPAdapter

import shared.tables.service
from local.entra.directory import EntraDirectory
from local.entra.graph import Graph
from local.entra.people import PEOPLE
from local.entra.server import described
from local.host.routes import Match, Route, Routes
from local.in_process import InProcess, answered
from local.parts import app_settings
from local.store import ZohoOneParts
from local.zoho_one.plain_directory import PlainDirectory
from local.zoho_one.server import ZohoOne as SimulatedZohoOne
from shared.app.container import Bridge
from shared.scim.endpoint import HttpRequest
from shared.settings import Settings
from shared.tables.service import StorageAccount
from tests.conftest import Entra, ZohoOne
from tests.tables.memory.table import Call
from tests.tables.memory.tables import Around, MemoryTables

__all__ = [
    "answering",
    "azurite",
    "bridge",
    "entra_process",
    "host",
    "host_bridge",
    "in_process",
    "memory",
    "memory_account",
    "reading_bridge",
    "table_calls",
    "zoho_one_process",
]
"""The fixtures."""

# No server listens on a port below 20: what is not answered in process fails at once.
ZOHO_ONE, ENTRA, LOGIN, HOST = (
    "http://127.0.0.1:11",
    "http://127.0.0.1:12",
    "https://127.0.0.1:12",
    "http://127.0.0.1:13",
)
QUEUES = "http://127.0.0.1:15"
_ACCOUNTS = count(1)


def new_account() -> str:
    """A connection string of its own for each folder that has tables in memory, in whatever order tests come."""
    ends = f"AccountKey=bWVtb3J5;TableEndpoint=http://127.0.0.1:14;QueueEndpoint={QUEUES}"
    return f"DefaultEndpointsProtocol=http;AccountName=memory{next(_ACCOUNTS)};{ends}"


@pytest.fixture(scope="session")
def memory_account() -> str:
    """What the tables in memory are opened by."""
    return new_account()


@pytest.fixture(scope="session")
def memory(memory_account: str) -> Iterator[MemoryTables]:
    """The tables, which the app's client opens by ``memory_account``."""
    tables, open_account = MemoryTables(), shared.tables.service._client

    def opened(account: StorageAccount) -> TableServiceClient:
        return tables if account == memory_account else open_account(account)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shared.tables.service, "_client", opened)
        yield tables


@pytest.fixture(scope="session")
def azurite(memory: MemoryTables, memory_account: str) -> str:
    """What the app is given as AzureWebJobsStorage."""
    return memory_account


@pytest.fixture(scope="session")
def answering() -> dict[str, InProcess]:
    """Who answers in this process, by address."""
    return {}


@pytest.fixture(autouse=True)
def in_process(answering: Mapping[str, InProcess], host_bridge: Bridge, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every session of requests calls who answers in this process, whoever made it."""
    send, routes = HTTPAdapter.send, Routes([Route("scim/{store}/{*path}", frozenset(), "scim")])

    def sent(
        adapter: HTTPAdapter, request: requests.PreparedRequest, *rest: object, **named: object
    ) -> requests.Response:
        url = urlsplit(request.url or "")
        place = f"{url.scheme}://{url.netloc}"
        if place == HOST:
            return _endpoint(host_bridge, routes, request)
        if place == QUEUES:  # which answers whoever has no key
            return answered(request, 403, {}, b"")
        if place in answering:
            return answering[place].send(request, *rest, **named)  # type: ignore[arg-type]  # as it was called
        return send(adapter, request, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(HTTPAdapter, "send", sent)


def _endpoint(bridge: Bridge, routes: Routes[str], request: requests.PreparedRequest) -> requests.Response:
    """The sync endpoint's answer, without a host; threads are answered at the same time."""
    match = routes.find(request.method or "", urlsplit(request.url or "").path)
    assert isinstance(match, Match), f"{request.url}: only the sync endpoint is there"
    body = request.body or b""
    whole = body.encode() if isinstance(body, str) else bytes(body)
    asked = HttpRequest(request.method or "", request.url or "", dict(request.headers), whole)
    answer = bridge.sync_endpoint.handle(match.parameters["store"], asked)
    return answered(request, answer.status, dict(answer.headers), answer.body)


@pytest.fixture(scope="session")
def zoho_one_process(answering: dict[str, InProcess]) -> ZohoOne:
    """Zoho One."""
    simulated = SimulatedZohoOne(ZOHO_ONE, "us", 0, None, PlainDirectory)
    answering[ZOHO_ONE] = InProcess(simulated)
    return ZohoOne(ZohoOneParts(**simulated.described))


@pytest.fixture(scope="session")
def entra_process(answering: dict[str, InProcess]) -> Iterator[Entra]:
    """Entra, with 25 realistic people."""
    graph = Graph(EntraDirectory(PEOPLE))
    graph.sign_in.browser_base = ENTRA
    answering[ENTRA] = answering[LOGIN] = InProcess(graph)
    entra = Entra(described(ENTRA, LOGIN))
    yield entra
    entra.session.close()
    entra.control.close()


@pytest.fixture(scope="session")
def bridge(azurite: str, key: str, zoho_one_process: ZohoOne) -> Bridge:
    """The app's parts."""
    return Bridge(Settings.model_validate(app_settings(azurite, key, zoho_one_process.parts)))


@pytest.fixture(scope="session")
def reading_bridge(bridge: Bridge, entra_process: Entra) -> Bridge:
    """The same: in process there is no certificate to trust."""
    return bridge


@pytest.fixture(scope="session")
def host_bridge(azurite: str, key: str, zoho_one_process: ZohoOne) -> Bridge:
    """The parts of another process, which remembers other things."""
    return Bridge(Settings.model_validate(app_settings(azurite, key, zoho_one_process.parts)))


@pytest.fixture(scope="session")
def host(host_bridge: Bridge) -> str:
    """Where the sync endpoint is, and nothing else."""
    return HOST


_METHODS = {
    "get_entity": "GET",
    "query": "GET",
    "list_tables": "GET",
    "create_entity": "POST",
    "create_table": "POST",
    "submit_transaction": "POST",
    "upsert_entity": "PUT",
    "update_entity": "PUT",
    "delete_entity": "DELETE",
    "delete_table": "DELETE",
}
"""Of the REST API. An upsert or update that merges is a PATCH there: the bridge has none that a test counts."""


@pytest.fixture
def table_calls(memory: MemoryTables, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The methods of the calls that go to the tables, from now on."""
    methods: list[str] = []
    monkeypatch.setattr(memory, "around", noting(methods))
    return methods


def noting(methods: list[str]) -> Around:
    """Adds to a list the method of each call to tables in memory."""

    def noted(call: Call, carry_out: Callable[[], Any]) -> Any:
        methods.append(_METHODS[call.operation])
        return carry_out()

    return noted
