"""Every request shape of Entra's provisioning service for groups, replayed from the files in group_shapes/."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Endpoint, ZohoOne
from tests.scim.group_shape import DIRECTORY, Expectation, Shape, Step

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


class Replay:
    """A store with the people and the group of one file."""

    def __init__(self, endpoint: Endpoint, zoho_one: ZohoOne, shape: Shape) -> None:
        self._endpoint, self._zoho_one = endpoint, zoho_one
        self.ids: dict[str, str] = {}
        for name in shape.people:
            person = {"userName": f"{name}@contoso.example", "active": name not in shape.inactive}
            self.ids[name] = self._created("/Users", person)
        if shape.given is not None:
            self.ids["group"] = self._created("/Groups", shape.given)
        if shape.members:
            value = [{"value": self.ids[name]} for name in shape.members]
            body = {"schemas": [PATCH], "Operations": [{"op": "add", "path": "members", "value": value}]}
            assert endpoint.request("PATCH", f"/Groups/{self.ids['group']}", json=body).status_code == 204

    def step(self, step: Step) -> None:
        """Send a request and check what came of it."""
        filled = step.with_ids(self.ids)
        asked = filled.request
        answer = self._endpoint.request(asked.method, asked.path, query=asked.query, json=asked.body)
        assert answer.status_code == filled.expect.status, answer.text
        if asked.method == "POST" and answer.status_code == 201:
            self.ids["group"] = answer.json()["id"]
            filled = step.with_ids(self.ids)
        assert bool(answer.content) == (answer.status_code != 204)
        self._check_answer(filled.expect, answer.json() if answer.content else {})
        self._check_group(filled.expect)

    def _check_answer(self, expect: Expectation, body: dict[str, Any]) -> None:
        assert ": null" not in json.dumps(body)
        if expect.scim_type is not None:
            assert body["scimType"] == expect.scim_type
        if expect.found is not None:
            assert sorted(found["id"] for found in body["Resources"]) == sorted(expect.found)
        groups = body.get("Resources", [body])
        if expect.answer_has_members is not None:
            assert all(("members" in group) is expect.answer_has_members for group in groups)

    def _check_group(self, expect: Expectation) -> None:
        names = {known: name for name, known in self.ids.items()}
        if expect.members is not None:
            stored = self._endpoint.request("GET", f"/Groups/{self.ids['group']}").json()
            assert sorted(names[member["value"]] for member in stored.get("members", [])) == sorted(expect.members)
            assert stored.items() >= expect.group.items()
            wanted = expect.members if expect.in_zoho_one is None else expect.in_zoho_one
            accounts = {user["id"]: user["userName"].partition("@")[0] for user in self._zoho_one.users()}
            (held,) = self._zoho_one.groups()
            assert sorted(accounts[member["value"]] for member in held.get("members", [])) == sorted(wanted)
            assert held.items() >= expect.group.items()

    def _created(self, path: str, body: dict[str, Any]) -> str:
        answer = self._endpoint.request("POST", path, json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])


@pytest.mark.parametrize("file", sorted(DIRECTORY.glob("*.json")), ids=lambda file: file.stem)
def test_shape(endpoint: Endpoint, zoho_one: ZohoOne, file: Path) -> None:
    shape = Shape.model_validate_json(file.read_bytes())
    replay = Replay(endpoint, zoho_one, shape)
    for step in (shape, *shape.then):
        replay.step(step)
