"""What the tests of a worker share: Azurite, a simulated Zoho One and Entra, and a host."""

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from azure.core.pipeline.transport import RequestsTransport
from hypothesis import settings

from local.azurite import start_azurite
from local.parts import app_settings, start_zoho_one
from local.processes import Processes
from local.store import ZohoOneParts, add_store, new_key
from shared.app.container import Bridge
from shared.entra.credentials import EntraTokens
from shared.entra.graph_client import GraphClient
from shared.outgoing import OutgoingSession
from shared.rules.entra_connection import Credential, EntraConnection
from shared.rules.store import Store
from shared.rules.zoho_user import ZOHO_FIELDS, ZohoUser, from_scim
from shared.settings import Settings
from shared.tables.stores import PARTITION

# `make test` gives the properties a short form, always the same, and `make quick` a glance; `make campaign` more and
# more examples, from another place each time, for as long as it has time.
settings.register_profile("quick", max_examples=10, deadline=None, derandomize=True)
settings.register_profile("test", max_examples=60, deadline=None, derandomize=True)
settings.register_profile(
    "campaign", max_examples=int(os.environ.get("BRIDGE_CAMPAIGN_EXAMPLES", "5000")), deadline=None
)
settings.load_profile("test")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-process", action="store_true", help="leave out what starts a process, and refuse to")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what starts a process, and leave it out of `make quick`."""
    for item in items:
        if "processes" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.process)
    if config.getoption("--no-process"):
        left_out = [item for item in items if item.get_closest_marker("process")]
        items[:] = [item for item in items if not item.get_closest_marker("process")]
        config.hook.pytest_deselected(items=left_out)


@pytest.fixture(scope="session", autouse=True)
def _no_process(pytestconfig: pytest.Config) -> None:
    """`make quick` stays true: a test that starts a process there fails."""
    if pytestconfig.getoption("--no-process"):
        sys.addaudithook(_refuse)


def _refuse(event: str, _: tuple[object, ...]) -> None:
    if event in ("subprocess.Popen", "os.posix_spawn", "os.fork", "os.exec"):
        raise AssertionError("this test starts a process: mark it with pytest.mark.process")


@pytest.fixture(scope="session")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """This worker's child processes."""
    with Processes(tmp_path_factory.mktemp("logs")) as processes:
        yield processes


@pytest.fixture(scope="session")
def azurite_process(processes: Processes) -> str:
    """The connection string of this worker's Azurite. It looks at all rows there are to find one: each has its own."""
    return start_azurite(processes).connection_string


@pytest.fixture(scope="session")
def azurite(azurite_process: str) -> str:
    """The connection string of the tables: of Azurite, but for folders that have theirs in memory (in_memory.py)."""
    return azurite_process


@pytest.fixture(scope="session")
def key() -> str:
    """This worker's encryption key."""
    return new_key()


