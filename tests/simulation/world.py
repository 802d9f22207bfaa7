"""A whole world in one process: Entra, Zoho One, Table Storage, the host with the bridge, and administrators."""

import gc
import importlib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import count
from random import Random
from typing import Any
from urllib.parse import urlsplit

import requests
from cryptography.fernet import Fernet
from pydantic import HttpUrl

from local.entra.directory import EntraDirectory
from local.entra.graph import Graph
from local.entra.graph_assignments import ENTERPRISE_APP
from local.entra.people import make_people
from local.entra.person import Person
from local.entra.server import CLIENT_ID, CLIENT_SECRET, TENANT
from local.serving import Response
from local.zoho_one.accounts import CLIENT_ID as ZOHO_CLIENT
from shared.app.container import Bridge
from shared.connection.consent import CLIENT_SECRET as ZOHO_SECRET
from shared.entra.clients import SECRET
from shared.rules.entra_connection import Credential, EntraConnection, Scope
from shared.rules.guard_limits import GuardLimits, Threshold
from shared.rules.secret_token import token_hash
from shared.rules.store import Store, ZohoConnection
from shared.settings import Settings
from shared.tables import service
from shared.tables.connections import Tokens
from shared.tables.stores import new_incarnation
from tests.simulation import patched, threads
from tests.simulation.exclusion import Exclusion
from tests.simulation.host import Host
from tests.simulation.internet import BRIDGE, GRAPH, LOGIN, ZOHO, Internet, connect
from tests.simulation.observed import Account
from tests.simulation.observer import Observer
from tests.simulation.outside import Outside
from tests.simulation.pushes import Service, Told
from tests.simulation.schedule import Process, Schedule
from tests.simulation.storage import Tables
from tests.simulation.zoho import Zoho

STORE = "contoso"
TOKEN = "made-up-secret-token"
KEY = Fernet.generate_key().decode()
STORAGE = "DefaultEndpointsProtocol=http;AccountName=simulated;AccountKey=c2ltdWxhdGVk;TableEndpoint=http://127.0.0.1:7000/simulated"


@dataclass(frozen=True)
class Plan:
    """What a world begins with."""

    seed: int
    people: int = 8
    push: bool = True
    """Whether Entra's provisioning service pushes."""
    graph: bool = True
    """Whether the store reads Graph."""
    scope: Scope = Scope.ASSIGNED
    processes: int = 2
    strict: bool = False
    """Whether the guard holds more than two departures."""
    accounts: int = 0
    """Number of accounts that Zoho One has before the store is added."""


_world: list["World"] = []


