"""The simulated Graph's delta query over users.

A token holds, sealed, where the reading stands and what was selected. As in Graph, an answer without
``Prefer: return=minimal`` has every selected property that is set or has changed, and ``manager@delta`` only at first
and where the manager changed.

Sources: https://learn.microsoft.com/graph/delta-query-overview, https://learn.microsoft.com/graph/api/user-delta
"""

from pydantic import BaseModel

from local.entra.directory import EntraDirectory
from local.entra.graph_errors import GraphError
from local.entra.graph_links import GraphLinks
from local.entra.graph_request import Content, GraphRequest
from local.entra.graph_settings import GraphSettings
from local.entra.graph_users import GraphUsers

EVERYTHING = frozenset("*")
USER = {"@odata.type": "#microsoft.graph.user"}


class _Place(BaseModel):
    """What a token stands for. ``until`` is None in a round that lists everybody."""

    select: list[str]
    since: int
    until: int | None = None
    at: int = 0


class GraphDelta:
    """The changes of one directory's users."""

    def __init__(
        self, directory: EntraDirectory, users: GraphUsers, settings: GraphSettings, links: GraphLinks
    ) -> None:
        self._directory = directory
        self._users = users
        self._settings = settings
        self._links = links

    def answer(self, request: GraphRequest) -> Content:
        """A page of the round that the request's token continues or begins, or the first one of all."""
        request.allow("$select", "$skiptoken", "$deltatoken")
        if "return=minimal" in request.headers.get("prefer", ""):
            raise GraphError(400, "Request_BadRequest", "return=minimal is not simulated here")
        if "$skiptoken" in request.query:
            place = self._links.opened(request, "$skiptoken", _Place)
        elif request.query.get("$deltatoken"):
            place = self._links.opened(request, "$deltatoken", _Place)
            place.until = len(self._directory.changes)
        else:
            select = self._users.selected(request, frozenset({"manager"}))
            place = _Place(select=select, since=len(self._directory.changes))
        return self._page(request, place)

    def _page(self, request: GraphRequest, place: _Place) -> Content:
        changed = None if place.until is None else self._changed(place)
        ids = self._directory.created if changed is None else list(changed)
        first, size = max(0, place.at - self._settings.replays), self._settings.page_size
        value = []
        for person_id in ids[first : place.at + size]:
            fields, former = (EVERYTHING, None) if changed is None else changed[person_id]
            value += self._items(person_id, place.select, fields, former, everybody=changed is None)
        place.at += size
        url = f"{request.base}{request.path}"
        if place.at < len(ids):
            return {"value": value, "@odata.nextLink": f"{url}?$skiptoken={self._links.sealed(place)}"}
        since = place.since if place.until is None else place.until
        end = _Place(select=place.select, since=max(0, since - self._settings.replays))
        return {"value": value, "@odata.deltaLink": f"{url}?$deltatoken={self._links.sealed(end)}"}

    def _changed(self, place: _Place) -> dict[str, tuple[frozenset[str], str | None]]:
        """Who changed since the round before in what is selected, and his manager at that time."""
        followed = EVERYTHING | set(place.select)
        found: dict[str, tuple[frozenset[str], str | None]] = {}
        for change in self._directory.changes[place.since : place.until]:
            if fields := change.fields & followed:
                before, former = found.get(change.person_id, (frozenset(), change.former_manager))
                found[change.person_id] = (before | fields, former)
        return found

    def _items(
        self, person_id: str, select: list[str], fields: frozenset[str], former: str | None, *, everybody: bool
    ) -> list[Content]:
        person = self._directory.find(person_id)
        if person is None or person.deleted_date_time is not None:
            reason = "deleted" if person is None else "changed"
            return [] if everybody else [{"id": person_id, "@removed": {"reason": reason}}]
        shown = self._users.show(person, [field for field in select if field != "manager"])
        item = {name: value for name, value in shown.items() if value not in (None, []) or name in fields}
        item["id"] = person_id
        managers: list[Content] = []
        if "manager" in select and fields & {"*", "manager"}:
            if former and former != person.manager:
                managers.append({**USER, "id": former, "@removed": {"reason": "deleted"}})
            if person.manager:
                managers.append({**USER, "id": person.manager})
        if not managers:
            return [item]
        if self._settings.split_managers:
            return [item, {"id": person_id, "manager@delta": managers}]
        return [{**item, "manager@delta": managers}]