@pytest.fixture
def table_calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The methods of the calls that go to the tables, from now on."""
    methods: list[str] = []
    send = RequestsTransport.send

    def noted(self: RequestsTransport, request: object, **kwargs: object) -> object:
        methods.append(request.method)  # type: ignore[attr-defined]  # of either kind that the SDK has
        return send(self, request, **kwargs)

    monkeypatch.setattr(RequestsTransport, "send", noted)
    return methods


@dataclass
class ZohoOne:
    """The simulated Zoho One, seen from a test."""

    parts: ZohoOneParts
    session: requests.Session = field(default_factory=requests.Session)

    def users(self) -> list[dict[str, Any]]:
        """The accounts it holds."""
        return self._state()["users"]  # type: ignore[no-any-return]  # JSON

    def groups(self) -> list[dict[str, Any]]:
        """The groups it holds."""
        return self._state()["groups"]  # type: ignore[no-any-return]  # JSON

    def calls(self) -> dict[str, int]:
        """How often it was called, by method and kind of path; asking for a token left out."""
        calls: dict[str, int] = self._state()["calls"]
        return {kind: count for kind, count in calls.items() if "/oauth/" not in kind}

    def all_calls(self) -> dict[str, int]:
        """The same, asking for tokens included."""
        calls: dict[str, int] = self._state()["calls"]
        return calls

    def signs_in(self, user_name: str, password: str) -> bool:
        """Whether somebody can sign in with a password."""
        answer = self.session.post(f"{self.parts.url}/_sign_in", json={"userName": user_name, "password": password})
        assert answer.status_code in (204, 401), answer.text
        return answer.status_code == 204

    def with_password(self) -> list[str]:
        """The userNames of those who have a password at all."""
        names: list[str] = self._state()["with_password"]
        return names

    def issued(self) -> dict[str, int]:
        """What its accounts servers handed out since the last reset."""
        issued: dict[str, int] = self._state()["tokens"]["issued"]
        return issued

    def move(self, data_center: str) -> None:
        """Let the organisation live in another data center until the next reset."""
        assert self.session.put(f"{self.parts.url}/_home", data=data_center).ok

    def expire_tokens(self) -> None:
        """Let every access token end ahead of its time."""
        assert self.session.delete(f"{self.parts.url}/_tokens").ok

    def add(self, *users: dict[str, Any]) -> list[dict[str, Any]]:
        """Accounts that are there already."""
        answer = self.session.post(f"{self.parts.url}/_users", json=list(users))
        assert answer.ok, answer.text
        added: list[dict[str, Any]] = answer.json()
        return added

    def add_group(self, name: str, *members: str, **values: Any) -> str:
        """A group that is there already, and its id."""
        group = {"displayName": name, "members": [{"value": member} for member in members]} | values
        answer = self.session.post(f"{self.parts.url}/_groups", json=[group])
        assert answer.ok, answer.text
        return str(answer.json()[0]["id"])

    def members(self, name: str) -> list[str]:
        """The userNames of a group's members."""
        names = {user["id"]: user["userName"] for user in self.users()}
        (group,) = (group for group in self.groups() if group["displayName"] == name)
        return sorted(names[member["value"]] for member in group.get("members", []))

    def change(self, user_name: str, **values: Any) -> None:
        """Change an account as an administrator of Zoho One does, behind the bridge's back."""
        (account,) = (user for user in self.users() if user["userName"] == user_name)
        operations = [{"op": "replace", "path": path, "value": value} for path, value in values.items()]
        body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations}
        headers = {"Authorization": f"Bearer {self._own_token()}"}
        assert self.session.patch(f"{self.parts.url}/_scim/Users/{account['id']}", json=body, headers=headers).ok

    def remove(self, user_name: str) -> None:
        """Delete an account, behind the bridge's back."""
        (account,) = (user for user in self.users() if user["userName"] == user_name)
        headers = {"Authorization": f"Bearer {self._own_token()}"}
        assert self.session.delete(f"{self.parts.url}/_scim/Users/{account['id']}", headers=headers).ok

    def remove_group(self, name: str) -> None:
        """Delete a group, as well."""
        (group,) = (group for group in self.groups() if group["displayName"] == name)
        headers = {"Authorization": f"Bearer {self._own_token()}"}
        assert self.session.delete(f"{self.parts.url}/_scim/Groups/{group['id']}", headers=headers).ok

    def change_group(self, name: str, *operations: dict[str, Any]) -> None:
        """Change a group, as well."""
        (group,) = (group for group in self.groups() if group["displayName"] == name)
        body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": list(operations)}
        headers = {"Authorization": f"Bearer {self._own_token()}"}
        assert self.session.patch(f"{self.parts.url}/_scim/Groups/{group['id']}", json=body, headers=headers).ok

    def _own_token(self) -> str:
        form = {"grant_type": "refresh_token", "refresh_token": self.parts.refresh_token}
        form |= {"client_id": self.parts.client_id, "client_secret": self.parts.client_secret}
        token: str = self.session.post(f"{self.parts.accounts}/oauth/v2/token", data=form).json()["access_token"]
        return token

    def speak(self, **dialect: Any) -> None:
        """Let it speak in a dialect until the next reset: see local/zoho_one/dialect.py."""
        answer = self.session.put(f"{self.parts.url}/_dialect", json=dialect)
        assert answer.ok, answer.text

    def fail(self, **fault: Any) -> None:
        """A fault for the next call, or the next ``times`` calls, of this ``method`` and ``path``."""
        answer = self.session.post(f"{self.parts.url}/_faults", json=[fault])
        assert answer.ok, answer.text

    def forget_faults(self) -> None:
        """Let none go wrong that waits for it still."""
        assert self.session.delete(f"{self.parts.url}/_faults").ok

    def reset(self) -> None:
        """Forget everything."""
        assert self.session.delete(f"{self.parts.url}/_state").ok

    def _state(self) -> dict[str, Any]:
        state: dict[str, Any] = self.session.get(f"{self.parts.url}/_state").json()
        return state


