"""Zoho One's SCIM API for thousands of histories: a hundredth of what local/zoho_one/directory.py costs.

Resources are kept flat, one text for a path, and each write leaves a line. It takes the requests that the bridge sends,
in the bridge's shapes; any other is an error of this double and ends the history.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from local.serving import Response
from local.zoho_one.accounts import Accounts
from tests.simulation.observed import Account, By, Changed, PasswordSet, ZohoGroup

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
ZOHO = "urn:ietf:params:scim:schemas:extension:zohoone:2.0:User"
WORK = 'addresses[type eq "work"]'
PATHS: Mapping[str, str] = {
    "userName": "userName",
    "displayName": "displayName",
    "givenName": "name.givenName",
    "familyName": "name.familyName",
    "formattedName": "name.formatted",
    "email": 'emails[type eq "work"].value',
    "title": "title",
    "preferredLanguage": "preferredLanguage",
    "externalId": "externalId",
    "address": f"{WORK}.formatted",
    "streetAddress": f"{WORK}.streetAddress",
    "locality": f"{WORK}.locality",
    "region": f"{WORK}.region",
    "postalCode": f"{WORK}.postalCode",
    "country": f"{WORK}.country",
    "phone": 'phoneNumbers[type eq "work"].value',
    "mobile": 'phoneNumbers[type eq "mobile"].value',
    "fax": 'phoneNumbers[type eq "fax"].value',
    "department": f"{ENTERPRISE}:department",
    "employeeNumber": f"{ENTERPRISE}:employeeNumber",
    "manager": f"{ENTERPRISE}:manager.value",
    "workLocation": f"{ZOHO}:workLocation",
}
"""docs/mapping.md, by the names it gives the fields."""
NAMES = {path: name for name, path in PATHS.items()}

type Through = Literal["", "push", "cycle", "on demand", "other"]
_EQUALS = re.compile(r'(\w+) eq "(.*)"')
_MEMBER = re.compile(r'members\[value eq "(.+)"\]')


class Refused(Exception):
    """An error answer."""

    def __init__(self, status: int, detail: str, kind: str | None = None) -> None:
        super().__init__(detail)
        body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": str(status), "detail": detail}
        self.response = Response.json(body | ({"scimType": kind} if kind else {}), status)


@dataclass
class Zoho:
    """One organisation. ``now``: the world's clock."""

    url: str
    now: Callable[[], datetime]
    users: dict[str, Account] = field(default_factory=dict)
    groups: dict[str, ZohoGroup] = field(default_factory=dict)
    changes: list[Changed[Account]] = field(default_factory=list)
    group_changes: list[Changed[ZohoGroup]] = field(default_factory=list)
    passwords: list[PasswordSet] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self.accounts = Accounts(self.url, "us")

    def served(self, method: str, url: str, headers: Mapping[str, str], body: bytes, through: Through) -> Response:
        """Answer a request of the bridge's."""
        parts = urlsplit(url)
        if parts.path.startswith("/dc/"):
            return self.accounts.respond(method, parts.path, parts.query, body)
        token = headers.get("Authorization", "").partition(" ")[2]
        _, _, collection, *rest = unquote(parts.path).split("/")
        try:
            if collection == "ServiceProviderConfig":
                return Response.json({"schemas": []})
            if not self.accounts.accepts(token):
                return Refused(401, "Authorization failure").response
            said = json.loads(body) if body else {}
            if rest:
                return self._one(method, collection, rest[0], said, through)
            if method == "POST":
                return Response.json(self._create(collection, said, "bridge", through), 201)
            return self._list(collection, dict(parse_qsl(parts.query)))
        except Refused as refusal:
            return refusal.response

    def _one(self, method: str, collection: str, key: str, said: Any, through: Through) -> Response:
        if key not in (self.users if collection == "Users" else self.groups):
            raise Refused(404, f"Resource {key} not found")
        if method == "GET":
            return Response.json(self._shown(collection, key))
        if method == "DELETE":
            (self.remove if collection == "Users" else self.remove_group)(key, "bridge", through)
            return Response(204)
        self._write(method, collection, key, said, through)
        return Response(204) if method == "PATCH" else Response.json(self._shown(collection, key))

    def _list(self, collection: str, query: Mapping[str, str]) -> Response:
        found = list(self.users if collection == "Users" else self.groups)
        if "filter" in query:
            match = _EQUALS.fullmatch(query["filter"])
            assert match, query  # no other filter is asked for
            value = json.loads(f'"{match[2]}"').casefold()
            found = [key for key in found if self._named(collection, key).casefold() == value]
        start, size = int(query.get("startIndex", 1)), int(query.get("count", 100))
        page = [self._shown(collection, key) for key in found[start - 1 : start - 1 + size]]
        schemas = ["urn:ietf:params:scim:api:messages:2.0:ListResponse"]
        listed = {"schemas": schemas, "totalResults": len(found), "startIndex": start, "itemsPerPage": len(page)}
        return Response.json(listed | {"Resources": page})

    def _named(self, collection: str, key: str) -> str:
        return self.users[key].fields["userName"] if collection == "Users" else self.groups[key].name

    def _create(self, collection: str, said: Mapping[str, Any], by: By, through: Through) -> Any:
        key = f"z{next(self._numbers):031d}"
        if collection == "Users":
            self._put_user(Account(key, said.get("active") is not False, dict(_flat(said))), by, through)
            self._password(key, said)
        else:
            self._put_group(_group_of(key, said), by, through)
        return self._shown(collection, key)

    def _write(self, method: str, collection: str, key: str, said: Mapping[str, Any], through: Through) -> None:
        if collection == "Users":
            before = self.users[key]
            if method == "PUT":
                after = Account(key, said.get("active") is not False, dict(_flat(said)))
                self._password(key, said)
            else:
                after = self._patched(before, said["Operations"])
            self._put_user(after, "bridge", through)
        else:
            group = self.groups[key]
            changed = _group_of(key, said) if method == "PUT" else _patched_group(group, said["Operations"])
            self._put_group(changed, "bridge", through)

    def _patched(self, user: Account, operations: Any) -> Account:
        active, fields = user.active, dict(user.fields)
        for operation in operations:
            path = operation["path"]
            if path == "active":
                active = operation["value"]
            elif path == "password":
                self._password(user.id, operation | {"password": operation["value"]})
            elif operation["op"] == "remove":
                fields.pop(NAMES[path], None)
            else:
                fields[NAMES[path]] = str(operation["value"])
        return Account(user.id, active, fields)

    def _password(self, key: str, said: Mapping[str, Any]) -> None:
        if "password" in said:
            self.passwords.append(PasswordSet(self.now(), key, said["password"]))

    def _put_user(self, user: Account, by: By, through: Through) -> None:
        name = user.fields.get("userName", "")
        if not name:
            raise Refused(400, "userName is required", "invalidValue")
        taken = (other for other in self.users.values() if other.id != user.id)
        if any(other.fields["userName"].casefold() == name.casefold() for other in taken):
            raise Refused(409, "userName is taken", "uniqueness")
        self.changes.append(Changed(self.now(), by, self.users.get(user.id), user, through))
        self.users[user.id] = user

    def _put_group(self, group: ZohoGroup, by: By, through: Through) -> None:
        before = self.groups.get(group.id)
        new = group.members - (before.members if before else frozenset())
        if unknown := new - set(self.users):
            raise Refused(400, f"There is no user {min(unknown)} in this organization.", "invalidValue")
        self.group_changes.append(Changed(self.now(), by, before, group, through))
        self.groups[group.id] = group

    def remove(self, key: str, by: By, through: Through = "") -> None:
        """Delete an account, which leaves its groups by that."""
        self.changes.append(Changed(self.now(), by, self.users.pop(key), None, through))
        for group in list(self.groups.values()):
            if key in group.members:
                self._put_group(ZohoGroup(group.id, group.name, group.members - {key}, group.external_id), "zoho", "")

    def remove_group(self, key: str, by: By, through: Through = "") -> None:
        """Delete a group."""
        self.group_changes.append(Changed(self.now(), by, self.groups.pop(key), None, through))

    def by_hand(self, user: Account) -> None:
        """Somebody in Zoho One changes an account, or adds one. Raises Refused."""
        self._put_user(user, "hand", "")

    def group_by_hand(self, group: ZohoGroup) -> None:
        """The same for a group."""
        self._put_group(group, "hand", "")

    def new_id(self) -> str:
        """For an account or group that somebody adds."""
        return f"z{next(self._numbers):031d}"

    def _shown(self, collection: str, key: str) -> dict[str, Any]:
        return _user(self.users[key]) if collection == "Users" else _group(self.groups[key])


