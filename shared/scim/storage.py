"""The resources of a sync endpoint for scim2-server: identities and groups in Table Storage, written through push."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from heapq import merge
from typing import Any, NoReturn

from pydantic import JsonValue, TypeAdapter
from scim2_models import (
    InvalidValueException,
    Meta,
    NotFoundException,
    PayloadTooLargeException,
    PreconditionFailedException,
    Resource,
    ResourceType,
    ResponseParameters,
    ScimProvider,
    SearchRequest,
)
from scim2_server.storage import ScimStorage, SearchPage

from shared.model import HIDDEN
from shared.rules.groups.member_change import MemberRequest
from shared.rules.identity import Identity
from shared.rules.resource_version import resource_version
from shared.rules.store import Store
from shared.scim.errors import scim_errors
from shared.scim.group_storage import GroupStorage
from shared.scim.member_operations import members_of
from shared.scim.paging import by_cursor, by_index
from shared.scim.patience import until_free
from shared.scim.point_filter import point_of
from shared.scim.published import unknown_of
from shared.sync.push.groups import GroupPush
from shared.sync.push.people import Push
from shared.tables.identities import Identities
from shared.tables.identity_rows import Lookup, Person, Stored

MAX_RESOURCE = 80_000
"""Bytes of one person in UTF-16, as Table Storage counts.

An entity of 1 MiB holds him up to five times, once with every quotation mark escaped, and beside him three times what
his mapping gives (compiled_mapping.LONGEST_VALUE).
"""
MAX_WORK_ADDRESSES = 20
"""Each is a row to be found by, and a transaction takes a hundred."""

GROUP = "Group"
"""The name of the type whose resources have members."""
_JSON = TypeAdapter[dict[str, JsonValue]](dict[str, JsonValue], config=HIDDEN)


@dataclass
class IdentityStorage(ScimStorage):
    """The people and groups of one directory store, for one request: what it read, it need not read again to write."""

    supports_cursors = True

    store: Store
    provider: ScimProvider
    identities: Identities
    push: Push
    group_push: GroupPush
    ignored: list[str] = field(default_factory=list)
    """What the request named and no published schema has."""
    _within: bool = False
    _read: dict[str, Stored] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """The store's groups stand apart."""
        self.groups = GroupStorage(self.store, self.provider, self.group_push)

    @contextmanager
    def operation(self) -> Iterator[None]:
        """One SCIM operation."""
        self._within = True
        try:
            with scim_errors():
                yield
        finally:
            self._within = False
            self._read.clear()
            self.groups.kept.clear()

    def get(
        self,
        resource_type: ResourceType,
        resource_id: str,
        *,
        response_parameters: ResponseParameters[Any] | None = None,
    ) -> Resource[Any]:
        """Answer a read as Entra wrote it; without response parameters, a write of the same person follows."""
        if resource_type.name == GROUP:
            return self.groups.get(resource_type, resource_id, response_parameters, keep=self._within)
        if response_parameters is not None:
            people = self.identities.find(self.store.id, Lookup.ID, resource_id)
            return self._resource(resource_type, people[0]) if people else _not_found(resource_type, resource_id)
        stored = self.identities.read(self.store.id, resource_id)
        if stored is None:
            _not_found(resource_type, resource_id)
        if self._within:
            self._read[resource_id] = stored
        return self._resource(resource_type, _person(stored.identity), shown=False)

    def search(
        self, resource_types: list[ResourceType], search_request: SearchRequest[Any], *, position: Any = None
    ) -> SearchPage:
        """Find people: by one point read where the filter allows it, else page by page through the store."""

        def scan(after: str) -> Iterable[Resource[Any]]:
            found = (self._matching(kind, search_request, after) for kind in resource_types)
            return merge(*found, key=lambda one: str(one.id))

        if search_request.cursor is not None:
            return by_cursor(scan, search_request, position)
        if search_request.filter is None and search_request.sort_by is None:
            return self._listed(resource_types, search_request)
        return by_index(scan, search_request, lambda one: self._either(resource_types, one, search_request))

    def create(self, resource_type: ResourceType, resource: Resource[Any]) -> Resource[Any]:
        """A new person, taken to Zoho One."""
        self.ignored += unknown_of(resource)
        if resource_type.name == GROUP:
            return self.groups.create(resource_type, resource)
        payload = _payload(resource)
        with scim_errors():
            identity = until_free(lambda: self.push.create(self.store, payload))
        return self._resource(resource_type, _person(identity))

    def update(
        self, resource_type: ResourceType, resource: Resource[Any], *, expected_version: str | None = None
    ) -> Resource[Any]:
        """A person's new state, taken to Zoho One. Raises Stale where another request was faster."""
        if resource_type.name == GROUP:
            members = members_of(resource)
            said = MemberRequest() if members is None else MemberRequest().replace(members)
            return self.groups.update(resource_type, resource, said, expected_version)
        payload = _payload(resource)
        stored = self._to_write(resource_type, str(resource.id), expected_version)
        with scim_errors():
            return self._resource(resource_type, _person(self.push.replace(self.store, stored, payload)))

    def delete(self, resource_type: ResourceType, resource_id: str, *, expected_version: str | None = None) -> None:
        """Entra has deleted a person for good. Raises Stale where another request was faster."""
        if resource_type.name == GROUP:
            self.groups.delete(resource_type, resource_id, expected_version)
            return
        stored = self._to_write(resource_type, resource_id, expected_version)
        with scim_errors():
            self.push.delete(self.store, stored)

    def _to_write(self, resource_type: ResourceType, resource_id: str, expected_version: str | None) -> Stored:
        stored = self._read.pop(resource_id, None) or self.identities.read(self.store.id, resource_id)
        if stored is None:
            _not_found(resource_type, resource_id)
        _ensure_version(stored.identity.said.resource, expected_version)
        return stored

    def _listed(self, kinds: list[ResourceType], request: SearchRequest[Any]) -> SearchPage:
        """A page of everybody: who is not on it is only counted."""
        start = request.start_index_0 or 0
        stop = None if request.count is None else start + request.count
        total, page = 0, []
        everyone = ((kind, person) for kind in kinds for person in self._people(kind, request, ""))
        for total, (kind, person) in enumerate(everyone, 1):
            if total > start and (stop is None or total <= stop):
                shown = self.groups.shown(kind, person, request) if kind.name == GROUP else None
                page.append(shown or self._resource(kind, person))
        return SearchPage(total, page)

    def _matching(self, kind: ResourceType, request: SearchRequest[Any], after: str) -> Iterable[Resource[Any]]:
        """Those of one type whom a search finds, in the order of ids."""
        if kind.name == GROUP:
            return self.groups.matching(kind, request, after)
        found = (self._resource(kind, person) for person in self._people(kind, request, after))
        return (one for one in found if request.filter is None or request.filter.match(one))

    def _people(self, kind: ResourceType, request: SearchRequest[Any], after: str) -> Iterable[Person]:
        """Those of one type whom the filter may match, in the order of ids."""
        if kind.name == GROUP:
            return self.groups.scan(after)
        if point := point_of(request.filter.ast if request.filter else None):
            return (person for person in self.identities.find(self.store.id, *point) if person.id > after)
        return self.identities.scan(self.store.id, after)

    def _either(self, kinds: list[ResourceType], resource_id: str, request: SearchRequest[Any]) -> Resource[Any] | None:
        for kind in kinds:
            try:
                return self.get(kind, resource_id, response_parameters=request)
            except NotFoundException:
                continue
        return None

    def _resource(self, resource_type: ResourceType, person: Person, *, shown: bool = True) -> Resource[Any]:
        """``shown``: as Entra is answered, where nobody is active whose account is not; else as Entra wrote it."""
        model = self.provider.model_for(resource_type)
        assert model is not None  # the service has routed to this type
        resource: Resource[Any] = _as_resource(model.model_validate_json(person.resource))
        if person.is_shut_out and shown:
            resource.active = False  # type: ignore[attr-defined]  # of a User
        resource.id = person.id
        resource.meta = Meta(
            resource_type=resource_type.name,
            created=person.created,
            last_modified=person.modified,
            version=resource_version(person.resource),
        )
        return resource


