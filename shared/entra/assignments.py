"""Who is assigned to the enterprise application: the users and the groups that a store provisions."""

from dataclasses import dataclass
from typing import Literal

from pydantic import ConfigDict, Field

from shared.directory.entra_connection import ObjectId
from shared.entra.answers import Permission
from shared.entra.errors import GraphNotFound
from shared.entra.graph_client import LARGEST_PAGE, GraphClient
from shared.model import Model


class _Assignment(Model):
    """https://learn.microsoft.com/graph/api/resources/approleassignment"""

    model_config = ConfigDict(extra="ignore")

    principal: ObjectId = Field(alias="principalId")
    kind: Literal["User", "Group", "ServicePrincipal"] = Field(alias="principalType")


@dataclass(frozen=True)
class Assignments:
    """Object ids of the principals that are assigned themselves; who is in the groups members_delta.py tells."""

    users: frozenset[str]
    groups: frozenset[str]


def read_assignments(graph: GraphClient, enterprise_app: str) -> Assignments:
    """Everything that is assigned: one call for 999 of them, as Graph has no delta query over assignments.

    Raises as GraphClient does.
    https://learn.microsoft.com/graph/api/serviceprincipal-list-approleassignedto
    """
    query = {"$select": "principalId,principalType", "$top": str(LARGEST_PAGE)}
    url = graph.url(f"/servicePrincipals/{enterprise_app}/appRoleAssignedTo", query)
    found: dict[str, set[str]] = {"User": set(), "Group": set(), "ServicePrincipal": set()}
    try:
        for page in graph.pages(_Assignment, url, Permission.ASSIGNMENTS):
            for each in page:
                found[each.kind].add(each.principal)
    except GraphNotFound:
        raise GraphNotFound(
            f"the tenant has no enterprise application with the Object ID {enterprise_app}: copy it from Enterprise "
            "applications, not from App registrations"
        ) from None
    return Assignments(frozenset(found["User"]), frozenset(found["Group"]))
