"""The groups of a sync endpoint for scim2-server: rows in Table Storage, written through group push.

A group is read without its members wherever nobody asks for them, and never written with those it has already.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
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

from shared.model import HIDDEN
from shared.rules.groups.group import Group
from shared.rules.groups.member_change import MemberRequest
from shared.rules.resource_version import resource_version
from shared.rules.store import Store
from shared.scim.errors import scim_errors
from shared.scim.group_filter import asked_of, group_point_of, member_of
from shared.scim.member_operations import members_of
from shared.scim.patience import until_free
from shared.sync.push.groups import GroupPush
from shared.tables.group_rows import StoredGroup
from shared.tables.groups import GroupLookup
from shared.tables.identity_rows import Person

MAX_RESOURCE = 80_000
"""Bytes of one group without its members in UTF-16, as Table Storage counts: what a person may take too."""
MAX_NAME = 1_000
"""Characters of a displayName; Entra takes 256."""

_JSON = TypeAdapter[dict[str, JsonValue]](dict[str, JsonValue], config=HIDDEN)


@dataclass
class GroupStorage:
    """The groups of one directory store."""

    store: Store
    provider: ScimProvider
    push: GroupPush
    kept: dict[str, StoredGroup] = field(default_factory=dict)
    """What was read for a write that follows."""

    def get(
        self, kind: ResourceType, group_id: str, parameters: ResponseParameters[Any] | None, *, keep: bool = False
    ) -> Resource[Any]:
        """A group as Entra wrote it; with its members unless the response parameters leave them out.

        ``keep``: it is for a write of the same group, which need not read it again, nor its members at all.
        """
        if parameters is None and keep:
            stored = self._to_write(kind, group_id, None)
            self.kept[group_id] = stored
            return self._resource(kind, _person(stored.group), ())
        found = self.push.groups.find(self.store.id, GroupLookup.ID, group_id)
        if not found:
            _not_found(kind, group_id)
        return self.shown(kind, found[0], parameters)

    def scan(self, after: str) -> Iterator[Person]:
        """Every group in the order of ids, from behind one of them."""
        return self.push.groups.scan(self.store.id, after)

    def shown(self, kind: ResourceType, group: Person, parameters: ResponseParameters[Any] | None) -> Resource[Any]:
        """A group for an answer."""
        return self._shown(kind, group, members=wants_members(parameters))

    def matching(self, kind: ResourceType, request: SearchRequest[Any], after: str) -> Iterator[Resource[Any]]:
        """The groups that a search finds, in the order of ids, from behind one of them."""
        asked = asked_of(request.filter.ast if request.filter else None)
        for group in self._candidates(request, after):
            if request.filter is not None:
                if asked.everybody:
                    shown = self._shown(kind, group, members=True)
                else:
                    there = self.push.groups.members_among(self.store.id, group.id, asked.people)
                    shown = self._resource(kind, group, sorted(there))
                if not request.filter.match(shown):
                    continue
            yield self.shown(kind, group, request)

    def create(self, kind: ResourceType, resource: Resource[Any]) -> Resource[Any]:
        """A new group, taken to Zoho One."""
        members, payload = members_of(resource) or [], _payload(resource)
        with scim_errors():
            group = until_free(lambda: self.push.create(self.store, payload, MemberRequest().add(members)))
        return self._resource(kind, _person(group), members)

    def update(
        self,
        kind: ResourceType,
        resource: Resource[Any],
        members: MemberRequest,
        expected_version: str | None,
    ) -> Resource[Any]:
        """A group's new state, and what is said of its members, taken to Zoho One. Raises Stale."""
        payload = _payload(resource)
        stored = self._to_write(kind, str(resource.id), expected_version)
        with scim_errors():
            group = self.push.change(self.store, stored, payload, members)
        return self._resource(kind, _person(group), members.change.joining if members.only else [])

    def delete(self, kind: ResourceType, group_id: str, expected_version: str | None) -> None:
        """Entra has deleted a group. Raises Stale."""
        stored = self._to_write(kind, group_id, expected_version)
        with scim_errors():
            self.push.delete(self.store, stored)

    def _to_write(self, kind: ResourceType, group_id: str, expected_version: str | None) -> StoredGroup:
        stored = self.kept.pop(group_id, None) or self.push.groups.read(self.store.id, group_id)
        if stored is None:
            _not_found(kind, group_id)
        if expected_version is not None and expected_version != _version(_person(stored.group)):
            raise PreconditionFailedException
        return stored

    def _candidates(self, request: SearchRequest[Any], after: str) -> Iterable[Person]:
        """Those whom the filter may match, in the order of ids."""
        node, groups = request.filter.ast if request.filter else None, self.push.groups
        if point := group_point_of(node):
            return sorted((one for one in groups.find(self.store.id, *point) if one.id > after), key=lambda one: one.id)
        if person := member_of(node):
            ids = (group_id for group_id in groups.of_person(self.store.id, person) if group_id > after)
            found = (groups.find(self.store.id, GroupLookup.ID, group_id) for group_id in sorted(ids))
            return (group for one in found for group in one)
        return groups.scan(self.store.id, after)

    def _shown(self, kind: ResourceType, group: Person, *, members: bool) -> Resource[Any]:
        people = self.push.groups.members(self.store.id, group.id) if members else ()
        return self._resource(kind, group, people)

    def _resource(self, kind: ResourceType, group: Person, members: Iterable[str]) -> Resource[Any]:
        model = self.provider.model_for(kind)
        assert model is not None  # the service has routed to this type
        payload = _JSON.validate_json(group.resource)
        shown: list[JsonValue] = [{"value": person, "$ref": f"Users/{person}"} for person in members]
        if shown:
            payload["members"] = shown
        resource = model.model_validate(payload)
        assert isinstance(resource, Resource)  # resource types only name resources
        resource.id = group.id
        resource.meta = Meta(
            resource_type=kind.name, created=group.created, last_modified=group.modified, version=_version(group)
        )
        return resource