def _as_resource(model: object) -> Resource[Any]:
    assert isinstance(model, Resource)  # resource types only name resources
    return model


def _person(identity: Identity) -> Person:
    said = identity.said
    return Person(identity.id, said.resource, identity.created, said.modified, identity.is_shut_out)


def _payload(resource: Resource[Any]) -> dict[str, JsonValue]:
    """What Entra wrote, without what the bridge itself says. Raises InvalidValue- and PayloadTooLargeException."""
    payload: dict[str, JsonValue] = resource.model_dump(mode="json", exclude_none=True)
    payload.pop("id", None)
    payload.pop("meta", None)
    if "userName" in payload and not str(payload["userName"]).strip():
        raise InvalidValueException(detail="userName must not be empty: look at what Entra's mapping gives it")
    emails = payload.get("emails")
    if isinstance(emails, list) and len(emails) > MAX_WORK_ADDRESSES:
        raise InvalidValueException(detail=f"One person may have {MAX_WORK_ADDRESSES} email addresses at the most")
    if len(_text(payload).encode("utf-16-le", "surrogatepass")) > MAX_RESOURCE:
        raise PayloadTooLargeException(detail=f"One person may take {MAX_RESOURCE // 2:,} characters at the most")
    return payload


def _text(payload: dict[str, JsonValue]) -> str:
    return _JSON.dump_json(payload).decode()


def _ensure_version(resource: str, expected_version: str | None) -> None:
    if expected_version is not None and expected_version != resource_version(resource):
        raise PreconditionFailedException


def _not_found(resource_type: ResourceType, resource_id: str) -> NoReturn:
    raise NotFoundException(detail=f"{resource_type.name} {resource_id!r} not found")
