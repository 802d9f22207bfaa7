"""Connecting a store to Zoho One: asking for consent, and exchanging its answer for tokens.

Until the last step, which is one write, the store stays unchanged. A kill before it leaves at most a refresh token at
Zoho that nobody has.
"""

import hmac
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import ConfigDict, Field

from shared.connection.errors import ConsentRefused, Refusal
from shared.connection.organisation import in_the_way
from shared.connection.tokens import SharedTokens
from shared.model import Model
from shared.rules.admin_change import AdminChange, setting_changes
from shared.rules.store import DataCenterName, Store, WayIn
from shared.tables.connections import AccessToken, Connections, Tokens
from shared.tables.consents import Asked, Consents, Opened, hashed
from shared.tables.errors import Unreadable
from shared.tables.secrets import Secrets
from shared.tables.stores import Stores
from shared.zoho.data_centers import DataCenter, data_center_of
from shared.zoho.errors import ZohoBusy, ZohoClientRefused, ZohoConsentLost, ZohoThrottled
from shared.zoho.oauth import Client, Issued, ZohoAccounts, consent_url

CLIENT_SECRET = "client-secret"  # noqa: S105 - the secret's name
"""The name under which the organisation's client secret is stored."""

_log = logging.getLogger("bridge.connection")


class ConsentAnswer(Model):
    """The parameters that Zoho sends the browser back with. Anybody could have written them.

    ``location`` is not read: it only repeats ``accounts-server``, which is checked.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    state: str = Field(default="", max_length=200, repr=False)
    code: str = Field(default="", max_length=2000, repr=False)
    accounts_server: str = Field(default="", max_length=200, alias="accounts-server")
    error: str = Field(default="", max_length=200)


@dataclass(frozen=True)
class Question:
    """The URL of the consent page, and the cookie that proves that this browser was sent there."""

    url: str
    opened: Opened


@dataclass(frozen=True)
class Connected:
    """The result of a consent."""

    store: Store
    data_center: DataCenterName
    moved_from: DataCenterName | None
    """The data center that the store had named, if the account is in another one."""


@dataclass(frozen=True)
class Consent:
    """The two halves of a consent. Its methods raise ConsentRefused and TablesBusy."""

    stores: Stores
    secrets: Secrets
    connections: Connections
    consents: Consents
    accounts: ZohoAccounts
    data_centers: Mapping[DataCenterName, DataCenter]
    tokens: SharedTokens
    now: Callable[[], datetime]

    def ask(self, store: Store, admin: str, redirect_uri: str) -> Question:
        """Start: the answer is expected within ten minutes, from the same browser and administrator."""
        data_center = self.data_centers.get(store.zoho.data_center)
        if data_center is None:
            raise ConsentRefused(Refusal.UNKNOWN_SERVER, store.id)
        self._client_secret(store)
        self._ensure_alone(store)
        opened = self.consents.open(store.id, admin, data_center.name, redirect_uri)
        return Question(consent_url(data_center, store.zoho.client_id, redirect_uri, opened.state), opened)

    def answer(self, answer: ConsentAnswer, admin: str, cookies: Mapping[str, str], by: str | None = None) -> Connected:
        """Finish: exchange the code at the data center that the answer names, and store the result.

        ``by``: the administrator, for the store's change record. It is in another table than the tokens, so it is
        written after them; but the administrator's name is stored with the tokens too.
        """
        asked = self._asked(answer, admin, cookies)
        if answer.error or not answer.code:
            raise ConsentRefused(Refusal.DENIED, asked.store)
        store = self.stores.get(asked.store)
        if store is None:
            raise ConsentRefused(Refusal.NO_STORE, asked.store)
        self._ensure_alone(store)
        data_center = self._data_center(answer, asked)
        client = Client(store.zoho.client_id, self._client_secret(store))
        issued, refresh_token = self._exchanged(asked, data_center, client, answer.code)
        now = self.now()
        access = AccessToken.lasting(issued.access_token, now, issued.seconds)
        tokens = Tokens(client_id=client.id, client_secret=client.secret, refresh_token=refresh_token, access=access)
        self.connections.save(store.id, now, data_center.name, tokens, by)
        self.tokens.forget(store.id)
        _log.info("connected store=%s data_center=%s", store.id, data_center.name)
        moved = store.zoho.data_center if store.zoho.data_center != data_center.name else None
        changed = moved is not None or store.zoho.way_in is not WayIn.CONSENT

        def record(before: Store, after: Store) -> AdminChange:
            what = f"Connected to Zoho One, data center {data_center.name}"
            return AdminChange(at=now, by=by or "", what=what, changes=setting_changes(before, after))

        if changed:
            # Only the next consent needs it: tokens come from the data center in the connection.
            there = data_center.name
            store = self.stores.change(store.id, lambda now: _consented(now, there), record if by else None)
        elif by is not None:
            self.stores.record(store.id, record(store, store))
        return Connected(store, data_center.name, moved)

    def _ensure_alone(self, store: Store) -> None:
        """Two stores on one organisation would undo each other's changes, unless an administrator allows it."""
        if in_the_way(store, self.stores, self.connections) is not None:
            raise ConsentRefused(Refusal.SAME_ORGANISATION, store.id)

    def _asked(self, answer: ConsentAnswer, admin: str, cookies: Mapping[str, str]) -> Asked:
        """Return the question that this answers; its state is used up in any case."""
        asked = self.consents.take(answer.state) if answer.state else None
        if asked is None:
            raise ConsentRefused(Refusal.STATE)
        cookie = cookies.get(cookie_name(answer.state), "")
        if not hmac.compare_digest(hashed(cookie), asked.cookie_hash) or admin != asked.admin:
            raise ConsentRefused(Refusal.FOREIGN, asked.store)
        return asked

    def _data_center(self, answer: ConsentAnswer, asked: Asked) -> DataCenter:
        """Return the data center that accepts the code. Nothing is sent to a server that is not one of Zoho's."""
        if not answer.accounts_server:
            return self.data_centers[asked.data_center]  # an account without a choice of data centers
        data_center = data_center_of(answer.accounts_server, self.data_centers)
        if data_center is None:
            raise ConsentRefused(Refusal.UNKNOWN_SERVER, asked.store)
        return data_center

    def _client_secret(self, store: Store) -> str:
        try:
            secret = self.secrets.get(store.id, CLIENT_SECRET)
        except Unreadable:
            secret = None
        if secret is None:
            raise ConsentRefused(Refusal.NO_CLIENT_SECRET, store.id)
        return secret

    def _exchanged(self, asked: Asked, data_center: DataCenter, client: Client, code: str) -> tuple[Issued, str]:
        """Return the access token for the code, and the refresh token."""
        try:
            issued = self.accounts.exchange(data_center, client, code, asked.redirect_uri)
        except ZohoThrottled:
            raise ConsentRefused(Refusal.THROTTLED, asked.store) from None
        except ZohoBusy:
            raise ConsentRefused(Refusal.BUSY, asked.store) from None
        except ZohoConsentLost:
            raise ConsentRefused(Refusal.CODE, asked.store) from None
        except ZohoClientRefused:
            raise ConsentRefused(Refusal.CLIENT, asked.store) from None
        if issued.refresh_token is None:
            raise ConsentRefused(Refusal.NOT_OFFLINE, asked.store)
        return issued, issued.refresh_token


def cookie_name(state: str) -> str:
    """Return the cookie's name: one per question, so that two windows do not interfere."""
    return f"consent-{hashed(state)[:16]}"


def _consented(store: Store, name: DataCenterName) -> Store:
    changes = {"data_center": name, "way_in": WayIn.CONSENT}
    return store.model_copy(update={"zoho": store.zoho.model_copy(update=changes)})
