"""Zoho One's SCIM API, as far as a user's account goes.

Its wire contract is not documented, so this is plain SCIM 2.0 (RFC 7644) in the shapes that Entra's gallery app is
known to send to Zoho One.
"""

from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote

from pydantic import ConfigDict, JsonValue, SecretStr

from shared.directory.identity import Account
from shared.directory.plan import Change
from shared.directory.scim_path import Resource
from shared.directory.store import UpdateVerb
from shared.directory.user_name import folded
from shared.directory.zoho_user import ZOHO_FIELDS, Paths, ZohoUser, from_scim, to_scim
from shared.model import Model
from shared.zoho.error_answers import error_of
from shared.zoho.errors import ZohoForbidden, ZohoNotFound, ZohoNowhere, ZohoRefused, ZohoUnclear
from shared.zoho.scim_calls import ScimCalls, patch_of, quoted, understood


class _User(Model):
    """What the bridge needs of a SCIM User that Zoho One answers."""

    model_config = ConfigDict(extra="allow")

    id: str


class _Found(Model):
    """A SCIM ListResponse. Raises where it is not one: an answer we do not understand is no empty directory."""

    model_config = ConfigDict(extra="ignore")

    totalResults: int  # noqa: N815 - RFC 7644's name
    Resources: list[_User] = []


@dataclass(frozen=True)
class Page:
    """Some of the accounts, and how many there are in all."""

    accounts: tuple[Account, ...]
    total: int


class ZohoUsers(ScimCalls):
    """The accounts of one store's Zoho One organisation.

    Every method raises ZohoBusy, ZohoCredentials, and ZohoRefused or its subclasses.
    """

    @property
    def _paths(self) -> Paths:
        return self._store.zoho.paths

    def reach(self) -> None:
        """Whether Zoho One answers at all. Without a token, so whatever it says is good, unless it is down."""
        response = self._send("GET", "/ServiceProviderConfig", None, None, None)
        if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise error_of(response)

    def authenticate(self) -> None:
        """Whether Zoho One takes the token. It need not have this page, nor show it: that says nothing of the token."""
        try:
            self._call("GET", "/ServiceProviderConfig")
        except (ZohoRefused, ZohoForbidden, ZohoNowhere):
            return

    def create(self, user: ZohoUser, password: SecretStr | None = None) -> Account:
        """A new account, with a one-time password or without. Raises ZohoExists where its userName is taken."""
        secret: Resource = {"password": password.get_secret_value()} if password else {}
        created = self._call("POST", "/Users", to_scim(user, self._paths) | secret, password=password)
        return Account(id=understood(_User, created).id, holds=user)

    def get(self, account_id: str) -> Account | None:
        """An account by its id, or None."""
        try:
            return self._account(understood(_User, self._call("GET", f"/Users/{quote(account_id, safe='')}")))
        except ZohoNotFound:
            return None

    def find(self, user_name: str) -> Account | None:
        """An account by its userName, or None. Raises ZohoUnclear where Zoho One answers with somebody else.

        Whom this finds is changed: so it is not enough that Zoho One says he matches.
        """
        answer = self._call("GET", "/Users", query={"filter": f"userName eq {quoted(user_name)}"})
        found = understood(_Found, answer).Resources
        for user in found:
            if folded(str((user.model_extra or {}).get("userName"))) == folded(user_name):
                return self._account(user)
        if found:
            raise ZohoUnclear("Zoho One ignores the filter: it answers with a user who was not asked for")
        return None

    def page(self, start: int) -> Page:
        """Accounts in Zoho One's own order, from this place on; the first is 1 (RFC 7644 §3.4.2.4)."""
        query = {"startIndex": str(start), "count": str(self._store.zoho.page_size)}
        answer = understood(_Found, self._call("GET", "/Users", query=query))
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
            body = patch_of([{"op": "replace", "path": "password", "value": secret}])
        self._call(self._store.zoho.update_verb, path, body, password=password)

    def delete(self, account_id: str) -> None:
        """Delete an account; one that is gone already is deleted."""
        try:
            self._call("DELETE", f"/Users/{quote(account_id, safe='')}")
        except ZohoNotFound:
            return

    def _account(self, user: _User) -> Account:
        return Account(id=user.id, holds=from_scim(user.model_extra or {}, self._paths))


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
    return patch_of(operations)
