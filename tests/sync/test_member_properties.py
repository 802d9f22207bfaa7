"""Any sequence of member operations, in any of Entra's shapes, with people who come and go and answers that are lost,
gives the set that Python's own gives: in Table Storage, and in Zoho One."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.app.container import Bridge
from shared.rules.guard import GuardLimits, Threshold
from shared.rules.secret_token import token_hash
from shared.rules.store import Store
from shared.scim.endpoint import HttpRequest
from tests.conftest import ZohoOne

NAMES = tuple("abcdef")
SOME = st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True)
ADDS = st.sampled_from(["objects", "strings", "path-less"])
REMOVES = st.sampled_from(["objects", "filters", "or", "strings"])
OPERATION = st.one_of(
    st.tuples(st.just("add"), SOME, ADDS),
    st.tuples(st.just("remove"), SOME, REMOVES),
    st.tuples(st.just("replace"), SOME, ADDS),
)
STEP = st.one_of(
    st.tuples(st.just("patch"), st.lists(OPERATION, min_size=1, max_size=3)),
    st.tuples(st.just("patch"), st.lists(OPERATION, min_size=1, max_size=3)),
    st.tuples(st.just("switch"), st.sampled_from(NAMES)),
    st.tuples(st.just("lose"), st.sampled_from(["before", "after"])),
)


@dataclass
class Twin:
    """A group in the bridge, and the same as a plain set."""

    bridge: Bridge
    store: Store
    zoho_one: ZohoOne
    ids: dict[str, str]
    group: str
    members: set[str] = field(default_factory=set)
    active: set[str] = field(default_factory=lambda: set(NAMES))

    def send(self, method: str, path: str, body: object) -> dict[str, Any]:
        """One request, again and again as Entra does while the answer is 503."""
        url = f"https://bridge.example/scim/{self.store.id}{path}"
        request = HttpRequest(method, url, {"Authorization": "Bearer known"}, json.dumps(body).encode())
        for _ in range(4):
            answer = self.bridge.sync_endpoint.handle(self.store.id, request)
            if answer.status != 503:
                break
        assert answer.status < 300, answer.body
        shown: dict[str, Any] = json.loads(answer.body or b"{}")
        return shown

    def patch(self, operations: list[tuple[str, list[str], str]]) -> None:
        """A PATCH of the group, and of the set."""
        written = [one for verb, people, shape in operations for one in self._written(verb, people, shape)]
        self.send("PATCH", f"/Groups/{self.group}", {"Operations": written})
        for verb, people, _ in operations:
            match verb:
                case "add":
                    self.members |= set(people)
                case "remove":
                    self.members -= set(people)
                case _:
                    self.members = set(people)

    def _written(self, verb: str, people: list[str], shape: str) -> list[dict[str, Any]]:
        ids = [self.ids[one] for one in people]
        match shape:
            case "objects":
                return [{"op": verb.title(), "path": "members", "value": [{"$ref": None, "value": one} for one in ids]}]
            case "strings":
                return [{"op": verb, "path": "members", "value": ids}]
            case "path-less":
                return [{"op": verb, "value": {"members": [{"value": one} for one in ids]}}]
            case "filters":
                return [{"op": verb, "path": f'members[value eq "{one}"]'} for one in ids]
            case _:
                return [{"op": verb, "path": f"members[{' or '.join(f'value eq "{one}"' for one in ids)}]"}]

    def switch(self, person: str) -> None:
        """Disable somebody, or enable him again."""
        self.active ^= {person}
        operation = {"op": "Replace", "path": "active", "value": str(person in self.active)}
        self.send("PATCH", f"/Users/{self.ids[person]}", {"Operations": [operation]})

    def check(self) -> None:
        """Once the clock has been round, both sides have the set."""
        self.zoho_one.session.delete(f"{self.zoho_one.parts.url}/_faults")
        self.bridge.memberships.work_through([self.store])
        names = {known: name for name, known in self.ids.items()}
        kept = [names[one] for one in self.bridge.groups.groups.members(self.store.id, self.group)]
        assert sorted(kept) == sorted(self.members)
        held = [name.partition("@")[0] for name in self.zoho_one.members("Sales")]
        assert held == sorted(self.members & self.active)
        for name in NAMES:
            of_person = self.bridge.groups.groups.of_person(self.store.id, self.ids[name])
            assert of_person == ([self.group] if name in self.members else [])
        stored = self.bridge.groups.groups.read(self.store.id, self.group)
        assert stored is not None
        assert (stored.group.pending, stored.group.members) == (None, len(self.members))


@pytest.fixture
def twin(bridge: Bridge, store: Store, zoho_one: ZohoOne) -> Twin:
    # Six people come and go all the time, as none of the guard's limits would let them.
    guard = GuardLimits(leavings_share=None, leavings_most=None, members=Threshold(count=10_000, percent=100))
    guard = guard.model_copy(update={"leavings": Threshold(count=10_000, percent=100)})
    known = store.model_copy(update={"token_hashes": (token_hash("known"),), "guard": guard})
    bridge.stores.put(known)
    twin = Twin(bridge, known, zoho_one, {}, "")
    for name in NAMES:
        twin.ids[name] = twin.send("POST", "/Users", {"userName": f"{name}@contoso.example"})["id"]
    twin.group = twin.send("POST", "/Groups", {"displayName": "Sales"})["id"]
    return twin


@settings(
    max_examples=settings().max_examples // 4,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(STEP, min_size=1, max_size=7))
def test_both_sides_have_the_set_that_python_has(twin: Twin, steps: list[tuple[str, Any]]) -> None:
    for kind, what in steps:
        match kind:
            case "patch":
                twin.patch(what)
            case "switch":
                twin.switch(what)
            case _:
                twin.zoho_one.fail(method="PATCH", path="/Groups/{id}", drop=what)
    twin.check()
