"""The composition root: the parts of the app, put together once for each worker process."""

import hashlib
import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

import requests

from shared.admin.account_choices import AccountChoices
from shared.admin.graph_check import GraphCheck
from shared.admin.jobs import JobRequest, JobRunner
from shared.admin.mapping_preview import MappingPreview
from shared.admin.switch import Switch
from shared.admin.zoho_check import ZohoCheck
from shared.admin.zoho_probe import ZohoProbe
from shared.app.flow import Common, Flow
from shared.app.outgoing_mail import open_postbox
from shared.app.outside import Outside
from shared.connection.consent import Consent
from shared.connection.disconnect import Disconnect
from shared.connection.scim_token import ScimTokens
from shared.connection.tokens import LEASE, SharedTokens
from shared.console.sign_in import SignIn
from shared.entra.clients import SECRET, GraphClients
from shared.entra.errors import GraphCredentials
from shared.entra.issued_tokens import CloudTokens
from shared.entra.sign_in import EntraSignIn
from shared.entra.signing_keys import SigningKeys
from shared.mail.password_mail import PasswordMails
from shared.rules.azure_user import AzureUser
from shared.rules.mapping.preview import PreviewLine, preview_person
from shared.rules.schedule import closed
from shared.rules.store import Store
from shared.rules.zoho_user import ZohoUser
from shared.scim.endpoint import SyncEndpoint
from shared.scim.places import KnownPlaces
from shared.scim.storage import Storages
from shared.settings import Platform, Settings
from shared.sign_in_settings import SignInOff
from shared.sync.cycle import CycleParts
from shared.sync.cycle_note import CycleRequest
from shared.sync.cycles import Cycles, NotNow
from shared.sync.desired.evaluation import evaluation
from shared.sync.dry_run import DryRun, Preview
from shared.sync.guard.decisions import Decisions
from shared.sync.on_demand.groups import GroupOnDemand
from shared.sync.on_demand.people import OnDemand
from shared.sync.progress import SILENT, Progress
from shared.sync.retention import Retention
from shared.tables.asked_cycles import AskedCycles
from shared.tables.connections import Connections
from shared.tables.consents import Consents
from shared.tables.errors import TablesBusy, Unreadable
from shared.tables.held_plans import HeldPlans
from shared.tables.identities import Identities
from shared.tables.ignored_attributes import IgnoredNotes
from shared.tables.jobs import Jobs
from shared.tables.leases import LeaseLost, Leases
from shared.tables.mails import Mails
from shared.tables.mappings import Mappings
from shared.tables.rehearsal import rehearsal_of
from shared.tables.runs import Runs
from shared.tables.secrets import Secrets
from shared.tables.service import connect, create_missing_tables
from shared.tables.sessions import Sessions
from shared.tables.stores import Stores
from shared.zoho.group_client import ZohoGroups
from shared.zoho.oauth import ZohoAccounts
from shared.zoho.pace import Pace
from shared.zoho.probe_calls import PROBE_SECONDS, ProbeCalls
from shared.zoho.scim_client import ZohoUsers

_log = logging.getLogger("bridge.cycle")


@dataclass(frozen=True)
class Tick:
    """What the timer finds each minute."""

    stores: Sequence[Store]
    """The stores that are started or observe."""
    interrupted: int
    """Number of these with a cycle that began and did not end, and that no process works on."""
    cycles: list[str]
    """The messages that ask for the cycles which are due now, interrupted ones among them."""
    jobs: list[str]
    """The messages that ask again for the jobs that no worker holds."""


