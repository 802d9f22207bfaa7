"""The simulated Zoho One organisation: scim2-server's application over its storage in memory.

The attributes are those of Microsoft's tutorial for Zoho One (../shared/facts/zoho.md), and the enterprise extension.
"""

import json
from collections.abc import Callable, Iterable
from typing import Any

from scim2_models import (
    InvalidValueException,
    Resource,
    ResourceType,
    Schema,
    SchemaExtension,
    ScimPolicy,
    ScimProvider,
    UnauthorizedException,
)
from scim2_server.applications.asgi import ASGIApplication
from scim2_server.memory import AsyncInMemoryStorage, InMemoryStorage
from scim2_server.requests import ScimRequest
from scim2_server.responses import ScimResponse
from scim2_server.testserver.application import BEARER_TOKEN_SCHEME
from scim2_server.utils import (
    load_default_resource_types,
    load_default_schemas,
    load_default_service_provider_config,
)

from local.serving import Response, Scope
from local.zoho_one.passwords import Passwords

USER_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Group"
USER_ATTRIBUTES = (
    "userName",
    "active",
    "displayName",
    "title",
    "preferredLanguage",
    "emails",
    "name",
    "addresses",
    "phoneNumbers",
    "password",  # not documented: the bridge sends it only to a store that is set to
)

# Zoho One has a Work Location, but documents no SCIM attribute for it: this one is invented, like the bridge's default.
EXTENSION: dict[str, Any] = {
    "id": "urn:ietf:params:scim:schemas:extension:zohoone:2.0:User",
    "name": "ZohoOneUser",
    "attributes": [{"name": "workLocation", "type": "string", "mutability": "readWrite", "returned": "default"}],
}

# Zoho One accepts the requests of Entra's gallery app, so the simulator must tolerate their peculiarities.
POLICY = ScimPolicy(
    unknown=ScimPolicy.Unknown.ignore,
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)


class Licences(InMemoryStorage):
    """A storage that refuses one more active user than there are licences. None is no limit."""

    def __init__(self, limit: int | None) -> None:
        super().__init__()
        self._limit = limit

    def create(self, resource_type: ResourceType, resource: Resource[Any]) -> Resource[Any]:
        with self.lock:
            self._check(resource)
            return super().create(resource_type, resource)

    def update(
        self, resource_type: ResourceType, resource: Resource[Any], *, expected_version: str | None = None
    ) -> Resource[Any]:
        with self.lock:
            self._check(resource)
            return super().update(resource_type, resource, expected_version=expected_version)

    def _check(self, changed: Resource[Any]) -> None:
        """Refuse a change that would activate too many users, with the words of Zoho One's documentation."""
        if self._limit is None or not _is_active_user(changed):
            return
        others = sum(1 for user in self.resources if user.id != changed.id and _is_active_user(user))
        if others >= self._limit:
            raise InvalidValueException(
                detail=f"You are trying to activate more users than the allowed license limit of '{self._limit}' users."
            )


class Grouped(Licences):
    """A storage whose groups accept only existing users: "importing groups does not create users"."""

    def create(self, resource_type: ResourceType, resource: Resource[Any]) -> Resource[Any]:
        with self.lock:
            self._check_members(resource, frozenset())
            return super().create(resource_type, resource)

    def update(
        self, resource_type: ResourceType, resource: Resource[Any], *, expected_version: str | None = None
    ) -> Resource[Any]:
        with self.lock:
            before = next((held for held in self.resources if held.id == resource.id), None)
            self._check_members(resource, _members(before))
            return super().update(resource_type, resource, expected_version=expected_version)

    def delete(self, resource_type: ResourceType, resource_id: str, *, expected_version: str | None = None) -> None:
        with self.lock:
            super().delete(resource_type, resource_id, expected_version=expected_version)
            for group in self.resources:
                if resource_id in _members(group):
                    group.members = [one for one in group.members if one.value != resource_id]  # type: ignore[attr-defined]  # a group's

    def _check_members(self, resource: Resource[Any], before: frozenset[str]) -> None:
        new = _members(resource) - before
        if new and (unknown := new.difference(str(held.id) for held in self.resources)):
            raise InvalidValueException(detail=f"There is no user {min(unknown)} in this organization.")


class Held(Grouped):
    """A storage that keeps passwords apart from what it shows. A write without a password leaves it unchanged."""

    def __init__(self, limit: int | None) -> None:
        super().__init__(limit)
        self.passwords = Passwords()

    def create(self, resource_type: ResourceType, resource: Resource[Any]) -> Resource[Any]:
        password = _taken_out(resource)
        created = super().create(resource_type, resource)
        self._keep(created, password)
        return created

    def update(
        self, resource_type: ResourceType, resource: Resource[Any], *, expected_version: str | None = None
    ) -> Resource[Any]:
        password = _taken_out(resource)
        updated = super().update(resource_type, resource, expected_version=expected_version)
        self._keep(updated, password)
        return updated

    def _keep(self, resource: Resource[Any], password: str | None) -> None:
        if password is not None:
            self.passwords.set(str(resource.id), password)


