"""Zoho One's SCIM API, as far as a group goes.

Zoho One documents ``displayName``, ``members`` and ``externalId`` for a group, and no more, so this is plain SCIM 2.0
(RFC 7644). Members leave one by one, by ``members[value eq "…"]``: of the other shapes that Entra has, some make a
strict server empty the whole group.
"""

from collections.abc import Collection, Sequence
from itertools import batched
from urllib.parse import quote

from pydantic import ConfigDict, JsonValue

from shared.directory.group import ZohoGroup, ZohoGroupRecord, from_scim, to_scim
from shared.directory.store import UpdateVerb
from shared.directory.user_name import folded
from shared.directory.zoho_user import ZohoField
from shared.model import Model
from shared.zoho.errors import ZohoNotFound, ZohoUnclear
from shared.zoho.scim_calls import ScimCalls, patch_of, quoted, understood

_WITHOUT_MEMBERS = {"excludedAttributes": "members"}
_PATHS = {ZohoField.DISPLAY_NAME: "displayName", ZohoField.EXTERNAL_ID: "externalId"}


class _Member(Model):
    """One entry of ``members``."""

    model_config = ConfigDict(extra="allow")

    value: str


class _Group(Model):
    """What the bridge needs of a SCIM Group that Zoho One answers."""

    model_config = ConfigDict(extra="allow")

    id: str
    members: list[_Member] = []


class _Found(Model):
    """A SCIM ListResponse. Raises where it is not one: an answer we do not understand is no empty list."""

    model_config = ConfigDict(extra="ignore")

    totalResults: int  # noqa: N815 - RFC 7644's name
    Resources: list[_Group] = []


class ZohoGroups(ScimCalls):
    """The groups of one store's Zoho One organisation; members are named by the ids of their accounts there.

    Every method raises ZohoBusy, ZohoCredentials, and ZohoRefused or its subclasses.
    """

    def create(self, group: ZohoGroup) -> ZohoGroupRecord:
        """A new group without members."""
        return ZohoGroupRecord(id=understood(_Group, self._call("POST", "/Groups", to_scim(group))).id, holds=group)

    def get(self, group_id: str) -> ZohoGroupRecord | None:
        """A group by its id, or None."""
        try:
            return _record(understood(_Group, self._call("GET", _path(group_id), query=_WITHOUT_MEMBERS)))
        except ZohoNotFound:
            return None

    def look(self, group_id: str) -> tuple[ZohoGroupRecord, frozenset[str]] | None:
        """A group with its members, or None."""
        try:
            whole = self._whole(group_id)
        except ZohoNotFound:
            return None
        return _record(whole), frozenset(member.value for member in whole.members)

    def find(self, display_name: str) -> list[ZohoGroupRecord]:
        """The groups of this name, in any letter case. Raises ZohoUnclear where Zoho One answers with others.

        What this finds is changed: so it is not enough that Zoho One says it matches.
        """
        query = {"filter": f"displayName eq {quoted(display_name)}"} | _WITHOUT_MEMBERS
        found = [_record(group) for group in understood(_Found, self._call("GET", "/Groups", query=query)).Resources]
        named = [record for record in found if folded(record.holds.display_name) == folded(display_name)]
        if found and not named:
            raise ZohoUnclear("Zoho One ignores the filter: it answers with a group that was not asked for")
        return named

    def members(self, group_id: str) -> frozenset[str]:
        """Whom a group has. Raises ZohoNotFound."""
        return frozenset(member.value for member in self._whole(group_id).members)

    def update(
        self, record: ZohoGroupRecord, desired: ZohoGroup, joining: Sequence[str] = (), leaving: Sequence[str] = ()
    ) -> None:
        """Bring a group to what it should hold, and these accounts in and out, in the verb the store is set to.

        A PATCH tells the difference, in as many calls as the store says; a PUT has to read the group first. Raises
        ZohoNotFound where the group is gone.
        """
        if self._store.zoho.update_verb is UpdateVerb.PUT:
            self._put(record.id, desired, joining, leaving)
            return
        fields = _field_operations(record.holds, desired)
        everybody = [(account, False) for account in leaving] + [(account, True) for account in joining]
        portions = list(batched(everybody, self._store.zoho.members_per_call, strict=False)) or [()]
        for number, portion in enumerate(portions):
            operations = [*(fields if number == 0 else []), *_member_operations(portion)]
            if operations:
                self._call("PATCH", _path(record.id), patch_of(operations))

    def delete(self, group_id: str) -> None:
        """Delete a group; one that is gone already is deleted."""
        try:
            self._call("DELETE", _path(group_id))
        except ZohoNotFound:
            return

    def _put(self, group_id: str, desired: ZohoGroup, joining: Collection[str], leaving: Collection[str]) -> None:
        """The group as it is there, with what changes: who else is a member stays."""
        whole = self._whole(group_id)
        there = {member.value for member in whole.members}
        members: list[JsonValue] = [
            member.model_dump(mode="json") for member in whole.members if member.value not in leaving
        ]
        members += [{"value": account} for account in joining if account not in there]
        self._call("PUT", _path(group_id), to_scim(desired) | {"id": group_id, "members": members})

    def _whole(self, group_id: str) -> _Group:
        return understood(_Group, self._call("GET", _path(group_id)))


def _path(group_id: str) -> str:
    return f"/Groups/{quote(group_id, safe='')}"


def _record(group: _Group) -> ZohoGroupRecord:
    return ZohoGroupRecord(id=group.id, holds=from_scim(group.model_extra or {}))


def _field_operations(holds: ZohoGroup, desired: ZohoGroup) -> list[JsonValue]:
    operations = list[JsonValue]()
    for change in desired.changes_from(holds):
        path = _PATHS[change.field]
        if change.after is None:
            operations.append({"op": "remove", "path": path})
        else:
            operations.append({"op": "replace" if change.before else "add", "path": path, "value": change.after})
    return operations


def _member_operations(portion: Sequence[tuple[str, bool]]) -> list[JsonValue]:
    operations: list[JsonValue] = [
        {"op": "remove", "path": f"members[value eq {quoted(account)}]"} for account, joins in portion if not joins
    ]
    joining: list[JsonValue] = [{"value": account} for account, joins in portion if joins]
    return [*operations, {"op": "add", "path": "members", "value": joining}] if joining else operations
