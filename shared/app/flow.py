"""The parts of the flow, put together on one set of tables: the app's, or a dry run's, which forget."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from azure.data.tables import TableClient

from shared.app.outside import Outside
from shared.entra.clients import GraphClients
from shared.mail.password_mail import PasswordMails
from shared.rules.store import Store
from shared.sync.apply.account_matches import AccountMatches
from shared.sync.apply.accounts import AccountWriter
from shared.sync.apply.group_changes import GroupChanges
from shared.sync.apply.group_settlement import GroupSettlement
from shared.sync.apply.groups import GroupApplier
from shared.sync.apply.member_accounts import MemberAccounts
from shared.sync.apply.memberships import Memberships
from shared.sync.apply.people import PeopleApplier
from shared.sync.apply.person_settlement import PersonSettlement
from shared.sync.apply.zoho_groups import GroupWriter
from shared.sync.desired.groups import DesiredGroups
from shared.sync.desired.people import DesiredStates
from shared.sync.guard.admission import Admission
from shared.sync.guard.groups import GroupGuard
from shared.sync.guard.plans import PlanGuard
from shared.sync.plan.accounts_reading import AccountsReader
from shared.sync.plan.drift import DriftSearch
from shared.sync.plan.group_counts import GroupCounts
from shared.sync.plan.group_drift import GroupDriftSearch
from shared.sync.plan.groups import GroupPlanner
from shared.sync.plan.people import PeoplePlanner
from shared.sync.plan.people_drift import PeopleDriftSearch
from shared.sync.plan.prepare import Preparation
from shared.sync.plan.zoho_groups import ZohoGroupSearch
from shared.sync.push.groups import GroupPush
from shared.sync.push.people import Push
from shared.sync.source.people import PeopleReader
from shared.sync.source.recompute import Recompute
from shared.sync.source.record import SourceRecorder
from shared.tables.account_decisions import AccountDecisions
from shared.tables.deleted_groups import DeletedGroups
from shared.tables.entra_groups import EntraGroups
from shared.tables.entra_scope import EntraScope
from shared.tables.groups import Groups
from shared.tables.held_plans import HeldPlans
from shared.tables.identities import Identities
from shared.tables.mappings import Mappings
from shared.tables.membership_updates import MembershipUpdates
from shared.tables.pending import PendingChanges
from shared.tables.proposals import Proposals
from shared.tables.recent_deprovisionings import DeprovisioningCounts
from shared.tables.seen_pages import SeenPages
from shared.tables.unmanaged_accounts import UnmanagedAccounts
from shared.zoho.group_client import ZohoGroups
from shared.zoho.scim_client import ZohoUsers


@dataclass(frozen=True)
class Common:
    """What every flow shares, whatever its tables."""

    outside: Outside
    users: Callable[[Store], ZohoUsers]
    zoho_groups: Callable[[Store], ZohoGroups]
    graphs: GraphClients
    mappings: Mappings
    held_plans: HeldPlans
    passwords: PasswordMails
    lease: timedelta
    """How long one person may take."""


class Flow:
    """Source, desired, plan, guard, apply: each step's parts, in this order from below."""

    def __init__(self, common: Common, people: TableClient, entra: TableClient, accounts: TableClient) -> None:
        """``people``: the table of people, groups and pending changes. ``entra``: the one of what Graph said.

        ``accounts``: the one of what Zoho One holds and nobody manages, the app's own in a dry run too: nothing in it
        is about what anybody should hold.
        """
        now, lease = common.outside.now, common.lease
        self.identities = identities = Identities(people)
        self.groups = groups = Groups(people)
        self.entra_groups, self.scope = EntraGroups(entra), EntraScope(entra)
        self.unmanaged, self.decisions = UnmanagedAccounts(accounts, common.outside.monotonic), AccountDecisions(people)
        self.proposals = Proposals(accounts)
        self.pending_changes = PendingChanges(people)
        self.deprovisionings = deprovisionings = DeprovisioningCounts(people)

        self.plan_guard = PlanGuard(common.held_plans, deprovisionings, identities, now)
        self.admission = Admission(identities, self.pending_changes, deprovisionings, now)
        deletions, updates = DeletedGroups(people), MembershipUpdates(people)
        members = MemberAccounts(identities, groups, updates, now)
        counts = GroupCounts(groups, deletions, now)
        self.group_guard = GroupGuard(groups, deletions, counts, deprovisionings, now)
        desired_groups, search = DesiredGroups(now), ZohoGroupSearch(common.zoho_groups, groups.owner_of)

        group_settlement = GroupSettlement(
            now=now,
            spread=random.random,
            lease=lease,
            groups=groups,
            writer=GroupWriter(common.zoho_groups, search),
            search=search,
            accounts=members,
            guard=self.group_guard,
        )
        group_changes = GroupChanges(groups, desired_groups, search, members, group_settlement)
        self.group_push = GroupPush(
            groups, desired_groups, search, self.group_guard, members, group_settlement, group_changes
        )
        self.memberships = Memberships(groups, updates, group_changes, now)
        self.settlement = PersonSettlement(
            now=now,
            spread=random.random,
            lease=lease,
            identities=identities,
            accounts=AccountWriter(
                common.users, identities.record_of, AccountMatches(self.unmanaged, self.decisions, now)
            ),
            admission=self.admission,
            passwords=common.passwords,
            memberships=self.memberships,
            deprovisionings=deprovisionings,
        )
        desired_states = DesiredStates(identities, common.users, common.mappings.compiled, now)
        self.push = Push(identities, desired_states, self.settlement)

        self.recorder = SourceRecorder(identities, desired_states, self.settlement.unmanage, now)
        self.people_reader = PeopleReader(
            identities, common.mappings, self.recorder, self.scope, self.entra_groups, SeenPages(entra), now
        )
        self.group_planner = GroupPlanner(
            self.entra_groups, self.scope, identities, groups, desired_groups, search, counts, now
        )
        accounts_reader = AccountsReader(common.users, identities, self.unmanaged, self.decisions, now)
        self.people_planner = PeoplePlanner(identities, accounts_reader, self.decisions, self.proposals, now)
        self.preparation = Preparation(
            mappings=common.mappings,
            graphs=common.graphs,
            people_reader=self.people_reader,
            recompute=Recompute(identities, common.mappings, self.pending_changes, self.recorder),
            pending_changes=self.pending_changes,
            people_planner=self.people_planner,
            group_planner=self.group_planner,
        )
        self.drift = DriftSearch(
            PeopleDriftSearch(identities, accounts_reader, now),
            GroupDriftSearch(groups, self.entra_groups, search),
        )
        self.people_applier = PeopleApplier(
            identities, self.settlement, self.admission, deprovisionings, now, common.outside.sleep
        )
        self.group_applier = GroupApplier(self.group_planner, self.entra_groups, groups, group_changes, now)
