"""Groups and their direct members once, and from then on only what changed: Graph's delta query over groups.

https://learn.microsoft.com/graph/api/group-delta, https://learn.microsoft.com/graph/delta-query-groups

Only users count: Entra does not provision the members of groups in groups.
https://learn.microsoft.com/entra/identity-platform/howto-add-app-roles-in-apps
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pydantic import ConfigDict, Field

from shared.directory.entra_connection import ObjectId
from shared.entra.answers import Permission, Removed
from shared.entra.graph_client import GraphClient
from shared.model import Model

MOST_GROUPS = 50
"""In one query: https://learn.microsoft.com/graph/api/group-delta#odata-query-parameters."""
USER = "#microsoft.graph.user"


@dataclass(frozen=True)
class MembersPage:
    """A page. A user is in a group's ``added`` or ``removed``, whichever Graph said last, or in neither."""

    link: str = field(repr=False)
    """To go on from, and to be stored when the page is, never before it. It holds a token: keep it out of logs."""
    last: bool
    """Whether it ends its round: only now may a round from None be taken for complete."""
    added: dict[str, set[str]] = field(default_factory=dict)
    """Users by the group whose members they are now, or still."""
    removed: dict[str, set[str]] = field(default_factory=dict)
    """Users by the group whose members they are no longer, or never were."""
    gone: set[str] = field(default_factory=set)
    """Groups that are deleted, or were in the meantime: nothing else on the page says anything of them for sure."""
    names: dict[str, str] = field(default_factory=dict)
    """What the groups that the page mentions are called."""


class _Member(Model):
    """A directory object; without its type nothing can be said of it, so that it has to be there."""

    model_config = ConfigDict(extra="ignore")

    id: ObjectId
    kind: str = Field(alias="@odata.type")
    removed: Removed | None = Field(default=None, alias="@removed")


class _Group(Model):
    model_config = ConfigDict(extra="ignore")

    id: ObjectId
    removed: Removed | None = Field(default=None, alias="@removed")
    name: str | None = Field(default=None, alias="displayName")
    members: list[_Member] = Field(default=[], alias="members@delta")


def read_members(graph: GraphClient, groups: Sequence[str], link: str | None) -> Iterator[MembersPage]:
    """Read page after page until the round ends; each page is asked for when the one before was dealt with.

    ``groups``: at most MOST_GROUPS, or none for every group of the tenant. ``link``: of the last page that was stored,
    or None to list every member. A link follows the groups that its first reading named; those that are not in
    ``groups`` any more are left out here. Raises as GraphClient does. Pages may come twice and members several times;
    what a page says may be stored again.
    """
    if link is None:
        query = {"$select": "displayName,members"}
        if groups:
            query["$filter"] = " or ".join(f"id eq '{group}'" for group in groups)
        link = graph.url("/groups/delta", query)
    last, followed = False, frozenset(groups) if groups else None
    while not last:
        page = graph.page(_Group, link, Permission.GROUP_MEMBERS)
        link, last = page.onward()
        yield _sorted_out(page.value, followed, MembersPage(link, last))


def _sorted_out(items: Sequence[_Group], followed: frozenset[str] | None, page: MembersPage) -> MembersPage:
    """``followed``: None for every group."""
    for item in items:
        if followed is not None and item.id not in followed:
            continue
        if item.removed is not None:
            page.gone.add(item.id)
        elif item.name is not None:
            page.names[item.id] = item.name
        for member in item.members:
            if member.kind == USER:
                now, before = (page.added, page.removed) if member.removed is None else (page.removed, page.added)
                before.get(item.id, set()).discard(member.id)
                now.setdefault(item.id, set()).add(member.id)
    return page
