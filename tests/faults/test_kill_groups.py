"""The host is killed before and after each kind of call for a group; the same request, sent again, puts all right."""

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess

import pytest
import requests

from local.processes import Processes
from local.store import add_store
from shared.app.container import Bridge
from tests.conftest import Endpoint, ZohoOne
from tests.faults.call_kinds import EVERYWHERE, moments
from tests.faults.gated_host import gates, start_gated_host
from tests.faults.killer import Killer
from tests.sync.grouped import Grouped

LEASE_SECONDS = 1.0
ROUNDS = 8
PEOPLE = ("ada", "ben", "cleo", "dora")

type Write = Callable[[Grouped], requests.Response]


@dataclass(frozen=True)
class Case:
    """What is done, and what must be so in the end, in the bridge and in Zoho One."""

    write: Write
    statuses: tuple[int, ...]
    members: list[str] | None
    """None: the group is gone from the bridge."""
    in_zoho_one: list[str]
    given: bool = True


def _create(grouped: Grouped) -> requests.Response:
    body = {"displayName": "Sales", "externalId": "sales", "members": [{"value": grouped.ids["ada"]}]}
    return grouped.endpoint.request("POST", "/Groups", json=body)


def _change(grouped: Grouped) -> requests.Response:
    rename = {"op": "Replace", "path": "displayName", "value": "Sales Europe"}
    return grouped.patch("Sales", rename, grouped.operation("Add", "cleo"), grouped.operation("Remove", "ada"))


def _disable(grouped: Grouped) -> requests.Response:
    return grouped.set("ada", "active", "False")


def _enable(grouped: Grouped) -> requests.Response:
    return grouped.set("dora", "active", "True")


def _delete(grouped: Grouped) -> requests.Response:
    return grouped.endpoint.request("DELETE", f"/Groups/{grouped.ids['Sales']}")


def _delete_member(grouped: Grouped) -> requests.Response:
    return grouped.endpoint.request("DELETE", f"/Users/{grouped.ids['ada']}")


# "Sales" has ada, ben and dora, who is disabled at first.
CASES = {
    "create": Case(_create, (201, 409), ["ada"], ["ada"], given=False),
    "change": Case(_change, (204,), ["ben", "cleo", "dora"], ["ben", "cleo"]),
    "disable": Case(_disable, (200,), ["ada", "ben", "dora"], ["ben"]),
    "enable": Case(_enable, (200,), ["ada", "ben", "dora"], ["ada", "ben", "dora"]),
    "delete": Case(_delete, (204, 404), None, ["ada", "ben"]),
    "delete-member": Case(_delete_member, (204, 404), ["ben", "dora"], ["ben"]),
}


class Scene:
    """A gated host that is killed again and again, and one on the same storage that stays."""

    def __init__(self, processes: Processes, azurite: str, key: str, zoho_one: ZohoOne, host: str) -> None:
        self._processes, self._azurite, self._key, self._zoho_one = processes, azurite, key, zoho_one
        self._host, self._numbers = host, itertools.count()
        self.killer = Killer()

    @contextmanager
    def store(self, name: str, case: Case) -> Iterator[tuple[Grouped, Grouped, BaseProcess, str]]:
        """A new store with people and a group: seen through the host to be killed, and the one that stays."""
        store = f"{name}-{next(self._numbers)}"
        self._zoho_one.reset()
        with gates(self._azurite, self._zoho_one.parts, self.killer) as (connection_string, gated):
            token = add_store(self._azurite, self._key, gated, store)
            host = start_gated_host(self._processes, connection_string, self._key, gated, store, token, LEASE_SECONDS)
            staying = Grouped(Endpoint(f"{self._host}/scim/{store}", token), self._zoho_one)
            staying.people(*PEOPLE[:3])
            staying.people("dora", active=False)
            if case.given:
                staying.group("Sales", "ada", "ben", "dora")
            doomed = Grouped(host.endpoint, self._zoho_one, staying.ids)
            assert host.endpoint.request("GET", "/Users/none").status_code == 404  # warm
            yield doomed, staying, host.process, store
            self.killer.victim = None
            host.end()


@pytest.fixture
def scene(processes: Processes, azurite: str, key: str, zoho_one: ZohoOne, host: str) -> Scene:
    return Scene(processes, azurite, key, zoho_one, host)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", CASES if EVERYWHERE else ("create", "delete-member"))
def test_a_killed_host_loses_no_member_and_doubles_no_group(
    name: str, scene: Scene, bridge: Bridge, kills: Callable[[object], None]
) -> None:
    case = CASES[name]
    with scene.store(name, case) as (doomed, _, process, _):
        scene.killer.arm(process, None)
        assert case.write(doomed).ok
        seen = list(scene.killer.seen)
    assert {kind.split()[0] for kind in seen} == ({"tables", "zoho"} if name != "delete" else {"tables"})
    for at in moments(seen):
        where = str(at)
        with scene.store(name, case) as (doomed, staying, process, store):
            scene.killer.arm(process, at)
            with pytest.raises(requests.RequestException):
                case.write(doomed)
            assert scene.killer.killed.wait(10), where
            kills(at)
            answer = case.write(staying)
            assert answer.status_code in case.statuses, f"{where}: {answer.text}"
            scene.killer.victim = None
            _settle(bridge, store)
            _agree(bridge, staying, store, case, where)


def _settle(bridge: Bridge, store_id: str) -> None:
    """What the clock does every five minutes, for this store alone: until the lease of whoever was killed is over."""
    store = bridge.stores.read(store_id)
    assert store is not None
    for _ in range(ROUNDS):
        bridge.memberships.work_through([store])
        if not bridge.groups.pending(store_id) and not list(bridge.memberships.notes.waiting(store_id)):
            return
        time.sleep(LEASE_SECONDS / 2)


def _agree(bridge: Bridge, grouped: Grouped, store: str, case: Case, where: str) -> None:
    """One group, with the members it should have on both sides, and nothing left pending."""
    (held,) = grouped.zoho_one.groups()
    assert [name.partition("@")[0] for name in grouped.zoho_one.members(held["displayName"])] == case.in_zoho_one, where
    groups = list(bridge.groups.scan(store))
    assert len(groups) == (0 if case.members is None else 1), where
    for group in groups:
        grouped.ids["Sales"] = group.id
        assert grouped.members("Sales") == case.members, where
        stored = bridge.groups.read(store, group.id)
        assert stored is not None
        assert (stored.group.pending, stored.group.members) == (None, len(case.members or ())), where
        assert stored.group.account is not None, where
        assert stored.group.account.holds == stored.group.said.desired, where
        assert held["displayName"] == stored.group.said.display_name, where
    assert bridge.groups.pending(store) == [], where
    assert list(bridge.memberships.notes.waiting(store)) == [], where
    if case.members is None:
        assert bridge.groups.of_person(store, grouped.ids["ada"]) == [], where
