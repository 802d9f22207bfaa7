"""A Zoho One organisation in plain dicts: a tenth of what directory.py costs, for tests that make thousands of calls.

It takes the requests that the bridge sends, in the bridge's shapes, and answers as directory.py does; the tests of the
simulator run on both, and a test compares all answers of both. What is not asked for by the bridge (searches by other
filters, bulk, discovery) is refused, not made up. Nothing here waits, so one event loop never sees half a change.
"""

import json
import re
import uuid
from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from local.serving import Response, Scope
from local.zoho_one.directory import EXTENSION, GROUP_SCHEMA, USER_ATTRIBUTES, USER_SCHEMA
from local.zoho_one.passwords import Passwords
from local.zoho_one.scim_path import ENTERPRISE

type Resource = dict[str, Any]

EXTENSIONS: Mapping[str, frozenset[str]] = {
    ENTERPRISE: frozenset(("employeeNumber", "costCenter", "organization", "division", "department", "manager")),
    EXTENSION["id"]: frozenset(attribute["name"] for attribute in EXTENSION["attributes"]),
}
ATTRIBUTES: Mapping[str, frozenset[str]] = {
    "Users": frozenset((*USER_ATTRIBUTES, "externalId", *EXTENSIONS)),
    "Groups": frozenset(("displayName", "members", "externalId")),
}
EXACT = frozenset(("id", "externalId"))
"""Attributes whose letter case counts."""
_FILTER = re.compile(r'(id|externalId|userName|displayName) eq ("(?:[^"\\]|\\.)*")')
_PATH = re.compile(r'(?:(urn:.+):)?(\w+)(?:\[(\w+) eq ("(?:[^"\\]|\\.)*")\])?(?:\.([\w$]+))?')


class Refused(Exception):
    """An error answer."""

    def __init__(self, status: int, detail: str, kind: str | None = None) -> None:
        super().__init__(detail)
        self.error = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": str(status)}
        self.error |= {"detail": detail} | ({"scimType": kind} if kind else {})
        self.status = status