def held(account: dict[str, Any]) -> ZohoUser:
    """What an account of Zoho One's holds, of the fields that a store uses without extensions."""
    return from_scim(account, {field: facts.path for field, facts in ZOHO_FIELDS.items() if not facts.extension})


@pytest.fixture(scope="session")
def zoho_one_server(processes: Processes) -> ZohoOne:
    """This worker's Zoho One as a process."""
    return ZohoOne(start_zoho_one(processes))


@pytest.fixture(scope="session")
def zoho_one_process(zoho_one_server: ZohoOne) -> ZohoOne:
    """Zoho One: that process, but for folders that have it in theirs (in_memory.py)."""
    return zoho_one_server


@pytest.fixture
def zoho_one(zoho_one_process: ZohoOne) -> ZohoOne:
    """An empty Zoho One."""
    zoho_one_process.reset()
    return zoho_one_process


@dataclass
class Entra:
    """One simulated Entra: what it said when it was ready, and its face for tests."""

    ready: dict[str, Any]
    control: requests.Session = field(default_factory=requests.Session)
    slept: list[float] = field(default_factory=list)
    """What the clients waited, without waiting."""

    def __post_init__(self) -> None:
        self.session = OutgoingSession(Path(self.ready["certificate"]))

    def connection(self, **changes: Any) -> EntraConnection:
        """A store's connection to it."""
        values = {
            "tenant_id": self.ready["tenant_id"],
            "client_id": self.ready["client_id"],
            "credential": Credential.CLIENT_SECRET,
            "enterprise_app": self.ready["enterprise_app"],
            "graph": self.ready["url"],
            "login": self.ready["login"],
        }
        return EntraConnection.model_validate(values | changes)

    def tokens(self, secret: Callable[[], str] | None = None, **changes: Any) -> EntraTokens:
        """Tokens for it."""
        return EntraTokens(
            self.connection(**changes), self.session, secret or (lambda: self.ready["client_secret"]), local=True
        )

    def client(self, patience: float = 60) -> GraphClient:
        """A client for it that notes how long it would wait."""
        return GraphClient(self.connection(), self.session, self.tokens(), patience=patience, sleep=self.slept.append)

    def set(self, **settings: Any) -> None:
        """Change how it behaves: see GraphSettings."""
        self._ask("PATCH", "/_settings", settings)

    def act(self, *actions: dict[str, Any]) -> None:
        """Do what an administrator does: see graph_people.py."""
        self._ask("POST", "/_people", list(actions))

    def fail(self, path: str, **fault: Any) -> None:
        """A fault for the next calls of a kind of path."""
        self._ask("POST", "/_faults", [{"path": path, **fault}])

    def forget(self, what: str) -> None:
        """End all ``tokens`` or ``links``, or forget all ``calls`` or the whole ``state``."""
        self._ask("DELETE", f"/_{what}")

    def calls(self) -> dict[str, int]:
        """How often Graph was called, by method and kind of path; signing in left out."""
        calls: dict[str, int] = self.control.get(f"{self.ready['url']}/_calls", timeout=5).json()
        return {kind: count for kind, count in calls.items() if "/v1.0/" in kind}

    def sign_ins(self) -> int:
        """How many tokens were asked for."""
        calls: dict[str, int] = self.control.get(f"{self.ready['url']}/_calls", timeout=5).json()
        return calls.get("POST /{tenant}/oauth2/v2.0/token", 0) + calls.get("GET /msi/token", 0)

    def _ask(self, method: str, path: str, content: object = None) -> None:
        answer = self.control.request(method, f"{self.ready['url']}{path}", json=content, timeout=10)
        assert answer.status_code == 204, answer.text


