"""Push, cycle and groups, in each dialect that Zoho One may speak: all of it comes right, at a stated number of calls.

Each row is a dialect of the simulated Zoho One (local/zoho_one/dialect.py), the settings of the store that go with it,
and what the standard flow then costs. docs/connection.md has the same costs in words.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
import requests

from local.entra.people import PEOPLE
from local.entra.person import Person
from shared.app.container import Bridge
from shared.rules.groups.settings import GroupSettings
from shared.rules.run import Run, RunKind, RunState
from shared.rules.status import Deprovisioning, Reflection, StatusRules
from shared.rules.store import Store
from shared.zoho.pace import Pace
from tests.conftest import Endpoint, ZohoOne
from tests.dialects import MODES, STANDARD, Mode
from tests.sync.grouped import Grouped
from tests.sync.reconciled import Reconciled

FEW = [person for person in PEOPLE if person.account_enabled][:12]
STAFF = "00000000-0000-0000-0000-00000000000a"


@pytest.fixture
def grouped(grouped: Grouped, mode: Mode, bridge: Bridge, host_bridge: Bridge, store_id: str) -> Grouped:
    """A store for pushes whose Zoho One speaks in the test's dialect; accounts and groups are deleted in it."""
    _speak(mode, grouped.zoho_one, store_id, bridge, host_bridge)
    groups, status = GroupSettings(deleted=Reflection.CHANGE), StatusRules(on_deleted=Deprovisioning.DELETE)
    bridge.stores.change(store_id, lambda store: store.model_copy(update={"groups": groups, "status_rules": status}))
    grouped.endpoint = Patient(grouped.endpoint.url, grouped.endpoint.token)
    return grouped


@pytest.fixture
def reconciled(reconciled: Reconciled, mode: Mode) -> Reconciled:
    """A store for cycles, as well, with a few people."""
    _speak(mode, reconciled.zoho_one, reconciled.store_id, reconciled.bridge)
    others = [person.id for person in PEOPLE if person not in FEW]
    reconciled.entra.act(*({"do": "unassign", "id": each} for each in others))
    return reconciled


class Unpaused(Pace):
    """A pace whose pauses are over at once."""

    def throttled(self, retry_after: float) -> None:
        """Half a minute later."""


class Patient(Endpoint):
    """Asks again where it is told to wait, as Entra does."""

    def request(self, method: str, path: str, **named: Any) -> requests.Response:
        for _ in range(4):
            answer = super().request(method, path, **named)
            if answer.status_code != 503:
                break
        return answer


def _speak(mode: Mode, zoho_one: ZohoOne, store_id: str, *bridges: Bridge) -> None:
    """Let Zoho One and the store agree."""
    zoho_one.speak(**mode.dialect)
    for bridge in bridges:
        bridge.paces[store_id] = Unpaused(8, None, lambda: 0.5)
    zoho = {"shares_organisation": True} | mode.settings
    bridges[0].stores.change(
        store_id, lambda store: Store.model_validate(store.model_dump() | {"zoho": store.zoho.model_dump() | zoho})
    )


def _account(zoho_one: ZohoOne, user_name: str) -> dict[str, Any]:
    (account,) = (user for user in zoho_one.users() if user["userName"].lower() == user_name.lower())
    return account


