"""The probe's trial: one test account and one test group are made, changed, deactivated and deleted in Zoho One.

An administrator has to type the account's address, which begins with ``bridge-test``: that is the consent. Nothing else
is touched: an account that is there already ends the trial. About thirty calls.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic import JsonValue

from shared.admin.zoho_probe import Probing, Stopped
from shared.rules.groups.group import GROUP
from shared.rules.scim_path import Resource
from shared.rules.zoho_user import ZOHO_FIELDS, Paths, ZohoField, ZohoUser, to_scim
from shared.zoho.errors import ZohoError
from shared.zoho.probe_calls import ProbeAnswer
from shared.zoho.scim_calls import patch_of
from shared.zoho.success_answers import Resource as Shown
from shared.zoho.success_answers import to_write_back, understood

BEGINNING = "bridge-test"
MOST_PAGES = 20
"""Pages that are read to find the test account, if Zoho One answered its creation with nothing."""
VALUES = {
    ZohoField.DISPLAY_NAME: "Bridge Test",
    ZohoField.GIVEN_NAME: "Bridge",
    ZohoField.FAMILY_NAME: "Test",
    ZohoField.FORMATTED_NAME: "Bridge Test",
    ZohoField.TITLE: "Test account",
    ZohoField.PREFERRED_LANGUAGE: "en",
    ZohoField.ADDRESS: "1 Test Street",
    ZohoField.STREET_ADDRESS: "1 Test Street",
    ZohoField.LOCALITY: "London",
    ZohoField.REGION: "London",
    ZohoField.POSTAL_CODE: "SW1A 1AA",
    ZohoField.COUNTRY: "GB",
    ZohoField.PHONE: "+44 20 7946 0001",
    ZohoField.MOBILE: "+44 7700 900001",
    ZohoField.FAX: "+44 20 7946 0002",
}
"""Values of the test account: numbers from Ofcom's range for fiction."""
FIRST = frozenset({ZohoField.USER_NAME, ZohoField.EMAIL, ZohoField.GIVEN_NAME, ZohoField.FAMILY_NAME})
"""The fields of a second try, if Zoho One refuses all together."""
PATHS: Paths = {field: facts.path for field, facts in ZOHO_FIELDS.items() if not facts.extension}


def is_test_address(address: str) -> bool:
    """Whether an address may be that of the test account."""
    name, at, domain = address.partition("@")
    return bool(at and domain and name.lower().startswith(BEGINNING) and address.isascii() and " " not in address)


