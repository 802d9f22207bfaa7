"""The simulated Graph's view of who is assigned to the app, and of groups and domains.

Sources: https://learn.microsoft.com/graph/api/serviceprincipal-list-approleassignedto,
https://learn.microsoft.com/graph/api/group-list-members, https://learn.microsoft.com/graph/api/domain-list
"""

from local.entra.directory import EntraDirectory
from local.entra.graph_errors import GraphError
from local.entra.graph_links import GraphLinks
from local.entra.graph_request import Content, GraphRequest

ENTERPRISE_APP = "5f2c1a7e-0d43-4c58-9b1e-6a2f7d3c8e90"
"""The object id of the enterprise application that people are assigned to."""
SERVICE_PRINCIPAL = "c0ffee00-1111-4222-8333-444455556666"
"""An app that has been granted a role too, as in every tenant there is one."""
TENANT_DOMAIN = ".onmicrosoft.example"


class GraphAssignments:
    """Assignments, groups and domains of one directory."""

    def __init__(self, directory: EntraDirectory, links: GraphLinks) -> None:
        self._directory = directory
        self._links = links

    def app_role_assigned_to(self, request: GraphRequest, app: str) -> Content:
        """A page of assignments. People in the recycle bin have none that is shown."""
        request.allow("$select", "$top", "$skiptoken")
        if app != ENTERPRISE_APP:
            raise GraphError(404, "Request_ResourceNotFound", f"Resource '{app}' does not exist")
        people = [each for each in self._directory.assigned() if self._is_shown(each)]
        rows = [(SERVICE_PRINCIPAL, "ServicePrincipal")]
        rows += [(group, "Group") for group in self._directory.groups.assigned]
        rows += [(person, "User") for person in people]
        page, answer = self._links.page(request, rows)
        return {**answer, "value": [{"principalId": each, "principalType": kind} for each, kind in page]}

    def group(self, request: GraphRequest, group: str) -> Content:
        """One group; what it is called and whom it shows is all that may be selected."""
        request.allow("$select")
        if group not in self._directory.groups:
            raise GraphError(404, "Request_ResourceNotFound", f"Resource '{group}' does not exist")
        groups = self._directory.groups
        visibility = "HiddenMembership" if group in groups.hidden else "Private"
        return {"id": group, "displayName": groups.name(group), "visibility": visibility}

    def members(self, request: GraphRequest, group: str) -> Content:
        """A page of a group's direct members."""
        request.allow("$select", "$top", "$skiptoken")
        if group not in self._directory.groups:
            raise GraphError(404, "Request_ResourceNotFound", f"Resource '{group}' does not exist")
        groups = self._directory.groups
        found = [each for each in groups.shown(group) if each in groups or self._is_shown(each)]
        page, answer = self._links.page(request, found)
        kinds = ["group" if each in groups else "user" for each in page]
        rows = zip(kinds, page, strict=True)
        return {**answer, "value": [{"@odata.type": f"#microsoft.graph.{kind}", "id": each} for kind, each in rows]}

    def domains(self, request: GraphRequest) -> Content:
        """The domains of everyone's name, and one that is not verified."""
        request.allow("$select")
        names = sorted({person.user_principal_name.rpartition("@")[2] for person in self._directory.people()})
        return {
            "value": [
                {
                    "id": name,
                    "isVerified": True,
                    "isInitial": name.endswith(TENANT_DOMAIN),
                    "isDefault": name == names[0],
                }
                for name in names
            ]
            + [{"id": "unverified.example", "isVerified": False, "isInitial": False, "isDefault": False}]
        }

    def _is_shown(self, person_id: str) -> bool:
        person = self._directory.find(person_id)
        return person is not None and person.deleted_date_time is None
