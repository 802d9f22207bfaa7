"""A store whose people come from the simulated Graph, and what must be so after each cycle."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from azure.data.tables import UpdateMode

from shared.app.container import Bridge
from shared.entra.clients import SECRET
from shared.rules.entra_connection import Scope
from shared.rules.guests import mapped_name
from shared.rules.identity import Identity
from shared.rules.mapping.mapping import DEFAULT_MAPPING, Mapping, ProfileField, Rule
from shared.rules.run import Run, RunKind
from shared.rules.secret_token import token_hash
from shared.rules.store import Store, ZohoConnection
from shared.rules.zoho_user import ZohoField
from shared.sync.cycle import Done
from shared.sync.cycle_note import CycleRequest
from shared.sync.cycles import Cycles
from shared.tables.service import TABLES, connect
from tests.conftest import Endpoint, Entra, ZohoOne


@dataclass(frozen=True)
class Hears:
    """Progress that is told to a function."""

    hook: Callable[[str, int, int], None]

    def tell(self, step: str, done: int = 0, of: int = 0) -> None:
        """A cycle's step."""
        self.hook(step, done, of)


@dataclass
class Reconciled:
    """The store, and both its ends."""

    bridge: Bridge
    store_id: str
    entra: Entra
    zoho_one: ZohoOne
    slept: list[float] = field(default_factory=list)
    """Seconds that a cycle would have waited."""

    @classmethod
    def start(cls, bridge: Bridge, store: Store, entra: Entra, zoho_one: ZohoOne, **changes: Any) -> Self:
        """Connect a store to Graph, with changed settings."""
        bridge.secrets.put(store.id, SECRET, entra.ready["client_secret"])
        found = cls(bridge, store.id, entra, zoho_one)
        found.change(entra=entra.connection(scope=Scope.ASSIGNED), **changes)
        return found

    def change(self, **changes: Any) -> None:
        """Change settings of the store."""
        self.bridge.stores.change(self.store_id, lambda store: store.model_copy(update=changes))

    @property
    def store(self) -> Store:
        """As it is now."""
        store = self.bridge.stores.read(self.store_id)
        assert store is not None
        return store

    def request(self, kind: RunKind = RunKind.CYCLE) -> Done:
        """A cycle that an administrator asks for; it does not wait when Zoho One asks it to."""
        return self.cycles().run(CycleRequest(store=self.store_id, kind=kind, asked_by="test"))

    def cycles(self, **changes: Any) -> Cycles:
        """The cycles, which wait for nobody, with other changes: of what they are made of, or of each cycle's parts."""
        cycles = self.bridge.cycles
        parts = {"people_applier": replace(cycles.parts.people_applier, sleep=self.slept.append)}
        parts |= {name: changes.pop(name) for name in cycles.parts.__dataclass_fields__ if name in changes}
        return replace(cycles, parts=replace(cycles.parts, **parts), **changes)  # type: ignore[arg-type]  # of all types

    def cycle(self, kind: RunKind = RunKind.CYCLE) -> Run:
        """The record of one."""
        return self.request(kind).run

    def endpoint(self, host: str) -> Endpoint:
        """Its sync endpoint on a host, for a push."""
        token = secrets.token_urlsafe(16)
        self.change(token_hashes=(token_hash(token),))
        return Endpoint(f"{host}/scim/{self.store_id}", token)

    def asked(self) -> CycleRequest:
        """A message as an administrator's."""
        return CycleRequest(store=self.store_id, asked_by="test")

    def hurried(self, request: CycleRequest) -> Done:
        """A message whose time is over at the first place that is safe."""
        return self.cycles(budget=timedelta()).run(request)

    def impatient(self) -> None:
        """Let its reader of Graph not wait when it is asked to."""
        graphs = self.bridge.graphs
        client = graphs.of(self.store)
        client._sleep = lambda _: None

    def lapse(self) -> None:
        """Let the time of every lease of this store end: what its processes worked on is abandoned."""
        table = self.bridge.table("leases")
        for row in table.query_entities("PartitionKey eq 'lease'"):
            if self.store_id in row["RowKey"].split(":"):
                long_ago = datetime.now(UTC) - timedelta(minutes=5)
                table.update_entity({**row, "ends": long_ago.isoformat()}, mode=UpdateMode.REPLACE)

    def break_note(self, connection_string: str) -> None:
        """Let a defect stand in the way of every cycle of this store, in whatever process: a time that is none."""
        table = connect(connection_string).get_table_client("identities")
        pending = "pending:" + "0" * 32
        table.upsert_entity({"PartitionKey": self.store_id, "RowKey": pending, "id": "0" * 32})
        broken = {"PartitionKey": self.store_id, "RowKey": "id:" + "0" * 32, "id": "0" * 32, "resource": "{}"}
        table.upsert_entity(broken | {"created": "not a time", "modified": "not a time"})

    def with_managers(self) -> None:
        """Let managers be provisioned too."""
        zoho = self.store.zoho.model_copy(update={"extensions": {ZohoField.MANAGER: None}})
        self.change(zoho=ZohoConnection.model_validate(zoho.model_dump()))
        rule = Rule(target=ZohoField.MANAGER, source=ProfileField(field="manager"))
        self.save_mapping(Mapping(rules=(*DEFAULT_MAPPING.rules, rule)))

    def save_mapping(self, mapping: Mapping) -> None:
        """Let another mapping count."""
        current = self.bridge.mappings.current(self.store_id)
        at = datetime.now(UTC)
        self.bridge.mappings.save(self.store_id, mapping, based_on=current.number, by="test", at=at, why="test")

    def identity(self, object_id: str) -> Identity | None:
        """What the bridge knows of a person."""
        stored = self.bridge.identities.find_object(self.store_id, object_id)
        return stored.identity if stored else None

    def tables(self) -> dict[str, dict[str, str]]:
        """Every row of this store, but for the one that remembers times."""
        found: dict[str, dict[str, str]] = {}
        for name in TABLES:
            for row in self.bridge.table(name).query_entities(
                "PartitionKey eq @store", parameters={"store": self.store_id}
            ):
                found[f"{name}/{row['RowKey']}"] = {key: str(value) for key, value in row.items()}
        return found

    def accounts(self) -> dict[str, dict[str, Any]]:
        """What Zoho One holds, by userName."""
        return {user["userName"]: user for user in self.zoho_one.users()}

    def active(self) -> set[str]:
        """The userNames of the active accounts."""
        return {name for name, user in self.accounts().items() if user.get("active")}

    def groups(self) -> dict[str, set[str]]:
        """The groups that Zoho One holds, each with the userNames of its members."""
        names = {user["id"]: user["userName"] for user in self.zoho_one.users()}
        return {
            group["displayName"]: {names[member["value"]] for member in group.get("members", [])}
            for group in self.zoho_one.groups()
        }

    def in_entra(self) -> list[dict[str, Any]]:
        """The people of Entra, each with whether he is assigned."""
        users: list[dict[str, Any]] = self.entra.control.get(f"{self.entra.ready['url']}/_state", timeout=5).json()[
            "users"
        ]
        return users

    def assert_as_in_entra(self) -> None:
        """Whoever is in scope and may sign in has an active account with his name; nobody else has one."""
        wanted = {
            mapped_name(user["userPrincipalName"]): user["displayName"]
            for user in self.in_entra()
            if user["assigned"] and user["accountEnabled"] and user["deletedDateTime"] is None
        }
        shown = {name: user.get("displayName") for name, user in self.accounts().items() if user.get("active")}
        assert shown == wanted
        assert len(self.zoho_one.users()) == len(self.accounts()), "nobody was made twice"
