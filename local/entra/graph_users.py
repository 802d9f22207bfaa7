"""The simulated Graph's users, listed or one by one.

Sources: https://learn.microsoft.com/graph/api/user-list, https://learn.microsoft.com/graph/api/user-get
"""

from collections.abc import Iterable

from local.entra.directory import EntraDirectory
from local.entra.graph_errors import GraphError
from local.entra.graph_links import GraphLinks
from local.entra.graph_request import Content, GraphRequest
from local.entra.person import Person
from shared.rules.azure_user import AZURE_FIELDS, EXTENSION_ATTRIBUTES

# Graph returns these if no $select asks for others; `manager` is a relation there, and cannot be selected.
DEFAULT_FIELDS = [
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
    "id",
]
FIELDS = {field.alias or name for name, field in Person.model_fields.items()} | set(AZURE_FIELDS)
FIELDS -= {"manager", "objectId", *EXTENSION_ATTRIBUTES, *(name for name in AZURE_FIELDS if "." in name)}
FIELDS |= {"onPremisesExtensionAttributes", "employeeOrgData"}
SEVERAL = {name for name, field in AZURE_FIELDS.items() if field.multi_valued}
MANAGER = "manager($select=id)"


class GraphUsers:
    """The users of one directory."""

    def __init__(self, directory: EntraDirectory, links: GraphLinks) -> None:
        self._directory = directory
        self._links = links

    def page(self, request: GraphRequest) -> Content:
        """Return a page of users."""
        request.allow("$select", "$top", "$skiptoken")
        fields = self.selected(request)
        shown = [each for each in self._directory.people() if each.deleted_date_time is None]
        page, answer = self._links.page(request, shown)
        return {**answer, "value": [self.show(person, fields) for person in page]}

    def get(self, request: GraphRequest, key: str) -> Content:
        """Return one user by id or name, with their manager's id if requested."""
        request.allow("$select", "$expand")
        person = self.find(key)
        shown = self.show(person, self.selected(request))
        if "$expand" in request.query:
            if request.query["$expand"] != MANAGER:
                raise GraphError(400, "Request_UnsupportedQuery", f"Only {MANAGER} is simulated here")
            if person.manager:
                shown["manager"] = {"@odata.type": "#microsoft.graph.user", "id": person.manager}
        return shown

    def find(self, key: str) -> Person:
        """Return a user who is not in the recycle bin."""
        found = self._directory.find(key) or next(
            (each for each in self._directory.people() if each.user_principal_name.lower() == key.lower()), None
        )
        if found is None or found.deleted_date_time is not None:
            raise GraphError(404, "Request_ResourceNotFound", f"Resource '{key}' does not exist")
        return found

    def show(self, person: Person, fields: Iterable[str]) -> Content:
        """Return these properties of a user; null for those without a value."""
        row = person.model_dump(mode="json", by_alias=True) | self._directory.further(person.id)
        return {field: row.get(field, [] if field in SEVERAL else None) for field in fields}

    def selected(self, request: GraphRequest, more: frozenset[str] = frozenset()) -> list[str]:
        """Return the properties in ``$select``. ``more``: what may be selected besides."""
        fields = request.query["$select"].split(",") if "$select" in request.query else DEFAULT_FIELDS
        for field in fields:
            if field not in FIELDS | more and not field.startswith("extension_"):
                raise GraphError(400, "Request_BadRequest", f"Could not find a property named '{field}' on type 'user'")
        return fields
