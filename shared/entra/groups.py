"""Single groups by their ids: those that are new, and those that are provisioned on demand.

https://learn.microsoft.com/graph/api/group-get, https://learn.microsoft.com/graph/api/group-list-members
"""

from collections.abc import Iterator

from pydantic import ConfigDict, Field

from shared.entra.answers import Permission, understood, with_ids
from shared.entra.errors import GraphError, GraphImplausible, GraphNotFound, GraphUnclear
from shared.entra.graph_client import LARGEST_PAGE, GraphClient
from shared.entra.members_delta import USER
from shared.model import Model
from shared.rules.entra_connection import ObjectId

HIDDEN = "HiddenMembership"
"""The visibility of a group whose members are listed only to who may read hidden ones: others get an empty list.

https://learn.microsoft.com/graph/api/resources/group#group-visibility-options
"""


class FoundGroup(Model):
    """A group by itself."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: ObjectId
    name: str = Field(alias="displayName")
    visibility: str | None = None

    @property
    def hides_members(self) -> bool:
        """Whether an empty list of its members says nothing."""
        return self.visibility == HIDDEN


def read_group(graph: GraphClient, group: str) -> FoundGroup | None:
    """A group; None where there is none, or it lies in the recycle bin. Raises as GraphClient does."""
    (answer,) = graph.batch([f"/groups/{group}?$select=id,displayName,visibility"], Permission.GROUP_MEMBERS)
    if isinstance(answer, GraphNotFound):
        return None
    if isinstance(answer, GraphError):
        raise answer
    found = understood(FoundGroup, answer)
    if found.id != group:
        raise GraphUnclear("Microsoft Graph answered with another group than was asked for")
    return found


def read_direct_members(graph: GraphClient, group: str) -> Iterator[set[str]]:
    """The users who are direct members, 999 in a call; a user may come twice.

    Raises as GraphClient does, GraphNotFound for a group that is gone, and GraphUnclear where a member is not
    understood: then it is not known who the others are.
    """
    url = graph.url(f"/groups/{group}/members", {"$select": "id", "$top": str(LARGEST_PAGE)})
    for page in graph.pages(object, url, Permission.GROUP_MEMBERS):
        members = with_ids(page)
        if len(members) < len(page) or not all(isinstance(entry.get("@odata.type"), str) for _, entry in members):
            raise GraphUnclear(f"Microsoft Graph names a member of the group {group} in a way that is not understood")
        yield {member for member, entry in members if entry["@odata.type"] == USER}


def has_nobody(graph: GraphClient, group: str) -> bool:
    """Whether a group that was listed with nobody, and had members before, has none: a second look, otherwise made.

    Raises GraphImplausible where that cannot be told, or the looks contradict each other; else as GraphClient does.
    """
    found = read_group(graph, group)
    if found is None:
        return True
    if found.hides_members:
        raise GraphImplausible(
            f"The group {group} hides its members from the app. Nothing was changed. Give the app the permission "
            "Member.Read.Hidden, or unassign the group"
        )
    try:
        return not any(read_direct_members(graph, group))
    except GraphNotFound:
        return True
