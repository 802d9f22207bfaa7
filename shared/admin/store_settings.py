"""An administrator's changes of a directory store: each change with its record, in one transaction."""

import hashlib
import json
import re
import secrets
import unicodedata
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from shared.connection.consent import CLIENT_SECRET
from shared.rules.admin_change import AdminChange, setting_changes
from shared.rules.inbound_sign_in import OAuthClient
from shared.rules.outside_address import ensure_microsoft, ensure_zoho_one
from shared.rules.secret_token import newest_only, with_token
from shared.rules.store import Store, ZohoConnection
from shared.tables.secrets import Secrets
from shared.tables.stores import Stores

LONGEST_ID = 40
"""Maximum length of an id made from a name: it is part of the sync endpoint's address, which people paste."""


class Section(Enum):
    """Settings that are changed together, with their name in the change record."""

    NAME = "Name", ("name",)
    ZOHO = "Connection to Zoho One", ("zoho",)
    ENTRA = "Connection to Microsoft Graph", ("entra",)
    TENANT = "Entra's own tokens", ("entra_tenant", "entra_app")
    OAUTH = "OAuth client of Entra", ("oauth_client",)
    FEDERATION = "Workload identity federation", ("federation",)
    TOKENS = "Secret tokens", ("token_hashes",)
    DISCOVERY = "Account Discovery", ("lists_unmanaged",)
    ATTRIBUTES = "Custom attributes", ("custom_attributes", "default_domain")
    CRITERIA = "Criteria", ("criteria", "guests")
    MATCHING = "Matching rules", ("matching",)
    STATUS_SYNC = "Status sync", ("status_rules",)
    GROUPS = "Groups", ("groups",)
    GUARD = "Guard", ("guard",)
    SCHEDULE = "Schedule", ("schedule", "drift", "history_days")
    NOTIFICATION = "Mail and password notification", ("password_notification",)

    def __init__(self, words: str, settings: tuple[str, ...]) -> None:
        """``words``: the name in the change record. ``settings``: the fields of Store."""
        self.words = words
        self.settings = settings


class SettingsChanged(Exception):
    """Another administrator changed the same settings after they were shown. Nothing was saved."""


@dataclass(frozen=True)
class StoreSettings:
    """Creates and changes stores. Every method raises TablesBusy, and KeyError if the store was deleted."""

    stores: Stores
    secrets: Secrets
    now: Callable[[], datetime]
    local: bool
    """Whether this is the app on one machine: addresses of simulators are accepted."""

    def create(self, store_id: str, name: str, zoho: ZohoConnection, client_secret: str, by: str) -> Store:
        """Create a store, stopped. Raises Conflict if there is one with the id, ValueError, and AddressRefused."""
        new = Store(id=store_id, name=name, zoho=zoho)
        ensure_zoho_one(zoho, local=self.local)
        store = self.stores.create(new, AdminChange(at=self.now(), by=by, what="Directory store added"))
        if client_secret:
            self.secrets.put(store_id, CLIENT_SECRET, client_secret)
        return store

    def save(
        self, store_id: str, section: Section, seen: str, change: Callable[[Store], Mapping[str, object]], by: str
    ) -> Store:
        """Change the settings of one section. Raises SettingsChanged, ValueError if they contradict each other, and
        AddressRefused, a ValueError too.

        ``seen``: the ``fingerprint`` of the section when it was shown. ``change``: returns the new settings from the
        old.
        """

        def changed(standing: Store) -> Store:
            if fingerprint(standing, section) != seen:
                raise SettingsChanged(section.words)
            new = change(standing)
            assert set(new) <= set(section.settings)  # a page changes what it shows
            after = Store.model_validate({name: getattr(standing, name) for name in Store.model_fields} | dict(new))
            # The data center may be changed first, and the endpoint after it: meanwhile nothing is sent there.
            if after.zoho.scim_base != standing.zoho.scim_base:
                ensure_zoho_one(after.zoho, local=self.local)
            if after.entra is not None and after.entra != standing.entra:
                ensure_microsoft(after.entra, local=self.local)
            return after

        return self.stores.change(store_id, changed, self._recorded(section.words, by))

    def new_token(self, store_id: str, seen: str, by: str) -> tuple[Store, str]:
        """Create a secret token, which is shown once; the newest earlier one stays valid. Raises SettingsChanged."""
        token = secrets.token_urlsafe(32)
        store = self.save(
            store_id, Section.TOKENS, seen, lambda store: {"token_hashes": with_token(store.token_hashes, token)}, by
        )
        return store, token

    def end_older_token(self, store_id: str, seen: str, by: str) -> Store:
        """Invalidate all secret tokens but the newest. Raises SettingsChanged."""
        return self.save(
            store_id, Section.TOKENS, seen, lambda store: {"token_hashes": newest_only(store.token_hashes)}, by
        )

    def new_client_secret(self, store_id: str, seen: str, by: str) -> tuple[Store, str]:
        """Create a client secret for Entra, which is shown once, and the client if there is none.

        The newest earlier secret stays valid. Raises SettingsChanged.
        """
        secret, client_id = secrets.token_urlsafe(32), str(uuid.uuid4())

        def changed(store: Store) -> Mapping[str, object]:
            client = store.oauth_client or OAuthClient(client_id=client_id)
            return {"oauth_client": client.with_secret(secret)}

        return self.save(store_id, Section.OAUTH, seen, changed, by), secret

    def end_client(self, store_id: str, seen: str, by: str, *, older_only: bool) -> Store:
        """Invalidate all client secrets but the newest, or the client. Raises SettingsChanged."""

        def changed(store: Store) -> Mapping[str, object]:
            client = store.oauth_client
            if client is None or not older_only:
                return {"oauth_client": None}
            kept = newest_only(client.secret_hashes)
            return {"oauth_client": client.model_copy(update={"secret_hashes": kept})}

        return self.save(store_id, Section.OAUTH, seen, changed, by)

    def keep_secret(self, store_id: str, name: str, value: str, what: str, by: str) -> None:
        """Store a secret, encrypted, in place of the earlier one; the change record names it without a value.

        The change record is in another table: it is written first, so that no change goes unrecorded.
        """
        self.stores.record(store_id, AdminChange(at=self.now(), by=by, what=f"{what} replaced"))
        self.secrets.put(store_id, name, value)

    def note(self, store_id: str, what: str, by: str) -> None:
        """Record an administrator's action that changes no setting."""
        self.stores.record(store_id, AdminChange(at=self.now(), by=by, what=what))

    def _recorded(self, what: str, by: str) -> Callable[[Store, Store], AdminChange]:
        return lambda before, after: AdminChange(
            at=self.now(), by=by, what=what, changes=setting_changes(before, after)
        )


def fingerprint(store: Store, section: Section) -> str:
    """Return a digest that a form carries to identify the state of the settings it was made from."""
    settings = store.model_dump(mode="json", include=set(section.settings))
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def id_from(name: str) -> str:
    """Return an id that resembles a name, or an empty text if none of its letters can be in one."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:LONGEST_ID].strip("-")
