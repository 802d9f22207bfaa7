"""Directory extensions in a push: a store lists them, and Entra writes them in an extension of the bridge's own."""

import json

from shared.app.container import Bridge
from shared.rules.mapping.mapping import CustomAttribute, Mapping, Rule
from shared.rules.scim_path import ENTRA
from shared.rules.secret_token import token_hash
from shared.rules.store import Store
from shared.rules.zoho_user import ZohoField
from shared.scim.endpoint import HttpRequest
from tests.conftest import ZohoOne

NAME = "extension_0f6e_roleTitle"


def test_a_directory_extension_reaches_zoho_one(bridge: Bridge, store: Store, zoho_one: ZohoOne) -> None:
    changes = {"custom_attributes": (NAME,), "token_hashes": (token_hash("known"),)}
    store = store.model_copy(update=changes)
    bridge.stores.put(store)
    mapping = bridge.mappings.current(store.id).mapping
    rules = [rule for rule in mapping.rules if rule.target is not ZohoField.TITLE]
    rules.append(Rule(target=ZohoField.TITLE, source=CustomAttribute(name=NAME)))
    bridge.mappings.save(store.id, Mapping(rules=tuple(rules)), based_on=0, by="t", at=bridge.push.now(), why="t")

    def send(method: str, path: str, body: object) -> dict[str, object]:
        url = f"https://bridge.example/scim/{store.id}{path}"
        request = HttpRequest(method, url, {"Authorization": "Bearer known"}, json.dumps(body).encode())
        answer = bridge.sync_endpoint.handle(store.id, request)
        assert answer.status < 300, answer.body
        person: dict[str, object] = json.loads(answer.body)
        return person

    person = send("POST", "/Users", {"userName": "ada@contoso.example", ENTRA: {NAME: "Countess"}})
    assert person[ENTRA] == {NAME: "Countess"}
    assert zoho_one.users()[0]["title"] == "Countess"
    operation = {"op": "Replace", "path": f"{ENTRA}:{NAME}", "value": "Duchess"}
    send("PATCH", f"/Users/{person['id']}", {"Operations": [operation]})
    assert zoho_one.users()[0]["title"] == "Duchess"
