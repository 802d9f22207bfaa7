"""The parts of the app, put together once for each worker process."""

import hashlib
import logging
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import requests

from shared.admin.jobs import JobRequest
from shared.admin.mapping_preview import MappingPreview
from shared.admin.switch import Switch
from shared.admin.zoho_check import ZohoCheck
from shared.app.outgoing_mail import open_postbox
from shared.app.reconciler import Reconciler
from shared.connection.consent import Consent
from shared.connection.disconnect import Disconnect
from shared.connection.tokens import LEASE, SharedTokens
from shared.console.consent_pages import ConsentPages
from shared.console.sign_in import SignIn
from shared.entra.session import new_session as new_entra_session
from shared.entra.sign_in import EntraSignIn
from shared.mail.password_mail import PasswordMails
from shared.rules.store import Store
from shared.scim.endpoint import SyncEndpoint
from shared.settings import Platform, Settings
from shared.sign_in_settings import SignInOff
from shared.sync.cycle_note import CycleRequest
from shared.sync.cycles import NotNow
from shared.sync.push.people import Push
from shared.tables.connections import Connections
from shared.tables.consents import Consents
from shared.tables.errors import TablesBusy
from shared.tables.identities import Identities
from shared.tables.ignored_attributes import IgnoredNotes
from shared.tables.leases import LeaseLost
from shared.tables.mails import Mails
from shared.tables.mappings import Mappings
from shared.tables.recent_deprovisionings import DeprovisioningCounts
from shared.tables.secrets import Secrets
from shared.tables.service import connect, create_missing_tables
from shared.tables.sessions import Sessions
from shared.tables.stores import Stores
from shared.zoho.group_client import ZohoGroups
from shared.zoho.oauth import ZohoAccounts
from shared.zoho.pace import Pace
from shared.zoho.scim_calls import new_session
from shared.zoho.scim_client import ZohoUsers

_log = logging.getLogger("bridge.cycle")


@dataclass(frozen=True)
class Heartbeat:
    """How the stores are, as one line of the log says it each minute."""

    stores: int
    """That are started."""
    interrupted: int
    """Of these, with a cycle that began and did not end, and that nobody works on."""


