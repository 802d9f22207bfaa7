"""The parts of the app that the pages call, grouped by what they are about; nothing of how they work."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.admin.account_choices import AccountChoices
from shared.admin.graph_check import GraphCheck
from shared.admin.jobs import JobRunner
from shared.admin.mapping_preview import MappingPreview
from shared.admin.person_actions import PersonActions
from shared.admin.readiness import Readiness
from shared.admin.store_removal import StoreRemoval
from shared.admin.store_settings import StoreSettings
from shared.admin.switch import Switch
from shared.admin.zoho_probe import ZohoProbe
from shared.connection.consent import Consent
from shared.connection.disconnect import Disconnect
from shared.connection.scim_token import ScimTokens
from shared.console.sign_in import SignIn
from shared.mail.password_mail import PasswordMails
from shared.rules.clouds import CLOUDS, Cloud, CloudName
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
from shared.tables.proposals import Proposals
from shared.tables.recent_deprovisionings import DeprovisioningCounts
from shared.tables.runs import Runs
from shared.tables.stores import Stores
from shared.tables.unmanaged_accounts import UnmanagedAccounts


@dataclass(frozen=True)
class StoreParts:
    """Directory stores: their settings, their connections, their start and end."""

    table: Stores
    settings: StoreSettings
    switch: Switch
    removal: StoreRemoval
    connections: Connections
    consent: Consent
    disconnect: Disconnect
    scim_tokens: ScimTokens
    probe: ZohoProbe


@dataclass(frozen=True)
class PeopleParts:
    """The people of a store."""

    identities: Identities
    actions: PersonActions
    ignored: IgnoredNotes
    mails: Mails
    password_mails: PasswordMails


@dataclass(frozen=True)
class AccountParts:
    """The accounts that Zoho One has and nobody manages."""

    unmanaged: UnmanagedAccounts
    proposals: Proposals
    choices: AccountChoices


@dataclass(frozen=True)
class GroupParts:
    """The groups of a store."""

    table: Groups
    guard: GroupGuard


@dataclass(frozen=True)
class MappingParts:
    """Attribute mappings."""

    versions: Mappings
    preview: MappingPreview


@dataclass(frozen=True)
class RunParts:
    """Cycles: what ran, what is held, and what an administrator decides."""

    cycles: Cycles
    table: Runs
    held_plans: HeldPlans
    decisions: Decisions
    deprovisionings: DeprovisioningCounts


@dataclass(frozen=True)
class JobParts:
    """Jobs: what a page asks a worker to do."""

    table: Jobs
    runner: JobRunner


@dataclass(frozen=True)
class HealthParts:
    """Whether the app and what it needs answer."""

    readiness: Readiness
    graph_check: GraphCheck
    answers: Callable[[], Mapping[str, str | None]]
    """What the app itself needs, each by name: None where it answers, or what is wrong."""


@dataclass(frozen=True)
class Site:
    """The console itself."""

    now: Callable[[], datetime]
    public_url: str | None
    """The app's address as browsers know it, where a proxy stands before it."""
    secret: bytes
    """For the tokens of forms."""
    cloud: Cloud = CLOUDS[CloudName.GLOBAL]
    """Microsoft's cloud that the app is in."""
    hosts: frozenset[str] = frozenset()
    """Names of the app in the header Host; none if they are not known, and then every name is taken."""


@dataclass(frozen=True)
class ConsoleParts:
    """What the pages call."""

    sign_in: SignIn
    stores: StoreParts
    people: PeopleParts
    accounts: AccountParts
    groups: GroupParts
    mappings: MappingParts
    runs: RunParts
    jobs: JobParts
    health: HealthParts
    site: Site
