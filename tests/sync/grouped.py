"""A store with people and groups, written as Entra writes them."""

from dataclasses import dataclass, field
from typing import Any

import requests

from tests.conftest import Endpoint, ZohoOne

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@dataclass
class Grouped:
    """One store's sync endpoint and Zoho One; people and groups go by short names."""

    endpoint: Endpoint
    zoho_one: ZohoOne
    ids: dict[str, str] = field(default_factory=dict)

    def people(self, *names: str, active: bool = True) -> None:
        """New people."""
        for name in names:
            body = {"userName": f"{name}@contoso.example", "active": active}
            self.ids[name] = self._created("/Users", body)

    def group(self, name: str, *members: str, **values: Any) -> None:
        """A new group, then its members, as Entra does."""
        self.ids[name] = self._created("/Groups", {"displayName": name, "externalId": f"id of {name}"} | values)
        if members:
            assert self.add(name, *members).status_code == 204

    def add(self, group: str, *members: str) -> requests.Response:
        """Add members."""
        return self.patch(group, self.operation("Add", *members))

    def remove(self, group: str, *members: str) -> requests.Response:
        """Remove members."""
        return self.patch(group, self.operation("Remove", *members))

    def operation(self, verb: str, *members: str) -> dict[str, Any]:
        """One operation on members."""
        return {"op": verb, "path": "members", "value": [{"value": self.ids.get(one, one)} for one in members]}

    def patch(self, group: str, *operations: dict[str, Any]) -> requests.Response:
        """A PATCH of a group."""
        body = {"schemas": [PATCH], "Operations": list(operations)}
        return self.endpoint.request("PATCH", f"/Groups/{self.ids[group]}", json=body)

    def set(self, person: str, attribute: str, value: Any) -> requests.Response:
        """A change of a person."""
        body = {"schemas": [PATCH], "Operations": [{"op": "Replace", "path": attribute, "value": value}]}
        return self.endpoint.request("PATCH", f"/Users/{self.ids[person]}", json=body)

    def members(self, group: str) -> list[str]:
        """The short names of a group's members, as the sync endpoint shows them."""
        names = {known: name for name, known in self.ids.items()}
        shown = self.endpoint.request("GET", f"/Groups/{self.ids[group]}").json()
        return sorted(names[member["value"]] for member in shown.get("members", []))

    def in_zoho_one(self, group: str) -> list[str]:
        """The same in Zoho One."""
        return [name.partition("@")[0] for name in self.zoho_one.members(group)]

    def _created(self, path: str, body: dict[str, Any]) -> str:
        answer = self.endpoint.request("POST", path, json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])
