"""Groups and their direct members once, and then only changes: Graph's delta query over groups.

https://learn.microsoft.com/graph/api/group-delta, https://learn.microsoft.com/graph/delta-query-groups

Only users count: Entra does not provision the members of nested groups.
https://learn.microsoft.com/entra/identity-platform/howto-add-app-roles-in-apps
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from shared.entra.answers import NOT_UNDERSTOOD, Entry, Permission, is_removed, reason_of, with_ids
from shared.entra.errors import GraphUnclear, LinkExpired
from shared.entra.graph_client import GraphClient

MOST_GROUPS = 50
"""Groups in one query: https://learn.microsoft.com/graph/api/group-delta#odata-query-parameters."""
USER = "#microsoft.graph.user"


@dataclass(frozen=True)
class MembersPage:
    """A page. A user is in a group's ``added`` or ``removed``, whichever Graph said last, or in neither."""

    link: str = field(repr=False)
    """Link to continue from, to be stored after the page, never before it. It holds a token: keep it out of logs."""
    last: bool
    """Whether it ends its round: only then is a round from None complete."""
    added: dict[str, set[str]] = field(default_factory=dict)
    """Users by the group that they are now, or still, members of."""
    removed: dict[str, set[str]] = field(default_factory=dict)
    """Users by the group that they are no longer, or never were, members of."""
    gone: set[str] = field(default_factory=set)
    """Groups that are deleted, or were meanwhile: nothing else on the page is certain about them."""
    names: dict[str, str] = field(default_factory=dict)
    """Names of the groups on the page."""
    unclear: set[str] = field(default_factory=set)
    """Groups with something on the page that is not understood: what the page does not say of them means nothing."""
    nameless: int = 0
    """Number of entries without a group's id. Only a round from None has any."""


def read_members(graph: GraphClient, groups: Sequence[str], link: str | None) -> Iterator[MembersPage]:
    """Read page after page until the round ends; each page is requested once the caller has handled the one before.

    ``groups``: at most MOST_GROUPS, or none for every group of the tenant. ``link``: of the last stored page, or None
    to list every member. A link follows the groups that its first reading named; those that are no longer in ``groups``
    are left out here. Raises as GraphClient does, and LinkExpired also where a change concerns a group without an id:
    then call it again with None. Pages may come twice and members several times; a page may be stored again. An entry
    that is not understood concerns that group alone.
    """
    is_link = followed_up = link is not None
    if link is None:
        query = {"$select": "displayName,members"}
        if groups:
            query["$filter"] = " or ".join(f"id eq '{group}'" for group in groups)
        link = graph.url("/groups/delta", query)
    last, followed = False, frozenset(groups) if groups else None
    while not last:
        page = graph.page(object, link, Permission.GROUP_MEMBERS, is_link=is_link)
        link, last = page.onward()
        is_link = True
        named = with_ids(page.value)
        nameless = len(page.value) - len(named)
        if nameless and followed_up:
            raise LinkExpired("Microsoft Graph told a change of a group without an id: its members are read again")
        if nameless and not named:
            raise GraphUnclear(NOT_UNDERSTOOD)  # this is another kind of answer
        yield _sorted_out(named, followed, MembersPage(link, last, nameless=nameless))


def _sorted_out(
    entries: Sequence[tuple[str, Entry]], followed: frozenset[str] | None, page: MembersPage
) -> MembersPage:
    """``followed``: None for every group."""
    for group, entry in entries:
        if followed is not None and group not in followed:
            continue
        name, members = entry.get("displayName"), entry.get("members@delta") or []
        if is_removed(entry):
            (page.gone if reason_of(entry) else page.unclear).add(group)
        elif isinstance(name, str):
            page.names[group] = name
        elif name is not None:
            page.unclear.add(group)
        if not isinstance(members, list):
            page.unclear.add(group)
            continue
        known = with_ids(members)
        taken = [_take(page, group, *member) for member in known]
        if len(known) < len(members) or not all(taken):
            page.unclear.add(group)
    return page


def _take(page: MembersPage, group: str, member: str, entry: Entry) -> bool:
    """Add one member to the page; return False where the entry is not understood."""
    if not isinstance(kind := entry.get("@odata.type"), str) or (is_removed(entry) and not reason_of(entry)):
        return False
    if kind == USER:
        now, before = (page.removed, page.added) if is_removed(entry) else (page.added, page.removed)
        before.get(group, set()).discard(member)
        now.setdefault(group, set()).add(member)
    return True
