"""The parts of the app, put together once for each worker process."""

import hashlib
import logging
import random
from datetime import UTC, datetime, timedelta
from functools import cache

from azure.data.tables import TableServiceClient

from shared.connection.consent import Consent
from shared.connection.disconnect import Disconnect
from shared.connection.tokens import LEASE, SharedTokens
from shared.console.consent_pages import ConsentPages
from shared.directory.store import Store
from shared.entra.session import new_session as new_entra_session
from shared.outgoing_mail import open_postbox
from shared.provisioning.carrying_out import ErrandRequest
from shared.provisioning.connection_check import ConnectionCheck
from shared.provisioning.cycle import NotNow
from shared.provisioning.cycle_note import CycleRequest
from shared.provisioning.mapping_preview import MappingPreview
from shared.provisioning.password_mail import PasswordMails
from shared.provisioning.push import Push
from shared.provisioning.start import Switch
from shared.reconciler import Reconciler
from shared.scim.endpoint import SyncEndpoint
from shared.settings import Platform, Settings, read_settings
from shared.tables.connections import Connections
from shared.tables.consents import Consents
from shared.tables.identities import Identities
from shared.tables.ignored_attributes import IgnoredNotes
from shared.tables.leases import LeaseLost
from shared.tables.mails import Mails
from shared.tables.mappings import Mappings
from shared.tables.recent_leavings import Leavings
from shared.tables.secrets import Secrets
from shared.tables.service import connect
from shared.tables.stores import Stores
from shared.zoho.group_client import ZohoGroups
from shared.zoho.oauth import ZohoAccounts
from shared.zoho.pace import Pace
from shared.zoho.scim_calls import new_session
from shared.zoho.scim_client import ZohoUsers

_log = logging.getLogger("bridge.cycle")


class Bridge:
    """What the functions call. Raises TablesBusy where the storage account does not answer."""

    def __init__(self, settings: Settings) -> None:
        self.account = settings.storage
        service: TableServiceClient = connect(self.account)
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
        self.switch = Switch(self.stores, ConnectionCheck(users), _now)
        self.disconnect = Disconnect(self.connections, accounts, data_centers, tokens)
        consents = Consents(service.get_table_client("consents"), _now)
        self.consent = Consent(
            self.stores, self.secrets, self.connections, consents, accounts, data_centers, tokens, _now
        )
        self.platform = platform = Platform()
        self.consent_pages = ConsentPages(self.consent, self.stores, platform, public_url)

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
        self.leavings = Leavings(service.get_table_client("identities"))
        lease_of_writers = timedelta(seconds=settings.lease_seconds)
        self.entra_session = new_entra_session(settings.entra_certificate)
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
            self.identities, source.desires, source.settle, self.reconciler.on_demand.admission, lease_of_writers
        )
        self.ignored = IgnoredNotes(service.get_table_client("identities"), _now)
        self.sync_endpoint = SyncEndpoint(
            self.stores,
            self.identities,
            self.push,
            self.groups,
            self.ignored,
            secret=hashlib.sha256(b"cursors" + keys.encode()).digest(),
            public_url=public_url,
        )

    def due_cycles(self) -> list[str]:
        """The messages that ask for the cycles which are due now, those that were cut off among them."""
        return [request.model_dump_json() for request in self.reconciler.cycles.due()]

    def waiting_errands(self) -> list[str]:
        """The messages that ask again for the errands that no worker holds."""
        return [request.model_dump_json() for request in self.reconciler.carrying_out.waiting()]

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
        self.reconciler.carrying_out.carry_out(ErrandRequest.model_validate_json(message))

    def mail_passwords(self) -> None:
        """Try again to send the one-time passwords that are due, in every started store."""
        self.password_mails.work_through(self.stores.started())

    def settle_groups(self) -> None:
        """Try again to bring groups and memberships to Zoho One that have not come there, in every started store."""
        self.memberships.work_through(self.stores.started())


def _now() -> datetime:
    return datetime.now(UTC)


@cache
def bridge() -> Bridge:
    """This process's bridge, from its settings. Raises SettingsWrong."""
    return Bridge(read_settings())
