"""Zoho One's SCIM API for groups.

Zoho One documents only ``displayName``, ``members`` and ``externalId`` for a group, so this is plain SCIM 2.0 (RFC
7644). Members are removed one by one, with ``members[value eq "…"]``: of the other shapes that Entra uses, some make a
strict server empty the whole group.
"""

from collections.abc import Collection, Iterator, Sequence
from itertools import batched
from urllib.parse import quote

import requests
from pydantic import ConfigDict, JsonValue

from shared.model import Model
from shared.rules.change import FieldChange
from shared.rules.groups.conclusion import InZohoOne
from shared.rules.groups.group import ZohoGroup, ZohoGroupRecord, from_scim, to_scim
from shared.rules.scim_path import ScimPath
from shared.rules.store import Filters, UpdateVerb
from shared.rules.user_name import folded
from shared.rules.zoho_user import ZohoField
from shared.zoho.errors import ZohoNotFound, ZohoRefused, ZohoUnclear
from shared.zoho.scim_calls import ScimCalls, operation, patch_of, quoted
from shared.zoho.success_answers import (
    Id,
    Listed,
    Resource,
    ensure_same,
    ensure_taken,
    says_done,
    says_nothing,
    to_write_back,
    understood,
)

_WITHOUT_MEMBERS = {"excludedAttributes": "members"}
_PATHS = {field: ScimPath.parse(field) for field in (ZohoField.DISPLAY_NAME, ZohoField.EXTERNAL_ID)}


class _Member(Model):
    """One entry of ``members``."""

    model_config = ConfigDict(extra="allow")

    value: Id


class _Group(Resource):
    """The part of Zoho One's SCIM Group that the bridge needs."""

    members: list[_Member] | None = None
    """None where the answer leaves them out."""

    @property
    def people(self) -> frozenset[str]:
        """The members that it shows."""
        return frozenset(member.value for member in self.members or ())


_GROUPS = Listed[_Group]
"""Kept: see ``_USERS`` in scim_client.py."""