@dataclass
class Trial:
    """One trial. Call it with a probe that has read."""

    address: str
    _made: bool = False
    _account: str = ""
    _group: str = ""
    _patches: bool = True
    _as_text: bool = False

    def __call__(self, probing: Probing) -> bool:
        """Carry it out; return whether anything may be left behind. Raises Stopped and ZohoError."""
        fields = VALUES | {ZohoField.USER_NAME: self.address, ZohoField.EMAIL: self.address}
        fields[ZohoField.EXTERNAL_ID] = f"{BEGINNING}-{secrets.token_hex(4)}"
        try:
            sent = self._create(probing, fields)
            self._change(probing)
            self._compare(probing, fields, sent)
            self._try_group(probing)
            self._deactivate(probing)
        finally:
            left = self._clean_up(probing)
        return left

    def _create(self, probing: Probing, fields: dict[ZohoField, str]) -> set[ZohoField]:
        """Create the account with all fields, or with a few; return them. Raises Stopped."""
        if probing.finds("Users", "userName", self.address):
            raise Stopped("There is an account with this address already: nothing was tried")
        answer = None
        for chosen, as_text in ((set(fields), False), (set(fields), True), (FIRST, False), (FIRST, True)):
            user = ZohoUser(active=True, fields={name: value for name, value in fields.items() if name in chosen})
            body = to_scim(user, PATHS) | ({"active": "True"} if as_text else {})
            answer = probing.ask("make the test account", "POST", "/Users", body)
            if answer.is_success:
                self._made = True
                self._account, self._as_text = self._id_of(probing, answer), as_text
                probing.learn(tried=True, active_sent_as="text" if as_text else "boolean")
                return set(chosen)
            if answer.means == 409:
                raise Stopped("There is an account with this address already: nothing was tried")
        status = answer.means if answer else 0
        raise Stopped(f"Zoho One refused the test account ({status}): is its domain verified, and a licence free?")

    def _id_of(self, probing: Probing, answer: ProbeAnswer) -> str:
        """Return the id of what was made. Raises Stopped."""
        if (found := answer.lowered.get("id")) is not None:
            return str(found)
        start = 0
        for _ in range(MOST_PAGES):
            page = probing.ask(
                "look for the test account", "GET", "/Users", startIndex=str(start + probing.first), count="100"
            )
            listed = page.lowered.get("resources") or []
            for one in listed:
                if str(one.get("username")).lower() == self.address.lower():
                    return str(one["id"])
            start += len(listed)
            if not listed:
                break
        raise Stopped("Zoho One answered that it made the test account, but does not list it")

    def _change(self, probing: Probing) -> None:
        """Change a value, by PATCH or else by PUT."""
        new = "Bridge Test 2"
        operation: JsonValue = {"op": "replace", "path": "displayName", "value": new}
        path = f"/Users/{self._account}"
        for self._patches in (True, False):
            answer = self._write(probing, path, operation, lambda body: body.update(displayName=new))
            if answer.is_success and self._shown(probing).get("displayname") == new:
                empty = answer.response.status_code == 200 and answer.is_empty
                probing.learn(takes_patch=self._patches, empty_answers=empty)
                return
        raise Stopped("Zoho One takes neither PATCH nor PUT for the test account")

    def _compare(self, probing: Probing, fields: dict[ZohoField, str], sent: set[ZohoField]) -> None:
        """Find the fields that are refused, each by itself, or not shown."""
        refused = set[ZohoField]()
        for name in fields.keys() - sent:
            operation: JsonValue = {"op": "add", "path": PATHS[name].text, "value": fields[name]}
            put = partial(PATHS[name].put, value=fields[name])
            answer = self._write(probing, f"/Users/{self._account}", operation, put)
            if not answer.is_success:
                refused.add(name)
        shown = self._shown(probing)
        dropped = {name for name in fields if PATHS[name].get(shown) is None}
        kept = str(PATHS[ZohoField.USER_NAME].get(shown) or "")
        lower = kept == self.address.lower() if kept and self.address != self.address.lower() else None
        left_out = (refused | dropped) - {ZohoField.USER_NAME}
        probing.learn(left_out=tuple(sorted(left_out)), lower_case=lower)
        probing.learn(finds_users=probing.finds("Users", "userName", self.address))

    def _try_group(self, probing: Probing) -> None:
        """Make a group, and take the test account in, by PATCH or else by PUT."""
        name = f"{BEGINNING} {secrets.token_hex(4)}"
        schemas: list[JsonValue] = [GROUP]
        made = probing.ask("make a test group", "POST", "/Groups", {"schemas": schemas, "displayName": name})
        if not made.is_success or (found := made.lowered.get("id")) is None:
            return
        self._group = str(found)
        members: list[JsonValue] = [{"value": self._account}]
        operation: JsonValue = {"op": "add", "path": "members", "value": members}
        path, patches = f"/Groups/{self._group}", self._patches
        for self._patches in (True, False):
            answer = self._write(probing, path, operation, lambda body: body.update(members=members))
            shown = probing.ask("the test group", "GET", path).lowered if answer.is_success else {}
            if any(str(one.get("value")) == self._account for one in shown.get("members") or []):
                probing.learn(takes_group_patch=self._patches)
                break
        self._patches = patches
        probing.learn(finds_groups=probing.finds("Groups", "displayName", name))

    def _deactivate(self, probing: Probing) -> None:
        value: JsonValue = "False" if self._as_text else False
        operation: JsonValue = {"op": "replace", "path": "active", "value": value}
        self._write(probing, f"/Users/{self._account}", operation, lambda body: body.update(active=value))
        if str(self._shown(probing).get("active")).lower() != "false":
            raise Stopped("Zoho One does not show the test account as deactivated after it was")

    def _clean_up(self, probing: Probing) -> bool:
        """Delete the group and the account; return whether either may be there still."""
        left = self._made and not self._account
        for path, known in ((f"/Groups/{self._group}", self._group), (f"/Users/{self._account}", self._account)):
            if not known:
                continue
            try:
                probing.ask("delete what was made", "DELETE", path)
                gone = not probing.ask("is it gone", "GET", path).is_success
            except ZohoError:
                gone = False
            left = left or not gone
            probing.learn(deletes=gone)
        return left

    def _write(self, probing: Probing, path: str, operation: JsonValue, put: Callable[[Resource], None]) -> ProbeAnswer:
        """Change a resource with the verb that is tried. ``put``: the same change of the resource as it is there."""
        if self._patches:
            return probing.ask("change by PATCH", "PATCH", path, patch_of([operation]))
        body = to_write_back(understood(Shown, probing.ask("read before a PUT", "GET", path).response))
        if self._as_text and "active" in body:
            body["active"] = str(body["active"])
        put(body)
        return probing.ask("change by PUT", "PUT", path, body)

    def _shown(self, probing: Probing) -> dict[str, Any]:
        return probing.ask("the test account", "GET", f"/Users/{self._account}").lowered