def _members(grouped: Grouped) -> set[str]:
    return {name.lower() for name in grouped.in_zoho_one("Sales")}


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_pushes(grouped: Grouped, mode: Mode, bridge: Bridge, store_id: str) -> None:
    """A person comes, changes, goes, comes back; an account is adopted; a group lives and is deleted, and so is one."""
    zoho, endpoint = grouped.zoho_one, grouped.endpoint
    zoho.add({"userName": "there@contoso.example", "active": True, "phoneNumbers": [{"type": "home", "value": "1"}]})
    body = {"userName": "Ada@contoso.example", "active": True, "title": "Analyst", "preferredLanguage": "en"}
    answer = endpoint.request("POST", "/Users", json=body | {"externalId": "a1"})
    assert answer.status_code == 201, answer.text
    grouped.ids["ada"] = answer.json()["id"]
    account = _account(zoho, "ada@contoso.example")
    assert {name for name in ("preferredLanguage", "title") if name in account} == set(mode.keeps)
    grouped.people("ben", "carl", "dora", "there")
    for person in ("ada", "there"):
        assert grouped.set(person, "title", "Countess").status_code == 200
        assert _account(zoho, f"{person}@contoso.example")["title"] == "Countess"
    assert _account(zoho, "there@contoso.example")["phoneNumbers"] == [{"type": "home", "value": "1"}], "not its own"
    grouped.group("Sales", "ada", "ben", "carl")
    assert _members(grouped) == {"ada", "ben", "carl"}
    assert grouped.add("Sales", "dora").status_code == 204
    assert grouped.remove("Sales", "ben").status_code == 204
    assert grouped.set("ada", "active", "False").status_code == 200
    assert _account(zoho, "ada@contoso.example")["active"] is False
    assert _members(grouped) == {"carl", "dora"}
    assert grouped.set("ada", "active", "True").status_code == 200
    assert _account(zoho, "ada@contoso.example")["active"] is True
    assert _members(grouped) == {"ada", "carl", "dora"}
    assert grouped.patch("Sales", {"op": "Replace", "path": "displayName", "value": "Sold"}).status_code == 204
    assert [group["displayName"] for group in zoho.groups()] == ["Sold"]
    assert endpoint.request("DELETE", f"/Users/{grouped.ids['dora']}").status_code == 204
    assert endpoint.request("DELETE", f"/Groups/{grouped.ids['Sales']}").status_code == 204
    assert (len(zoho.users()), zoho.groups()) == (4, [])
    rows = bridge.table("identities").query_entities(f"PartitionKey eq '{store_id}'")
    assert not [row for row in rows if "pending" in row]
    if "throttles_every" not in mode.dialect:
        called = Counter[str]()
        for kind, number in zoho.calls().items():
            called[kind.partition(" ")[0]] += number
        assert called == Counter({name: number for name, number in (STANDARD | mode.calls).items() if number})


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_cycles(reconciled: Reconciled, mode: Mode) -> None:
    """A first cycle, with a lost answer; a full one that finds nothing; changes on both sides; and again nothing."""
    zoho, entra = reconciled.zoho_one, reconciled.entra
    members = [person.id for person in FEW[:5]]
    capital = FEW[8].user_principal_name.replace("@", ".Big@")
    entra.act(
        {"do": "put group", "id": STAFF, "members": members},
        {"do": "assign group", "id": STAFF},
        {"do": "change", "id": FEW[8].id, "values": {"userPrincipalName": capital}},
    )
    zoho.add({"userName": FEW[3].user_principal_name, "active": True})
    zoho.fail(method="POST", path="/Users", drop="after")
    _until_done(reconciled, RunKind.CYCLE)
    _until_done(reconciled, RunKind.CYCLE)
    _assert_as_in_entra(reconciled, FEW[:5])
    _assert_nothing_left(reconciled)
    entra.act(
        {"do": "change", "id": FEW[0].id, "values": {"jobTitle": "Changed"}},
        {"do": "disable", "id": FEW[1].id},
        {"do": "remove member", "id": STAFF, "members": [FEW[2].id]},
        {"do": "add member", "id": STAFF, "members": [FEW[6].id]},
    )
    zoho.change(_account(zoho, FEW[4].user_principal_name)["userName"], title="by hand")
    zoho.remove(_account(zoho, FEW[5].user_principal_name)["userName"])
    _until_done(reconciled, RunKind.FULL_CYCLE)
    _assert_as_in_entra(reconciled, [FEW[0], FEW[3], FEW[4], FEW[6]])
    _assert_nothing_left(reconciled)


def _until_done(reconciled: Reconciled, kind: RunKind) -> Run:
    """A cycle; where Zoho One asks to wait all the time, as many as it takes."""
    for _ in range(8):
        run = reconciled.cycle(kind)
        if run.state is RunState.DONE and not run.errors:
            return run
    raise AssertionError(run)


def _assert_as_in_entra(reconciled: Reconciled, members: Sequence[Person]) -> None:
    """Everybody who should be there is, with the values of Entra, and so are the members of the group."""
    wanted = {
        user["userPrincipalName"].lower(): (user["displayName"], user["jobTitle"])
        for user in reconciled.in_entra()
        if user["assigned"] and user["accountEnabled"]
    }
    shown = {
        user["userName"].lower(): (user.get("displayName"), user.get("title"))
        for user in reconciled.zoho_one.users()
        if user["active"]
    }
    assert shown == wanted
    assert len(reconciled.zoho_one.users()) == len(reconciled.accounts()), "nobody was made twice"
    inside = {name.lower() for name in reconciled.groups()[STAFF]}
    assert inside == {person.user_principal_name.lower() for person in members}


def _assert_nothing_left(reconciled: Reconciled) -> None:
    """A full cycle finds no drift, and changes nobody and no group."""
    run = _until_done(reconciled, RunKind.FULL_CYCLE)
    assert (run.drifted, run.findings, dict(run.planned), dict(run.groups), run.members) == (0, (), {}, {}, 0)


CAPPED = Mode(
    "few members shown, and no PATCH",
    {"patch": False, "members_shown": 3},
    {"update_verb": "PUT", "members_shown": 3},
)


@pytest.mark.parametrize("mode", [CAPPED], ids=lambda mode: mode.name)
def test_a_put_of_a_group_that_is_not_shown_whole_is_refused(grouped: Grouped, mode: Mode) -> None:
    """It would remove everybody who is not shown."""
    assert mode is CAPPED
    grouped.people("ada", "ben", "carl", "dora", "eve")
    grouped.group("Sales", "ada", "ben", "carl", "dora")
    answer = grouped.add("Sales", "eve")
    assert answer.status_code == 400
    assert "shows only 3 members of this group" in answer.json()["detail"]
    assert _members(grouped) == {"ada", "ben", "carl", "dora"}
