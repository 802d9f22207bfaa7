"""The groups of a sync endpoint: rows in Table Storage, written through group push.

A group is read without its members wherever nobody asks for them, and never written with those it has already.
"""

from collections.abc import Iterable
from typing import Any

from pydantic import JsonValue
from scim2_models import (
    InvalidValueException,
    PatchOp,
    Resource,
    ResourceType,
    ResponseParameters,
    ScimProvider,
    SearchRequest,
)

from shared.rules.groups.group import Group
from shared.rules.groups.member_change import MemberRequest
from shared.rules.resource_version import resource_version
from shared.rules.store import Store
from shared.scim.errors import scim_errors
from shared.scim.group_filter import asked_of, group_point_of, member_of
from shared.scim.kind import (
    JSON,
    PatchParts,
    ReadForWrite,
    described,
    ensure_fits,
    model_of,
    not_found,
    written_by_entra,
)
from shared.scim.member_operations import member_request, members_of
from shared.scim.patience import until_free
from shared.sync.push.groups import GroupPush
from shared.tables.group_rows import StoredGroup
from shared.tables.groups import GroupLookup, Groups
from shared.tables.scim_row import ScimRow

MAX_NAME = 1_000
"""Characters of a displayName; Entra takes 256."""


class GroupStorage(ReadForWrite[StoredGroup]):
    """The groups of one directory store."""

    def __init__(self, store: Store, provider: ScimProvider, groups: Groups, push: GroupPush) -> None:
        super().__init__()
        self.store = store
        self.provider = provider
        self.groups = groups
        self.push = push

    def get(
        self, kind: ResourceType, resource_id: str, parameters: ResponseParameters[Any] | None, *, keep: bool
    ) -> Resource[Any]:
        """Return a group as Entra wrote it; with its members unless the response parameters leave them out.

        ``keep``: a write of the group needs no members, so that none are read.
        """
        if parameters is None and keep:
            stored = self._for_write(kind, resource_id)
            self._kept[resource_id] = stored
            return self._resource(kind, _row(stored.group), ())
        found = self.groups.find(self.store.id, GroupLookup.ID, resource_id)
        return self.shown(kind, found[0], parameters) if found else not_found(kind, resource_id)

    def everything(self, after: str = "", page: int | None = None) -> Iterable[ScimRow]:
        """Return every group after an id, in the order of ids."""
        return self.groups.scan(self.store.id, after, page)

    def ids(self) -> Iterable[str]:
        """Return the ids of all groups in order."""
        return self.groups.ids(self.store.id)

    def shown(self, kind: ResourceType, row: ScimRow, parameters: ResponseParameters[Any] | None) -> Resource[Any]:
        """Return a group for an answer, with its members unless the response parameters leave them out."""
        return self._resource(kind, row, self._members(row) if wants_members(parameters) else ())

    def matching(self, kind: ResourceType, request: SearchRequest[Any], after: str) -> Iterable[Resource[Any]]:
        """Return the groups that a search finds."""
        asked = asked_of(request.filter.ast if request.filter else None)
        for row in self._candidates(request, after):
            if request.filter is not None:
                if asked.everybody:
                    members = self._members(row)
                else:
                    members = sorted(self.groups.members_among(self.store.id, row.id, asked.people))
                if not request.filter.match(self._resource(kind, row, members)):
                    continue
            yield self.shown(kind, row, request)

    def create(self, kind: ResourceType, resource: Resource[Any]) -> Resource[Any]:
        """Write a new group to Zoho One."""
        members, payload = members_of(resource) or [], _payload(resource)
        with scim_errors():
            group = until_free(lambda: self.push.create(self.store, payload, MemberRequest().add(members)))
        return self._resource(kind, _row(group), members)

    def update(self, kind: ResourceType, resource: Resource[Any], expected_version: str | None) -> Resource[Any]:
        """Write a group's new state to Zoho One; one that names no members keeps those it has."""
        members = members_of(resource)
        said = MemberRequest() if members is None else MemberRequest().replace(members)
        return self._write(kind, resource, said, expected_version)

    def split(self, patch: "PatchOp[Any]") -> PatchParts:
        """Take what a PATCH says of the members out of it. Raises InvalidPath- and InvalidValueException."""
        members, rest = member_request(patch)
        return PatchParts(rest, members)

    def patch(
        self, kind: ResourceType, resource: Resource[Any], parts: PatchParts, expected_version: str | None
    ) -> Resource[Any]:
        """Write a group's new state to Zoho One, and of its members only those that the PATCH names."""
        return self._write(kind, resource, parts.members, expected_version)

    def delete(self, kind: ResourceType, resource_id: str, expected_version: str | None) -> None:
        """Record that Entra has deleted a group."""
        stored = self._for_write(kind, resource_id, expected_version)
        with scim_errors():
            self.push.delete(self.store, stored)

    def _write(
        self, kind: ResourceType, resource: Resource[Any], members: MemberRequest, expected_version: str | None
    ) -> Resource[Any]:
        payload = _payload(resource)
        stored = self._for_write(kind, str(resource.id), expected_version)
        with scim_errors():
            group = self.push.change(self.store, stored, payload, members)
        return self._resource(kind, _row(group), members.change.joining if members.only else [])

    def _read(self, resource_id: str) -> StoredGroup | None:
        return self.groups.read(self.store.id, resource_id)

    def _version_of(self, kept: StoredGroup) -> str:
        return _version(_row(kept.group))

    def _candidates(self, request: SearchRequest[Any], after: str) -> Iterable[ScimRow]:
        """Return the groups that the filter may match, in the order of ids."""
        node = request.filter.ast if request.filter else None
        if point := group_point_of(node):
            found = self.groups.find(self.store.id, *point)
            return sorted((row for row in found if row.id > after), key=lambda row: row.id)
        if person := member_of(node):
            ids = (group_id for group_id in self.groups.of_person(self.store.id, person) if group_id > after)
            each = (self.groups.find(self.store.id, GroupLookup.ID, group_id) for group_id in sorted(ids))
            return (row for one in each for row in one)
        return self.everything(after)

    def _members(self, row: ScimRow) -> Iterable[str]:
        return self.groups.members(self.store.id, row.id)

    def _resource(self, kind: ResourceType, row: ScimRow, members: Iterable[str]) -> Resource[Any]:
        payload = JSON.validate_json(row.resource)
        shown: list[JsonValue] = [{"value": person, "$ref": f"Users/{person}"} for person in members]
        if shown:
            payload["members"] = shown
        return described(model_of(self.provider, kind).model_validate(payload), kind, row, _version(row))


