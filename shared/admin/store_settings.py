"""What an administrator changes in a directory store: each change with its record, in one transaction."""

import hashlib
import json
import re
import secrets
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from shared.connection.consent import CLIENT_SECRET
from shared.rules.admin_change import AdminChange, setting_changes
from shared.rules.secret_token import newest_only, with_token
from shared.rules.store import Store, ZohoConnection
from shared.tables.secrets import Secrets
from shared.tables.stores import Stores

LONGEST_ID = 40
"""Of an id made from a name: it is a part of the sync endpoint's address, which people paste."""


class Section(Enum):
    """What is changed together: the words of the record, and the settings of the store."""

    NAME = "Name", ("name",)
    ZOHO = "Connection to Zoho One", ("zoho",)
    ENTRA = "Connection to Microsoft Graph", ("entra",)
    TENANT = "Entra's own tokens", ("entra_tenant",)
    TOKENS = "Secret tokens", ("token_hashes",)
    ATTRIBUTES = "Custom attributes", ("custom_attributes",)
    CRITERIA = "Criteria", ("criteria",)
    STATUS_SYNC = "Status sync", ("status_rules",)
    GROUPS = "Groups", ("groups",)
    GUARD = "Guard", ("guard",)
    SCHEDULE = "Schedule", ("schedule", "drift", "history_days")
    NOTIFICATION = "Mail and password notification", ("password_notification",)

    def __init__(self, words: str, settings: tuple[str, ...]) -> None:
        """``words``: for the record of changes. ``settings``: the fields of Store."""
        self.words = words
        self.settings = settings


class SettingsChanged(Exception):
    """Somebody else changed the same settings since they were shown. Nothing was saved."""


@dataclass(frozen=True)
class StoreSettings:
    """Makes and changes stores. Every method raises TablesBusy, and KeyError where the store is gone."""

    stores: Stores
    secrets: Secrets
    now: Callable[[], datetime]

    def create(self, store_id: str, name: str, zoho: ZohoConnection, client_secret: str, by: str) -> Store:
        """A new store, stopped. Raises Conflict where there is one with the id, and ValueError."""
        new = Store(id=store_id, name=name, zoho=zoho)
        store = self.stores.create(new, AdminChange(at=self.now(), by=by, what="Directory store added"))
        if client_secret:
            self.secrets.put(store_id, CLIENT_SECRET, client_secret)
        return store

    def save(
        self, store_id: str, section: Section, seen: str, change: Callable[[Store], Mapping[str, object]], by: str
    ) -> Store:
        """Change settings of one section. Raises SettingsChanged, and ValueError where they do not agree.

        ``seen``: the ``fingerprint`` of the section when it was shown. ``change``: the new settings from the old.
        """

        def changed(standing: Store) -> Store:
            if fingerprint(standing, section) != seen:
                raise SettingsChanged(section.words)
            new = change(standing)
            assert set(new) <= set(section.settings)  # a page changes what it shows
            return Store.model_validate({name: getattr(standing, name) for name in Store.model_fields} | dict(new))

        return self.stores.change(store_id, changed, self._recorded(section.words, by))

    def new_token(self, store_id: str, seen: str, by: str) -> tuple[Store, str]:
        """A new secret token, which is shown once; the newest of those before lives on. Raises SettingsChanged."""
        token = secrets.token_urlsafe(32)
        store = self.save(
            store_id, Section.TOKENS, seen, lambda store: {"token_hashes": with_token(store.token_hashes, token)}, by
        )
        return store, token

    def end_older_token(self, store_id: str, seen: str, by: str) -> Store:
        """Only the newest secret token lives. Raises SettingsChanged."""
        return self.save(
            store_id, Section.TOKENS, seen, lambda store: {"token_hashes": newest_only(store.token_hashes)}, by
        )

    def keep_secret(self, store_id: str, name: str, value: str, what: str, by: str) -> None:
        """Keep a secret, encrypted, in place of what was there; the record says that it was changed, and nothing more.

        The record is another table's row: it is written first, so that no change is without one.
        """
        self.stores.record(store_id, AdminChange(at=self.now(), by=by, what=f"{what} replaced"))
        self.secrets.put(store_id, name, value)

    def note(self, store_id: str, what: str, by: str) -> None:
        """Record what an administrator did that changes no setting."""
        self.stores.record(store_id, AdminChange(at=self.now(), by=by, what=what))

    def _recorded(self, what: str, by: str) -> Callable[[Store, Store], AdminChange]:
        return lambda before, after: AdminChange(
            at=self.now(), by=by, what=what, changes=setting_changes(before, after)
        )


def fingerprint(store: Store, section: Section) -> str:
    """What a form carries to show which state of the settings it was made from."""
    settings = store.model_dump(mode="json", include=set(section.settings))
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def id_from(name: str) -> str:
    """An id that looks like a name, or nothing where no letter of it can be in one."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:LONGEST_ID].strip("-")
