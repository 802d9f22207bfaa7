"""Assignments to the enterprise application: the users and groups that a store provisions."""

from dataclasses import dataclass

from shared.entra.answers import NOT_UNDERSTOOD, Permission, object_id
from shared.entra.errors import GraphNotFound, GraphUnclear
from shared.entra.graph_client import LARGEST_PAGE, GraphClient

UNCLEAR = ""
"""Stands for a principal type that is not understood."""


@dataclass(frozen=True)
class Assignments:
    """Object ids of the directly assigned principals; members_delta.py reads who is in the groups."""

    users: frozenset[str]
    groups: frozenset[str]
    unclear: frozenset[str] = frozenset()
    """Principals of a type that is not understood."""
    nameless: int = 0
    """Number of assignments without a principal's id."""


def read_assignments(graph: GraphClient, enterprise_app: str) -> Assignments:
    """Return all assignments: one call for 999 of them, because Graph has no delta query over assignments.

    Raises as GraphClient does. https://learn.microsoft.com/graph/api/serviceprincipal-list-approleassignedto,
    https://learn.microsoft.com/graph/api/resources/approleassignment
    """
    query = {"$select": "principalId,principalType", "$top": str(LARGEST_PAGE)}
    url = graph.url(f"/servicePrincipals/{enterprise_app}/appRoleAssignedTo", query)
    found: dict[str, set[str]] = {"User": set(), "Group": set(), "ServicePrincipal": set(), UNCLEAR: set()}
    nameless = 0
    try:
        for page in graph.pages(object, url, Permission.ASSIGNMENTS):
            for each in page:
                entry = each if isinstance(each, dict) else {}
                if (principal := object_id(entry.get("principalId"))) is None:
                    nameless += 1
                    continue
                kind = entry.get("principalType")
                found[kind if isinstance(kind, str) and kind in found else UNCLEAR].add(principal)
    except GraphNotFound:
        raise GraphNotFound(
            f"the tenant has no enterprise application with the Object ID {enterprise_app}: copy it from Enterprise "
            "applications, not from App registrations"
        ) from None
    if not any(principals for kind, principals in found.items() if kind != UNCLEAR) and (nameless or found[UNCLEAR]):
        raise GraphUnclear(NOT_UNDERSTOOD)  # this is another kind of answer
    users, groups, unclear = (frozenset(found[kind]) for kind in ("User", "Group", UNCLEAR))
    return Assignments(users, groups, unclear - users - groups, nameless)