def wants_members(parameters: ResponseParameters[Any] | None) -> bool:
    """Whether an answer is to name the members (RFC 7644 §3.9)."""
    if parameters is None:
        return True
    if parameters.attributes:
        return any(_is_members(str(path)) for path in parameters.attributes)
    return not any(str(path).lower().split(":")[-1] == "members" for path in parameters.excluded_attributes or ())


def _is_members(path: str) -> bool:
    return path.lower().split(":")[-1].partition(".")[0] == "members"


def _row(group: Group) -> ScimRow:
    return ScimRow(group.id, group.said.resource, group.created, group.said.modified)


def _version(row: ScimRow) -> str:
    """Return a group's version: members are not in the resource, but every change of them has a time of its own."""
    return resource_version(f"{row.resource} {row.modified.isoformat()}")


def _payload(resource: Resource[Any]) -> dict[str, JsonValue]:
    """Return what Entra wrote beside the members. Raises InvalidValue- and PayloadTooLargeException."""
    payload = written_by_entra(resource)
    payload.pop("members", None)
    if not str(payload.get("displayName", "")).strip():
        raise InvalidValueException(detail="displayName must not be empty: look at what Entra's mapping gives it")
    if len(str(payload["displayName"])) > MAX_NAME:
        raise InvalidValueException(detail=f"displayName may take {MAX_NAME:,} characters at the most")
    ensure_fits(payload, "group")
    return payload
