"""Who is assigned to the enterprise application: the users and the groups that a store provisions."""

from dataclasses import dataclass

from shared.entra.answers import NOT_UNDERSTOOD, Permission, object_id
from shared.entra.errors import GraphNotFound, GraphUnclear
from shared.entra.graph_client import LARGEST_PAGE, GraphClient

UNCLEAR = ""
"""In the place of a principal's type that is not understood."""


@dataclass(frozen=True)
class Assignments:
    """Object ids of the principals that are assigned themselves; who is in the groups members_delta.py tells."""

    users: frozenset[str]
    groups: frozenset[str]
    unclear: frozenset[str] = frozenset()
    """Principals of which it is not understood what they are."""
    nameless: int = 0
    """Number of assignments that are nobody's, for want of an id."""


def read_assignments(graph: GraphClient, enterprise_app: str) -> Assignments:
    """Everything that is assigned: one call for 999 of them, as Graph has no delta query over assignments.

    Raises as GraphClient does.
    https://learn.microsoft.com/graph/api/serviceprincipal-list-approleassignedto,
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
        raise GraphUnclear(NOT_UNDERSTOOD)  # it is another kind of answer altogether
    users, groups, unclear = (frozenset(found[kind]) for kind in ("User", "Group", UNCLEAR))
    return Assignments(users, groups, unclear - users - groups, nameless)