@pytest.fixture(scope="session")
def entra_process(processes: Processes) -> Iterator[Entra]:
    """This worker's Entra, with 25 realistic people."""
    _, ready = processes.start_module("local.entra", "--port", "0")
    entra = Entra(ready)
    yield entra
    entra.session.close()
    entra.control.close()


@pytest.fixture
def entra(entra_process: Entra) -> Entra:
    """An Entra as it began; it knows one tenant and one secret."""
    entra_process.forget("state")
    entra_process.slept.clear()
    entra_process.set(tenant=entra_process.ready["tenant_id"], client_secret=entra_process.ready["client_secret"])
    return entra_process


@dataclass
class Endpoint:
    """A directory store's sync endpoint, and the token for it."""

    url: str
    token: str
    session: requests.Session = field(default_factory=requests.Session)

    def request(
        self, method: str, path: str, *, query: dict[str, str] | None = None, json: object = None, **kwargs: Any
    ) -> requests.Response:
        """One request, with the secret token."""
        headers = {"Authorization": f"Bearer {self.token}"} | kwargs.pop("headers", {})
        return self.session.request(
            method, self.url + path, params=query, json=json, headers=headers, timeout=60, **kwargs
        )


@pytest.fixture(scope="session")
def host(processes: Processes, azurite: str, key: str, zoho_one_process: ZohoOne) -> str:
    """The URL of this worker's function host."""
    environment = app_settings(azurite, key, zoho_one_process.parts)
    _, ready = processes.start_module("local.host", "--port", "0", "--no-timers", environment=environment)
    url: str = ready["url"]
    return url


@pytest.fixture
def store_id() -> str:
    """A store of the test's own: its partition in every table."""
    return f"t-{os.urandom(8).hex()}"


@pytest.fixture
def new_store_token(bridge: Bridge, azurite: str, key: str, zoho_one: ZohoOne, store_id: str) -> Iterator[str]:
    """The token of a new, empty store, which is off the list afterwards: pages that show all stores stay small."""
    yield add_store(azurite, key, zoho_one.parts, store_id)
    bridge.table("stores").delete_entity(PARTITION, store_id)


@pytest.fixture
def endpoint(host: str, store_id: str, new_store_token: str) -> Endpoint:
    """The sync endpoint of a new, empty store on the running function host."""
    return Endpoint(f"{host}/scim/{store_id}", new_store_token)


@pytest.fixture(scope="session")
def bridge(azurite: str, key: str, zoho_one_process: ZohoOne) -> Bridge:
    """The app's parts in this process, on its Azurite."""
    return Bridge(Settings.model_validate(app_settings(azurite, key, zoho_one_process.parts)))


@pytest.fixture(scope="session")
def reading_bridge(azurite: str, key: str, zoho_one_process: ZohoOne, entra_process: Entra) -> Bridge:
    """The same, with the certificate of the simulated Entra."""
    settings = app_settings(azurite, key, zoho_one_process.parts)
    return Bridge(Settings.model_validate(settings | {"BRIDGE_ENTRA_CERTIFICATE": entra_process.ready["certificate"]}))


@pytest.fixture
def store(bridge: Bridge, store_id: str, new_store_token: str) -> Store:
    """A new, empty store."""
    store = bridge.stores.get(store_id)
    assert store is not None
    return store
