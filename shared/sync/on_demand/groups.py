"""Provision a group on demand, with up to five of its members: each step with what it found.

https://learn.microsoft.com/entra/identity/app-provisioning/provision-on-demand
"""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.entra.clients import GraphClients
from shared.entra.errors import GraphError, GraphNotFound
from shared.entra.groups import read_direct_members, read_group
from shared.rules.change import ChangeKind
from shared.rules.entra_connection import Scope
from shared.rules.groups.group import DELETED
from shared.rules.groups.group_write import Permission
from shared.rules.on_demand import MOST_PEOPLE, OnDemandReport, Step
from shared.rules.plan import PlannedMembers
from shared.rules.run import Result, Run
from shared.rules.store import Store
from shared.sync.apply.groups import GroupApplier
from shared.sync.errors import PushError
from shared.sync.on_demand.people import CannotProvision, OnDemand, StepsTaken
from shared.sync.plan.group_work import GroupWork
from shared.sync.plan.groups import GroupPlanner
from shared.sync.progress import SILENT, Steps
from shared.sync.source.groups import UNASSIGNED
from shared.tables.entra_groups import EntraGroup, EntraGroups
from shared.tables.errors import Stale
from shared.zoho.errors import ZohoBusy, ZohoCredentials

NOBODY = PlannedMembers()


@dataclass(frozen=True)
class GroupOnDemand:
    """Provisions one group. Its method raises TablesBusy, MappingUnusable and CannotProvision."""

    people: OnDemand
    graphs: GraphClients
    planner: GroupPlanner
    applier: GroupApplier
    entra: EntraGroups

    def provision(
        self, store: Store, group: str, members: Sequence[str], asked_by: str, steps: Steps = SILENT
    ) -> tuple[Run, tuple[OnDemandReport, ...]]:
        """Take a group from Entra to Zoho One now, and up to five users in or out of it, all by their object ids.

        The users are provisioned first, since only who has an account becomes a member. Other members are left as they
        are: the next cycle looks at them. The run is recorded.
        """
        wanted = list(dict.fromkeys(each.strip().lower() for each in members))
        if len(wanted) > MOST_PEOPLE:
            raise CannotProvision(f"A group can be provisioned with up to {MOST_PEOPLE} of its members")
        self.people.ensure_possible(store)
        if not store.groups.are_synced:
            raise CannotProvision(f'The store\'s resource sync is "{store.groups.resource_sync}": it has no groups')

        def through() -> tuple[OnDemandReport, ...]:
            reports = self.people.through(store, wanted, steps) if wanted else ()
            return (
                *reports,
                _OneGroup(group.strip().lower(), steps, parts=self, store=store, members=wanted).through(),
            )

        return self.people.recorded(store, asked_by, through)


@dataclass(kw_only=True)
class _OneGroup(StepsTaken):
    """The steps of one group."""

    parts: GroupOnDemand
    store: Store
    members: Sequence[str]

    def through(self) -> OnDemandReport:
        """All steps, as far as they go."""
        try:
            name, inside = self._read()
        except GraphError as failure:
            raise CannotProvision(str(failure)) from failure
        if name is None:
            self.found(Step.IMPORT, False, "Entra has no such group, or it is in its recycle bin.")
            return self._report(self.object_id)
        told = f"Entra has this group; {len(inside)} of the {len(self.members)} are direct members."
        self.found(Step.IMPORT, True, told if self.members else "Entra has this group.", (("displayName", name),))
        if not self._scope():
            return self._report(name)
        # Before anything is written, in case the process is killed; and after it, for a cycle may have come between.
        self._let_a_cycle_look()
        try:
            shown, outside = EntraGroup(self.object_id, name), set(self.members) - inside
            work = self.parts.planner.of_members(self.store, shown, inside, outside)
        except PushError as refusal:
            self.found(Step.MAP, False, str(refusal))
            return self._report(name)
        self._match(work)
        report = self._act(name, work)
        self._let_a_cycle_look()
        if work.stored is None:
            self._ensure_there(name)
        return report

    def _let_a_cycle_look(self) -> None:
        """Let the next cycle compare these members with what it was told of them, which may be newer."""
        self.parts.entra.look_at_some(self.store.id, self.object_id, self.members)

    def _ensure_there(self, name: str) -> None:
        """Ask for a group again that was new: had it gone before it was written, no cycle would have told the store."""
        try:
            found, _ = self._read()
        except GraphError:
            return  # the group is followed from now on, whatever this answer would have been
        known = self.parts.entra.shown(self.store.id, self.object_id)
        is_unassigned = known is None and not self._takes_all
        if found is None or is_unassigned:
            why = DELETED if found is None else UNASSIGNED
            self.parts.entra.put(self.store.id, [EntraGroup(self.object_id, name, why)], look=True)

    @property
    def _takes_all(self) -> bool:
        return self.store.entra is not None and self.store.entra.scope is Scope.ALL_USERS

    def _read(self) -> tuple[str | None, set[str]]:
        """What the group is called, and which of the users are direct members; pages are read until all are found."""
        graph, wanted = self.parts.graphs.of(self.store), set(self.members)
        found, inside = read_group(graph, self.object_id), set[str]()
        if found is not None and wanted:
            try:
                for page in read_direct_members(graph, self.object_id):
                    inside |= page & wanted
                    if inside == wanted:
                        break
            except GraphNotFound:
                return None, set()
        return (found.name if found else None), inside

    def _scope(self) -> bool:
        if self._takes_all:
            self.found(Step.SCOPE, True, "The store takes every group of the tenant.")
            return True
        known = self.parts.entra.shown(self.store.id, self.object_id)
        is_in = known is not None and known.gone is None
        told = "It is assigned" if is_in else "It is not assigned"
        self.found(Step.SCOPE, is_in, f"{told} to the enterprise application, as of the last cycle's reading.")
        return is_in

    def _match(self, work: GroupWork) -> None:
        group = work.stored.group if work.stored else None
        if group is None:
            told = "The store does not know it yet; a group of its name in Zoho One is adopted."
        elif group.account is None:
            told = "The store knows it; Zoho One has none yet."
        else:
            told = f"It is the group {group.account.holds.display_name} in Zoho One."
        ids = (("Zoho One group", group.account.id),) if group is not None and group.account else ()
        self.found(Step.MATCH, True, told, ids)

    def _act(self, name: str, work: GroupWork) -> OnDemandReport:
        if work.planned is None:
            self.found(Step.ACTION, True, "Zoho One holds what it should, as far as these members go.")
            return self._report(name, result=Result.DONE)
        why_not = None
        try:
            self.parts.applier.apply_one(self.store, work, Permission.PLANNED)
        except (PushError, ZohoBusy, ZohoCredentials) as failure:
            why_not = str(failure)
        except Stale:
            why_not = "Another request wrote this group at the same time; try again."
        members = work.planned.members or NOBODY
        did = f"{work.planned.reason} {members.joining} joined, {members.leaving} left."
        self.found(Step.ACTION, why_not is None, why_not or did)
        return self._report(name, work, Result.DONE if why_not is None else Result.FAILED)

    def _report(self, name: str, work: GroupWork | None = None, result: Result = Result.NOT_TRIED) -> OnDemandReport:
        planned = work.planned if work else None
        return OnDemandReport(
            object_id=self.object_id,
            identity=planned.identity if planned else "",
            name=name,
            steps=tuple(self.steps),
            kind=planned.kind if planned else ChangeKind.NOTHING,
            fields=planned.fields if planned else (),
            members=planned.members if planned else NOBODY,
            result=result,
        )
