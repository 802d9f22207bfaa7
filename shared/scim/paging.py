"""Pages of a search over more people than memory should hold."""

import heapq
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice, takewhile
from typing import Any

from scim2_models import InvalidCursorException, Resource, SearchRequest
from scim2_server.storage import SearchPage

type Found = Resource[Any]
type Request = SearchRequest[Any]
type SortKey = tuple[bool, Any, str]
type Scan = Callable[[str], Iterable[Found]]
"""Returns the matches after an id, in the order of ids."""


def by_index(scan: Scan, request: Request, get: Callable[[str], Found | None]) -> SearchPage:
    """Return the page from ``startIndex`` (RFC 7644 §3.4.2.4): all matches are counted, only the page is held.

    A sorted search also holds the sort keys, which are small.
    """
    start = request.start_index_0 or 0
    stop = None if request.count is None else start + request.count
    if request.sort_by is None:
        total, page = 0, []
        for total, found in enumerate(scan(""), 1):
            if total > start and (stop is None or total <= stop):
                page.append(found)
        return SearchPage(total, page)
    keys = [_sort_key(request, found) for found in scan("")]
    ordered = heapq.nsmallest if not _descending(request) else heapq.nlargest
    wanted = ordered(len(keys) if stop is None else min(stop, len(keys)), keys)[start:]
    return SearchPage(len(keys), [person for key in wanted if (person := get(key[2])) is not None])


def by_cursor(scan: Scan, request: Request, position: object) -> SearchPage:
    """Return the page after or before a position (RFC 9865); without a total, which would cost reading everybody."""
    if request.count == 0:
        return SearchPage(None, [])
    forward, anchor = _read_position(position)
    if not forward and anchor is not None:
        return _page_before(scan, request, anchor)
    more = _behind(scan, request, anchor)
    found = list(more if request.count is None else islice(more, request.count + 1))
    page = SearchPage(None, found[: request.count])
    if page.resources and len(found) > len(page.resources):
        page.next = _position("next", _sort_key(request, page.resources[-1]))
    if page.resources and anchor is not None:
        page.previous = _position("previous", _sort_key(request, page.resources[0]))
    return page


def _behind(scan: Scan, request: Request, anchor: SortKey | None) -> Iterator[Found]:
    """Return the matches after a position in order; no more than one page in memory."""
    if request.sort_by is None:
        return iter(scan(anchor[2] if anchor else ""))
    descending = _descending(request)

    def is_behind(key: SortKey) -> bool:
        return anchor is None or (key < anchor if descending else key > anchor)

    return iter(_first(request, (found for found in scan("") if is_behind(_sort_key(request, found))), descending))


def _page_before(scan: Scan, request: Request, anchor: SortKey) -> SearchPage:
    descending = _descending(request)
    size = None if request.count is None else request.count + 1
    if request.sort_by is None:
        before = list(deque(takewhile(lambda found: str(found.id) < anchor[2], scan("")), maxlen=size))
    else:
        earlier = (
            found
            for found in scan("")
            if (_sort_key(request, found) > anchor if descending else _sort_key(request, found) < anchor)
        )
        before = _first(request, earlier, not descending)[::-1]
    page = SearchPage(None, before[-request.count :] if request.count else before)
    if page.resources:
        page.next = _position("next", _sort_key(request, page.resources[-1]))
        if len(before) > len(page.resources):
            page.previous = _position("previous", _sort_key(request, page.resources[0]))
    return page


def _first(request: Request, items: Iterable[Found], descending: bool) -> list[Found]:
    """Return the first of a page, and one more."""

    def key(found: Found) -> SortKey:
        return _sort_key(request, found)

    if request.count is None:
        return sorted(items, key=key, reverse=descending)
    return (heapq.nlargest if descending else heapq.nsmallest)(request.count + 1, items, key=key)


def _descending(request: Request) -> bool:
    return request.sort_order == SearchRequest.SortOrder.descending


def _sort_key(request: Request, found: Found) -> SortKey:
    """Return the sort key of a match: the sort value, missing ones last, then the id."""
    value = request.sort_value(found) if request.sort_by is not None else None
    return value is None, "" if value is None else value, str(found.id)


def _position(direction: str, key: SortKey) -> dict[str, object]:
    missing, value, identifier = key
    if isinstance(value, datetime):
        return {"to": direction, "id": identifier, "time": value.isoformat()}
    return {"to": direction, "id": identifier} | ({} if missing else {"value": value})


def _read_position(position: object) -> tuple[bool, SortKey | None]:
    """Return whether the page lies after the position, and the position. A cursor is sealed, but may be an older
    version's.
    """
    if position is None:
        return True, None
    match position:
        case {"to": "next" | "previous" as direction, "id": str(identifier), "time": str(time)}:
            return direction == "next", (False, datetime.fromisoformat(time), identifier)
        case {"to": "next" | "previous" as direction, "id": str(identifier), **rest}:
            return direction == "next", ("value" not in rest, rest.get("value", ""), identifier)
        case _:
            raise InvalidCursorException
