"""The reconciler's parts, put together once for each worker process; for a dry run on tables that forget."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta

import requests
from azure.data.tables import TableClient, TableServiceClient

from shared.admin.jobs import JobRunner
from shared.entra.clients import SECRET, GraphClients
from shared.entra.errors import GraphCredentials
from shared.mail.password_mail import PasswordMails
from shared.rules.azure_user import AzureUser
from shared.rules.expressions import EvaluationContext
from shared.rules.mapping.preview import PreviewLine, preview_person
from shared.rules.store import Store
from shared.rules.zoho_user import ZohoUser
from shared.sync.apply.accounts import AccountWriter
from shared.sync.apply.group_settlement import GroupSettlement
from shared.sync.apply.groups import GroupApplier
from shared.sync.apply.member_accounts import MemberAccounts
from shared.sync.apply.memberships import Memberships
from shared.sync.apply.people import PeopleApplier
from shared.sync.apply.settlement import Settlement
from shared.sync.apply.zoho_groups import GroupWriter
from shared.sync.cycle import Report
from shared.sync.cycles import Cycles
from shared.sync.desired.people import DesiredStates
from shared.sync.guard.admission import Admission
from shared.sync.guard.decisions import Decisions
from shared.sync.guard.groups import GroupGuard
from shared.sync.guard.plans import PlanGuard
from shared.sync.on_demand.groups import GroupOnDemand
from shared.sync.on_demand.people import OnDemand
from shared.sync.plan.dry_run import DryRun, Preview
from shared.sync.plan.group_drift import GroupDriftSearch
from shared.sync.plan.groups import GroupPlanner
from shared.sync.plan.people import PeoplePlanner
from shared.sync.plan.people_drift import PeopleDriftSearch
from shared.sync.push.groups import GroupPush
from shared.sync.source.people import PeopleReader
from shared.sync.source.recompute import Recompute
from shared.sync.source.record import SourceRecorder
from shared.tables.asked_cycles import AskedCycles
from shared.tables.deleted_groups import DeletedGroups
from shared.tables.entra_groups import EntraGroups
from shared.tables.entra_scope import EntraScope
from shared.tables.errors import Unreadable
from shared.tables.groups import Groups
from shared.tables.held_plans import HeldPlans
from shared.tables.identities import Identities
from shared.tables.jobs import Jobs
from shared.tables.leases import Leases
from shared.tables.mappings import Mappings
from shared.tables.pending import PendingChanges
from shared.tables.recent_deprovisionings import DeprovisioningCounts
from shared.tables.regroup import MembershipUpdates
from shared.tables.rehearsal import rehearsal_of
from shared.tables.runs import Runs
from shared.tables.secrets import Secrets
from shared.tables.seen_pages import SeenPages
from shared.tables.stores import Stores
from shared.zoho.group_client import ZohoGroups
from shared.zoho.scim_client import ZohoUsers

_RANDOM = random.SystemRandom()


class _People:
    """What reads and writes people: on the app's tables, or on a rehearsal's."""

    def __init__(
        self, of: "Reconciler", identities: TableClient, entra: TableClient, leavings: DeprovisioningCounts
    ) -> None:
        self.identities = Identities(identities)
        self.pending_changes = PendingChanges(identities)
        self.admission = Admission(self.identities, self.pending_changes, leavings, of.now)
        apply = AccountWriter(of.users, self.identities.record_of)
        groups, accounts = Groups(identities), MemberAccounts(self.identities)
        guard = GroupGuard(groups, DeletedGroups(identities), of.now)
        group_apply = GroupWriter(of.zoho_groups, groups.owner_of)
        settlement = GroupSettlement(groups, group_apply, accounts, guard, of.now, random.random, of.lease)
        self.groups = GroupPush(groups, settlement, guard)
        self.memberships = Memberships(groups, MembershipUpdates(identities), self.groups, accounts, of.now)
        self.settlement = Settlement(
            self.identities, apply, of.now, of.passwords, self.memberships, random.random, leavings
        )
        desired_states = DesiredStates(self.identities, apply, of.mappings.compiled, of.now)
        self.source = SourceRecorder(self.identities, desired_states, self.settlement, of.now)
        scope, self.entra_groups = EntraScope(entra), EntraGroups(entra)
        self.people_reader = PeopleReader(
            self.identities, of.mappings, self.source, scope, self.entra_groups, SeenPages(entra)
        )
        self.group_planner = GroupPlanner(self.entra_groups, scope, self.identities, self.groups)
        self.recompute = Recompute(self.identities, of.mappings, self.pending_changes, self.source)
        self.people_planner = PeoplePlanner(self.identities, of.now)
        self.plan_guard = PlanGuard(of.held_plans, leavings, self.identities, of.now)


class Reconciler:
    """Cycles, dry runs, provisioning on demand, and decisions on held plans."""

    def __init__(
        self,
        service: TableServiceClient,
        stores: Stores,
        secrets: Secrets,
        mappings: Mappings,
        leavings: DeprovisioningCounts,
        users: Callable[[Store], ZohoUsers],
        zoho_groups: Callable[[Store], ZohoGroups],
        passwords: PasswordMails,
        entra_session: requests.Session,
        lease: timedelta,
        now: Callable[[], datetime],
    ) -> None:
        """``lease``: how long one person may take."""
        self._service = service
        self.users, self.now, self.mappings, self.passwords = users, now, mappings, passwords
        self.zoho_groups, self.lease = zoho_groups, lease
        self.held_plans = HeldPlans(service.get_table_client("heldplans"))
        self.runs = Runs(service.get_table_client("runs"))
        self.errands = Jobs(service.get_table_client("errands"))
        self.graphs = GraphClients(entra_session, lambda store: _secret_of(secrets, store))
        people = _People(self, service.get_table_client("identities"), service.get_table_client("entra"), leavings)
        self.groups, self.memberships = people.groups, people.memberships
        leases = Leases(service.get_table_client("leases"), now)
        self.cycles = Cycles(
            stores=stores,
            leases=leases,
            asked=AskedCycles(service.get_table_client("leases")),
            seals=secrets,
            runs=self.runs,
            errands=self.errands,
            identities=people.identities,
            pending_changes=people.pending_changes,
            graphs=self.graphs,
            people_reader=people.people_reader,
            recompute=people.recompute,
            people_drift=PeopleDriftSearch(people.identities, users, people.settlement, now),
            people_planner=people.people_planner,
            plan_guard=people.plan_guard,
            people_applier=PeopleApplier(people.identities, people.settlement, people.admission, leavings, now, lease),
            group_planner=people.group_planner,
            group_drift=GroupDriftSearch(people.groups, people.entra_groups, zoho_groups),
            group_applier=GroupApplier(people.group_planner, people.entra_groups, people.groups, now),
            now=now,
        )
        self.decisions = Decisions(self.held_plans, leavings, now)
        self.on_demand = OnDemand(
            identities=people.identities,
            graphs=self.graphs,
            people_reader=people.people_reader,
            source=people.source,
            admission=people.admission,
            runs=self.runs,
            preview=self._preview_person,
            now=now,
            lease=lease,
        )
        self.group_on_demand = GroupOnDemand(
            self.on_demand, people.group_planner, self.cycles.group_applier, people.entra_groups
        )
        self.job_runner = JobRunner(
            stores, self.errands, leases, self.dry_run, self.on_demand, self.group_on_demand, now
        )

    def dry_run(self, store: Store, report: Report = lambda *_: None) -> Preview:
        """What the store's next cycle would do, if it ran now. Nothing is written. Reports and raises as DryRun."""
        identities, entra = (rehearsal_of(self._service.get_table_client(name)) for name in ("identities", "entra"))
        people = _People(self, identities, entra, DeprovisioningCounts(identities))
        rehearsal = DryRun(
            graphs=self.graphs,
            people_reader=people.people_reader,
            recompute=people.recompute,
            pending_changes=people.pending_changes,
            people_planner=people.people_planner,
            group_planner=people.group_planner,
            plan_guard=people.plan_guard,
            progress=lambda store: self.cycles.standing(store).note.reading,
            now=self.now,
        )
        return rehearsal.preview(store, report)

    def _preview_person(self, store: Store, person: AzureUser, before: ZohoUser | None) -> tuple[PreviewLine, ...]:
        context = EvaluationContext(self.now(), _RANDOM, lambda _: False)
        lines = preview_person(self.mappings.compiled(store.id), person, before, context)
        return tuple(line for line in lines if line.field in store.zoho.paths)


def _secret_of(secrets: Secrets, store: str) -> str:
    """A store's secret for Entra; empty where it has none. Raises GraphCredentials."""
    try:
        return secrets.get(store, SECRET) or ""
    except Unreadable as error:
        raise GraphCredentials(f"{error}: add the key again, or enter the store's secret for Entra again") from None