def _flat(resource: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The fields of a SCIM User that have a value."""
    for name, path in PATHS.items():
        schema, _, rest = path.rpartition(":")
        holder: Any = resource.get(schema, {}) if schema else resource
        attribute, _, sub = rest.partition(".")
        attribute, _, kind = attribute.partition('[type eq "')
        value = holder.get(attribute)
        if kind:
            value = next((each for each in value or () if each["type"] == kind.rstrip('"]')), None)
        value = value.get(sub) if sub and isinstance(value, Mapping) else value
        if value not in (None, ""):
            yield name, str(value)


def _user(user: Account) -> dict[str, Any]:
    shown: dict[str, Any] = {"schemas": [USER], "id": user.id, "active": user.active}
    for name, value in user.fields.items():
        schema, _, rest = PATHS[name].rpartition(":")
        holder = shown.setdefault(schema, {}) if schema else shown
        attribute, _, sub = rest.partition(".")
        attribute, _, kind = attribute.partition('[type eq "')
        if kind:
            entries = holder.setdefault(attribute, [])
            entry = next((each for each in entries if each["type"] == kind.rstrip('"]')), None)
            if entry is None:
                entries.append(entry := {"type": kind.rstrip('"]')})
            entry[sub] = value
        elif sub:
            holder.setdefault(attribute, {})[sub] = value
        else:
            holder[attribute] = value
    return shown


def _group(group: ZohoGroup) -> dict[str, Any]:
    members = [{"value": each} for each in sorted(group.members)]
    shown = {"schemas": [GROUP], "id": group.id, "displayName": group.name, "members": members}
    return shown | ({"externalId": group.external_id} if group.external_id else {})


def _group_of(key: str, said: Mapping[str, Any]) -> ZohoGroup:
    members = frozenset(str(each["value"]) for each in said.get("members", ()))
    return ZohoGroup(key, said["displayName"], members, said.get("externalId"))


def _patched_group(group: ZohoGroup, operations: Any) -> ZohoGroup:
    name, members, external = group.name, set(group.members), group.external_id
    for operation in operations:
        path, value = operation["path"], operation.get("value")
        if match := _MEMBER.fullmatch(path):
            members.discard(match[1])
        elif path == "members":
            members |= {str(each["value"]) for each in value}
        elif path == "displayName":
            name = value
        else:
            external = value
    return ZohoGroup(group.id, name, frozenset(members), external)
