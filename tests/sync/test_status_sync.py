"""Status sync in the flow: what the store's choices do to accounts, and whom the bridge leaves alone."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.app.container import Bridge
from shared.rules.guard_limits import GuardLimits, Threshold
from shared.rules.history import EventKind
from shared.rules.secret_token import token_hash
from shared.rules.status import Deprovisioning, Reflection, StatusRules
from shared.rules.store import Store
from shared.scim.endpoint import HttpRequest
from shared.tables.claims import Lookup
from tests.conftest import ZohoOne

NAME = "ada@contoso.example"
DO_NOTHING = Reflection.NOTHING


class Entra:
    """Entra's provisioning service, as far as these tests need it, on the endpoint in this process."""

    def __init__(self, bridge: Bridge, store: Store) -> None:
        self.bridge = bridge
        self.store = store

    def set(self, rules: StatusRules) -> None:
        """Choose the store's rules; the tests know its secret token."""
        changes = {"status_rules": rules, "token_hashes": (token_hash("known"),)}
        self.store = self.store.model_copy(update=changes)
        self.bridge.stores.put(self.store)

    def send(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        """One request."""
        url = f"https://bridge.example/scim/{self.store.id}{path}"
        request = HttpRequest(method, url, {"Authorization": "Bearer known"}, json.dumps(body or {}).encode())
        answer = self.bridge.sync_endpoint.handle(self.store.id, request)
        return answer.status, json.loads(answer.body or b"{}")

    def create(self, name: str = NAME, **values: Any) -> str:
        """A new person; his id."""
        status, person = self.send("POST", "/Users", {"userName": name, "active": True} | values)
        assert status == 201, person
        user_id: str = person["id"]
        return user_id

    def patch(self, user_id: str, **values: Any) -> int:
        """Change a person; the status."""
        operations = [{"op": "Replace", "path": path, "value": value} for path, value in values.items()]
        return self.send("PATCH", f"/Users/{user_id}", {"Operations": operations})[0]

    def history(self, user_id: str) -> list[tuple[EventKind, str]]:
        """What happened, oldest first."""
        return [(e.kind, e.reason) for e in reversed(self.bridge.identities.history(self.store.id, user_id))]


@pytest.fixture
def entra(bridge: Bridge, store: Store) -> Entra:
    entra = Entra(bridge, store)
    entra.set(StatusRules())
    return entra


def _active(zoho_one: ZohoOne) -> bool:
    (account,) = zoho_one.users()
    active: bool = account["active"]
    return active


def test_do_nothing_leaves_the_account_as_it_is(entra: Entra, zoho_one: ZohoOne) -> None:
    entra.set(StatusRules(deactivated=DO_NOTHING))
    user_id = entra.create()
    assert entra.patch(user_id, active="False") == 200
    assert _active(zoho_one)
    assert entra.send("GET", f"/Users/{user_id}")[1]["active"] is False
    assert entra.history(user_id)[-1] == (
        EventKind.RECORDED,
        'Status sync for deactivated users is set to "Do nothing".',
    )


def test_activated_do_nothing_leaves_a_deactivated_account_deactivated(entra: Entra, zoho_one: ZohoOne) -> None:
    entra.set(StatusRules(activated=DO_NOTHING))
    user_id = entra.create()
    assert entra.patch(user_id, title="Countess") == 200, "who is active is kept in step all the same"
    assert zoho_one.users()[0]["title"] == "Countess"
    entra.patch(user_id, active="False")
    entra.patch(user_id, active="True")
    assert not _active(zoho_one)


def test_delete_deletes_where_the_store_says_so(entra: Entra, zoho_one: ZohoOne) -> None:
    entra.set(StatusRules(on_deactivated=Deprovisioning.DELETE))
    user_id = entra.create()
    assert entra.patch(user_id, active="False") == 200
    assert zoho_one.users() == []
    assert entra.history(user_id)[-1][0] is EventKind.DELETED
    assert entra.patch(user_id, active="True") == 200, "he comes back with a new account"
    assert _active(zoho_one)


def test_a_deleted_person_under_do_nothing_is_let_go(entra: Entra, zoho_one: ZohoOne) -> None:
    entra.set(StatusRules(deleted=DO_NOTHING))
    user_id = entra.create()
    assert entra.send("DELETE", f"/Users/{user_id}")[0] == 204
    assert _active(zoho_one)
    assert zoho_one.calls() == {"POST /Users": 1}
    assert entra.history(user_id)[-1][0] is EventKind.UNMANAGED
    account = zoho_one.users()[0]["id"]
    record = entra.bridge.identities.record_of(entra.store.id, account, asks="")
    assert record is not None
    assert record.owner is None
    again = entra.create()
    assert entra.history(again)[-1][0] is EventKind.ADOPTED
    record = entra.bridge.identities.record_of(entra.store.id, account, asks="")
    assert record is not None
    assert record.owner == again


def test_someone_re_hired_after_his_deletion_gets_his_account_back(entra: Entra, zoho_one: ZohoOne) -> None:
    user_id = entra.create()
    account_id = zoho_one.users()[0]["id"]
    entra.send("DELETE", f"/Users/{user_id}")
    assert not _active(zoho_one)
    entra.create(title="Countess")
    (account,) = zoho_one.users()
    assert (account["id"], account["active"], account["title"]) == (account_id, True, "Countess")


def test_an_account_deactivated_by_hand_is_left_alone(entra: Entra, zoho_one: ZohoOne) -> None:
    zoho_one.add({"userName": NAME, "active": False, "title": "Left in May"})
    user_id = entra.create(title="Countess")
    (account,) = zoho_one.users()
    assert (account["active"], account["title"]) == (False, "Left in May")
    left_alone = "Somebody deactivated the account in Zoho One by hand; it is left alone."
    assert entra.history(user_id) == [(EventKind.ADOPTED, left_alone)]
    for values in ({"title": "Duchess"}, {"active": "False"}, {"active": "True"}):
        assert entra.patch(user_id, **values) == 200
    (account,) = zoho_one.users()
    assert (account["active"], account["title"]) == (False, "Left in May")


def test_a_store_may_restore_what_was_deactivated_by_hand(entra: Entra, zoho_one: ZohoOne) -> None:
    entra.set(StatusRules(restore_by_hand=True))
    zoho_one.add({"userName": NAME, "active": False})
    entra.create(title="Countess")
    (account,) = zoho_one.users()
    assert (account["active"], account["title"]) == (True, "Countess")


def test_by_hand_is_noticed_when_the_bridge_has_to_look(entra: Entra, zoho_one: ZohoOne) -> None:
    user_id = entra.create()
    zoho_one.change(NAME, active=False)
    zoho_one.fail(method="PATCH", drop="before")
    assert entra.patch(user_id, title="Countess") == 503
    assert entra.patch(user_id, title="Duchess") == 200
    assert not _active(zoho_one), "not restored in passing"
    assert "left alone" in entra.history(user_id)[-1][1]


def test_a_failing_mapping_does_not_keep_a_leaver_in(entra: Entra, zoho_one: ZohoOne) -> None:
    user_id = entra.create(title="Analyst")
    entra.bridge.mappings.save(
        entra.store.id,
        entra.bridge.mappings.current(entra.store.id).mapping.model_validate(
            {
                "rules": [
                    {"target": "userName", "source": {"kind": "expression", "expression": "Item([otherMails], 9)"}},
                ]
            }
        ),
        based_on=0,
        by="ada",
        at=entra.bridge.push.now(),
        why="a mistake",
    )
    status, error = entra.send(
        "PATCH", f"/Users/{user_id}", {"Operations": [{"op": "add", "path": "title", "value": "x"}]}
    )
    assert (status, "userName" in error["detail"]) == (400, True)
    assert entra.patch(user_id, active="False") == 200
    assert not _active(zoho_one)


NAMES = st.sampled_from(["a@contoso.example", "b@contoso.example"])
EXAMPLES = max(settings().max_examples * 2 // 5, 5)
EVENTS = st.lists(
    st.tuples(st.just("POST"), NAMES, st.booleans())
    | st.tuples(st.sampled_from(["active", "rename"]), NAMES, st.booleans())
    | st.tuples(st.just("DELETE"), NAMES, st.booleans()),
    max_size=12,
)


@settings(
    max_examples=max(settings().max_examples * 2 // 5, 5), suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(events=EVENTS)
def test_no_sequence_of_events_ever_deletes_an_account_by_default(
    bridge: Bridge, store: Store, zoho_one: ZohoOne, events: list[tuple[str, str, bool]]
) -> None:
    entra = Entra(bridge, store)
    entra.set(StatusRules())
    never = Threshold(count=10_000, percent=100)  # of so few people the guard would let hardly anybody go
    unguarded = GuardLimits(leavings=never, leavings_share=None, leavings_most=None)
    bridge.stores.change(store.id, lambda now: now.model_copy(update={"guard": unguarded}))
    seen: set[str] = {user["id"] for user in zoho_one.users()}
    for kind, name, flag in events:
        found = bridge.identities.find(store.id, Lookup.USER_NAME, name)
        if kind == "POST":
            status, answer = entra.send("POST", "/Users", {"userName": name, "active": flag})
        elif not found:
            continue
        elif kind == "DELETE":
            status, answer = entra.send("DELETE", f"/Users/{found[0].id}")
        else:
            value = {"active": str(flag)} if kind == "active" else {"userName": f"{flag}-{name}"}
            status, answer = entra.patch(found[0].id, **value), {}
        assert status in (200, 201, 204, 409), answer
        accounts = {user["id"] for user in zoho_one.users()}
        assert seen <= accounts
        seen = accounts
    assert not [call for call in zoho_one.calls() if call.startswith("DELETE")]


def test_someone_re_hired_gets_his_account_back_even_after_a_lost_reply(entra: Entra, zoho_one: ZohoOne) -> None:
    user_id = entra.create()
    account_id = zoho_one.users()[0]["id"]
    entra.send("DELETE", f"/Users/{user_id}")
    zoho_one.fail(method="PATCH", drop="before")
    assert entra.send("POST", "/Users", {"userName": NAME, "active": True})[0] == 503
    entra.create(title="Countess")
    (account,) = zoho_one.users()
    assert (account["id"], account["active"], account["title"]) == (account_id, True, "Countess")
