"""Directory extensions in a push: a store lists them, and Entra writes them in an extension of the bridge's own."""

import json
from typing import Any

import pytest

from shared.app.container import Bridge
from shared.rules.mapping.mapping import CustomAttribute, Mapping, Rule
from shared.rules.scim_path import ENTRA
from shared.rules.secret_token import token_hash
from shared.rules.store import Store
from shared.rules.zoho_user import ZohoField
from shared.scim.endpoint import HttpRequest
from shared.scim.entra_shapes import EntraShapes
from shared.scim.provider import multi_valued_of, sync_endpoint_provider
from tests.conftest import ZohoOne

NAME = "extension_0f6e_roleTitle"


EXTENDED = EntraShapes(multi_valued_of(sync_endpoint_provider((NAME, "extension_list[]"))))


@pytest.mark.parametrize(
    ("name", "value", "stored"),
    [
        (NAME, "text", "text"),
        (NAME, True, "True"),
        (NAME, False, "False"),
        (NAME, 9_007_199_254_740_993, "9007199254740993"),
        (NAME, 1.5, "1.5"),
        (NAME, ["one"], "one"),
        (NAME, [{"value": 5}], "5"),
        (NAME, {"value": "one"}, "one"),
        (NAME, None, None),
        ("extension_list", "a", ["a"]),
        ("extension_list", ["a", "", "b"], ["a", "b"]),
        ("extension_list", [{"value": True}, {"value": 5}], ["True", "5"]),
        ("proxyAddresses", ["SMTP:a", "smtp:b"], ["SMTP:a", "smtp:b"]),
        ("proxyAddresses", "SMTP:a", ["SMTP:a"]),
    ],
)
def test_a_directory_extension_of_any_data_type_is_stored_as_text(name: str, value: object, stored: object) -> None:
    def standard(body: object) -> Any:
        return json.loads(EXTENDED.standard_body(json.dumps(body).encode()))

    assert standard({"userName": "a", ENTRA: {name: value}})[ENTRA] == {name: stored}
    for key in (f"{ENTRA}:{name}", f"{ENTRA.upper()}:{name}", f"{ENTRA}.{name}"):
        (by_path,) = standard({"Operations": [{"op": "Add", "path": key, "value": value}]})["Operations"]
        assert (by_path["path"], by_path["value"]) == (f"{ENTRA}:{name}", stored)
        (pathless,) = standard({"Operations": [{"op": "replace", "value": {key: value}}]})["Operations"]
        assert pathless["value"] == {f"{ENTRA}:{name}": stored}
    (whole,) = standard({"Operations": [{"op": "add", "path": ENTRA, "value": {name: value}}]})["Operations"]
    assert whole["value"] == {name: stored}


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
