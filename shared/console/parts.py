"""What the pages are made of: the parts of the app that they call, and nothing of how those work."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.connection.disconnect import Disconnect
from shared.directory.cycle_plan import Plan
from shared.directory.guard import Breach
from shared.directory.run import Run, RunKind
from shared.directory.schedule import CycleTimes
from shared.directory.store import DataCenterName, Store
from shared.provisioning.graph_check import GraphCheck
from shared.provisioning.mapping_preview import MappingPreview
from shared.provisioning.password_mail import PasswordMails
from shared.provisioning.people_care import PeopleCare
from shared.provisioning.start import Switch
from shared.provisioning.store_removal import StoreRemoval
from shared.provisioning.store_settings import StoreSettings
from shared.settings import Platform
from shared.tables.connections import Connections
from shared.tables.held_plans import HeldPlans, StoredPlan
from shared.tables.identities import Identities
from shared.tables.mails import Mails
from shared.tables.mappings import Mappings
from shared.tables.runs import Runs
from shared.tables.secrets import Secrets
from shared.tables.stores import Stores
from shared.zoho.data_centers import DataCenter
from shared.zoho.scim_client import ZohoUsers


@dataclass(frozen=True)
class NextPlan:
    """What the next cycle would do, and the limits of the guard that it passes."""

    plan: Plan
    breaches: tuple[Breach, ...]


class Cycles(Protocol):
    """What the reconciler does for the pages. Every method raises TablesBusy."""

    def plan_now(self, store: Store) -> NextPlan:
        """The plan of now, which touches nothing. Raises what reading Entra raises."""
        ...

    def request(self, store: Store, kind: RunKind, asked_by: str) -> None:
        """Let a cycle begin as soon as a worker is free."""
        ...

    def provision(self, store: Store, identities: Sequence[str], asked_by: str) -> Run:
        """Provision a few people at once; the run, whose changes say what became of each."""
        ...

    def approve(self, store: Store, plan: StoredPlan, by: str) -> None:
        """Let a held plan be applied. Raises CannotBecome and Changed."""
        ...

    def discard(self, store: Store, plan: StoredPlan, by: str) -> None:
        """Let a held plan go. Raises CannotBecome and Changed."""
        ...


@dataclass(frozen=True)
class ListedGroup:
    """What a list shows of a group."""

    id: str
    name: str


@dataclass(frozen=True)
class ConsoleParts:
    """What the pages call."""

    platform: Platform
    stores: Stores
    settings: StoreSettings
    secrets: Secrets
    connections: Connections
    disconnect: Disconnect
    data_centers: Mapping[DataCenterName, DataCenter]
    switch: Switch
    removal: StoreRemoval
    graph_check: GraphCheck
    mappings: Mappings
    mapping_preview: MappingPreview
    identities: Identities
    groups_of: Callable[[str, int], Sequence[ListedGroup]]
    """The first groups of a store, by its id."""
    groups_with: Callable[[str, str], Sequence[ListedGroup]]
    """The groups that a person is a member of, by the ids of store and person."""
    people: PeopleCare
    mails: Mails
    password_mails: PasswordMails
    users: Callable[[Store], ZohoUsers]
    runs: Runs
    held_plans: HeldPlans
    cycles: Cycles
    cycle_times: Callable[[str], CycleTimes]
    """When a store's cycles ran, by its id."""
    answers: Callable[[], Mapping[str, str | None]]
    """What the app itself needs, each by name: None where it answers, or what is wrong."""
    now: Callable[[], datetime]
    public_url: str | None
    """The app's address as browsers know it, where a proxy stands before it."""
    secret: bytes
    """For the tokens of forms."""