def wants_members(parameters: ResponseParameters[Any] | None) -> bool:
    """Whether an answer is to name the members (RFC 7644 §3.9)."""
    if parameters is None:
        return True
    if parameters.attributes:
        return any(_is_members(str(path)) for path in parameters.attributes)
    return not any(str(path).lower().split(":")[-1] == "members" for path in parameters.excluded_attributes or ())


def _is_members(path: str) -> bool:
    return path.lower().split(":")[-1].partition(".")[0] == "members"


def _person(group: Group) -> Person:
    return Person(group.id, group.said.resource, group.created, group.said.modified)


def _version(group: Person) -> str:
    """Members are not in the resource, but every change of them has a time of its own."""
    return resource_version(f"{group.resource} {group.modified.isoformat()}")


def _payload(resource: Resource[Any]) -> dict[str, JsonValue]:
    """What Entra wrote beside the members, without what the bridge itself says."""
    payload: dict[str, JsonValue] = resource.model_dump(mode="json", exclude_none=True)
    for name in ("id", "meta", "members"):
        payload.pop(name, None)
    if not str(payload.get("displayName", "")).strip():
        raise InvalidValueException(detail="displayName must not be empty: look at what Entra's mapping gives it")
    if len(str(payload["displayName"])) > MAX_NAME:
        raise InvalidValueException(detail=f"displayName may take {MAX_NAME:,} characters at the most")
    if len(_JSON.dump_json(payload).decode().encode("utf-16-le", "surrogatepass")) > MAX_RESOURCE:
        raise PayloadTooLargeException(detail=f"One group may take {MAX_RESOURCE // 2:,} characters at the most")
    return payload


def _not_found(kind: ResourceType, group_id: str) -> NoReturn:
    raise NotFoundException(detail=f"{kind.name} {group_id!r} not found")
