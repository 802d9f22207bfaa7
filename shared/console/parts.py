"""What the pages are made of: the parts of the app that they call, and nothing of how those work."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.admin.graph_check import GraphCheck
from shared.admin.jobs import JobRunner
from shared.admin.mapping_preview import MappingPreview
from shared.admin.person_actions import PersonActions
from shared.admin.readiness import Readiness
from shared.admin.store_removal import StoreRemoval
from shared.admin.store_settings import StoreSettings
from shared.admin.switch import Switch
from shared.connection.disconnect import Disconnect
from shared.console.sign_in import SignIn
from shared.mail.password_mail import PasswordMails
from shared.sync.cycles import Cycles
from shared.sync.guard.decisions import Decisions
from shared.sync.guard.groups import GroupGuard
from shared.tables.connections import Connections
from shared.tables.groups import Groups
from shared.tables.held_plans import HeldPlans
from shared.tables.identities import Identities
from shared.tables.ignored_attributes import IgnoredNotes
from shared.tables.jobs import Jobs
from shared.tables.mails import Mails
from shared.tables.mappings import Mappings
from shared.tables.recent_deprovisionings import DeprovisioningCounts
from shared.tables.runs import Runs
from shared.tables.stores import Stores


@dataclass(frozen=True)
class ConsoleParts:
    """What the pages call."""

    sign_in: SignIn
    stores: Stores
    settings: StoreSettings
    connections: Connections
    disconnect: Disconnect
    switch: Switch
    removal: StoreRemoval
    readiness: Readiness
    graph_check: GraphCheck
    mappings: Mappings
    mapping_preview: MappingPreview
    identities: Identities
    groups: Groups
    ignored: IgnoredNotes
    group_guard: GroupGuard
    people: PersonActions
    mails: Mails
    password_mails: PasswordMails
    runs: Runs
    held_plans: HeldPlans
    errands: Jobs
    job_runner: JobRunner
    decisions: Decisions
    leavings: DeprovisioningCounts
    cycles: Cycles
    answers: Callable[[], Mapping[str, str | None]]
    """What the app itself needs, each by name: None where it answers, or what is wrong."""
    now: Callable[[], datetime]
    public_url: str | None
    """The app's address as browsers know it, where a proxy stands before it."""
    secret: bytes
    """For the tokens of forms."""
