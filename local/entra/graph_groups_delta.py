"""The simulated Graph's delta query over groups and their direct members: of those named one by one, or of all.

The members of a group come in as many items and pages as it takes. A change of a member is told by what he is now, so
that one who came and left is told as removed; somebody in the recycle bin is a member of nothing.

Sources: https://learn.microsoft.com/graph/api/group-delta, https://learn.microsoft.com/graph/delta-query-groups
"""

import re
from collections.abc import Sequence

from pydantic import BaseModel

from local.entra.directory import EntraDirectory
from local.entra.graph_errors import GraphError
from local.entra.graph_links import GraphLinks
from local.entra.graph_request import Content, GraphRequest
from local.entra.graph_settings import GraphSettings
from local.entra.groups import MemberChange

MOST_GROUPS = 50
"""In the filter of one query."""
NAMED = re.compile(r"id eq '([^']+)'")


class _Place(BaseModel):
    """What a token stands for. ``until`` is None in a round that lists every member."""

    groups: list[str] | None
    """None: all of them."""
    since: int
    until: int | None = None
    at: int = 0


class GraphGroupsDelta:
    """The changes of one directory's groups."""

    def __init__(self, directory: EntraDirectory, settings: GraphSettings, links: GraphLinks) -> None:
        self._directory = directory
        self._settings = settings
        self._links = links

    def answer(self, request: GraphRequest) -> Content:
        """A page of the round that the request's token continues or begins, or the first one of all."""
        if "$skiptoken" in request.query:
            request.allow("$skiptoken")
            place = self._links.opened(request, "$skiptoken", _Place)
        elif "$deltatoken" in request.query:
            request.allow("$deltatoken")
            place = self._links.opened(request, "$deltatoken", _Place)
            place.until = len(self._directory.groups.changes)
        else:
            request.allow("$select", "$filter")
            place = _Place(groups=_named(request), since=len(self._directory.groups.changes))
        return self._page(request, place)

    def _page(self, request: GraphRequest, place: _Place) -> Content:
        rows = self._everybody(place.groups) if place.until is None else self._changed(place)
        first, size = max(0, place.at - self._settings.replays), self._settings.page_size
        value = self._items(rows[first : place.at + size])
        place.at += size
        url = f"{request.base}{request.path}"
        if place.at < len(rows):
            return {"value": value, "@odata.nextLink": f"{url}?$skiptoken={self._links.sealed(place)}"}
        since = place.since if place.until is None else place.until
        end = _Place(groups=place.groups, since=max(0, since - self._settings.replays))
        return {"value": value, "@odata.deltaLink": f"{url}?$deltatoken={self._links.sealed(end)}"}

    def _everybody(self, named: Sequence[str] | None) -> list[MemberChange]:
        groups = self._directory.groups
        rows = []
        for group in groups if named is None else named:
            if group in groups:
                rows.append(MemberChange(group, None))
                rows += [MemberChange(group, each) for each in groups.shown(group) if self._is_member(group, each)]
        return rows

    def _changed(self, place: _Place) -> list[MemberChange]:
        """Each change once, where it last was; of a group that is not there, that alone."""
        groups = self._directory.groups
        latest = dict.fromkeys(reversed(groups.changes[place.since : place.until]))
        told = [change for change in latest if change.member_id is None or change.group_id in groups]
        return [change for change in reversed(told) if place.groups is None or change.group_id in place.groups]

    def _items(self, rows: Sequence[MemberChange]) -> list[Content]:
        items: list[Content] = []
        for group, member in rows:
            if group not in self._directory.groups:
                items.append({"id": group, "@removed": {"reason": "deleted"}})
                continue
            if self._settings.split_members or not items or items[-1]["id"] != group or "@removed" in items[-1]:
                items.append({"id": group, "displayName": self._directory.groups.name(group)})
            if member is not None:
                items[-1].setdefault("members@delta", []).append(self._member(group, member))
        return items

    def _member(self, group: str, member: str) -> Content:
        kind = "group" if member in self._directory.groups else "user"
        shown: Content = {"@odata.type": f"#microsoft.graph.{kind}", "id": member}
        return shown if self._is_member(group, member) else {**shown, "@removed": {"reason": "deleted"}}

    def _is_member(self, group: str, member: str) -> bool:
        person = self._directory.find(member)
        is_there = person.deleted_date_time is None if person else member in self._directory.groups
        return is_there and member in self._directory.groups.members(group)


def _named(request: GraphRequest) -> list[str] | None:
    """The groups that a first request names, None where it means all; in Graph it may select other properties too."""
    if request.query.get("$select") != "displayName,members":
        raise GraphError(400, "Request_UnsupportedQuery", "Only $select=displayName,members is simulated here")
    if "$filter" not in request.query:
        return None
    matches = [NAMED.fullmatch(part) for part in request.query["$filter"].split(" or ")]
    named = [match[1] for match in matches if match]
    if len(named) != len(matches) or len(named) > MOST_GROUPS:
        raise GraphError(400, "Request_UnsupportedQuery", f"$filter takes 1 to {MOST_GROUPS} of id eq '...'")
    return named
