"""Single groups by their ids: those that are new, and those that are provisioned on demand.

https://learn.microsoft.com/graph/api/group-get, https://learn.microsoft.com/graph/api/group-list-members
"""

from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict, Field

from shared.directory.entra_connection import ObjectId
from shared.entra.answers import Permission, understood
from shared.entra.errors import GraphError, GraphNotFound, GraphUnclear
from shared.entra.graph_client import LARGEST_PAGE, GraphClient
from shared.entra.members_delta import USER


class _Group(BaseModel):
    model_config = ConfigDict(extra="ignore")

    id: ObjectId
    name: str = Field(alias="displayName")


class _Member(BaseModel):
    """A directory object; without its type nothing can be said of it, so that it has to be there."""

    model_config = ConfigDict(extra="ignore")

    id: ObjectId
    kind: str = Field(alias="@odata.type")


def read_group_name(graph: GraphClient, group: str) -> str | None:
    """What a group is called; None where there is none, or it lies in the recycle bin. Raises as GraphClient does."""
    (answer,) = graph.batch([f"/groups/{group}?$select=id,displayName"], Permission.GROUP_MEMBERS)
    if isinstance(answer, GraphNotFound):
        return None
    if isinstance(answer, GraphError):
        raise answer
    found = understood(_Group, answer)
    if found.id != group:
        raise GraphUnclear("Microsoft Graph answered with another group than was asked for")
    return found.name


def read_direct_members(graph: GraphClient, group: str) -> Iterator[set[str]]:
    """The users who are direct members, 999 in a call. Raises as GraphClient does, GraphNotFound for a group gone."""
    url = graph.url(f"/groups/{group}/members", {"$select": "id", "$top": str(LARGEST_PAGE)})
    for page in graph.pages(_Member, url, Permission.GROUP_MEMBERS):
        yield {each.id for each in page if each.kind == USER}