class Bridge:
    """What the functions call. Raises TablesBusy where the storage account does not answer."""

    def __init__(self, settings: Settings, outside: Outside = Outside()) -> None:  # noqa: B008 - it is frozen
        self.outside, self._platform = outside, Platform()
        self._tables(settings)
        self._zoho_one(settings)
        self._flow(settings)
        self._cycles_and_jobs()
        self._doors(settings)

    def _tables(self, settings: Settings) -> None:
        """What is kept, and the keys it is kept with."""
        self.account, monotonic = settings.storage, self.outside.monotonic
        self.service = self.outside.service or connect(self.account)
        self.table = table = self.service.get_table_client
        self.keys = settings.encryption_keys.get_secret_value()
        self.cloud = settings.cloud
        self.stores = Stores(table("stores"), monotonic)
        self.secrets = Secrets(table("secrets"), self.keys)
        self.mappings = Mappings(table("mappings"), monotonic)
        self.connections = Connections(table("secrets"), self.secrets)
        self.runs, self.jobs = Runs(table("runs")), Jobs(table("errands"))
        self.held_plans = HeldPlans(table("heldplans"))
        self.mails = Mails(table("identities"))
        self.ignored = IgnoredNotes(table("identities"), self.outside.now)

    def _zoho_one(self, settings: Settings) -> None:
        """Zoho One's side: a session for all stores, tokens and a pace for each."""
        self.data_centers, self.local = settings.data_centers, settings.on_one_machine
        self._zoho_session = self.outside.zoho_session()
        self.zoho_accounts = ZohoAccounts(self._zoho_session)
        lease = min(LEASE, timedelta(seconds=settings.lease_seconds))
        self.tokens = SharedTokens(
            self.connections, self.zoho_accounts, self.data_centers, self.outside.now, lease, self.outside.sleep
        )
        self.paces: dict[str, Pace] = {}

    def users(self, store: Store) -> ZohoUsers:
        """A client for a store's accounts, with a time to end of its own."""
        return ZohoUsers(
            store, self._zoho_session, self.tokens, self._pace(store), self.outside.sleep, local=self.local
        )

    def zoho_groups(self, store: Store) -> ZohoGroups:
        """A client for a store's groups, with a time to end of its own."""
        return ZohoGroups(
            store, self._zoho_session, self.tokens, self._pace(store), self.outside.sleep, local=self.local
        )

    def _probe_calls(self, store: Store) -> ProbeCalls:
        sleep, pace = self.outside.sleep, self._pace(store)
        return ProbeCalls(store, self._zoho_session, self.tokens, pace, sleep, PROBE_SECONDS, local=self.local)

    def _pace(self, store: Store) -> Pace:
        zoho, known = store.zoho, self.paces.get(store.id)
        if known is None or not known.keeps(zoho.parallel_calls, zoho.calls_per_second):
            known = Pace(zoho.parallel_calls, zoho.calls_per_second, random.random, self.outside.monotonic)
            self.paces[store.id] = known
        return known

    def _flow(self, settings: Settings) -> None:
        """The flow on the app's tables."""
        now, lease = self.outside.now, timedelta(seconds=settings.lease_seconds)
        self.entra_session = self.outside.entra_session(settings.entra_certificate)
        self.graphs = GraphClients(self.entra_session, self._graph_secret, self.outside.sleep, local=self.local)
        postbox = open_postbox(settings, now, in_azure=self._platform.is_azure)
        self.password_mails = PasswordMails(
            self.mails,
            Identities(self.table("identities")),
            self.users,
            postbox,
            self.data_centers,
            now,
            lease * 4 / 3,
        )
        self._common = Common(
            outside=self.outside,
            users=self.users,
            zoho_groups=self.zoho_groups,
            graphs=self.graphs,
            mappings=self.mappings,
            held_plans=self.held_plans,
            passwords=self.password_mails,
            lease=lease,
        )
        self.flow = flow = Flow(self._common, *map(self.table, ("identities", "entra", "accounts")))
        self.unmanaged, self.proposals = flow.unmanaged, flow.proposals
        self.account_choices = AccountChoices(flow.decisions, flow.proposals, flow.unmanaged, flow.identities, now)
        self.identities, self.groups, self.deprovisionings = flow.identities, flow.groups, flow.deprovisionings
        self.push, self.group_push, self.group_guard = flow.push, flow.group_push, flow.group_guard
        self.memberships = flow.memberships

    def _cycles_and_jobs(self) -> None:
        """What starts the flow: cycles, provisioning on demand, jobs; and what an administrator decides."""
        now, flow, leases = self.outside.now, self.flow, Leases(self.table("leases"), self.outside.now)
        parts = CycleParts(
            preparation=flow.preparation,
            drift=flow.drift,
            plan_guard=flow.plan_guard,
            people_applier=flow.people_applier,
            group_applier=flow.group_applier,
            retention=Retention(self.runs, self.jobs, self.held_plans, self.identities),
            proposals=flow.proposals,
        )
        asked = AskedCycles(self.table("leases"))
        self.cycles = Cycles(self.stores, leases, asked, self.secrets, self.runs, parts, now)
        self.decisions = Decisions(self.held_plans, self.deprovisionings, now)
        self.on_demand = OnDemand(
            identities=self.identities,
            graphs=self.graphs,
            people_reader=flow.people_reader,
            source=flow.recorder,
            planner=flow.people_planner,
            settlement=flow.settlement,
            runs=self.runs,
            preview=self._preview_person,
            now=now,
        )
        self.group_on_demand = GroupOnDemand(
            self.on_demand, self.graphs, flow.group_planner, flow.group_applier, flow.entra_groups
        )
        self.job_runner = JobRunner(
            self.stores, self.jobs, leases, self.dry_run, self.on_demand, self.group_on_demand, now
        )

    def _doors(self, settings: Settings) -> None:
        """What is called from outside: the sync endpoint, consent, sign-in, and what pages do."""
        now, platform = self.outside.now, self._platform
        self.public_url = str(settings.public_url).rstrip("/") if settings.public_url else None
        self.hosts = frozenset(filter(None, (urlsplit(self.public_url or "").netloc, platform.hostname.lower())))
        self.switch = Switch(self.stores, ZohoCheck(self.users), self.decisions, now)
        self.zoho_probe = ZohoProbe(self._probe_calls, now)
        self.graph_check = GraphCheck(self.secrets, self.entra_session, local=self.local)
        self.mapping_preview = MappingPreview(self.identities, self.mappings.compiled, now)
        self.disconnect = Disconnect(self.connections, self.zoho_accounts, self.data_centers, self.tokens)
        self.scim_tokens = ScimTokens(self.stores, self.connections, self.disconnect, self.tokens, now)
        self.consent = Consent(
            self.stores,
            self.secrets,
            self.connections,
            Consents(self.table("consents"), now),
            self.zoho_accounts,
            self.data_centers,
            self.tokens,
            now,
        )
        self.sign_in = SignIn(
            platform,
            Sessions(self.table("sessions"), self.secrets, self.secret("sessions"), now),
            entra_sign_in(platform, self.entra_session),
            self.secret("sign-in"),
            now,
        )
        self.sync_endpoint = SyncEndpoint(
            self.stores,
            Storages(
                self.identities,
                self.groups,
                self.push,
                self.group_push,
                KnownPlaces(self.outside.monotonic),
                self.unmanaged,
            ),
            self.ignored,
            CloudTokens(SigningKeys(self.entra_session, self.outside.monotonic), self.cloud),
            secret=self.secret("cursors"),
            public_url=self.public_url,
        )

    def tick(self) -> Tick:
        """Look at all stores. Five round trips, however many there are. A table that is missing is made again."""
        for table in create_missing_tables(self.service):
            _log.error("table=%s was missing and is made again, empty: see Backup and restore", table)
        stores = self.stores.with_cycles()
        due = self.cycles.due(stores)
        cycles = [request.model_dump_json() for request in due.requests]
        jobs = [request.model_dump_json() for request in self.job_runner.waiting()]
        return Tick(stores, len(due.interrupted), cycles, jobs)

    def run_cycle(self, message: bytes) -> list[str]:
        """Run what a message asks for; the message that goes on where its time was over."""
        request = CycleRequest.model_validate_json(message)
        try:
            done = self.cycles.run(request)
        except (NotNow, LeaseLost) as reason:
            _log.info("store=%s no cycle: %s", request.store, str(reason) or "another instance took it over")
            return []
        return [done.goes_on.model_dump_json()] if done.goes_on else []

    def run_job(self, message: bytes) -> None:
        """Carry out what a message asks for."""
        self.job_runner.carry_out(JobRequest.model_validate_json(message))

    def try_again(self, stores: Sequence[Store]) -> None:
        """Send the one-time passwords that are due, and bring groups to Zoho One that have not come there.

        Some seconds of work in every store whose provisioning runs now; what the tables do not answer waits a minute.
        """
        open_now = [store for store in stores if closed(self.outside.now(), store.schedule) is None]
        try:
            self.password_mails.work_through(open_now)
            self.memberships.work_through(open_now)
        except TablesBusy as busy:
            _log.warning("mails and groups wait for the tables (%s)", busy)

    def dry_run(self, store: Store, progress: Progress = SILENT) -> Preview:
        """What the store's next cycle would do, if it ran now. Nothing is written. Raises as DryRun does."""
        reading = self.cycles.standing(store).note.reading
        people, entra = (rehearsal_of(self.table(name)) for name in ("identities", "entra"))
        forgetful = Flow(self._common, people, entra, self.table("accounts"))
        dry_run = DryRun(forgetful.preparation, forgetful.plan_guard, self.proposals, self.outside.now)
        return dry_run.preview(store, reading, progress)

    def secret(self, purpose: str) -> bytes:
        """A secret of the app's for one purpose, the same in every process."""
        return hashlib.sha256(purpose.encode() + self.keys.encode()).digest()

    def _graph_secret(self, store: str) -> str:
        """A store's secret for Entra; empty where it has none. Raises GraphCredentials."""
        try:
            return self.secrets.get(store, SECRET) or ""
        except Unreadable as error:
            raise GraphCredentials(f"{error}: add the key again, or enter the store's secret for Entra again") from None

    def _preview_person(self, store: Store, person: AzureUser, before: ZohoUser | None) -> tuple[PreviewLine, ...]:
        context = evaluation(store, self.outside.now())
        lines = preview_person(self.mappings.compiled(store.id), person, before, context)
        return tuple(line for line in lines if line.field in store.zoho.paths)


def entra_sign_in(platform: Platform, session: requests.Session) -> EntraSignIn | None:
    """Entra's side of the sign-in, where the settings for it are all there."""
    try:
        return EntraSignIn(platform.sign_in_app, session)
    except SignInOff:  # the pages say why, and provisioning goes on
        return None
