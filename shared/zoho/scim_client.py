"""Zoho One's SCIM API for user accounts.

Its wire contract is not documented, so this is plain SCIM 2.0 (RFC 7644) in the shapes that Entra's gallery app is
known to send to Zoho One.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote

import requests
from pydantic import JsonValue, SecretStr

from shared.rules.change import NO_CHANGE, Change, FieldChange
from shared.rules.identity import Account
from shared.rules.scim_path import Resource as Body
from shared.rules.scim_path import ScimPath
from shared.rules.store import Filters, UpdateVerb, ValueType
from shared.rules.user_name import folded
from shared.rules.zoho_user import ZOHO_FIELDS, Paths, ZohoField, ZohoUser, from_scim, to_scim
from shared.zoho.error_answers import error_of
from shared.zoho.errors import ZohoForbidden, ZohoNotFound, ZohoNowhere, ZohoRefused, ZohoUnclear
from shared.zoho.scim_calls import ScimCalls, operation, patch_of, quoted
from shared.zoho.success_answers import (
    Listed,
    Resource,
    ensure_same,
    ensure_taken,
    says_done,
    says_nothing,
    to_write_back,
    understood,
)


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


def pages_of(page: Callable[[int], Page]) -> Iterator[Page]:
    """Return every account, a page in a call.

    Raises ZohoUnclear where a page without accounts comes before as many were listed as Zoho One says there are, and
    where the same accounts come again, as they do where it has no pages.
    """
    start, before = 1, ""
    while True:
        some = page(start)
        first = some.accounts[0].id if some.accounts else ""
        if first and first == before:
            raise ZohoUnclear("Zoho One lists the same accounts again, though it was asked for the next ones")
        yield some
        start, before = start + len(some.accounts), first
        if start > some.total:
            return
        if not some.accounts:
            raise ZohoUnclear(f"Zoho One lists {start - 1} of {some.total} accounts: nothing follows from that")


USER_NAME = ZOHO_FIELDS[ZohoField.USER_NAME].path


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
        body = to_scim(user, self._paths) | {"active": self._active(user.active)} | secret
        for field in user.fields.keys() & self._store.zoho.custom_fields.keys():
            self._paths[field].put(body, self._typed(field, user.fields[field]))
        created = understood(_User, self._call("POST", "/Users", body, password=password), password)
        shown = USER_NAME.get(created.rest)
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

        The account that this finds is changed later, so Zoho One's word that it matches is not enough. One call; where
        Zoho One does not search, one for each page until the account is found.
        """
        if self._store.zoho.filters is Filters.NONE:
            return self._listed(user_name)
        answer = self._call("GET", "/Users", query={"filter": f"userName eq {quoted(user_name)}"})
        listed = understood(_USERS, answer)
        for user in listed.Resources:
            if folded(str(USER_NAME.get(user.rest))) == folded(user_name):
                return self._account(user)
        if listed.Resources:
            raise ZohoUnclear("Zoho One ignores the filter: it answers with a user who was not asked for")
        if listed.totalResults:
            raise ZohoUnclear("Zoho One answers that there is such a user, but not who")
        return None

    def page(self, start: int) -> Page:
        """Return accounts in Zoho One's own order, from this place on; the first is 1, as in the standard."""
        answer = understood(_USERS, self._call("GET", "/Users", query=self._place(start)))
        return Page(tuple(self._account(user) for user in answer.Resources), answer.totalResults)

    def _listed(self, user_name: str) -> Account | None:
        for page in pages_of(self.page):
            for account in page.accounts:
                if folded(account.holds.fields.get(ZohoField.USER_NAME, "")) == folded(user_name):
                    return account
        return None

    def update(self, account: Account, desired: ZohoUser, change: Change) -> Account:
        """Update an account to the desired state, with the verb that the store is set to.

        Raises ZohoUnclear where the answer does not show that it was done. One call; a PUT reads the account first, so
        that what is not the bridge's stays.
        """
        fields = tuple(each for each in change.fields if self._is_sent(each.field))
        if self._store.zoho.update_verb is UpdateVerb.PUT:
            answer = self._put(account.id, desired.active, fields)
        elif operations := self._operations(account.holds, desired, fields):
            answer = self._call("PATCH", _path(account.id), patch_of(operations))
        else:
            return account.model_copy(update={"holds": desired})
        self._ensure_done(answer, account, desired.active, fields)
        return account.model_copy(update={"holds": desired})

    def set_password(self, account: Account, password: SecretStr) -> None:
        """Set a new one-time password, in place of the former one.

        A PUT writes the whole account as it was a moment before; the caller makes sure that nobody changes it
        meanwhile.
        """
        if self._store.zoho.update_verb is UpdateVerb.PUT:
            answer = self._put(account.id, account.holds.active, (), password)
        else:
            body = patch_of([{"op": "replace", "path": "password", "value": password.get_secret_value()}])
            answer = self._call("PATCH", _path(account.id), body, password=password)
        self._ensure_done(answer, account, account.holds.active, NO_CHANGE.fields, password)

    def delete(self, account_id: str) -> None:
        """Delete an account; a missing one is no error. Raises ZohoUnclear where it still exists afterwards."""
        try:
            answer = self._call("DELETE", _path(account_id))
        except ZohoNotFound:
            return
        if not says_done(answer) and self._look(account_id) is not None:
            raise ZohoUnclear("Zoho One answered the deletion with success, but the account is still there")

    def _put(
        self, account_id: str, active: bool, fields: Sequence[FieldChange], password: SecretStr | None = None
    ) -> requests.Response:
        """Replace the account as it is there, with these changes. Raises ZohoNotFound."""
        shown = self._look(account_id)
        if shown is None:
            raise ZohoNotFound("Not found")
        body = to_write_back(shown) | {"active": self._active(active)}
        for change in fields:
            path = self._path_of(change.field)
            if change.after is None:
                path.take_away(body)
            else:
                path.put(body, self._typed(change.field, change.after))
        secret: Body = {"password": password.get_secret_value()} if password else {}
        return self._call("PUT", _path(account_id), body | secret, password=password)

    def _operations(self, holds: ZohoUser, desired: ZohoUser, fields: Sequence[FieldChange]) -> list[JsonValue]:
        """Return the operations of a PATCH with the difference."""
        operations: list[JsonValue] = []
        if holds.active != desired.active:
            operations.append({"op": "replace", "path": "active", "value": self._active(desired.active)})
        for change in fields:
            value = self._typed(change.field, change.after) if change.after is not None else None
            operations.append(operation(self._path_of(change.field).text, change.before, value))
        return operations

    def _is_sent(self, field: ZohoField) -> bool:
        """Whether a change of a field is sent: not where Zoho One does not keep it, nor where nobody knows its path."""
        return field not in self._store.zoho.left_out and (field in self._paths or not field.is_custom)

    def _typed(self, field: ZohoField, text: str) -> JsonValue:
        """Return a value as Zoho One takes it. Raises ZohoRefused where a custom field cannot hold it."""
        custom = self._store.zoho.custom_fields.get(field)
        if custom is None:
            return text
        try:
            return custom.typed(text)
        except ValueError:
            kind = "True or False" if custom.type is ValueType.YES_NO else "a number"
            raise ZohoRefused(f"{custom.label} is {kind} in Zoho One, which this person's value is not") from None

    def _active(self, active: bool) -> bool | str:
        return str(active) if self._store.zoho.active_as_text else active

    def _path_of(self, field: ZohoField) -> ScimPath:
        """Return a field's place; one that the store has switched off is still removed from there."""
        return self._paths.get(field, ZOHO_FIELDS[field].path)

    def _ensure_done(
        self,
        answer: requests.Response,
        account: Account,
        active: bool,
        fields: Sequence[FieldChange],
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
        for change in fields:
            ensure_taken(change.field, change.before, change.after, self._path_of(change.field).get(shown.rest))

    def _look(self, account_id: str) -> _User | None:
        """Return the account of this id and no other, or None."""
        try:
            user = understood(_User, self._call("GET", _path(account_id)))
        except ZohoNotFound:
            return None
        ensure_same(user, account_id)
        return user

    def _account(self, user: _User) -> Account:
        said = {**user.rest, "active": user.active}
        return Account(id=user.id, holds=from_scim(said, self._paths))


def _path(account_id: str) -> str:
    return f"/Users/{quote(account_id, safe='')}"


def _ensure_active(shown: _User, wanted: bool) -> None:
    """Raise ZohoUnclear where the answer shows an account as active that should not be, or the other way round."""
    if shown.active is not None and shown.active is not wanted:
        state = "active" if shown.active else "not active"
        raise ZohoUnclear(f"Zoho One answered with success, but the account is {state} afterwards")
