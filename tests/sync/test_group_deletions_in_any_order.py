"""Deletions of groups by pushes, cycles, decisions and kills, in any order.

Never are more groups deleted without a decision than the limit, and no group that is back is unmanaged.
"""

from dataclasses import dataclass, field, replace
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.entra.people import PEOPLE
from shared.rules.groups.group import ZohoGroupRecord
from shared.rules.groups.member_change import MemberRequest
from shared.rules.groups.settings import GroupSettings
from shared.rules.guard_limits import GroupLimit, GuardLimits
from shared.rules.identity import id_of_object
from shared.rules.run import RunKind
from shared.rules.status import Reflection
from shared.sync.errors import HeldBack
from shared.sync.push.groups import GroupPush
from shared.tables.errors import Stale
from shared.tables.group_rows import StoredGroup
from shared.zoho.group_client import ZohoGroups
from tests.sync.reconciled import Reconciled

EXAMPLES = max(settings().max_examples // 30, 1)
GROUPS = [f"00000000-0000-0000-0000-{number:012}" for number in range(4)]
LIMIT = GroupLimit(count=1, percent=0, share=100)
SETTINGS = {"groups": GroupSettings(deleted=Reflection.CHANGE), "guard": GuardLimits(groups=LIMIT)}
ADA, BEN = [person.id for person in PEOPLE if person.account_enabled][:2]


class Killed(BaseException):
    """The process ended."""


@dataclass
class Doomed:
    """Zoho One's client of a process that is killed before, or after, its next deletion."""

    client: ZohoGroups
    came_through: bool

    def __getattr__(self, name: str) -> object:
        return getattr(self.client, name)

    def delete(self, group_id: str) -> None:
        if self.came_through:
            self.client.delete(group_id)
        raise Killed


@dataclass
class World:
    """Four groups in Entra and what was decided on them."""

    reconciled: Reconciled
    gone: set[str] = field(default_factory=set)
    """The groups that Entra does not have, by Graph."""
    decided: set[str] = field(default_factory=set)
    """Zoho One's groups whose deletion an administrator decided on."""
    deleted: set[str] = field(default_factory=set)
    """Zoho One's groups that are gone."""

    @property
    def push(self) -> GroupPush:
        """A push of a process whose leases end with it."""
        push = self.reconciled.bridge.group_push
        settlement = replace(push.settlement, lease=timedelta())
        return replace(push, settlement=settlement, changes=replace(push.changes, settlement=settlement))

    def stored(self, group: str) -> StoredGroup | None:
        return self.reconciled.bridge.groups.read(self.reconciled.store_id, id_of_object(group))

    def account(self, group: str) -> ZohoGroupRecord | None:
        stored = self.stored(group)
        return stored.group.account if stored else None

    def delete(self, group: str, *, killed: bool = False, came_through: bool = False) -> None:
        """A push says that the group is gone; ``killed``: the process dies in the call to Zoho One."""
        stored, push = self.stored(group), self.push
        if stored is None:
            return
        if killed:
            writer = push.settlement.writer
            clients = writer.groups
            doomed = replace(writer, groups=lambda store: Doomed(clients(store), came_through))  # type: ignore[arg-type, return-value]
            settlement = replace(push.settlement, writer=doomed)
            push = replace(push, changes=replace(push.changes, settlement=settlement))
        try:
            push.delete(self.reconciled.store, stored)
        except (HeldBack, Killed, Stale):
            return

    def back(self, group: str) -> None:
        """The group is there again: Graph shows it, and a push writes it."""
        self.reconciled.entra.act({"do": "assign group", "id": group})
        self.gone.discard(group)
        if (stored := self.stored(group)) is not None:
            resource = {"displayName": group, "externalId": group}
            self.push.change(self.reconciled.store, stored, dict(resource), MemberRequest())

    def allow(self, group: str) -> None:
        stored = self.stored(group)
        guard = self.reconciled.bridge.group_guard
        if guard.allow(self.reconciled.store, id_of_object(group), "admin") and stored and stored.group.account:
            self.decided.add(stored.group.account.id)

    def decide(self, word: str) -> None:
        """Approve the plan that is held and apply it, or discard it."""
        bridge, store = self.reconciled.bridge, self.reconciled.store_id
        held = bridge.held_plans.newest(store)
        if held is None or held.held.state.value != "held":
            return
        if word == "discard":
            bridge.decisions.discard(store, held.held.id, "admin")
            return
        for change in bridge.held_plans.plan(held.held).groups:
            stored = self.reconciled.bridge.groups.read(store, change.identity)
            if change.kind.value == "delete" and stored and stored.group.account:
                self.decided.add(stored.group.account.id)
        bridge.decisions.approve(store, held.held.id, "admin")
        self.reconciled.cycle()

    def leave(self, group: str) -> None:
        """Its assignment ends."""
        self.reconciled.entra.act({"do": "unassign group", "id": group})
        self.gone.add(group)

    def check(self, seen: set[str]) -> set[str]:
        """What must be so after each step; the ids of all groups that Zoho One has had."""
        there = {group["id"] for group in self.reconciled.zoho_one.groups()}
        self.deleted |= seen - there
        assert len(self.deleted - self.decided) <= LIMIT.count, (self.deleted, self.decided)
        return seen | there

    def assert_managed(self) -> None:
        """Every group that is in Entra is managed: who joins it now joins in Zoho One."""
        for group in GROUPS:
            if group not in self.gone:
                self.reconciled.entra.act({"do": "add member", "id": group, "members": [BEN]})
        runs = list[tuple[object, ...]]()
        for _ in range(2):
            run = self.reconciled.cycle(RunKind.FULL_CYCLE)
            runs.append((run.state, run.errors, run.groups, run.results))
            self.decide("approve")
        shown = {name: len(people) for name, people in self.reconciled.groups().items()}
        assert all(shown.get(group) == 2 for group in GROUPS if group not in self.gone), (shown, self.gone, runs)


OFTEN = ("push", "leave", "cycle")
SELDOM = ("killed before", "killed after", "back", "allow", "approve", "discard", "clock")
ACTIONS = st.tuples(st.sampled_from([*OFTEN, *OFTEN, *SELDOM]), st.sampled_from(GROUPS))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=EXAMPLES, deadline=None)
@given(st.lists(ACTIONS, min_size=4, max_size=12))
def test_no_more_groups_go_than_the_limit_and_nobody_back_is_unmanaged(
    reconciled: Reconciled, actions: list[tuple[str, str]]
) -> None:
    world = _fresh(reconciled)
    seen = world.check(set())
    for do, group in actions:
        match do:
            case "push":
                world.delete(group)
            case "killed before" | "killed after":
                world.delete(group, killed=True, came_through=do == "killed after")
            case "leave":
                world.leave(group)
            case "back":
                world.back(group)
            case "allow":
                world.allow(group)
            case "cycle":
                reconciled.cycle()
            case "clock":
                reconciled.bridge.memberships.work_through([reconciled.store])
            case _:
                world.decide(do)
        seen = world.check(seen)
    world.assert_managed()


def _fresh(reconciled: Reconciled) -> World:
    """Four groups in Entra and in Zoho One, and nothing counted or held of an example before."""
    reconciled.change(groups=GroupSettings(), guard=GuardLimits())
    others = [person.id for person in PEOPLE if person.id not in (ADA, BEN)]
    reconciled.entra.act(*({"do": "unassign", "id": each} for each in others))
    for group in GROUPS:
        reconciled.entra.act(
            {"do": "put group", "id": group, "members": [ADA]},
            {"do": "rename group", "id": group, "values": {"displayName": group}},
            {"do": "assign group", "id": group},
        )
    reconciled.cycle(RunKind.FULL_CYCLE)
    world, table = World(reconciled), reconciled.bridge.table("identities")
    for group in GROUPS:
        if world.stored(group) is None:
            raise AssertionError("a group of the example before is not managed")
    for row in ("deletedGroups", "leavings"):
        table.delete_entity({"PartitionKey": reconciled.store_id, "RowKey": row})
    reconciled.change(**SETTINGS)
    return world