class PlainDirectory:
    """What Directory is. ``accepts`` returns whether an access token is valid; None licences is no limit."""

    def __init__(self, accepts: Callable[[str], bool], licences: int | None = None) -> None:
        self._accepts = accepts
        self._licences = licences
        self._held: dict[str, dict[str, Resource]] = {"Users": {}, "Groups": {}}
        self._passwords = Passwords()
        self._kept = deepcopy(self._held), self._passwords.copy()

    async def respond(self, scope: Scope, body: bytes) -> Response:
        """Answer a request of the SCIM API."""
        path = scope["path"].removeprefix("/scim").removeprefix("/v2")
        token = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
        try:
            self._authorise(token)
            return self._served(scope["method"], path, dict(parse_qsl(scope["query_string"].decode())), body)
        except Refused as refusal:
            return _scim(refusal.error, refusal.status)

    def _authorise(self, header: str) -> None:
        scheme, _, token = header.partition(" ")
        if scheme.lower() not in ("zoho-oauthtoken", "bearer") or not self._accepts(token):
            raise Refused(401, "Authorization failure")

    def _served(self, method: str, path: str, query: Mapping[str, str], body: bytes) -> Response:
        _, collection, key, *rest = [*path.split("/"), "", ""]
        if (method, path) == ("GET", "/ServiceProviderConfig"):
            return _scim({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"]})
        if collection not in self._held or any(rest):
            raise Refused(404, "The requested resource is not found")
        match method, bool(key):
            case "GET", False:
                return self._list(collection, query)
            case "POST", False:
                return _scim(self._create(collection, _read(body)), 201)
            case "GET", True:
                return _scim(_chosen(self._found(collection, key), query))
            case "PUT", True:
                before = self._found(collection, key)
                return _scim(self._put(collection, _known(collection, _read(body)), before))
            case "PATCH", True:
                self._put(collection, _patched(collection, self._found(collection, key), _read(body)), None)
                return Response(204)
            case "DELETE", True:
                self._delete(collection, key)
                return Response(204)
        raise Refused(405, "The method is not allowed here")

    def _found(self, collection: str, key: str) -> Resource:
        if key not in self._held[collection]:
            raise Refused(404, f"{collection.removesuffix('s')} {key!r} not found")
        return self._held[collection][key]

    def _list(self, collection: str, query: Mapping[str, str]) -> Response:
        found = sorted(self._held[collection].values(), key=lambda resource: str(resource["id"]))
        if "filter" in query:
            match = _FILTER.fullmatch(query["filter"])
            if match is None:
                raise Refused(400, "This filter is not understood", "invalidFilter")
            same = str if match[1] in EXACT else str.casefold
            wanted = same(json.loads(match[2]))
            found = [one for one in found if same(str(one.get(match[1], ""))) == wanted]
        start, size = max(int(query.get("startIndex", 1)), 1), int(query.get("count", 100))
        page = [_chosen(resource, query) for resource in found[start - 1 : start - 1 + size]]
        listed = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": len(found)}
        return _scim(listed | {"startIndex": start, "itemsPerPage": len(page), "Resources": page})

    def _create(self, collection: str, said: Resource) -> Resource:
        key, kind = uuid.uuid4().hex, collection.removesuffix("s")
        return self._put(collection, _known(collection, said), {"id": key, "meta": {"resourceType": kind}})

    def _put(self, collection: str, resource: Resource, before: Resource | None) -> Resource:
        """Keep a resource as it is to be. ``before`` has the id and meta of one that does not have them."""
        resource = resource | ({"id": before["id"], "meta": before["meta"]} if before else {})
        password = resource.pop("password", None)
        if collection == "Users":
            self._check_user(resource)
        else:
            self._check_members(resource)
        self._held[collection][resource["id"]] = resource
        if password is not None:
            self._passwords.set(resource["id"], password)
        return resource

    def _check_user(self, user: Resource) -> None:
        name = str(user.get("userName") or "").casefold()
        if not name:
            raise Refused(400, "userName is required", "invalidValue")
        others = [other for other in self._held["Users"].values() if other["id"] != user["id"]]
        active = sum(other.get("active") is not False for other in others)
        if self._licences is not None and user.get("active") is not False and active >= self._licences:
            limit = f"the allowed license limit of '{self._licences}' users."
            raise Refused(400, f"You are trying to activate more users than {limit}", "invalidValue")
        if any(str(other["userName"]).casefold() == name for other in others):
            raise Refused(409, "userName is in use", "uniqueness")

    def _check_members(self, group: Resource) -> None:
        before = self._held["Groups"].get(group["id"], {})
        new = _members(group) - _members(before)
        if unknown := new - self._held["Users"].keys() - self._held["Groups"].keys():
            raise Refused(400, f"There is no user {min(unknown)} in this organization.", "invalidValue")

    def _delete(self, collection: str, key: str) -> None:
        self._found(collection, key)
        del self._held[collection][key]
        for group in list(self._held["Groups"].values()):
            if key in _members(group):
                _write_members(group, [one for one in group["members"] if one["value"] != key])

    async def add_user(self, user: Resource) -> Response:
        """Add a user without the bridge, as an administrator of Zoho One does."""
        return self._added("Users", user)

    async def add_group(self, group: Resource) -> Response:
        """Add a group without the bridge."""
        return self._added("Groups", group)

    def _added(self, collection: str, resource: Resource) -> Response:
        try:
            return _scim(self._create(collection, resource), 201)
        except Refused as refusal:
            return _scim(refusal.error, refusal.status)

    def held(self, resource_type: str) -> list[Resource]:
        """Return every resource of a type, as SCIM."""
        return list(self._held[f"{resource_type}s"].values())

    def with_password(self) -> list[str]:
        """Return the userNames of users with a password."""
        return [user["userName"] for user in self.held("User") if self._passwords.has(user["id"])]

    def signs_in(self, user_name: str, password: str) -> bool:
        """Return whether an active user has this password."""
        return any(
            user["userName"] == user_name
            and user.get("active") is not False
            and self._passwords.matches(user["id"], password)
            for user in self.held("User")
        )

    def clear(self) -> None:
        """Forget all users and groups."""
        self._held = {"Users": {}, "Groups": {}}
        self._passwords.clear()

    def keep(self) -> None:
        """Keep users and groups as they are now."""
        self._kept = deepcopy(self._held), self._passwords.copy()

    def go_back(self) -> None:
        """Restore users and groups as they were last kept."""
        self._held, self._passwords = deepcopy(self._kept[0]), self._kept[1].copy()


def _scim(content: object, status: int = 200) -> Response:
    return Response(status, json.dumps(content).encode(), [("content-type", "application/scim+json")])


def _read(body: bytes) -> Resource:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise Refused(400, "The body is not a JSON object", "invalidSyntax")
    return said


def _known(collection: str, said: Resource) -> Resource:
    """Return what Zoho One keeps of a resource that is sent whole, with the schemas that it then has."""
    known = {name: said[name] for name in said.keys() & ATTRIBUTES[collection] if said[name] not in (None, "", [], {})}
    for extension in EXTENSIONS.keys() & known.keys():
        known[extension] = {n: v for n, v in known[extension].items() if n in EXTENSIONS[extension] and v is not None}
    return _tidied(collection, known)


def _tidied(collection: str, resource: Resource) -> Resource:
    """Return a resource with a boolean ``active``, without empty attributes, and with its schemas."""
    tidied: Resource = _filled(resource)
    if isinstance(active := tidied.get("active"), str):
        tidied["active"] = active.lower() == "true"
    core = USER_SCHEMA if collection == "Users" else GROUP_SCHEMA
    return tidied | {"schemas": [core, *(name for name in EXTENSIONS if name in tidied)]}


def _filled(value: Any) -> Any:
    """Return a value without what is empty in it."""
    if not isinstance(value, dict):
        return value
    filled = {name: _filled(part) for name, part in value.items()}
    return {name: part for name, part in filled.items() if part not in (None, [], {})}


def _chosen(resource: Resource, query: Mapping[str, str]) -> Resource:
    """Return the attributes of a resource that a request asks for."""
    if "attributes" in query:
        wanted = {"id", "schemas", *query["attributes"].split(",")}
        return {name: value for name, value in resource.items() if name in wanted}
    excluded = query.get("excludedAttributes", "").split(",")
    return {name: value for name, value in resource.items() if name not in excluded or name in ("id", "schemas")}


def _members(group: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(member["value"] for member in group.get("members", ()))


def _write_members(group: Resource, members: list[Resource]) -> None:
    group["members"] = list({member["value"]: member for member in members}.values())
    if not members:
        del group["members"]


@lru_cache(maxsize=1000)
def _parsed(path: str) -> tuple[str | None, str, str | None, str | None, str | None]:
    """Return a path's extension, attribute, the attribute and value that pick an entry, and the sub-attribute."""
    match = _PATH.fullmatch(path)
    if match is None:
        raise Refused(400, "The path is not understood", "invalidPath")
    extension, attribute, chosen, value, sub = match.groups()
    return extension, attribute, chosen, None if value is None else json.loads(value), sub


def _patched(collection: str, before: Resource, said: Resource) -> Resource:
    resource = deepcopy(before)
    if not said.get("Operations"):
        raise Refused(400, "A PATCH has operations", "invalidValue")
    for operation in said["Operations"]:
        kind, value = str(operation.get("op", "")).lower(), operation.get("value")
        if kind not in ("add", "replace", "remove"):
            raise Refused(400, "An operation is one of add, replace and remove", "invalidSyntax")
        if "path" in operation:
            _apply(collection, resource, kind, operation["path"], value)
        elif isinstance(value, dict):
            for path, each in value.items():
                _apply(collection, resource, kind, path, each)
    return _tidied(collection, resource)


def _apply(collection: str, resource: Resource, kind: str, path: str, value: Any) -> None:
    extension, attribute, chosen, wanted, sub = _parsed(path)
    known = EXTENSIONS.get(extension, frozenset()) if extension else ATTRIBUTES[collection]
    if attribute not in known:
        return  # Zoho One ignores what it does not know
    place = resource.setdefault(extension, {}) if extension else resource
    if attribute == "members":
        _apply_to_members(resource, kind, wanted, value)
    elif chosen is not None:
        _apply_to_entry(place, attribute, kind, {chosen: wanted}, sub, value)
    elif sub:
        _set(place.setdefault(attribute, {}), sub, kind, value)
    else:
        _set(place, attribute, kind, value)


def _apply_to_members(group: Resource, kind: str, one: str | None, value: Any) -> None:
    members = group.get("members", [])
    if kind == "remove":
        gone = {one} if one else {member["value"] for member in value} if value else _members(group)
        _write_members(group, [member for member in members if member["value"] not in gone])
    else:
        _write_members(group, [*(members if kind == "add" else []), *value])


def _apply_to_entry(place: Resource, attribute: str, kind: str, chosen: Resource, sub: str | None, value: Any) -> None:
    """Change the entry that a filter picks; one that is not there is made."""
    entries = place.setdefault(attribute, [])
    entry = next((each for each in entries if chosen.items() <= each.items()), None)
    if kind == "remove" and not sub:
        place[attribute] = [each for each in entries if each is not entry]
        return
    if entry is None:
        if kind == "remove":
            return
        entries.append(entry := dict(chosen))
    if sub:
        _set(entry, sub, kind, value)
    else:
        entry.update(value)


def _set(place: Resource, name: str, kind: str, value: Any) -> None:
    if kind == "remove":
        place.pop(name, None)
    else:
        place[name] = value
