"""Who is in a group, told by pushes and read by cycles, in any order: it comes to what a plain set says."""

from dataclasses import dataclass, field
from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.entra.people import PEOPLE
from shared.rules.groups.group import GROUP
from shared.rules.groups.member_change import MemberRequest
from shared.rules.scim_path import Resource
from shared.tables.groups import GroupLookup
from tests.sync.reconciled import Reconciled

EXAMPLES = max(settings().max_examples // 4, 3)
IDS = [person.id for person in PEOPLE if person.account_enabled][:5]
NAMES = {person.id: person.mapped_name for person in PEOPLE}


@dataclass
class GroupAccountChange:
    """One group in Entra, and the pushes about it that have not arrived."""

    reconciled: Reconciled
    id: str = field(default_factory=lambda: str(uuid4()))
    members: set[str] = field(default_factory=set)
    """What should be."""
    under_way: list[tuple[str, str]] = field(default_factory=list)

    def act(self, do: str, person: str) -> None:
        """Somebody comes or goes in Entra, and a push says so at some time."""
        if (do == "add") is not (person in self.members):
            (self.members.add if do == "add" else self.members.remove)(person)
            self.reconciled.entra.act({"do": f"{do} member", "id": self.id, "members": [person]})
            self.under_way.append((do, person))

    def push(self) -> None:
        """The push that was sent first arrives; before any the group is there."""
        store, bridge = self.reconciled.store, self.reconciled.bridge
        said = MemberRequest()
        if self.under_way:
            do, person = self.under_way.pop(0)
            known = self.reconciled.identity(person)
            assert known is not None
            said = said.add([known.id]) if do == "add" else said.remove([known.id])
        found = bridge.groups.find(store.id, GroupLookup.EXTERNAL_ID, self.id)
        resource: Resource = {"schemas": [GROUP], "displayName": self.id, "externalId": self.id}
        if found:
            stored = bridge.groups.read(store.id, found[0].id)
            assert stored is not None
            bridge.group_push.change(store, stored, dict(resource), said)
        else:
            bridge.group_push.create(store, dict(resource), said)

    def assert_all_say_the_same(self) -> None:
        """In Table Storage and in Zoho One."""
        groups = self.reconciled.bridge.groups
        (found,) = groups.find(self.reconciled.store_id, GroupLookup.EXTERNAL_ID, self.id)
        known = {identity.id for each in self.members if (identity := self.reconciled.identity(each)) is not None}
        assert set(groups.members(self.reconciled.store_id, found.id)) == known
        assert self.reconciled.groups()[self.id] == {NAMES[each] for each in self.members}
        stored = groups.read(self.reconciled.store_id, found.id)
        assert stored is not None
        assert (stored.group.size, stored.group.pending) == (len(self.members), None)


ACTIONS = st.one_of(
    st.tuples(st.sampled_from(["add", "add", "remove"]), st.sampled_from(IDS)),
    st.tuples(st.sampled_from(["push", "push", "cycle", "links expire"]), st.just("")),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=EXAMPLES)
@given(st.lists(ACTIONS, max_size=14))
def test_any_order_of_pushes_and_cycles_comes_to_the_same(
    reconciled: Reconciled, actions: list[tuple[str, str]]
) -> None:
    told = GroupAccountChange(reconciled)
    reconciled.entra.act({"do": "put group", "id": told.id}, {"do": "assign group", "id": told.id})
    if reconciled.identity(IDS[0]) is None:
        reconciled.cycle()
    for do, person in actions:
        match do:
            case "push":
                told.push()
            case "cycle":
                assert reconciled.cycle().errors == ()
                if not told.under_way:
                    told.assert_all_say_the_same()
            case "links expire":
                reconciled.entra.forget("links")
            case _:
                told.act(do, person)
    while told.under_way:
        told.push()
    reconciled.cycle()
    told.assert_all_say_the_same()
    reconciled.entra.act({"do": "unassign group", "id": told.id})
