"""Who is assigned to the enterprise application: the people that a store provisions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import batched
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.directory.entra_connection import ObjectId
from shared.entra.answers import Page, Permission, understood
from shared.entra.errors import GraphError, GraphNotFound
from shared.entra.graph_client import BATCH, LARGEST_PAGE, GraphClient

MEMBERS_QUERY = f"$select=id&$top={LARGEST_PAGE}"
USER = "#microsoft.graph.user"


class _Assignment(BaseModel):
    """https://learn.microsoft.com/graph/api/resources/approleassignment"""

    model_config = ConfigDict(extra="ignore")

    principal: ObjectId = Field(alias="principalId")
    kind: Literal["User", "Group", "ServicePrincipal"] = Field(alias="principalType")


class _Member(BaseModel):
    """A directory object; without its type nothing can be said of it, so that it has to be there."""

    model_config = ConfigDict(extra="ignore")

    id: ObjectId
    kind: str = Field(alias="@odata.type")


@dataclass(frozen=True)
class Assigned:
    """The people in scope, and where each number of them came from: a guard may look at them one by one."""

    users: frozenset[str]
    """Object ids."""
    direct: int
    """How many are assigned themselves."""
    groups: Mapping[str, int]
    """How many users each assigned group has as direct members, by the group's id."""


def read_assigned(graph: GraphClient, enterprise_app: str) -> Assigned:
    """Everybody assigned, himself or as a direct member of a group. Groups in groups are not expanded, as in Entra.

    Raises as GraphClient does: GraphNotFound names the object that is not there. It holds the ids of all people in
    scope, about 10 MB for 100,000, and one page.

    https://learn.microsoft.com/graph/api/serviceprincipal-list-approleassignedto,
    https://learn.microsoft.com/graph/api/group-list-members,
    https://learn.microsoft.com/entra/identity-platform/howto-add-app-roles-in-apps (nested groups)
    """
    users: set[str] = set()
    groups: dict[str, int] = {}
    for page in _assignments(graph, enterprise_app):
        users |= {found.principal for found in page if found.kind == "User"}
        groups |= {found.principal: 0 for found in page if found.kind == "Group"}
    direct = len(users)
    for twenty in batched(groups, BATCH, strict=False):
        for group, members in _members(graph, twenty):
            ids = {member.id for member in members if member.kind == USER}
            groups[group] += len(ids)
            users |= ids
    return Assigned(frozenset(users), direct, groups)


def _assignments(graph: GraphClient, enterprise_app: str) -> Iterator[list[_Assignment]]:
    query = {"$select": "principalId,principalType", "$top": str(LARGEST_PAGE)}
    url = graph.url(f"/servicePrincipals/{enterprise_app}/appRoleAssignedTo", query)
    try:
        yield from graph.pages(_Assignment, url, Permission.ASSIGNMENTS)
    except GraphNotFound:
        raise GraphNotFound(
            f"the tenant has no enterprise application with the Object ID {enterprise_app}: copy it from Enterprise "
            "applications, not from App registrations"
        ) from None


def _members(graph: GraphClient, groups: Sequence[str]) -> Iterator[tuple[str, list[_Member]]]:
    """The pages of direct members of up to BATCH groups; the first pages come in one call.

    Not by the cast ``/members/microsoft.graph.user``: it is an advanced query, whose index lags behind the directory.
    """
    answers = graph.batch([f"/groups/{group}/members?{MEMBERS_QUERY}" for group in groups], Permission.GROUP_MEMBERS)
    for group, answer in zip(groups, answers, strict=True):
        if isinstance(answer, GraphError):
            raise _named(answer, group)
        first = understood(Page[_Member], answer)
        yield group, first.value
        if first.next_link is not None:
            for page in graph.pages(_Member, first.next_link, Permission.GROUP_MEMBERS):
                yield group, page


def _named(error: GraphError, group: str) -> GraphError:
    if isinstance(error, GraphNotFound):
        return GraphNotFound(f"the assigned group {group} is not there: remove its assignment, or restore it in Entra")
    return error
