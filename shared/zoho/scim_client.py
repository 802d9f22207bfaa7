"""Zoho One's SCIM API for user accounts.

Its wire contract is not documented, so this is plain SCIM 2.0 (RFC 7644) in the shapes that Entra's gallery app is
known to send to Zoho One.
"""

from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote

import requests
from pydantic import JsonValue, SecretStr

from shared.rules.change import NO_CHANGE, Change
from shared.rules.identity import Account
from shared.rules.scim_path import Resource as Body
from shared.rules.store import UpdateVerb
from shared.rules.user_name import folded
from shared.rules.zoho_user import ZOHO_FIELDS, Paths, ZohoUser, from_scim, to_scim
from shared.zoho.error_answers import error_of
from shared.zoho.errors import ZohoForbidden, ZohoNotFound, ZohoNowhere, ZohoRefused, ZohoUnclear
from shared.zoho.scim_calls import ScimCalls, patch_of, quoted
from shared.zoho.success_answers import Listed, Resource, ensure_same, ensure_taken, says_done, says_nothing, understood


class _User(Resource):
    """The part of Zoho One's SCIM User that the bridge needs."""

    active: bool | None = None
    """A boolean or its text; anything else makes the answer invalid."""


_USERS = Listed[_User]
"""Kept, since pydantic builds a model of a generic one again once nobody holds it: milliseconds each time."""


