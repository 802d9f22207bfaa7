"""Zoho One's SCIM API, as far as a user's account goes.

Its wire contract is not documented, so this is plain SCIM 2.0 (RFC 7644) in the shapes that Entra's gallery app is
known to send to Zoho One.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import quote

import requests
from pydantic import BaseModel, ConfigDict, JsonValue, SecretStr, TypeAdapter, ValidationError
from requests.adapters import HTTPAdapter

from shared.calls import note_call
from shared.directory.identity import Account
from shared.directory.plan import Change
from shared.directory.scim_path import Resource
from shared.directory.store import Store, UpdateVerb
from shared.directory.user_name import folded
from shared.directory.zoho_user import ZOHO_FIELDS, Paths, ZohoUser, from_scim, to_scim
from shared.zoho.error_answers import error_of, lacks_scope
from shared.zoho.errors import (
    ZohoBusy,
    ZohoForbidden,
    ZohoNotFound,
    ZohoRefused,
    ZohoUnclear,
)
from shared.zoho.pace import Pace
from shared.zoho.tokens import AccessTokens

CONNECT_SECONDS = 5
READ_SECONDS = 20
TRIES = 3
PATIENCE = 3.0
"""Seconds that one request may wait for Zoho One in all; a longer wait is handed to the caller, who has a lease."""
CALLS_SECONDS = 35.0
"""For all calls that bring one person where he should be: twice that, with looking first, is less than a lease."""
LEAST_SECONDS = 1.0
"""A call that has less time is not begun."""
CONNECTIONS = 32
"""Kept open: as many as the worker has threads."""

_JSON = TypeAdapter[JsonValue](JsonValue)
_log = logging.getLogger("bridge.zoho")


class _User(BaseModel):
    """What the bridge needs of a SCIM User that Zoho One answers."""

    model_config = ConfigDict(extra="allow")

    id: str


class _Found(BaseModel):
    """A SCIM ListResponse. Raises where it is not one: an answer we do not understand is no empty directory."""

    model_config = ConfigDict(extra="ignore")

    totalResults: int  # noqa: N815 - RFC 7644's name
    Resources: list[_User] = []


@dataclass(frozen=True)
class Page:
    """Some of the accounts, and how many there are in all."""

    accounts: tuple[Account, ...]
    total: int


def new_session() -> requests.Session:
    """A session with pooled connections; it may be shared by threads. It never follows a redirect with a token."""
    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # it serves all stores
    session.mount("https://", HTTPAdapter(pool_maxsize=CONNECTIONS))
    session.mount("http://", HTTPAdapter(pool_maxsize=CONNECTIONS))
    return session


class ZohoUsers:
    """The accounts of one store's Zoho One organisation.

    Every method raises ZohoBusy, ZohoCredentials, and ZohoRefused or its subclasses.
    """

    def __init__(
        self,
        store: Store,
        session: requests.Session,
        tokens: AccessTokens,
        pace: Pace,
        sleep: Callable[[float], None] = time.sleep,
        seconds: float = CALLS_SECONDS,
    ) -> None:
        """``seconds``: from now on, in which this client may call; a writer's lease must not end under his calls."""
        self._ends = time.monotonic() + seconds
        self._store = store
        self._paths = store.zoho.paths
        self._session = session
        self._tokens = tokens
        self._pace = pace
        self._sleep = sleep

    def reach(self) -> None:
        """Whether Zoho One answers at all. Without a token, so whatever it says is good, unless it is down."""
        response = self._send("GET", "/ServiceProviderConfig", None, None, None)
        if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise error_of(response)

    def authenticate(self) -> None:
        """Whether Zoho One takes the token. It need not have this page, nor show it: that says nothing of the token."""
        try:
            self._call("GET", "/ServiceProviderConfig")
        except (ZohoRefused, ZohoForbidden):
            return

    def create(self, user: ZohoUser, password: SecretStr | None = None) -> Account:
        """A new account, with a one-time password or without. Raises ZohoExists where its userName is taken."""
        secret: Resource = {"password": password.get_secret_value()} if password else {}
        created = self._call("POST", "/Users", to_scim(user, self._paths) | secret, password=password)
        return Account(id=_understood(_User, created).id, holds=user)

    def get(self, account_id: str) -> Account | None:
        """An account by its id, or None."""
        try:
            return self._account(_understood(_User, self._call("GET", f"/Users/{quote(account_id, safe='')}")))
        except ZohoNotFound:
            return None

    def find(self, user_name: str) -> Account | None:
        """An account by its userName, or None. Raises ZohoUnclear where Zoho One answers with somebody else.

        Whom this finds is changed: so it is not enough that Zoho One says he matches.
        """
        quoted = _JSON.dump_json(user_name).decode()
        answer = self._call("GET", "/Users", query={"filter": f"userName eq {quoted}"})
        found = _understood(_Found, answer).Resources
        for user in found:
            if folded(str((user.model_extra or {}).get("userName"))) == folded(user_name):
                return self._account(user)
        if found:
            raise ZohoUnclear("Zoho One ignores the filter: it answers with a user who was not asked for")
        return None

    def page(self, start: int) -> Page:
        """Accounts in Zoho One's own order, from this place on; the first is 1 (RFC 7644 §3.4.2.4)."""
        query = {"startIndex": str(start), "count": str(self._store.zoho.page_size)}
        answer = _understood(_Found, self._call("GET", "/Users", query=query))
        return Page(tuple(self._account(user) for user in answer.Resources), answer.totalResults)

    def update(self, account: Account, desired: ZohoUser, change: Change) -> Account:
        """Bring an account to what it should hold, in the verb the store is set to."""
        path = f"/Users/{quote(account.id, safe='')}"
        if self._store.zoho.update_verb is UpdateVerb.PUT:
            self._call("PUT", path, to_scim(desired, self._paths) | {"id": account.id})
        else:
            self._call("PATCH", path, _patch(account.holds, desired, change, self._paths))
        return account.model_copy(update={"holds": desired})

    def set_password(self, account: Account, password: SecretStr) -> None:
        """A new one-time password for an account, in the place of the one that was valid.

        A PUT writes all that the account is known to hold; the caller sees to it that nobody changes it meanwhile.
        """
        path, secret = f"/Users/{quote(account.id, safe='')}", password.get_secret_value()
        if self._store.zoho.update_verb is UpdateVerb.PUT:
            body = to_scim(account.holds, self._paths) | {"id": account.id, "password": secret}
        else:
            body = _patch_of([{"op": "replace", "path": "password", "value": secret}])
        self._call(self._store.zoho.update_verb, path, body, password=password)

    def delete(self, account_id: str) -> None:
        """Delete an account; one that is gone already is deleted."""
        try:
            self._call("DELETE", f"/Users/{quote(account_id, safe='')}")
        except ZohoNotFound:
            return

    def _account(self, user: _User) -> Account:
        return Account(id=user.id, holds=from_scim(user.model_extra or {}, self._paths))

    def _call(
        self,
        method: str,
        path: str,
        body: Resource | None = None,
        query: dict[str, str] | None = None,
        password: SecretStr | None = None,
    ) -> bytes:
        """One call, repeated while Zoho One asks for a short wait. Its repetition is safe: userNames are unique.

        ``password``: what is in the body and must not be in an error.
        """
        waited = 0.0
        for attempt in range(1, TRIES + 1):
            try:
                return self._once(method, path, body, query, password)
            except ZohoBusy as busy:
                pause = min(busy.retry_after, 2.0**attempt / 4)
                if attempt == TRIES or busy.retry_after > PATIENCE or waited + pause > PATIENCE:
                    raise
                self._sleep(pause)
                waited += pause
        raise AssertionError  # the last try either returned or raised

    def _once(
        self,
        method: str,
        path: str,
        body: Resource | None,
        query: dict[str, str] | None,
        password: SecretStr | None,
    ) -> bytes:
        token = self._tokens.current(self._store)
        response = self._send(method, path, body, query, token)
        if response.status_code == HTTPStatus.UNAUTHORIZED and not lacks_scope(response):
            self._tokens.rejected(self._store, token)
            response = self._send(method, path, body, query, self._tokens.current(self._store))
        if response.status_code >= HTTPStatus.MULTIPLE_CHOICES:
            error = error_of(response, password)
            if response.status_code == HTTPStatus.TOO_MANY_REQUESTS and isinstance(error, ZohoBusy):
                self._pace.throttled(error.retry_after)
            raise error
        return response.content

    def _send(
        self, method: str, path: str, body: Resource | None, query: dict[str, str] | None, token: str | None
    ) -> requests.Response:
        authorization = {"Authorization": f"Zoho-oauthtoken {token}"} if token else {}
        left = self._ends - time.monotonic()
        if left < LEAST_SECONDS:
            raise ZohoBusy("Zoho One took too long for one person's change", retry_after=5)
        with self._pace.slot(min(PATIENCE, left)):
            return self._sent(method, path, body, query, authorization, left)

    def _sent(
        self,
        method: str,
        path: str,
        body: Resource | None,
        query: dict[str, str] | None,
        authorization: dict[str, str],
        left: float,
    ) -> requests.Response:
        note_call("zoho")
        started, status = time.monotonic(), "-"
        try:
            response = self._session.request(
                method,
                self._store.zoho.scim_base + path,
                params=query,
                data=_JSON.dump_json(body) if body is not None else None,
                headers={
                    **authorization,
                    "Accept": "application/scim+json",
                    "Content-Type": "application/scim+json",
                },
                timeout=(min(CONNECT_SECONDS, left), min(READ_SECONDS, left)),
                allow_redirects=False,
            )
            status = str(response.status_code)
        except requests.RequestException as error:
            # The error's own text holds the URL, and with it a userName.
            raise ZohoBusy(f"Zoho One did not answer ({type(error).__name__})") from None
        finally:
            milliseconds = round((time.monotonic() - started) * 1000)
            _log.info("zoho store=%s method=%s status=%s ms=%d", self._store.id, method, status, milliseconds)
        return response


def _patch(holds: ZohoUser, desired: ZohoUser, change: Change, paths: Paths) -> Resource:
    """A PATCH of the difference, a path an operation, as Entra sends it."""
    operations: list[JsonValue] = []
    if holds.active != desired.active:
        operations.append({"op": "replace", "path": "active", "value": desired.active})
    for field in change.fields:
        # A field that the store has switched off is still taken away from where it was.
        path = paths.get(field.field, ZOHO_FIELDS[field.field].path).text
        if field.after is None:
            operations.append({"op": "remove", "path": path})
        else:
            operations.append({"op": "replace" if field.before else "add", "path": path, "value": field.after})
    return _patch_of(operations)


def _patch_of(operations: list[JsonValue]) -> Resource:
    """RFC 7644 §3.5.2."""
    return {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations}


def _understood[M: BaseModel](model: type[M], answer: bytes) -> M:
    try:
        return model.model_validate_json(answer)
    except ValidationError:
        raise ZohoUnclear("Zoho One's answer is not SCIM; look at the store's sync endpoint") from None