class Bridge:
    """What the functions call. Raises TablesBusy where the storage account does not answer."""

    def __init__(self, settings: Settings) -> None:
        self.account = settings.storage
        self._service = service = connect(self.account)
        self.table = service.get_table_client
        self.keys = keys = settings.encryption_keys.get_secret_value()
        session = new_session()
        self.stores = Stores(service.get_table_client("stores"))
        self.secrets = Secrets(service.get_table_client("secrets"), keys)
        self.mappings = Mappings(service.get_table_client("mappings"))
        self.identities = Identities(service.get_table_client("identities"))
        self.mapping_preview = MappingPreview(self.identities, self.mappings.compiled, _now)
        self.public_url = public_url = str(settings.public_url).rstrip("/") if settings.public_url else None
        self.connections = Connections(service.get_table_client("secrets"), self.secrets)
        self.data_centers = data_centers = settings.data_centers
        accounts = ZohoAccounts(session)
        lease = min(LEASE, timedelta(seconds=settings.lease_seconds))
        tokens = SharedTokens(self.connections, accounts, data_centers, _now, lease)

        self.paces: dict[str, Pace] = {}

        def pace(store: Store) -> Pace:
            zoho = store.zoho
            known = self.paces.get(store.id)
            if known is None or not known.keeps(zoho.parallel_calls, zoho.calls_per_second):
                known = self.paces[store.id] = Pace(zoho.parallel_calls, zoho.calls_per_second, random.random)
            return known

        def users(store: Store) -> ZohoUsers:
            return ZohoUsers(store, session, tokens, pace(store))

        self.users = users
        self.switch = Switch(self.stores, ZohoCheck(users), _now)
        self.disconnect = Disconnect(self.connections, accounts, data_centers, tokens)
        consents = Consents(service.get_table_client("consents"), _now)
        self.consent = Consent(
            self.stores, self.secrets, self.connections, consents, accounts, data_centers, tokens, _now
        )
        platform = Platform()
        self.entra_session = new_entra_session(settings.entra_certificate)
        self.sign_in = SignIn(
            platform,
            Sessions(self.table("sessions"), self.secrets, _secret("sessions", keys), _now),
            entra_sign_in(platform, self.entra_session),
            _secret("sign-in", keys),
            _now,
        )
        self.consent_pages = ConsentPages(self.consent, self.stores, self.sign_in, public_url)

        self.mails = Mails(service.get_table_client("identities"))
        self.password_mails = PasswordMails(
            self.mails,
            self.identities,
            users,
            open_postbox(settings, _now, in_azure=platform.is_azure),
            data_centers,
            _now,
            timedelta(seconds=settings.lease_seconds) * 4 / 3,
        )
        self.leavings = DeprovisioningCounts(service.get_table_client("identities"))
        lease_of_writers = timedelta(seconds=settings.lease_seconds)
        self.reconciler = Reconciler(
            service,
            self.stores,
            self.secrets,
            self.mappings,
            self.leavings,
            users,
            lambda store: ZohoGroups(store, session, tokens, pace(store)),
            self.password_mails,
            self.entra_session,
            lease_of_writers,
            _now,
        )
        source = self.reconciler.on_demand.source
        self.groups, self.memberships = self.reconciler.groups, self.reconciler.memberships
        self.push = Push(
            self.identities,
            source.desired_states,
            source.settlement,
            self.reconciler.on_demand.admission,
            lease_of_writers,
        )
        self.ignored = IgnoredNotes(service.get_table_client("identities"), _now)
        self.sync_endpoint = SyncEndpoint(
            self.stores,
            self.identities,
            self.push,
            self.groups,
            self.ignored,
            secret=_secret("cursors", keys),
            public_url=public_url,
        )

    def heartbeat(self) -> Heartbeat:
        """Look after the stores. Three round trips, however many there are. A table that is missing is made again."""
        for table in create_missing_tables(self._service):
            _log.error("table=%s was missing and is made again, empty: see Backup and restore", table)
        stores = self.stores.started()
        return Heartbeat(len(stores), len(self.reconciler.cycles.interrupted(stores)))

    def due_cycles(self) -> list[str]:
        """The messages that ask for the cycles which are due now, those that were cut off among them."""
        return [request.model_dump_json() for request in self.reconciler.cycles.due()]

    def waiting_errands(self) -> list[str]:
        """The messages that ask again for the errands that no worker holds."""
        return [request.model_dump_json() for request in self.reconciler.job_runner.waiting()]

    def run_cycle(self, message: bytes) -> list[str]:
        """Run what a message asks for; the message that goes on where its time was over."""
        request = CycleRequest.model_validate_json(message)
        try:
            done = self.reconciler.cycles.run(request)
        except (NotNow, LeaseLost) as reason:
            _log.info("store=%s no cycle: %s", request.store, str(reason) or "another instance took it over")
            return []
        return [done.goes_on.model_dump_json()] if done.goes_on else []

    def run_errand(self, message: bytes) -> None:
        """Carry out what a message asks for."""
        self.reconciler.job_runner.carry_out(JobRequest.model_validate_json(message))

    def try_again(self) -> None:
        """Send the one-time passwords that are due, and bring groups to Zoho One that have not come there.

        Some seconds of work in every started store; what the tables do not answer now waits for the next minute.
        """
        try:
            stores = self.stores.started()
            self.password_mails.work_through(stores)
            self.memberships.work_through(stores)
        except TablesBusy as busy:
            _log.warning("mails and groups wait for the tables (%s)", busy)


def entra_sign_in(platform: Platform, session: requests.Session) -> EntraSignIn | None:
    """Entra's side of the sign-in, where the settings for it are all there."""
    try:
        return EntraSignIn(platform.sign_in_app, session)
    except SignInOff:  # the pages say why, and provisioning goes on
        return None


def _secret(purpose: str, keys: str) -> bytes:
    return hashlib.sha256(purpose.encode() + keys.encode()).digest()


def _now() -> datetime:
    return datetime.now(UTC)