@dataclass(frozen=True)
class Page:
    """Some of the accounts, and the number of all."""

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
        """Check that Zoho One answers at all. It is called without a token, so any answer will do unless it is down."""
        response = self._send("GET", "/ServiceProviderConfig", None, None, None)
        if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise error_of(response)

    def authenticate(self) -> None:
        """Check that Zoho One accepts the token. Whether it has or shows this page says nothing about the token."""
        try:
            self._call("GET", "/ServiceProviderConfig")
        except (ZohoRefused, ZohoForbidden, ZohoNowhere):
            return

    def create(self, user: ZohoUser, password: SecretStr | None = None) -> Account:
        """Create an account, with a one-time password or without. Raises ZohoRefused where its userName is in use."""
        secret: Body = {"password": password.get_secret_value()} if password else {}
        answer = self._call("POST", "/Users", to_scim(user, self._paths) | secret, password=password)
        created = understood(_User, answer, password)
        shown = (created.model_extra or {}).get("userName")
        if shown is not None and folded(str(shown)) != folded(user.user_name):
            raise ZohoUnclear("Zoho One answered with another user than the one that was to be created")
        _ensure_active(created, user.active)
        return Account(id=created.id, holds=user)

    def get(self, account_id: str) -> Account | None:
        """Return an account by its id, or None."""
        user = self._look(account_id)
        return self._account(user) if user else None

    def find(self, user_name: str) -> Account | None:
        """Return an account by its userName, or None. Raises ZohoUnclear where Zoho One answers with another.

        The account that this finds is changed later, so Zoho One's word that it matches is not enough.
        """
        answer = self._call("GET", "/Users", query={"filter": f"userName eq {quoted(user_name)}"})
        listed = understood(_USERS, answer)
        for user in listed.Resources:
            if folded(str((user.model_extra or {}).get("userName"))) == folded(user_name):
                return self._account(user)
        if listed.Resources:
            raise ZohoUnclear("Zoho One ignores the filter: it answers with a user who was not asked for")
        if listed.totalResults:
            raise ZohoUnclear("Zoho One answers that there is such a user, but not who")
        return None

    def page(self, start: int) -> Page:
        """Return accounts in Zoho One's own order, from this place on; the first is 1 (RFC 7644 §3.4.2.4)."""
        query = {"startIndex": str(start), "count": str(self._store.zoho.page_size)}
        answer = understood(_USERS, self._call("GET", "/Users", query=query))
        return Page(tuple(self._account(user) for user in answer.Resources), answer.totalResults)

    def update(self, account: Account, desired: ZohoUser, change: Change) -> Account:
        """Update an account to the desired state, with the verb that the store is set to.

        Raises ZohoUnclear where the answer does not show that it was done.
        """
        if self._store.zoho.update_verb is UpdateVerb.PUT:
            answer = self._call("PUT", _path(account.id), to_scim(desired, self._paths) | {"id": account.id})
        else:
            answer = self._call("PATCH", _path(account.id), _patch(account.holds, desired, change, self._paths))
        self._ensure_done(answer, account, desired.active, change)
        return account.model_copy(update={"holds": desired})

    def set_password(self, account: Account, password: SecretStr) -> None:
        """Set a new one-time password, in place of the former one.

        A PUT writes all that the account is known to hold; the caller makes sure that nobody changes it meanwhile.
        """
        secret = password.get_secret_value()
        if self._store.zoho.update_verb is UpdateVerb.PUT:
            body = to_scim(account.holds, self._paths) | {"id": account.id, "password": secret}
        else:
            body = patch_of([{"op": "replace", "path": "password", "value": secret}])
        answer = self._call(self._store.zoho.update_verb, _path(account.id), body, password=password)
        self._ensure_done(answer, account, account.holds.active, NO_CHANGE, password)

    def delete(self, account_id: str) -> None:
        """Delete an account; a missing one is no error. Raises ZohoUnclear where it still exists afterwards."""
        try:
            answer = self._call("DELETE", _path(account_id))
        except ZohoNotFound:
            return
        if not says_done(answer) and self._look(account_id) is not None:
            raise ZohoUnclear("Zoho One answered the deletion with success, but the account is still there")

    def _ensure_done(
        self,
        answer: requests.Response,
        account: Account,
        active: bool,
        change: Change,
        password: SecretStr | None = None,
    ) -> None:
        """Raise ZohoUnclear where a write's answer does not show that it was done."""
        if says_done(answer):
            return
        shown = self._look(account.id) if says_nothing(answer) else understood(_User, answer, password)
        if shown is None:
            raise ZohoUnclear("Zoho One answered the change with success, but the account is not there afterwards")
        ensure_same(shown, account.id)
        _ensure_active(shown, active)
        for field in change.fields:
            path = self._paths.get(field.field, ZOHO_FIELDS[field.field].path)
            ensure_taken(field.field, field.before, path.get(shown.model_extra or {}))

    def _look(self, account_id: str) -> _User | None:
        """Return the account of this id and no other, or None."""
        try:
            user = understood(_User, self._call("GET", _path(account_id)))
        except ZohoNotFound:
            return None
        ensure_same(user, account_id)
        return user

    def _account(self, user: _User) -> Account:
        said = user.model_extra or {}
        return Account(id=user.id, holds=from_scim(said | {"active": user.active}, self._paths))


def _path(account_id: str) -> str:
    return f"/Users/{quote(account_id, safe='')}"


def _ensure_active(shown: _User, wanted: bool) -> None:
    """Raise ZohoUnclear where the answer shows an account as active that should not be, or the other way round."""
    if shown.active is not None and shown.active is not wanted:
        state = "active" if shown.active else "not active"
        raise ZohoUnclear(f"Zoho One answered with success, but the account is {state} afterwards")


def _patch(holds: ZohoUser, desired: ZohoUser, change: Change, paths: Paths) -> Body:
    """Return a PATCH of the difference, one path per operation, as Entra sends it."""
    operations: list[JsonValue] = []
    if holds.active != desired.active:
        operations.append({"op": "replace", "path": "active", "value": desired.active})
    for field in change.fields:
        # A field that the store has switched off is still removed from its path.
        path = paths.get(field.field, ZOHO_FIELDS[field.field].path).text
        if field.after is None:
            operations.append({"op": "remove", "path": path})
        else:
            operations.append({"op": "replace" if field.before else "add", "path": path, "value": field.after})
    return patch_of(operations)