class Directory(ASGIApplication):
    """The SCIM API of Zoho One. `accepts` returns whether an access token is valid."""

    def __init__(self, accepts: Callable[[str], bool], licences: int | None) -> None:
        self._accepts = accepts
        self._held = Held(licences)
        self._kept: tuple[list[Resource[Any]], Passwords] = [], Passwords()
        super().__init__(AsyncInMemoryStorage(self._held), _provider())

    def check_auth(self, request: ScimRequest) -> None:
        """Accept `Zoho-oauthtoken` and `Bearer` alike, as Zoho does."""
        scheme, _, token = (request.header("Authorization") or "").partition(" ")
        if scheme.lower() not in ("zoho-oauthtoken", "bearer") or not self._accepts(token):
            raise UnauthorizedException

    async def respond(self, scope: Scope, body: bytes) -> Response:
        """Answer a request of the SCIM API."""

        async def receive() -> dict[str, Any]:
            return {"body": body}

        request = await self.read_request({**scope, "root_path": "/scim"}, receive)
        return _response(await self.serve(request))

    async def add_user(self, user: dict[str, Any]) -> Response:
        """Add a user without the bridge, as an administrator of Zoho One does."""
        return await self._add("/Users", {"schemas": [USER_SCHEMA], **user})

    async def add_group(self, group: dict[str, Any]) -> Response:
        """Add a group without the bridge."""
        return await self._add("/Groups", {"schemas": [GROUP_SCHEMA], **group})

    async def _add(self, path: str, resource: dict[str, Any]) -> Response:
        headers = {"Content-Type": "application/scim+json"}
        request = ScimRequest("POST", "", path, headers=headers, body=json.dumps(resource).encode())
        try:
            return _response(await self.handler.handle(request))
        except Exception as exception:  # answered as the application answers any request
            return _response(self.handle_exception(request, exception))

    def held(self, resource_type: str) -> list[dict[str, Any]]:
        """Return every resource of a type, as SCIM."""
        return [resource.model_dump() for resource in self._of_type(resource_type)]

    def with_password(self) -> list[str]:
        """Return the userNames of users with a password."""
        return [user["userName"] for user in self.held("User") if self._held.passwords.has(user["id"])]

    def signs_in(self, user_name: str, password: str) -> bool:
        """Return whether an active user has this password."""
        return any(
            user["userName"] == user_name
            and user.get("active") is not False
            and self._held.passwords.matches(user["id"], password)
            for user in self.held("User")
        )

    def _of_type(self, resource_type: str) -> Iterable[Resource[Any]]:
        return (held for held in self._held.resources if held.meta and held.meta.resource_type == resource_type)

    def clear(self) -> None:
        """Forget all users and groups."""
        self._held.resources = []
        self._held.passwords.clear()

    def keep(self) -> None:
        """Keep users and groups as they are now."""
        self._kept = [held.model_copy(deep=True) for held in self._held.resources], self._held.passwords.copy()

    def go_back(self) -> None:
        """Restore users and groups as they were last kept."""
        resources, passwords = self._kept
        self._held.resources = [kept.model_copy(deep=True) for kept in resources]
        self._held.passwords = passwords.copy()


def _taken_out(written: Any) -> str | None:
    """Remove the password from a write of a user, and return it."""
    password: str | None = getattr(written, "password", None)
    if password is not None:
        written.password = None
    return password


def _members(resource: Resource[Any] | None) -> frozenset[str]:
    """Return the ids of a group's members; empty if it is not a group."""
    return frozenset(str(member.value) for member in getattr(resource, "members", None) or ())


def _is_active_user(resource: Resource[Any]) -> bool:
    # A user added without `active` is active.
    return hasattr(resource, "user_name") and getattr(resource, "active", None) is not False


def _provider() -> ScimProvider:
    """Return the models, built from schemas as a client discovers them: the default ones, without what Zoho One
    lacks.
    """
    schemas = load_default_schemas()
    user = schemas[USER_SCHEMA]
    user.attributes = [attribute for attribute in user.attributes or () if attribute.name in USER_ATTRIBUTES]
    types = load_default_resource_types()
    extensions = types["User"].schema_extensions or []
    types["User"].schema_extensions = [*extensions, SchemaExtension.model_validate({"schema": EXTENSION["id"]})]
    config = load_default_service_provider_config()
    config.authentication_schemes = [BEARER_TOKEN_SCHEME]
    return ScimProvider.from_discovery(
        [*schemas.values(), Schema.model_validate(EXTENSION)], types.values(), config=config, policy=POLICY
    )


def _response(answered: ScimResponse) -> Response:
    content = b"" if answered.body is None else json.dumps(answered.body).encode()
    return Response(answered.status, content, list(answered.headers.items()))