class ZohoGroups(ScimCalls):
    """The groups of one store's Zoho One organisation; members are the ids of their accounts there.

    Every method raises ZohoBusy, ZohoCredentials, and ZohoRefused or its subclasses.
    """

    def create(self, group: ZohoGroup) -> ZohoGroupRecord:
        """Create a group without members. It is not repeated: nothing says that Zoho One refuses a name in use."""
        created = understood(_Group, self._call("POST", "/Groups", to_scim(group), tries=1))
        shown = _PATHS[ZohoField.DISPLAY_NAME].get(created.rest)
        if shown is not None and folded(str(shown)) != folded(group.display_name):
            raise ZohoUnclear("Zoho One answered with another group than the one that was to be created")
        return ZohoGroupRecord(id=created.id, holds=group)

    def get(self, group_id: str) -> ZohoGroupRecord | None:
        """Return a group by its id, or None."""
        try:
            return self._record(self._read(group_id, _WITHOUT_MEMBERS))
        except ZohoNotFound:
            return None

    def look(self, group_id: str) -> InZohoOne | None:
        """Return a group with its members, or None."""
        try:
            whole = self._read(group_id)
        except ZohoNotFound:
            return None
        return InZohoOne(self._record(whole), whole.people, self._is_whole(whole))

    def find(self, display_name: str) -> list[ZohoGroupRecord]:
        """Return the groups of this name, in any letter case. Raises ZohoUnclear where Zoho One answers with others.

        What this finds is changed later, so Zoho One's word that it matches is not enough. One call; where Zoho One
        does not search for groups, one for each page of them.
        """
        if self._store.zoho.filters is not Filters.ALL:
            everything = [self._record(group) for group in self._everything()]
            return [record for record in everything if folded(record.holds.display_name) == folded(display_name)]
        query = {"filter": f"displayName eq {quoted(display_name)}"} | _WITHOUT_MEMBERS
        listed = understood(_GROUPS, self._call("GET", "/Groups", query=query))
        found = [self._record(group) for group in listed.Resources]
        named = [record for record in found if folded(record.holds.display_name) == folded(display_name)]
        if found and not named:
            raise ZohoUnclear("Zoho One ignores the filter: it answers with a group that was not asked for")
        if listed.totalResults and not found:
            raise ZohoUnclear("Zoho One answers that there is such a group, but not which")
        return named

    def _everything(self) -> Iterator[_Group]:
        """Return all groups. Raises ZohoUnclear where Zoho One shows fewer than it says there are."""
        read = set[str]()
        while True:
            query = self._place(len(read) + 1) | _WITHOUT_MEMBERS
            listed = understood(_GROUPS, self._call("GET", "/Groups", query=query))
            new = [group for group in listed.Resources if group.id not in read]
            yield from new
            read |= {group.id for group in new}
            if len(read) >= listed.totalResults:
                return
            if not new:
                raise ZohoUnclear(f"Zoho One lists {len(read)} of {listed.totalResults} groups")

    def count(self) -> int:
        """Return the number of groups (RFC 7644 §3.4.2: ``totalResults``)."""
        query = self._place(1) | {"count": "1"} | _WITHOUT_MEMBERS
        return understood(_GROUPS, self._call("GET", "/Groups", query=query)).totalResults

    def update(
        self, record: ZohoGroupRecord, desired: ZohoGroup, joining: Sequence[str] = (), leaving: Sequence[str] = ()
    ) -> None:
        """Update a group's fields and members, with the verb that the store is set to.

        A PATCH sends the difference, in as many calls as the store's settings require; a PUT reads the group first.
        Raises ZohoNotFound where the group is gone, and ZohoUnclear where an answer does not show that it was done.
        """
        left_out = self._store.zoho.left_out
        changes = tuple(each for each in desired.changes_from(record.holds) if each.field not in left_out)
        if not changes and not joining and not leaving:
            return
        if self._store.zoho.verb_for_groups is UpdateVerb.PUT:
            answer = self._put(record.id, desired, joining, leaving)
            self._ensure_done(answer, record.id, changes, joining, leaving)
            return
        fields = [operation(_PATHS[each.field].text, each.before, each.after) for each in changes]
        everybody = [(account, False) for account in leaving] + [(account, True) for account in joining]
        portions = list(batched(everybody, self._store.zoho.members_per_call, strict=False)) or [()]
        for number, portion in enumerate(portions):
            operations = [*(fields if number == 0 else []), *_member_operations(portion)]
            if operations:
                answer = self._call("PATCH", _path(record.id), patch_of(operations))
                joins = [account for account, is_in in portion if is_in]
                leaves = [account for account, is_in in portion if not is_in]
                self._ensure_done(answer, record.id, changes if number == 0 else (), joins, leaves)

    def delete(self, group_id: str) -> None:
        """Delete a group; one that is already gone is no error. Raises ZohoUnclear where it still exists afterwards."""
        try:
            answer = self._call("DELETE", _path(group_id))
        except ZohoNotFound:
            return
        if not says_done(answer) and self.get(group_id) is not None:
            raise ZohoUnclear("Zoho One answered the deletion with success, but the group is still there")

    def _put(
        self, group_id: str, desired: ZohoGroup, joining: Collection[str], leaving: Collection[str]
    ) -> requests.Response:
        """Replace the group as it is there, with the changes: other members stay. Raises ZohoRefused where it has more
        members than Zoho One shows, who would all be lost.
        """
        whole = self._read(group_id)
        if not self._is_whole(whole):
            shown = self._store.zoho.members_shown
            raise ZohoRefused(f"Zoho One shows only {shown} members of this group, so a PUT would remove the others")
        there = whole.members or []
        members: list[JsonValue] = [member.model_dump(mode="json") for member in there if member.value not in leaving]
        members += [{"value": account} for account in joining if account not in whole.people]
        body = to_write_back(whole) | to_scim(desired) | {"members": members}
        return self._call("PUT", _path(group_id), body)

    def _is_whole(self, group: _Group) -> bool:
        """Whether all members are shown."""
        most = self._store.zoho.members_shown
        return most is None or len(group.people) < most

    def _record(self, group: _Group) -> ZohoGroupRecord:
        shown = {str(field): path.get(group.rest) for field, path in _PATHS.items()}
        return ZohoGroupRecord(id=group.id, holds=from_scim(shown))

    def _ensure_done(
        self,
        answer: requests.Response,
        group_id: str,
        changes: Sequence[FieldChange],
        joining: Collection[str],
        leaving: Collection[str],
    ) -> None:
        """Raise ZohoUnclear where a write's answer shows the group, but not that the write was done."""
        if says_done(answer):
            return
        shown = self._read(group_id) if says_nothing(answer) else understood(_Group, answer)
        ensure_same(shown, group_id)
        for change in changes:
            ensure_taken(change.field, change.before, change.after, _PATHS[change.field].get(shown.rest))
        lacks = self._is_whole(shown) and not shown.people.issuperset(joining)
        if shown.members is not None and (lacks or shown.people.intersection(leaving)):
            raise ZohoUnclear("Zoho One answered with success, but shows other members than it was told")

    def _read(self, group_id: str, query: dict[str, str] | None = None) -> _Group:
        """Return the group of this id and no other. Raises ZohoNotFound."""
        group = understood(_Group, self._call("GET", _path(group_id), query=query))
        ensure_same(group, group_id)
        return group


def _path(group_id: str) -> str:
    return f"/Groups/{quote(group_id, safe='')}"


def _member_operations(portion: Sequence[tuple[str, bool]]) -> list[JsonValue]:
    operations: list[JsonValue] = [
        {"op": "remove", "path": f"members[value eq {quoted(account)}]"} for account, joins in portion if not joins
    ]
    joining: list[JsonValue] = [{"value": account} for account, joins in portion if joins]
    return [*operations, {"op": "add", "path": "members", "value": joining}] if joining else operations