class World:
    """Everything there is."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.schedule = Schedule()
        threads.enter(self.schedule)
        _world[:] = [self]
        patched.CHANCE.seed(plan.seed)
        self.chance = Random(plan.seed)
        self.outside = Outside(self.schedule, Random(plan.seed), quiet=True)
        self.exclusion = Exclusion(self.outside)
        people = make_people(plan.people)
        self.directory = EntraDirectory(people)
        self.graph = Graph(self.directory)
        self.zoho = Zoho(ZOHO, self.schedule.now)
        self.tables = Tables(self.outside, lambda table, keys: self.observer.wrote(table, keys), self.exclusion)
        self.internet = Internet(self.outside, self.zoho, self.graph, self._pushed, self.exclusion)
        self.numbers = count()
        self.observer = Observer(self, STORE)
        self.host = Host(self.schedule, Random(plan.seed + 1), self._bridge)
        self.entra = Process("entra")
        self.admin = Process("admin")
        self.service = Service(self.directory, f"{BRIDGE}/scim/{STORE}?aadOptscim062020", TOKEN)
        self.told = Told(self.service, self.observer)
        service.create_missing_tables(self.tables)
        self.host.start(plan.processes)
        for number in range(plan.accounts):
            self.zoho.by_hand(_made_before(people[number % len(people)], number, self.zoho.new_id()))
        self._add_store()
        self.observer.look()
        self.outside.quiet = False

    def _bridge(self) -> Bridge:
        """The parts of one process; they are put together without a fault."""
        before, self.outside.quiet = self.outside.quiet, True
        try:
            return Bridge(_settings())
        finally:
            self.outside.quiet = before

    def rows(self, table: str) -> dict[tuple[str, str], Mapping[str, Any]]:
        """What a table holds, for who looks on."""
        return {(str(row["PartitionKey"]), str(row["RowKey"])): row for row in self.tables.everything(table)}

    def _pushed(self, method: str, url: str, headers: dict[str, str], body: bytes) -> Response:
        """A request of Entra's to the bridge."""
        store = urlsplit(url).path.split("/")[2]
        answer = self.host.push(method, url, headers, body, store)
        self.told.answered(method, url, body, answer.status if answer else 0, answer.body if answer else b"")
        if answer is None:
            raise requests.ConnectionError("the process ended")
        return Response(answer.status, answer.body, list(answer.headers.items()))

    def bridge(self) -> Bridge:
        """The parts of some process, for who looks on."""
        process = self.host.anywhere()
        if process is None:
            self.host._begin()
            process = self.host.processes[0]
        app: Bridge = process.app
        return app

    def _add_store(self) -> None:
        bridge, now = self.bridge(), self.schedule.now()
        accounts = self.zoho.accounts
        bridge.secrets.put(STORE, ZOHO_SECRET, accounts.client_secret)
        tokens = Tokens(
            client_id=ZOHO_CLIENT, client_secret=accounts.client_secret, refresh_token=accounts.refresh_token
        )
        bridge.connections.save(STORE, now, "us", tokens)
        store = Store(
            id=STORE,
            incarnation=new_incarnation(),
            name="Contoso",
            zoho=ZohoConnection(sync_endpoint=HttpUrl(f"{ZOHO}/scim"), data_center="us", client_id=ZOHO_CLIENT),
            token_hashes=(token_hash(TOKEN),),
        )
        if self.plan.strict:
            limits = GuardLimits(leavings=Threshold(count=2, percent=0))
            store = store.model_copy(update={"guard": limits})
        if self.plan.graph:
            bridge.secrets.put(STORE, SECRET, CLIENT_SECRET)
            entra = EntraConnection(
                tenant_id=TENANT,
                credential=Credential.CLIENT_SECRET,
                client_id=CLIENT_ID,
                scope=self.plan.scope,
                enterprise_app=ENTERPRISE_APP,
                graph=HttpUrl(GRAPH),
                login=HttpUrl(LOGIN),
            )
            store = store.model_copy(update={"entra": entra})
        bridge.stores.put(store.model_copy(update={"schedule": store.schedule.started(now)}))

    def push(self) -> None:
        """Let Entra's provisioning service go through everybody."""
        if self.plan.push:
            self.schedule.spawn(self.entra, "service", lambda: self.service.alone(self.service.cycle))


def _made_before(person: Person, number: int, key: str) -> Account:
    """An account from before the bridge: of a person's name in other letters, of their address alone, or nobody's."""
    name = person.user_principal_name
    match number % 4:
        case 0:
            return Account(key, True, {"userName": name.upper(), "title": "By hand"})
        case 1:
            return Account(key, True, {"userName": f"other.{number}@old.example", "email": str(person.mail).upper()})
        case 2:
            return Account(key, False, {"userName": name})
        case _:
            return Account(key, True, {"userName": f"nobody.{number}@old.example"})


_SETTINGS = {
    "AzureWebJobsStorage": STORAGE,
    "BRIDGE_ENCRYPTION_KEYS": KEY,
    "BRIDGE_ACCOUNTS_SERVERS": json.dumps({name: f"{ZOHO}/dc/{name}" for name in ("us",)}),
}


@cache
def _settings() -> Settings:
    """The same for every process: reading the environment takes a tenth of a history's time."""
    return Settings.model_validate(_SETTINGS)


def prepare() -> None:
    """Let this process simulate, and do nothing else from now on."""
    importlib.import_module("shared.app.console")  # all of the app is there before it is patched
    importlib.import_module("shared.app.startup")
    patched.install()
    connect(lambda: _world[0].internet)
    original = service.connect
    for name, module in list(sys.modules.items()):
        if name.startswith(("shared", "cli")) and vars(module).get("connect") is original:
            vars(module)["connect"] = lambda _: _world[0].tables
    gc.freeze()  # the app itself is not garbage: it need not be looked at again and again
    gc.set_threshold(50_000, 20, 50)
