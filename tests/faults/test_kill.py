"""The host process is killed before and after each kind of call it makes; the same request again puts all right."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from typing import Any

import pytest
import requests

from local.processes import Processes
from local.store import add_store
from shared.app.container import Bridge
from tests.conftest import Endpoint, ZohoOne, held
from tests.faults.call_kinds import EVERYWHERE, moments
from tests.faults.gated_host import gates, start_gated_host
from tests.faults.killer import Killer

LEASE_SECONDS = 1.0
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
PERSON = {"userName": "grace@contoso.example", "externalId": "grace", "displayName": "Grace", "active": True}


class Scene:
    """A gated host that will be killed, and a second one on the same storage that stays."""

    def __init__(self, processes: Processes, azurite: str, key: str, zoho_one: ZohoOne, host: str) -> None:
        self._processes, self._azurite, self._key, self._zoho_one = processes, azurite, key, zoho_one
        self._host = host
        self._numbers = itertools.count()
        self.killer = Killer()

    @contextmanager
    def store(self, name: str, *, warm: bool) -> Iterator[tuple[Endpoint, Endpoint, BaseProcess, str]]:
        """A new store: its endpoint on the host to be killed, and on the one that stays."""
        store = f"{name}-{next(self._numbers)}"
        self._zoho_one.reset()
        with gates(self._azurite, self._zoho_one.parts, self.killer) as (connection_string, gated):
            token = add_store(self._azurite, self._key, gated, store)
            host = start_gated_host(self._processes, connection_string, self._key, gated, store, token, LEASE_SECONDS)
            if warm:
                assert host.endpoint.request("POST", "/Users", json={"userName": "warm@contoso.example"}).ok
            yield host.endpoint, Endpoint(f"{self._host}/scim/{store}", token), host.process, store
            self.killer.victim = None
            host.end()


@pytest.fixture
def scene(processes: Processes, azurite: str, key: str, zoho_one: ZohoOne, host: str) -> Scene:
    return Scene(processes, azurite, key, zoho_one, host)


type Write = Callable[[Endpoint, str], requests.Response]


def _post(endpoint: Endpoint, _: str) -> requests.Response:
    return endpoint.request("POST", "/Users", json=PERSON)


def _disable(endpoint: Endpoint, user_id: str) -> requests.Response:
    operation = {"op": "Replace", "path": "active", "value": "False"}
    return endpoint.request("PATCH", f"/Users/{user_id}", json={"schemas": [PATCH], "Operations": [operation]})


def _rename(endpoint: Endpoint, user_id: str) -> requests.Response:
    operation = {"op": "replace", "value": {"userName": "hopper@contoso.example", "displayName": "Hopper"}}
    return endpoint.request("PATCH", f"/Users/{user_id}", json={"schemas": [PATCH], "Operations": [operation]})


def _delete(endpoint: Endpoint, user_id: str) -> requests.Response:
    return endpoint.request("DELETE", f"/Users/{user_id}")


ACTIVE = {"userName": "grace@contoso.example", "displayName": "Grace", "active": True}
CASES: dict[str, tuple[Write, bool, tuple[int, ...], dict[str, Any]]] = {
    # name: the request, whether the host is warm, what the repeated request may answer, what Zoho One must hold
    "post-cold": (_post, False, (201, 409), ACTIVE),
    "post": (_post, True, (201, 409), ACTIVE),
    "disable": (_disable, True, (200,), ACTIVE | {"active": False}),
    "rename": (_rename, True, (200,), ACTIVE | {"userName": "hopper@contoso.example", "displayName": "Hopper"}),
    "delete": (_delete, True, (204, 404), ACTIVE | {"active": False}),
}


@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", CASES if EVERYWHERE else ("post", "disable"))
def test_a_killed_host_loses_nothing_and_doubles_nothing(
    name: str, scene: Scene, zoho_one: ZohoOne, bridge: Bridge, kills: Callable[[object], None]
) -> None:
    write, warm, statuses, expected = CASES[name]
    seen = _calls_of(name, scene)
    assert {kind.split()[0] for kind in seen} == {"tables", "zoho"}
    for at in moments(seen):
        where = str(at)
        with scene.store(name, warm=warm) as (doomed, staying, process, store):
            user_id = "" if write is _post else _post(staying, "").json()["id"]
            scene.killer.arm(process, at)
            with pytest.raises(requests.RequestException):
                write(doomed, user_id)
            assert scene.killer.killed.wait(10), where
            kills(at)
            answer = write(staying, user_id)
            assert answer.status_code in statuses, f"{where}: {answer.text}"
            _agree(bridge, zoho_one, store, expected, where)


def _calls_of(name: str, scene: Scene) -> list[str]:
    """The kinds of the host's calls when nobody disturbs it."""
    write, warm, _, _ = CASES[name]
    with scene.store(name, warm=warm) as (doomed, staying, process, _):
        user_id = "" if write is _post else _post(staying, "").json()["id"]
        scene.killer.arm(process, None)
        assert write(doomed, user_id).ok
        return list(scene.killer.seen)


def _agree(bridge: Bridge, zoho_one: ZohoOne, store: str, expected: dict[str, Any], where: str) -> None:
    """Zoho One holds one account, as Entra asked for; the identity says so too, and nothing is pending."""
    accounts = [user for user in zoho_one.users() if user["userName"] != "warm@contoso.example"]
    assert len(accounts) == 1, f"{where}: {accounts}"
    assert accounts[0].items() >= expected.items(), f"{where}: {accounts[0]}"
    people = [p for p in bridge.identities.scan(store) if "warm@" not in p.resource]
    for person in people:
        stored = bridge.identities.read(store, person.id)
        assert stored is not None
        assert stored.identity.pending is None, where
        account = stored.identity.account
        assert account is not None, where
        assert account.id == accounts[0]["id"], where
        assert account.holds == held(accounts[0]) == stored.identity.said.desired, where
    assert len(people) == (0 if where and "delete" in store else 1), where
